/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_LINE 1000

/* Everything that one call writes, below the 4,096 bytes that a pipe takes whole or not at all. */
#define MAX_RECORD (MAX_LINE + 128)

void log_open(struct log *log, int level)
{
    *log = (struct log){.level = level, .out = {.fd = -1}};
}

void log_close(struct log *log)
{
    fdio_close(&log->out);
}

static const char *level_name(int level)
{
    if (level <= LOG_LEVEL_DEBUG) {
        return "debug";
    }
    if (level == LOG_LEVEL_INFO) {
        return "info";
    }
    return level == LOG_LEVEL_WARN ? "warning" : "error";
}

/* A way to stderr that leaves descriptor 2 itself alone. */
static void open_stderr(struct log *log)
{
    const int copy = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);

    log->opened = true;
    if (copy >= 0) {
        (void)fdio_inherit(&log->out, copy, false);
    }
}

/* How many bytes went out before stderr would take no more. */
static size_t write_what_goes(struct fdio *out, const char *record, size_t len)
{
    size_t written = 0;

    while (out->kind != FDIO_NONE && written < len) {
        const struct iovec rest = {(void *)(uintptr_t)(record + written), len - written};
        const ssize_t n = fdio_writev(out, &rest, 1);

        if (n <= 0) {
            break;
        }
        written += (size_t)n;
    }
    return written;
}

static void write_stderr(struct log *log, int level, const char *line)
{
    char record[MAX_RECORD];
    size_t notice = 0; /* what stands before the line */
    size_t len;
    size_t written;

    if (!log->opened) {
        open_stderr(log);
    }
    if (log->torn) {
        record[notice++] = '\n';
    }
    if (log->dropped > 0) {
        notice += (size_t)snprintf(record + notice, sizeof record - notice,
                                   "stdio_bus: warning: %" PRIu64 " log lines were lost\n", log->dropped);
    }
    len = notice +
          (size_t)snprintf(record + notice, sizeof record - notice, "stdio_bus: %s: %s\n", level_name(level), line);
    written = write_what_goes(&log->out, record, len);
    if (written > 0) {
        log->torn = record[written - 1] != '\n';
    }
    if (written >= notice && written > 0) {
        log->dropped = 0;
    }
    if (written < len) {
        log->dropped++;
    }
}

/* A message in the making must not end in the middle of a character, nor span lines. */
static void make_one_line(char *line, size_t wanted)
{
    size_t len = strlen(line);

    if (wanted > len) {
        while (len > 0 && ((unsigned char)line[len - 1] & 0xC0) == 0x80) {
            len--;
        }
        if (len > 0 && (unsigned char)line[len - 1] >= 0xC0) {
            len--;
        }
        line[len] = '\0';
    }
    for (char *c = line; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7F) {
            *c = ' ';
        }
    }
}

void log_line(struct log *log, int level, const char *format, ...)
{
    const int error = errno;
    char line[MAX_LINE + 1] = "";
    va_list arguments;
    int wanted;

    if (level < log->level) {
        return;
    }
    va_start(arguments, format);
    wanted = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    make_one_line(line, wanted < 0 ? 0 : (size_t)wanted);
    if (log->sink) {
        log->sink(log->context, level, line);
    } else {
        write_stderr(log, level, line);
    }
    errno = error;
}

const char *log_excerpt(const char *text, size_t len, char out[LOG_EXCERPT_SIZE])
{
    const size_t room = LOG_EXCERPT_SIZE - sizeof "...";
    size_t used = 0;

    for (size_t i = 0; i < len; i++) {
        const bool plain = text[i] >= ' ' && text[i] <= '~';

        if (used + (plain ? 1 : 4) > room) {
            memcpy(out + used, "...", sizeof "...");
            return out;
        }
        if (plain) {
            out[used++] = text[i];
        } else {
            used += (size_t)snprintf(out + used, 5, "\\x%02x", (unsigned)(unsigned char)text[i]);
        }
    }
    out[used] = '\0';
    return out;
}
