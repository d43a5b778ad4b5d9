/* SPDX-License-Identifier: Apache-2.0 */
#include "config_value.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *config_memory(struct config_reader *reader, size_t count, size_t size)
{
    void *memory = calloc(count, size);

    if (memory == NULL) {
        reader->faults.out_of_memory = true;
    }
    return memory;
}

void config_fault_type(struct config_reader *reader, const struct config_value *value, const char *expected)
{
    config_fault(&reader->faults, value, "expected %s, got %s", expected, config_type(value->raw));
}

void config_fault_value(struct config_reader *reader, const struct config_value *value, const char *expected)
{
    char spelled[CONFIG_SPELLED_SIZE];

    config_fault(&reader->faults, value, "expected %s, got %s", expected, config_spelled(value->raw, spelled));
}

/* Names */

bool config_names_open(struct config_reader *reader, struct config_names *names, size_t count)
{
    size_t size = 2;

    while (size < count * 2) {
        size *= 2;
    }
    names->slots = config_memory(reader, size, sizeof *names->slots);
    names->mask = size - 1;
    return names->slots != NULL;
}

const struct config_name *config_names_add(struct config_names *names, const char *text, size_t len, size_t owner)
{
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    size_t i;

    for (i = 0; i < len; i++) {
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
    }
    for (i = (size_t)(hash ^ hash >> 32) & names->mask; names->slots[i].text; i = (i + 1) & names->mask) {
        if (names->slots[i].len == len && memcmp(names->slots[i].text, text, len) == 0) {
            return &names->slots[i];
        }
    }
    names->slots[i] = (struct config_name){text, len, owner};
    return NULL;
}

/* Objects */

size_t config_find_field(const struct config_field *fields, size_t count, struct span name)
{
    char decoded[256]; /* fits any known name with every letter escaped */
    size_t len;
    size_t i;

    if (name.len > sizeof decoded) {
        return count;
    }
    len = json_decode(name, decoded);
    for (i = 0; i < count; i++) {
        if (strlen(fields[i].name) == len && memcmp(fields[i].name, decoded, len) == 0) {
            break;
        }
    }
    return i;
}

static void fault_unknown(struct config_reader *reader, const struct config_value *member,
                          const struct config_field *fields, size_t count)
{
    char names[256] = "";
    size_t len = 0;

    for (size_t i = 0; i < count && len < sizeof names; i++) {
        len += (size_t)snprintf(names + len, sizeof names - len, "%s%s", i ? ", " : "", fields[i].name);
    }
    config_fault(&reader->faults, member, "unknown key; expected one of: %s", names);
}

void config_read_object(struct config_reader *reader, const struct config_value *object,
                        const struct config_field *fields, size_t count, void *target)
{
    struct config_cursor cursor = config_enter(object);
    struct config_value member;
    unsigned seen = 0;

    if (*object->raw.at != '{') {
        config_fault_type(reader, object, "an object");
        return;
    }
    while (config_next(&cursor, &member)) {
        const size_t i = config_find_field(fields, count, member.key);

        if (i == count) {
            fault_unknown(reader, &member, fields, count);
            continue;
        }
        member.name = fields[i].name;
        if (seen & 1u << i) {
            config_fault(&reader->faults, &member, "duplicate key; expected it once");
        } else {
            fields[i].read(reader, &member, &fields[i], target);
        }
        seen |= 1u << i;
    }
    for (size_t i = 0; i < count; i++) {
        member = (struct config_value){.parent = object, .name = fields[i].name};
        if (fields[i].required && !(seen & 1u << i)) {
            config_fault(&reader->faults, &member, "expected %s, got nothing", fields[i].required);
        }
    }
}

/* Strings and integers */

char *config_read_string(struct config_reader *reader, const struct config_value *value, bool may_be_empty)
{
    const char *expected = may_be_empty ? "a string" : "a non-empty string";
    char *text;
    size_t len;

    if (*value->raw.at != '"') {
        config_fault_type(reader, value, expected);
        return NULL;
    }
    text = config_memory(reader, value->raw.len, 1);
    if (text == NULL) {
        return NULL;
    }
    len = json_decode(value->raw, text);
    text[len] = '\0';
    if (memchr(text, '\0', len)) {
        config_fault_value(reader, value, "a string without NUL");
    } else if (len == 0 && !may_be_empty) {
        config_fault_value(reader, value, expected);
    } else {
        return text;
    }
    free(text);
    return NULL;
}

/* How many of the number's digits stand before its decimal point once the exponent has moved it. */
static int64_t integer_places(const char *digits, const char *end)
{
    const char *p = digits;
    int64_t places;
    int64_t exponent = 0;
    bool negative;

    while (p < end && *p >= '0' && *p <= '9') {
        p++;
    }
    places = p - digits;
    while (p < end && *p != 'e' && *p != 'E') {
        p++;
    }
    negative = end - p > 1 && p[1] == '-';
    for (; p < end; p++) { /* no file has the digits to make up for a longer exponent */
        if (*p >= '0' && *p <= '9' && exponent < INT32_MAX) {
            exponent = exponent * 10 + (*p - '0');
        }
    }
    return places + (negative ? -exponent : exponent);
}

/* The exact value of a JSON number, however it is spelled. False where it is negative, not integral or too big. */
static bool read_integral(struct span number, uint64_t *out)
{
    const char *end = number.at + number.len;
    const char *p = number.at + (*number.at == '-');
    int64_t places = integer_places(p, end);

    *out = 0;
    for (; p < end && *p != 'e' && *p != 'E'; p++) {
        const unsigned digit = (unsigned)(unsigned char)*p - '0';

        if (*p == '.') {
            continue;
        }
        if (places <= 0 ? digit != 0 : *out > (UINT64_MAX - digit) / 10) {
            return false;
        }
        if (places > 0) {
            *out = *out * 10 + digit;
        }
        places--;
    }
    for (; places > 0 && *out > 0; places--) {
        if (*out > UINT64_MAX / 10) {
            return false;
        }
        *out *= 10;
    }
    return *number.at != '-' || *out == 0;
}

uint64_t config_read_integer(struct config_reader *reader, const struct config_value *value,
                             const struct config_field *field)
{
    char expected[80];
    uint64_t number;

    snprintf(expected, sizeof expected, "an integer between %" PRIu64 " and %" PRIu64, field->least, field->most);
    if (strcmp(config_type(value->raw), "number") != 0) {
        config_fault_type(reader, value, expected);
    } else if (!read_integral(value->raw, &number) || number < field->least || number > field->most) {
        config_fault_value(reader, value, expected);
    } else {
        return number;
    }
    return field->least;
}
