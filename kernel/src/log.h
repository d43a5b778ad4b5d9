/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines that never hold up traffic (KRN-LIM-07). */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

#include "fdio.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

struct log {
    int level;                                                /* the least level that is written */
    void (*sink)(void *context, int level, const char *line); /* NULL: stderr */
    void *context;
    struct fdio out;  /* our own way to stderr; the inherited descriptor stays as it is, for the workers */
    bool opened;      /* stderr was looked at: only once, for its number may later belong to something else */
    bool torn;        /* the last line was written in part */
    uint64_t dropped; /* lines that stderr did not take, or not whole, since the last one it took */
};

void log_open(struct log *log, int level);
void log_close(struct log *log);

/* Formats one line (cut at 1,000 bytes, control characters turned into spaces) and hands it to the sink, or
 * writes it to stderr as "stdio_bus: warning: ..." without ever waiting and without touching the status flags
 * of the inherited descriptor (KRN-LIM-10). What stderr does not take is counted, and the count is told when
 * it takes one again. Keeps errno. */
void log_line(struct log *log, int level, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Room that log_excerpt needs. */
#define LOG_EXCERPT_SIZE 132

/* The first bytes of a foreign text made safe to print: control and non-ASCII bytes as \xNN, cut with "...". */
const char *log_excerpt(const char *text, size_t len, char out[LOG_EXCERPT_SIZE]);

#endif
