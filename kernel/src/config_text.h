/* SPDX-License-Identifier: Apache-2.0 */
/* The text under the configuration reader: is it JSON, what stands where, and what is wrong there. */
#ifndef KERNEL_CONFIG_TEXT_H
#define KERNEL_CONFIG_TEXT_H

#include "json.h"

#include <stdbool.h>
#include <stddef.h>

/* A value and its way down from the document, which has no parent. Its place there is one of three: */
struct config_value {
    const struct config_value *parent;
    struct span raw;
    const char *name; /* a key that the schema knows */
    struct span key;  /* any other key, as spelled */
    size_t index;     /* an element, where the two above are NULL */
};

/* Start from zeros. */
struct config_faults {
    char *text;
    size_t len;
    size_t count;
    bool out_of_memory; /* makes every other fault void */
};

void config_fault(struct config_faults *faults, const struct config_value *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The malloc'ed lines, or NULL where there are none (ask the counters first: NULL may also mean that there
 * is no memory even for "out of memory"). */
char *config_faults_take(struct config_faults *faults);

/* Finds the document in the text. False, with one fault, where the text is not exactly one JSON value. */
bool config_document(const char *text, size_t len, struct config_faults *faults, struct config_value *document);

/* Walks an object or array of a valid document. */
struct config_cursor {
    const struct config_value *parent;
    const char *p;
    size_t index;
};

struct config_cursor config_enter(const struct config_value *container);
bool config_next(struct config_cursor *cursor, struct config_value *child);
size_t config_count(const struct config_value *container);

/* "string", "number", "object", "array", "boolean" or "null". */
const char *config_type(struct span raw);

/* The value as it is spelled, cut with "..." between two characters. */
#define CONFIG_SPELLED_SIZE 64
const char *config_spelled(struct span raw, char out[CONFIG_SPELLED_SIZE]);

#endif
