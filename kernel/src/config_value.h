/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what a schema asks for out of a valid document: objects by a table of their keys, strings, integers. */
#ifndef KERNEL_CONFIG_VALUE_H
#define KERNEL_CONFIG_VALUE_H

#include "config.h"
#include "config_text.h"

/* Finds a name given twice without comparing every pair: a file may give a million. */
struct config_names {
    struct config_name *slots;
    size_t mask;
};

struct config_name {
    const char *text; /* borrowed; NULL: free */
    size_t len;
    size_t owner;
};

struct config_reader {
    struct config_faults faults;
    struct bus_config *config;
    struct config_names ids; /* of the pools read so far */
};

/* A key of an object, and how its value is read into `target`. */
struct config_field {
    const char *name;
    void (*read)(struct config_reader *reader, const struct config_value *value, const struct config_field *field,
                 void *target);
    const char *required; /* what is missing where the key is; NULL: the key is optional */
    size_t offset;        /* of the member in the target, for the readers that serve several */
    uint64_t least;
    uint64_t most;
};

/* Zeroed memory, or NULL, which is then a fault. */
void *config_memory(struct config_reader *reader, size_t count, size_t size);

/* Of a value of the wrong type its type is told, else its spelling. */
void config_fault_type(struct config_reader *reader, const struct config_value *value, const char *expected);
void config_fault_value(struct config_reader *reader, const struct config_value *value, const char *expected);

/* Room for so many names. False where memory is short. */
bool config_names_open(struct config_reader *reader, struct config_names *names, size_t count);

/* The equal name that is already there; or NULL, and this one is added. */
const struct config_name *config_names_add(struct config_names *names, const char *text, size_t len, size_t owner);

/* The index of the field with this name (a raw JSON string), or `count`. */
size_t config_find_field(const struct config_field *fields, size_t count, struct span name);

/* Reads every member of an object; unknown, repeated and missing keys are faults. At most 32 fields. */
void config_read_object(struct config_reader *reader, const struct config_value *object,
                        const struct config_field *fields, size_t count, void *target);

/* The decoded string, or NULL after a fault. */
char *config_read_string(struct config_reader *reader, const struct config_value *value, bool may_be_empty);

/* A number between the field's bounds; the lower bound after a fault. */
uint64_t config_read_integer(struct config_reader *reader, const struct config_value *value,
                             const struct config_field *field);

#endif
