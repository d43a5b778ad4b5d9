/* SPDX-License-Identifier: Apache-2.0 */
#include "../src/config.h"
#include "check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define POOL            "\"id\":\"a\",\"command\":\"b\""
#define WITH_POOL(rest) "{\"pools\":[{" POOL "}]" rest "}"
#define IN_POOL(rest)   "{\"pools\":[{" POOL "," rest "}]}"
#define LIMITS(members) WITH_POOL(",\"limits\":{" members "}")

#define UNKNOWN_OF_POOL "unknown key; expected one of: id, command, args, instances, envelope, env, inherit_env, cwd"
#define UNKNOWN_OF_LIMITS                                                                                            \
    "unknown key; expected one of: max_input_buffer, max_output_queue, max_total_buffer, max_restarts, "             \
    "restart_window_sec, drain_timeout_sec, backpressure_timeout_sec"

/* Reads a copy of exact size, so that a sanitizer sees what lies beyond. */
static bool read_text(const char *text, size_t len, struct bus_config *config, char **faults)
{
    char *copy = malloc(len + !len);
    bool good;

    if (copy == NULL) {
        abort();
    }
    memcpy(copy, text, len);
    good = config_read(copy, len, config, faults);
    free(copy);
    CHECK(good == (*faults == NULL));
    return good;
}

/* The caller frees it. Where the text is refused, the checks that follow would only crash. */
static struct bus_config accept(const char *text)
{
    struct bus_config config;
    char *faults;

    if (!read_text(text, strlen(text), &config, &faults)) {
        fprintf(stderr, "refused: %s\n%s\n", text, faults);
        exit(1);
    }
    return config;
}

static void refuse(const char *text, const char *expected)
{
    struct bus_config config;
    char *faults;

    if (read_text(text, strlen(text), &config, &faults)) {
        config_free(&config);
    }
    CHECK_STR(faults, expected);
    CHECK(config.pools == NULL && config.pool_count == 0);
    free(faults);
}

static void the_smallest_config_has_defaults(void)
{
    struct bus_config config = accept(WITH_POOL(""));
    const struct pool_config *pool = config.pools;

    CHECK(config.pool_count == 1);
    CHECK_STR(pool->id, "a");
    CHECK_STR(pool->command, "b");
    CHECK(pool->args && pool->args[0] == NULL);
    CHECK(pool->instances == 1);
    CHECK(!pool->strip);
    CHECK(pool->env == NULL && pool->inherit_all && pool->inherit == NULL && pool->cwd == NULL);
    CHECK(config.limits.max_input_buffer == 10485760);
    CHECK(config.limits.max_output_queue == 41943040);
    CHECK(config.limits.max_total_buffer == 1073741824);
    CHECK(config.limits.max_restarts == 5);
    CHECK(config.limits.restart_window_sec == 60);
    CHECK(config.limits.drain_timeout_sec == 30);
    CHECK(config.limits.backpressure_timeout_sec == 60);
    config_free(&config);
}

static void every_key_of_a_pool_is_read(void)
{
    struct bus_config config = accept(" {\"pools\" : [ {\"id\":\"one\",\"command\":\"cat\"} , {"
                                      "\"cwd\":\"/tmp\",\"inherit_env\":[\"PATH\",\"HOME\"],"
                                      "\"env\":{\"A B\":\"x=y\",\"EMPTY\":\"\"},\"envelope\":\"strip\","
                                      "\"instances\":1024,\"args\":[\"-u\",\"\"],\"command\":\"c\",\"id\":\"two\"}"
                                      "\n]\t}\r\n");
    const struct pool_config *pool = &config.pools[1];

    CHECK(config.pool_count == 2);
    CHECK_STR(config.pools[0].id, "one");
    CHECK_STR(pool->id, "two");
    CHECK_STR(pool->command, "c");
    CHECK_STR(pool->args[0], "-u");
    CHECK_STR(pool->args[1], "");
    CHECK(pool->args[2] == NULL);
    CHECK(pool->instances == 1024);
    CHECK(pool->strip);
    CHECK_STR(pool->env[0], "A B=x=y");
    CHECK_STR(pool->env[1], "EMPTY=");
    CHECK(pool->env[2] == NULL);
    CHECK(!pool->inherit_all);
    CHECK_STR(pool->inherit[0], "PATH");
    CHECK_STR(pool->inherit[1], "HOME");
    CHECK(pool->inherit[2] == NULL);
    CHECK_STR(pool->cwd, "/tmp");
    config_free(&config);
}

static void every_limit_is_read_at_its_bounds(void)
{
    struct bus_config low = accept(LIMITS("\"max_input_buffer\":64,\"max_output_queue\":1,\"max_total_buffer\":1024,"
                                          "\"max_restarts\":0,\"restart_window_sec\":1,\"drain_timeout_sec\":0,"
                                          "\"backpressure_timeout_sec\":1"));
    struct bus_config high =
        accept(LIMITS("\"max_input_buffer\":1073741824,\"max_output_queue\":4294967296,"
                      "\"max_total_buffer\":1099511627776,\"max_restarts\":1000000,\"restart_window_sec\":86400,"
                      "\"drain_timeout_sec\":86400,\"backpressure_timeout_sec\":86400"));

    CHECK(low.limits.max_input_buffer == 64 && high.limits.max_input_buffer == 1073741824);
    CHECK(low.limits.max_output_queue == 1 && high.limits.max_output_queue == 4294967296);
    CHECK(low.limits.max_total_buffer == 1024 && high.limits.max_total_buffer == 1099511627776);
    CHECK(low.limits.max_restarts == 0 && high.limits.max_restarts == 1000000);
    CHECK(low.limits.restart_window_sec == 1 && high.limits.restart_window_sec == 86400);
    CHECK(low.limits.drain_timeout_sec == 0 && high.limits.drain_timeout_sec == 86400);
    CHECK(low.limits.backpressure_timeout_sec == 1 && high.limits.backpressure_timeout_sec == 86400);
    config_free(&low);
    config_free(&high);
}

static void numbers_beyond_a_bound_are_refused(void)
{
    static const struct {
        const char *key;
        const char *from;
        const char *to;
        const char *below;
        const char *above;
    } BOUNDS[] = {
        {"max_input_buffer", "64", "1073741824", "63", "1073741825"},
        {"max_output_queue", "1", "4294967296", "0", "4294967297"},
        {"max_total_buffer", "1024", "1099511627776", "1023", "1099511627777"},
        {"max_restarts", "0", "1000000", "-1", "1000001"},
        {"restart_window_sec", "1", "86400", "0", "86401"},
        {"drain_timeout_sec", "0", "86400", "-1", "86401"},
        {"backpressure_timeout_sec", "1", "86400", "0", "18446744073709551617"},
    };
    char text[256];
    char expected[256];

    for (size_t i = 0; i < 2 * sizeof BOUNDS / sizeof *BOUNDS; i++) {
        const char *value = i % 2 ? BOUNDS[i / 2].above : BOUNDS[i / 2].below;

        snprintf(text, sizeof text, LIMITS("\"%s\":%s"), BOUNDS[i / 2].key, value);
        snprintf(expected, sizeof expected, "limits.%s: expected an integer between %s and %s, got %s",
                 BOUNDS[i / 2].key, BOUNDS[i / 2].from, BOUNDS[i / 2].to, value);
        refuse(text, expected);
    }
    refuse(IN_POOL("\"instances\":0"), "pools[0].instances: expected an integer between 1 and 1024, got 0");
    refuse(IN_POOL("\"instances\":1025"), "pools[0].instances: expected an integer between 1 and 1024, got 1025");
}

static void an_integer_counts_by_its_exact_value(void)
{
    static const struct {
        const char *spelling;
        uint64_t value;
    } GOOD[] = {
        {"2.0", 2},     {"1e3", 1000},
        {"-0", 0},      {"0e999999999999999999", 0},
        {"100e-2", 1},  {"0.00012E+5", 12},
        {"1.5e1", 15},  {"0.0", 0},
        {"-0.0e-9", 0}, {"1000000.000", 1000000},
        {"0.12E2", 12}, {"1000000000000000000000000e-24", 1},
    };
    static const char *const BAD[] = {
        "1.5",
        "1e-1",
        "-1",
        "1e999999999999999999",
        "1e-999999999999999999",
        "1000000.0000000000000000001",
        "18446744073709551616",
        "18446744073709551617",
        "184467440737095516160",
        "1e20",
        "1.00000000000000000000000000000001",
    };
    char text[256];
    char expected[256];

    for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++) {
        struct bus_config config;

        snprintf(text, sizeof text, LIMITS("\"max_restarts\":%s"), GOOD[i].spelling);
        config = accept(text);
        CHECK(config.limits.max_restarts == GOOD[i].value);
        config_free(&config);
    }
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        snprintf(text, sizeof text, LIMITS("\"max_restarts\":%s"), BAD[i]);
        snprintf(expected, sizeof expected, "limits.max_restarts: expected an integer between 0 and 1000000, got %s",
                 BAD[i]);
        refuse(text, expected);
    }
}

static void escapes_are_decoded(void)
{
    struct bus_config config = accept("{\"\\u0070ools\":[{\"i\\u0064\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\","
                                      "\"command\":\"\\u00e9\\ud83d\\ude00\",\"envelope\":\"\\u0073trip\","
                                      "\"env\":{\"\\u0041\":\"\\u20ac\"}}]}");

    CHECK_STR(config.pools[0].id, "\"\\/\b\f\n\r\t");
    CHECK_STR(config.pools[0].command, "é😀");
    CHECK(config.pools[0].strip);
    CHECK_STR(config.pools[0].env[0], "A=€");
    config_free(&config);
}

static void inherit_env_has_three_forms(void)
{
    struct bus_config all = accept(IN_POOL("\"inherit_env\":true"));
    struct bus_config none = accept(IN_POOL("\"inherit_env\":false"));
    struct bus_config empty = accept(IN_POOL("\"inherit_env\":[]"));

    CHECK(all.pools[0].inherit_all && all.pools[0].inherit == NULL);
    CHECK(!none.pools[0].inherit_all && none.pools[0].inherit == NULL);
    CHECK(!empty.pools[0].inherit_all && empty.pools[0].inherit && empty.pools[0].inherit[0] == NULL);
    config_free(&all);
    config_free(&none);
    config_free(&empty);
    refuse(IN_POOL("\"inherit_env\":1"),
           "pools[0].inherit_env: expected true, false or an array of variable names, got number");
    refuse(IN_POOL("\"inherit_env\":[\"A\",\"\",\"B=\",null]"),
           "pools[0].inherit_env[1]: expected a non-empty string, got \"\"\n"
           "pools[0].inherit_env[2]: expected a variable name (not empty, without \"=\" and NUL), got \"B=\"\n"
           "pools[0].inherit_env[3]: expected a non-empty string, got null");
}

static void what_is_required_is_missed(void)
{
    refuse("[]", "$: expected an object, got array");
    refuse("null", "$: expected an object, got null");
    refuse("{}", "pools: expected a non-empty array of pools, got nothing");
    refuse("{\"pools\":[]}", "pools: expected a non-empty array of pools, got an empty array");
    refuse("{\"pools\":{}}", "pools: expected a non-empty array of pools, got object");
    refuse("{\"pools\":[{}]}", "pools[0].id: expected a non-empty string, got nothing\n"
                               "pools[0].command: expected a non-empty string, got nothing");
    refuse("{\"pools\":[{\"id\":\"\",\"command\":7}, true]}",
           "pools[0].id: expected a non-empty string, got \"\"\n"
           "pools[0].command: expected a non-empty string, got number\n"
           "pools[1]: expected an object, got boolean");
}

static void wrong_types_are_refused(void)
{
    refuse(WITH_POOL(",\"limits\":[]"), "limits: expected an object, got array");
    refuse(LIMITS("\"max_restarts\":\"5\""),
           "limits.max_restarts: expected an integer between 0 and 1000000, got string");
    refuse(IN_POOL("\"args\":\"-u\""), "pools[0].args: expected an array of strings, got string");
    refuse(IN_POOL("\"args\":[\"-u\",1,{}]"), "pools[0].args[1]: expected a string, got number\n"
                                              "pools[0].args[2]: expected a string, got object");
    refuse(IN_POOL("\"instances\":null"), "pools[0].instances: expected an integer between 1 and 1024, got null");
    refuse(IN_POOL("\"envelope\":false"), "pools[0].envelope: expected \"forward\" or \"strip\", got boolean");
    refuse(IN_POOL("\"envelope\":\"Strip\""), "pools[0].envelope: expected \"forward\" or \"strip\", got \"Strip\"");
    refuse(IN_POOL("\"env\":[]"), "pools[0].env: expected an object of strings, got array");
    refuse(IN_POOL("\"env\":{\"A B\":1,\"C\":null}"), "pools[0].env[\"A B\"]: expected a string, got number\n"
                                                      "pools[0].env.C: expected a string, got null");
    refuse(IN_POOL("\"cwd\":\"\""), "pools[0].cwd: expected a non-empty string, got \"\"");
}

static void a_nul_is_refused_in_every_string(void)
{
    refuse("{\"pools\":[{\"id\":\"\\u0000\",\"command\":\"a\\u0000b\",\"args\":[\"\\u0000\"],"
           "\"env\":{\"A\":\"\\u0000\",\"\\u0000\":\"\"},\"inherit_env\":[\"\\u0000\"],\"cwd\":\"\\u0000\"}]}",
           "pools[0].id: expected a string without NUL, got \"\\u0000\"\n"
           "pools[0].command: expected a string without NUL, got \"a\\u0000b\"\n"
           "pools[0].args[0]: expected a string without NUL, got \"\\u0000\"\n"
           "pools[0].env.A: expected a string without NUL, got \"\\u0000\"\n"
           "pools[0].env[\"\\u0000\"]: expected a variable name (not empty, without \"=\" and NUL), got this key\n"
           "pools[0].inherit_env[0]: expected a string without NUL, got \"\\u0000\"\n"
           "pools[0].cwd: expected a string without NUL, got \"\\u0000\"");
}

static void bad_variable_names_are_refused(void)
{
    refuse(IN_POOL("\"env\":{\"\":\"\",\"A=B\":\"\"}"),
           "pools[0].env[\"\"]: expected a variable name (not empty, without \"=\" and NUL), got this key\n"
           "pools[0].env[\"A=B\"]: expected a variable name (not empty, without \"=\" and NUL), got this key");
}

static void unknown_keys_are_refused(void)
{
    refuse(WITH_POOL(",\"pool\":1"), "pool: unknown key; expected one of: pools, limits");
    refuse(WITH_POOL(",\"a b\":1"), "$[\"a b\"]: unknown key; expected one of: pools, limits");
    refuse(IN_POOL("\"Args\":1"), "pools[0].Args: " UNKNOWN_OF_POOL);
    refuse(LIMITS("\"max\":1"), "limits.max: " UNKNOWN_OF_LIMITS);
}

static void duplicate_keys_are_refused(void)
{
    refuse(WITH_POOL(",\"limits\":{},\"limits\":5"), "limits: duplicate key; expected it once");
    refuse(IN_POOL("\"i\\u0064\":\"c\""), "pools[0].id: duplicate key; expected it once");
    refuse(LIMITS("\"max_restarts\":1,\"max_restarts\":1"), "limits.max_restarts: duplicate key; expected it once");
    refuse(IN_POOL("\"env\":{\"A\":1,\"B\":\"\",\"\\u0041\":\"\"}"),
           "pools[0].env.A: expected a string, got number\n"
           "pools[0].env[\"\\u0041\"]: duplicate key; expected it once");
}

static void duplicate_pool_ids_are_refused(void)
{
    refuse("{\"pools\":[{" POOL "},{\"id\":\"b\",\"command\":\"b\"},{\"id\":\"\\u0061\",\"command\":\"b\"}]}",
           "pools[2].id: expected an id that no other pool has, got \"\\u0061\" like pools[0]");
}

static void many_ids_are_compared_in_time(void)
{
    const size_t count = 200000;
    char *text = malloc(64 + count * 40);
    struct bus_config config;
    char *at = text;

    if (text == NULL) {
        abort();
    }
    at += sprintf(at, "{\"pools\":[");
    for (size_t i = 0; i < count; i++) {
        at += sprintf(at, "%s{\"id\":\"%zu\",\"command\":\"c\"}", i ? "," : "", i);
    }
    sprintf(at, "]}");
    config = accept(text);
    CHECK(config.pool_count == count);
    config_free(&config);
    free(text);
}

static void all_faults_are_told_in_the_order_of_the_document(void)
{
    refuse("{\"limits\":{\"max_restarts\":-1,\"x\":0},\"pools\":[{\"command\":\"\",\"instances\":1.5},"
           "{" POOL ",\"y\":1},{\"id\":\"a\",\"command\":1}],\"z\":1}",
           "limits.max_restarts: expected an integer between 0 and 1000000, got -1\n"
           "limits.x: " UNKNOWN_OF_LIMITS "\n"
           "pools[0].command: expected a non-empty string, got \"\"\n"
           "pools[0].instances: expected an integer between 1 and 1024, got 1.5\n"
           "pools[0].id: expected a non-empty string, got nothing\n"
           "pools[1].y: " UNKNOWN_OF_POOL "\n"
           "pools[2].id: expected an id that no other pool has, got \"a\" like pools[1]\n"
           "pools[2].command: expected a non-empty string, got number\n"
           "z: unknown key; expected one of: pools, limits");
}

static size_t count_lines(const char *text)
{
    size_t lines = *text != '\0';

    for (; *text; text++) {
        lines += *text == '\n';
    }
    return lines;
}

static void the_list_of_faults_is_capped(void)
{
    struct bus_config config;
    char text[1024] = "{\"pools\":[0";
    char *faults;

    for (int i = 1; i < 51; i++) {
        strcat(text, ",0");
    }
    strcat(text, "]}");
    CHECK(!read_text(text, strlen(text), &config, &faults));
    CHECK(count_lines(faults) == 51);
    CHECK_STR(strrchr(faults, '\n'), "\n... and 1 more");
    free(faults);

    memcpy(strstr(text, "0,0"), "  ", 2);
    CHECK(!read_text(text, strlen(text), &config, &faults));
    CHECK(count_lines(faults) == 50);
    CHECK_STR(strrchr(faults, '\n'), "\npools[49]: expected an object, got number");
    free(faults);
}

static void long_values_are_cut_between_characters(void)
{
    refuse(IN_POOL("\"envelope\":\"éééééééééééééééééééééééééééééééééééééééé\""),
           "pools[0].envelope: expected \"forward\" or \"strip\", got \"ééééééééééééééééééééééééééééé...");
    refuse(WITH_POOL(",\"éééééééééééééééééééééééééééééééééééééééé\":0"),
           "$[\"ééééééééééééééééééééééééééééé...]: unknown key; expected one of: pools, limits");
    refuse(WITH_POOL(",\"aaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbb\":0"),
           "$[\"aaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbb...]: "
           "unknown key; expected one of: pools, limits");
}

static void invalid_json_is_one_fault_with_its_place(void)
{
    refuse("", "$: invalid JSON at line 1, column 1: expected a value, got the end of the text");
    refuse(" \n ", "$: invalid JSON at line 2, column 2: expected a value, got the end of the text");
    refuse("\xEF\xBB\xBF{}", "$: invalid JSON at line 1, column 1: expected a value, got a byte order mark");
    refuse("{\"x\":1,\n \"y\" 2}", "$: invalid JSON at line 2, column 6: expected \":\", got 2");
    refuse("{\"x\":1,}", "$: invalid JSON at line 1, column 8: expected a key in double quotes, got }");
    refuse("{\"x\":1", "$: invalid JSON at line 1, column 7: expected \",\" or \"}\", got the end of the text");
    refuse("{\"x\":[1,]}", "$: invalid JSON at line 1, column 9: expected a value, got ]");
    refuse("{\"x\":[1 2]}", "$: invalid JSON at line 1, column 9: expected \",\" or \"]\", got 2");
    refuse("{\"é\":\"a\\x\"}",
           "$: invalid JSON at line 1, column 6: expected a closed string of valid characters and escapes, got \"");
    refuse("{\"x\":\xFF}", "$: invalid JSON at line 1, column 6: expected a value, got byte 0xFF");
    refuse("{\"x\":01}", "$: invalid JSON at line 1, column 7: expected \",\" or \"}\", got 1");
    refuse("{} {}", "$: invalid JSON at line 1, column 4: expected the end of the text, got {");
    refuse(WITH_POOL("") "\n// comment", "$: invalid JSON at line 2, column 1: expected the end of the text, got /");
}

static void nesting_is_limited(void)
{
    struct bus_config config;
    char *text = calloc(100001, 1);
    char *faults;

    if (text == NULL) {
        abort();
    }
    memset(text, '[', 100000);
    CHECK(!read_text(text, 100000, &config, &faults));
    CHECK_STR(faults, "$: invalid JSON at line 1, column 1025: expected less nesting, got [");
    free(faults);
    free(text);
}

static void every_truncation_is_refused(void)
{
    static const char TEXT[] = "{\"pools\":[{" POOL ",\"env\":{\"A\":\"\\u0041\"},\"args\":[\"x\"]}],"
                               "\"limits\":{\"max_restarts\":1e1}}";
    struct bus_config config;
    char *faults;

    for (size_t len = 0; len < sizeof TEXT - 1; len++) {
        CHECK(!read_text(TEXT, len, &config, &faults));
        CHECK(faults && strncmp(faults, "$: invalid JSON at line 1, column ", 34) == 0);
        free(faults);
    }
    config = accept(TEXT);
    config_free(&config);
}

/* A file without a name, at its start. */
static int file_with(const char *text, size_t len)
{
    char path[] = "/tmp/test_config.XXXXXX";
    const int fd = mkstemp(path);

    if (fd < 0 || unlink(path) != 0 || write(fd, text, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) != 0) {
        abort();
    }
    return fd;
}

static void a_descriptor_is_read_to_its_end_and_stays_open(void)
{
    static const char TEXT[] = WITH_POOL("");
    const int fd = file_with(TEXT, sizeof TEXT - 1);
    struct bus_config config;
    char *faults;

    CHECK(config_load_fd(fd, &config, &faults));
    CHECK(config.pool_count == 1 && faults == NULL);
    config_free(&config);
    CHECK(fcntl(fd, F_GETFD) >= 0);
    close(fd);
}

static void a_pipe_is_read_in_pieces(int flags)
{
    static const char TEXT[] = WITH_POOL("");
    const size_t padding = 200000; /* more than a pipe holds */
    struct bus_config config;
    char *faults;
    int ends[2];
    pid_t writer;

    if (pipe2(ends, flags) != 0 || (writer = fork()) < 0) {
        abort();
    }
    if (writer == 0) {
        fcntl(ends[1], F_SETFL, 0);
        for (size_t i = 0; i < padding; i += 1000) {
            char spaces[1000];

            memset(spaces, ' ', sizeof spaces);
            if (write(ends[1], spaces, sizeof spaces) < 0) {
                _exit(1);
            }
        }
        for (size_t i = 0; i < sizeof TEXT - 1; i++) {
            if (write(ends[1], TEXT + i, 1) != 1) {
                _exit(1);
            }
        }
        _exit(0);
    }
    close(ends[1]);
    CHECK(config_load_fd(ends[0], &config, &faults));
    CHECK(config.pool_count == 1);
    config_free(&config);
    close(ends[0]);
    waitpid(writer, NULL, 0);
}

static void a_pipe_is_read_to_its_end(void)
{
    a_pipe_is_read_in_pieces(0);
    a_pipe_is_read_in_pieces(O_NONBLOCK);
}

static void what_cannot_be_read_is_named(void)
{
    struct bus_config config;
    char *faults;

    CHECK(!config_load("/nonexistent/bus.json", &config, &faults));
    CHECK_STR(faults, "cannot read /nonexistent/bus.json: No such file or directory");
    CHECK(config.pools == NULL && config.pool_count == 0);
    free(faults);
    CHECK(!config_load("/tmp", &config, &faults));
    CHECK_STR(faults, "cannot read /tmp: Is a directory");
    free(faults);
    CHECK(!config_load_fd(1000000, &config, &faults));
    CHECK_STR(faults, "cannot read descriptor 1000000: Bad file descriptor");
    free(faults);
    CHECK(!config_load_fd(-1, &config, &faults));
    CHECK_STR(faults, "cannot read descriptor -1: Bad file descriptor");
    free(faults);
    CHECK(!config_load("/dev/zero", &config, &faults));
    CHECK_STR(faults, "cannot read /dev/zero: larger than 16 MiB");
    free(faults);
}

static void a_file_may_have_16_mib(void)
{
    const size_t limit = (size_t)16 << 20;
    char *text = malloc(limit + 1);
    struct bus_config config;
    char *faults;
    int fd;

    if (text == NULL) {
        abort();
    }
    memset(text, ' ', limit + 1);
    memcpy(text, WITH_POOL(""), strlen(WITH_POOL("")));
    fd = file_with(text, limit);
    CHECK(config_load_fd(fd, &config, &faults));
    config_free(&config);
    close(fd);
    fd = file_with(text, limit + 1);
    CHECK(!config_load_fd(fd, &config, &faults));
    CHECK(faults && strstr(faults, "larger than 16 MiB"));
    free(faults);
    close(fd);
    free(text);
}

int main(void)
{
    the_smallest_config_has_defaults();
    every_key_of_a_pool_is_read();
    every_limit_is_read_at_its_bounds();
    numbers_beyond_a_bound_are_refused();
    an_integer_counts_by_its_exact_value();
    escapes_are_decoded();
    inherit_env_has_three_forms();
    what_is_required_is_missed();
    wrong_types_are_refused();
    a_nul_is_refused_in_every_string();
    bad_variable_names_are_refused();
    unknown_keys_are_refused();
    duplicate_keys_are_refused();
    duplicate_pool_ids_are_refused();
    many_ids_are_compared_in_time();
    all_faults_are_told_in_the_order_of_the_document();
    the_list_of_faults_is_capped();
    long_values_are_cut_between_characters();
    invalid_json_is_one_fault_with_its_place();
    nesting_is_limited();
    every_truncation_is_refused();
    a_descriptor_is_read_to_its_end_and_stays_open();
    a_pipe_is_read_to_its_end();
    what_cannot_be_read_is_named();
    a_file_may_have_16_mib();
    return check_report();
}
