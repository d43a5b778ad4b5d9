/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "config_value.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_FILE      ((size_t)16 << 20)
#define MAX_INSTANCES 1024
#define COUNT(array)  (sizeof(array) / sizeof *(array))

/* Pools */

static void read_id(struct config_reader *reader, const struct config_value *value, const struct config_field *field,
                    void *target)
{
    struct pool_config *pool = target;
    const struct config_name *earlier;
    char spelled[CONFIG_SPELLED_SIZE];

    (void)field;
    pool->id = config_read_string(reader, value, false);
    if (pool->id == NULL) {
        return;
    }
    earlier = config_names_add(&reader->ids, pool->id, strlen(pool->id), (size_t)(pool - reader->config->pools));
    if (earlier) {
        config_fault(&reader->faults, value, "expected an id that no other pool has, got %s like pools[%zu]",
                     config_spelled(value->raw, spelled), earlier->owner);
    }
}

static void read_text(struct config_reader *reader, const struct config_value *value,
                      const struct config_field *field, void *target)
{
    char **text = (char **)(void *)((char *)target + field->offset);

    *text = config_read_string(reader, value, false);
}

static void read_args(struct config_reader *reader, const struct config_value *value,
                      const struct config_field *field, void *target)
{
    struct pool_config *pool = target;
    struct config_cursor cursor = config_enter(value);
    struct config_value element;
    size_t filled = 0;

    (void)field;
    if (*value->raw.at != '[') {
        config_fault_type(reader, value, "an array of strings");
        return;
    }
    pool->args = config_memory(reader, config_count(value) + 1, sizeof *pool->args);
    while (pool->args && config_next(&cursor, &element)) {
        pool->args[filled] = config_read_string(reader, &element, true);
        filled += pool->args[filled] != NULL;
    }
}

static void read_instances(struct config_reader *reader, const struct config_value *value,
                           const struct config_field *field, void *target)
{
    struct pool_config *pool = target;

    pool->instances = (unsigned)config_read_integer(reader, value, field);
}

static void read_envelope(struct config_reader *reader, const struct config_value *value,
                          const struct config_field *field, void *target)
{
    static const struct config_field CHOICES[] = {{.name = "forward"}, {.name = "strip"}};
    const char *expected = "\"forward\" or \"strip\"";
    struct pool_config *pool = target;
    size_t choice;

    (void)field;
    if (*value->raw.at != '"') {
        config_fault_type(reader, value, expected);
        return;
    }
    choice = config_find_field(CHOICES, COUNT(CHOICES), value->raw);
    if (choice == COUNT(CHOICES)) {
        config_fault_value(reader, value, expected);
    }
    pool->strip = choice == 1;
}

#define A_VARIABLE_NAME "a variable name (not empty, without \"=\" and NUL)"

static bool is_variable_name(const char *name, size_t len)
{
    return len > 0 && !memchr(name, '=', len) && !memchr(name, '\0', len);
}

/* "NAME=value", its value left empty by a fault so that the name still counts as given; NULL after a bad name. */
static char *read_variable(struct config_reader *reader, const struct config_value *value, struct config_names *names)
{
    char *entry = config_memory(reader, value->key.len + value->raw.len, 1);
    char *text;
    size_t len;

    if (entry == NULL) {
        return NULL;
    }
    len = json_decode(value->key, entry);
    if (!is_variable_name(entry, len)) {
        config_fault(&reader->faults, value, "expected " A_VARIABLE_NAME ", got this key");
        goto refused;
    }
    if (config_names_add(names, entry, len, 0)) {
        config_fault(&reader->faults, value, "duplicate key; expected it once");
        goto refused;
    }
    entry[len] = '=';
    entry[len + 1] = '\0';
    text = config_read_string(reader, value, true);
    if (text) {
        memcpy(entry + len + 1, text, strlen(text) + 1);
    }
    free(text);
    return entry;
refused:
    free(entry);
    return NULL;
}

static void read_env(struct config_reader *reader, const struct config_value *value, const struct config_field *field,
                     void *target)
{
    struct pool_config *pool = target;
    struct config_cursor cursor = config_enter(value);
    struct config_value member;
    struct config_names names;
    size_t filled = 0;

    (void)field;
    if (*value->raw.at != '{') {
        config_fault_type(reader, value, "an object of strings");
        return;
    }
    if (!config_names_open(reader, &names, config_count(value))) {
        return;
    }
    pool->env = config_memory(reader, config_count(value) + 1, sizeof *pool->env);
    while (pool->env && config_next(&cursor, &member)) {
        pool->env[filled] = read_variable(reader, &member, &names);
        filled += pool->env[filled] != NULL;
    }
    free(names.slots);
}

static void read_inherited_names(struct config_reader *reader, const struct config_value *value,
                                 struct pool_config *pool)
{
    struct config_cursor cursor = config_enter(value);
    struct config_value element;
    size_t filled = 0;

    pool->inherit = config_memory(reader, config_count(value) + 1, sizeof *pool->inherit);
    while (pool->inherit && config_next(&cursor, &element)) {
        char *name = config_read_string(reader, &element, false);

        if (name && is_variable_name(name, strlen(name))) {
            pool->inherit[filled++] = name;
            continue;
        }
        if (name) {
            config_fault_value(reader, &element, A_VARIABLE_NAME);
        }
        free(name);
    }
}

static void read_inherit_env(struct config_reader *reader, const struct config_value *value,
                             const struct config_field *field, void *target)
{
    struct pool_config *pool = target;

    (void)field;
    pool->inherit_all = *value->raw.at == 't';
    if (*value->raw.at == '[') {
        read_inherited_names(reader, value, pool);
    } else if (*value->raw.at != 't' && *value->raw.at != 'f') {
        config_fault_type(reader, value, "true, false or an array of variable names");
    }
}

static void read_pool(struct config_reader *reader, const struct config_value *value, struct pool_config *pool)
{
    static const char SOME_TEXT[] = "a non-empty string";
    static const struct config_field FIELDS[] = {
        {.name = "id", .read = read_id, .required = SOME_TEXT},
        {.name = "command",
         .read = read_text,
         .required = SOME_TEXT,
         .offset = offsetof(struct pool_config, command)},
        {.name = "args", .read = read_args},
        {.name = "instances", .read = read_instances, .least = 1, .most = MAX_INSTANCES},
        {.name = "envelope", .read = read_envelope},
        {.name = "env", .read = read_env},
        {.name = "inherit_env", .read = read_inherit_env},
        {.name = "cwd", .read = read_text, .offset = offsetof(struct pool_config, cwd)},
    };

    pool->instances = 1;
    pool->inherit_all = true;
    config_read_object(reader, value, FIELDS, COUNT(FIELDS), pool);
    if (pool->args == NULL) {
        pool->args = config_memory(reader, 1, sizeof *pool->args);
    }
}

static void read_pools(struct config_reader *reader, const struct config_value *value,
                       const struct config_field *field, void *target)
{
    struct bus_config *config = target;
    struct config_cursor cursor = config_enter(value);
    struct config_value element;
    size_t count;

    if (*value->raw.at != '[') {
        config_fault_type(reader, value, field->required);
        return;
    }
    count = config_count(value);
    if (count == 0) {
        config_fault(&reader->faults, value, "expected %s, got an empty array", field->required);
        return;
    }
    if (!config_names_open(reader, &reader->ids, count)) {
        return;
    }
    config->pools = config_memory(reader, count, sizeof *config->pools);
    if (config->pools == NULL) {
        return;
    }
    config->pool_count = count;
    while (config_next(&cursor, &element)) {
        read_pool(reader, &element, &config->pools[element.index]);
    }
}

/* Limits */

static void read_limit(struct config_reader *reader, const struct config_value *value,
                       const struct config_field *field, void *target)
{
    uint64_t *limit = (uint64_t *)(void *)((char *)target + field->offset);

    *limit = config_read_integer(reader, value, field);
}

#define LIMIT(member, from, to)                                                                                      \
    {.name = #member, .read = read_limit, .offset = offsetof(struct limits_config, member), .least = from, .most = to}

static void read_limits(struct config_reader *reader, const struct config_value *value,
                        const struct config_field *field, void *target)
{
    static const struct config_field FIELDS[] = {
        LIMIT(max_input_buffer, 64, UINT64_C(1) << 30),
        LIMIT(max_output_queue, 1, UINT64_C(1) << 32),
        LIMIT(max_total_buffer, 1024, UINT64_C(1) << 40),
        LIMIT(max_restarts, 0, 1000000),
        LIMIT(restart_window_sec, 1, 86400),
        LIMIT(drain_timeout_sec, 0, 86400),
        LIMIT(backpressure_timeout_sec, 1, 86400),
    };
    struct bus_config *config = target;

    (void)field;
    config_read_object(reader, value, FIELDS, COUNT(FIELDS), &config->limits);
}

/* Document */

bool config_read(const char *text, size_t len, struct bus_config *out, char **faults)
{
    static const struct config_field FIELDS[] = {
        {.name = "pools", .read = read_pools, .required = "a non-empty array of pools"},
        {.name = "limits", .read = read_limits},
    };
    struct config_reader reader = {.config = out};
    struct config_value document;
    bool good;

    *out = (struct bus_config){
        .limits =
            {
                .max_input_buffer = 10u << 20,
                .max_output_queue = 40u << 20,
                .max_total_buffer = 1u << 30,
                .max_restarts = 5,
                .restart_window_sec = 60,
                .drain_timeout_sec = 30,
                .backpressure_timeout_sec = 60,
            },
    };
    if (config_document(text, len, &reader.faults, &document)) {
        config_read_object(&reader, &document, FIELDS, COUNT(FIELDS), out);
    }
    good = reader.faults.count == 0 && !reader.faults.out_of_memory;
    *faults = config_faults_take(&reader.faults);
    if (!good) {
        config_free(out);
    }
    free(reader.ids.slots);
    return good;
}

static void free_list(char **list)
{
    for (char **item = list; item && *item; item++) {
        free(*item);
    }
    free(list);
}

void config_free(struct bus_config *config)
{
    for (size_t i = 0; i < config->pool_count; i++) {
        struct pool_config *pool = &config->pools[i];

        free(pool->id);
        free(pool->command);
        free_list(pool->args);
        free_list(pool->env);
        free_list(pool->inherit);
        free(pool->cwd);
    }
    free(config->pools);
    config->pools = NULL;
    config->pool_count = 0;
}

/* Files */

/* Reads at most `room` bytes, fewer only at the end of the input. The number of bytes, or -errno. */
static ssize_t read_fully(int fd, char *out, size_t room)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    size_t len = 0;

    while (len < room) {
        const ssize_t n = read(fd, out + len, room - len);

        if (n == 0) {
            break;
        }
        if (n > 0) {
            len += (size_t)n;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            poll(&wait, 1, -1);
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return (ssize_t)len;
}

/* The malloc'ed input, or NULL with errno set. */
static char *read_input(int fd, size_t *len)
{
    size_t room = 65536;
    char *text = malloc(room);
    int error = ENOMEM;

    *len = 0;
    while (text) {
        const ssize_t n = read_fully(fd, text + *len, room - *len);
        char *larger;

        if (n < 0) {
            error = (int)-n;
            break;
        }
        *len += (size_t)n;
        if (*len < room && *len <= MAX_FILE) {
            return text;
        }
        if (*len > MAX_FILE) {
            error = EFBIG;
            break;
        }
        larger = realloc(text, room * 2);
        if (larger == NULL) {
            break;
        }
        text = larger;
        room *= 2;
    }
    free(text);
    errno = error;
    return NULL;
}

/* The fault of an input that cannot be read. */
static char *describe_unreadable(const char *name, int error)
{
    const char *reason = error == EFBIG ? "larger than 16 MiB" : strerror(error);
    const size_t size = strlen(name) + strlen(reason) + sizeof "cannot read : ";
    char *fault;

    if (error == ENOMEM) {
        return strdup("out of memory");
    }
    fault = malloc(size);
    if (fault) {
        snprintf(fault, size, "cannot read %s: %s", name, reason);
    }
    return fault;
}

static bool load(int fd, const char *name, struct bus_config *out, char **faults)
{
    size_t len;
    char *text = fd < 0 ? NULL : read_input(fd, &len);
    bool good;

    if (text == NULL) {
        *out = (struct bus_config){.pools = NULL};
        *faults = describe_unreadable(name, errno);
        return false;
    }
    good = config_read(text, len, out, faults);
    free(text);
    return good;
}

bool config_load(const char *path, struct bus_config *out, char **faults)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const bool good = load(fd, path, out, faults);

    if (fd >= 0) {
        close(fd);
    }
    return good;
}

bool config_load_fd(int fd, struct bus_config *out, char **faults)
{
    char name[32];

    snprintf(name, sizeof name, "descriptor %d", fd);
    if (fd < 0) {
        errno = EBADF;
    }
    return load(fd, name, out, faults);
}
