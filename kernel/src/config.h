/* SPDX-License-Identifier: Apache-2.0 */
/* The strict reader of the bus configuration (PROTOCOL section 9, KRN-CFG). */
#ifndef KERNEL_CONFIG_H
#define KERNEL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pool_config {
    char *id;
    char *command;
    char **args; /* NULL-terminated, without the command */
    unsigned instances;
    bool strip;       /* "envelope": "strip" (default "forward") */
    char **env;       /* NULL-terminated NAME=value strings from "env", or NULL */
    bool inherit_all; /* "inherit_env": true (default) */
    char **inherit;   /* NULL-terminated names where "inherit_env" is a list, or NULL ("inherit_env": false) */
    char *cwd;        /* or NULL */
};

struct limits_config {
    uint64_t max_input_buffer;         /* bytes, default 10 MiB */
    uint64_t max_output_queue;         /* bytes, default 40 MiB */
    uint64_t max_total_buffer;         /* bytes, default 1 GiB */
    uint64_t max_restarts;             /* default 5 */
    uint64_t restart_window_sec;       /* default 60 */
    uint64_t drain_timeout_sec;        /* default 30 */
    uint64_t backpressure_timeout_sec; /* default 60 */
};

struct bus_config {
    struct pool_config *pools;
    size_t pool_count;
    struct limits_config limits;
};

/* Reads `text`. True where it is right. Otherwise *faults is a malloc'ed text with one line for every fault,
 * "pools[0].id: expected a non-empty string, got number", without an LF at its end (NULL where memory is
 * too short even for "out of memory"), and *out needs no freeing. */
bool config_read(const char *text, size_t len, struct bus_config *out, char **faults);

/* The same from a file or an open descriptor, read to its end (the descriptor stays open). A file that
 * cannot be read is a fault that names it. */
bool config_load(const char *path, struct bus_config *out, char **faults);
bool config_load_fd(int fd, struct bus_config *out, char **faults);

void config_free(struct bus_config *config);

#endif
