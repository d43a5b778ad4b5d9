/* SPDX-License-Identifier: Apache-2.0 */
#include "config_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than anybody mends in one go; with every excerpt cut, this many lines fit the text. */
#define MAX_FAULTS  50
#define FAULTS_SIZE 32768

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

const char *config_spelled(struct span raw, char out[CONFIG_SPELLED_SIZE])
{
    size_t len = raw.len;

    if (len >= CONFIG_SPELLED_SIZE) {
        len = CONFIG_SPELLED_SIZE - sizeof "...";
        while (len > 0 && is_continuation(raw.at[len])) {
            len--;
        }
        memcpy(out + len, "...", sizeof "...");
    } else {
        out[len] = '\0';
    }
    memcpy(out, raw.at, len);
    return out;
}

const char *config_type(struct span raw)
{
    switch (*raw.at) {
    case '"':
        return "string";
    case '{':
        return "object";
    case '[':
        return "array";
    case 't':
    case 'f':
        return "boolean";
    case 'n':
        return "null";
    default:
        return "number";
    }
}

/* Faults */

static void put_list(struct config_faults *faults, const char *format, va_list arguments)
{
    const size_t room = FAULTS_SIZE - faults->len;
    const int written = vsnprintf(faults->text + faults->len, room, format, arguments);

    if (written > 0) {
        faults->len += (size_t)written < room ? (size_t)written : room - 1;
    }
}

static void put(struct config_faults *faults, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct config_faults *faults, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    put_list(faults, format, arguments);
    va_end(arguments);
}

static bool is_identifier(struct span key)
{
    static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

    if (key.len < 3 || key.len >= CONFIG_SPELLED_SIZE || (key.at[1] >= '0' && key.at[1] <= '9')) {
        return false;
    }
    for (size_t i = 1; i < key.len - 1; i++) {
        if (!memchr(LETTERS, key.at[i], sizeof LETTERS - 1)) {
            return false;
        }
    }
    return true;
}

/* The path to a value; of the document itself nothing. */
static void put_path(struct config_faults *faults, const struct config_value *at)
{
    char spelled[CONFIG_SPELLED_SIZE];
    const bool top = at->parent == NULL || at->parent->parent == NULL;

    if (at->parent == NULL) {
        return;
    }
    put_path(faults, at->parent);
    if (at->name) {
        put(faults, "%s%s", top ? "" : ".", at->name);
    } else if (at->key.at == NULL) {
        put(faults, "[%zu]", at->index);
    } else if (is_identifier(at->key)) {
        put(faults, "%s%.*s", top ? "" : ".", (int)at->key.len - 2, at->key.at + 1);
    } else {
        put(faults, "%s[%s]", top ? "$" : "", config_spelled(at->key, spelled));
    }
}

void config_fault(struct config_faults *faults, const struct config_value *at, const char *format, ...)
{
    va_list arguments;

    if (faults->count++ >= MAX_FAULTS) {
        return;
    }
    if (faults->text == NULL) {
        faults->text = malloc(FAULTS_SIZE);
    }
    if (faults->text == NULL) {
        faults->out_of_memory = true;
        return;
    }
    if (faults->len > 0) {
        put(faults, "\n");
    }
    if (at->parent == NULL) {
        put(faults, "$");
    }
    put_path(faults, at);
    put(faults, ": ");
    va_start(arguments, format);
    put_list(faults, format, arguments);
    va_end(arguments);
}

char *config_faults_take(struct config_faults *faults)
{
    if (faults->out_of_memory) {
        free(faults->text);
        return strdup("out of memory");
    }
    if (faults->count > MAX_FAULTS) {
        put(faults, "\n... and %zu more", faults->count - MAX_FAULTS);
    }
    return faults->text;
}

/* Syntax: json_value() tells only that something is wrong, so containers are followed here to tell where. */

struct scan {
    const char *end;
    const char *at;
    const char *expected;
};

static const char *scan_value(struct scan *scan, const char *p, unsigned depth);

static const char *refuse(struct scan *scan, const char *at, const char *expected)
{
    scan->at = at;
    scan->expected = expected;
    return NULL;
}

static const char *scan_key(struct scan *scan, const char *p)
{
    const char *after = p < scan->end && *p == '"' ? json_string(p, scan->end) : NULL;

    if (after == NULL) {
        return refuse(scan, p, "a key in double quotes");
    }
    after = json_space(after, scan->end);
    if (after == scan->end || *after != ':') {
        return refuse(scan, after, "\":\"");
    }
    return json_space(after + 1, scan->end);
}

static const char *scan_container(struct scan *scan, const char *p, unsigned depth)
{
    const bool object = *p == '{';
    const char close = object ? '}' : ']';

    if (depth == JSON_MAX_DEPTH) {
        return refuse(scan, p, "less nesting");
    }
    p = json_space(p + 1, scan->end);
    if (p < scan->end && *p == close) {
        return p + 1;
    }
    for (;;) {
        if (object && (p = scan_key(scan, p)) == NULL) {
            return NULL;
        }
        p = scan_value(scan, p, depth + 1);
        if (p == NULL) {
            return NULL;
        }
        p = json_space(p, scan->end);
        if (p == scan->end || (*p != ',' && *p != close)) {
            return refuse(scan, p, object ? "\",\" or \"}\"" : "\",\" or \"]\"");
        }
        if (*p == close) {
            return p + 1;
        }
        p = json_space(p + 1, scan->end);
    }
}

static const char *scan_value(struct scan *scan, const char *p, unsigned depth)
{
    const char *after = NULL;

    if (p < scan->end && (*p == '{' || *p == '[')) {
        return scan_container(scan, p, depth);
    }
    if (p < scan->end) {
        after = json_value(p, scan->end, depth);
    }
    if (after) {
        return after;
    }
    return refuse(scan, p,
                  p < scan->end && *p == '"' ? "a closed string of valid characters and escapes" : "a value");
}

static void fault_syntax(struct config_faults *faults, const struct config_value *text, const struct scan *scan)
{
    size_t line = 1;
    size_t column = 1;
    char got[32];

    for (const char *p = text->raw.at; p < scan->at; p++) {
        if (*p == '\n') {
            line++;
            column = 1;
        } else if (!is_continuation(*p)) {
            column++;
        }
    }
    if (scan->at == scan->end) {
        snprintf(got, sizeof got, "the end of the text");
    } else if (*scan->at > ' ' && *scan->at <= '~') {
        snprintf(got, sizeof got, "%c", *scan->at);
    } else {
        snprintf(got, sizeof got, "byte 0x%02X", (unsigned)(unsigned char)*scan->at);
    }
    config_fault(faults, text, "invalid JSON at line %zu, column %zu: expected %s, got %s", line, column,
                 scan->expected, got);
}

bool config_document(const char *text, size_t len, struct config_faults *faults, struct config_value *document)
{
    struct scan scan = {text + len, NULL, NULL};
    const char *start;
    const char *after;

    *document = (struct config_value){.raw = {text, len}};
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        config_fault(faults, document, "invalid JSON at line 1, column 1: expected a value, got a byte order mark");
        return false;
    }
    start = json_space(text, scan.end);
    after = scan_value(&scan, start, 0);
    if (after && json_space(after, scan.end) != scan.end) {
        after = refuse(&scan, json_space(after, scan.end), "the end of the text");
    }
    if (after == NULL) {
        fault_syntax(faults, document, &scan);
        return false;
    }
    document->raw = (struct span){start, (size_t)(after - start)};
    return true;
}

/* Cursor */

struct config_cursor config_enter(const struct config_value *container)
{
    return (struct config_cursor){container, container->raw.at + 1, 0};
}

static struct span take_value(struct config_cursor *cursor, const char *end)
{
    const char *start = json_space(cursor->p, end);
    const char *after = json_value(start, end, 0);

    cursor->p = json_space(after, end);
    return (struct span){start, (size_t)(after - start)};
}

bool config_next(struct config_cursor *cursor, struct config_value *child)
{
    const char *end = cursor->parent->raw.at + cursor->parent->raw.len;

    cursor->p = json_space(cursor->p, end);
    if (cursor->p + 1 >= end) {
        return false;
    }
    *child = (struct config_value){.parent = cursor->parent, .index = cursor->index++};
    child->raw = take_value(cursor, end);
    if (*cursor->p == ':') {
        child->key = child->raw;
        cursor->p++;
        child->raw = take_value(cursor, end);
    }
    cursor->p += *cursor->p == ',';
    return true;
}

size_t config_count(const struct config_value *container)
{
    struct config_cursor cursor = config_enter(container);
    struct config_value child;
    size_t count = 0;

    while (config_next(&cursor, &child)) {
        count++;
    }
    return count;
}
