/* SPDX-License-Identifier: Apache-2.0 */
/* The least a worker can do: a request's response repeats its id and sessionId, and its params as the result. The
 * members are found by their names in the first bytes of the line; params has to be the last one.
 *
 *     echo_worker [ack] [each]
 *
 * ack   the result is {} whatever the params
 * each  every response is written by itself, not all of one read together */
#include "bench.h"

#include <stdbool.h>
#include <unistd.h>

#define HEAD_MOST 512

struct buffer {
    char *at;
    size_t len;
    size_t size;
};

struct text {
    const char *at;
    size_t len;
};

struct manner {
    bool ack;
    bool each;
};

static void make_room(struct buffer *buffer, size_t more)
{
    if (buffer->size - buffer->len >= more) {
        return;
    }
    while (buffer->size - buffer->len < more) {
        buffer->size = buffer->size == 0 ? 2 * READ_SIZE : 2 * buffer->size;
    }
    buffer->at = need(realloc(buffer->at, buffer->size));
}

static void add(struct buffer *buffer, const char *at, size_t len)
{
    memcpy(buffer->at + buffer->len, at, len);
    buffer->len += len;
}

/* What stands behind `name` up to the end of the line; at == NULL where the name is not there. */
static struct text behind(struct text line, const char *name)
{
    size_t head = line.len < HEAD_MOST ? line.len : HEAD_MOST;
    const char *found = memmem(line.at, head, name, strlen(name));
    if (found == NULL) {
        return (struct text){NULL, 0};
    }
    found += strlen(name);
    return (struct text){found, (size_t)(line.at + line.len - found)};
}

/* A string without escapes, or a number. */
static struct text scalar(struct text rest)
{
    size_t len = 0;
    if (rest.at == NULL) {
        return rest;
    }
    if (*rest.at == '"') {
        const char *quote = memchr(rest.at + 1, '"', rest.len - 1);
        len = quote != NULL ? (size_t)(quote - rest.at) + 1 : 0;
    } else {
        while (len < rest.len && rest.at[len] != ',' && rest.at[len] != '}') {
            len++;
        }
    }
    return (struct text){rest.at, len};
}

static void answer(struct buffer *out, struct text line, bool ack)
{
    static const char first[] = "{\"jsonrpc\":\"2.0\",\"id\":";
    static const char second[] = ",\"sessionId\":";
    static const char third[] = ",\"result\":";
    struct text id = scalar(behind(line, "\"id\":"));
    struct text session = scalar(behind(line, "\"sessionId\":"));
    struct text params = ack ? (struct text){NULL, 0} : behind(line, "\"params\":");
    if (id.at == NULL) {
        return;
    }
    if (params.at == NULL) {
        params = (struct text){"{}}", 3};
    }
    make_room(out, sizeof first + sizeof second + sizeof third + id.len + session.len + params.len + 1);
    add(out, first, sizeof first - 1);
    add(out, id.at, id.len);
    if (session.at != NULL) {
        add(out, second, sizeof second - 1);
        add(out, session.at, session.len);
    }
    add(out, third, sizeof third - 1);
    add(out, params.at, params.len);
    add(out, "\n", 1);
}

static void write_out(struct buffer *out)
{
    size_t done = 0;
    while (done < out->len) {
        ssize_t wrote = write(STDOUT_FILENO, out->at + done, out->len - done);
        if (wrote < 0) {
            die("write");
        }
        done += (size_t)wrote;
    }
    out->len = 0;
}

/* Answers every whole line and moves the rest to the front; `looked` bytes are known to hold no end of line. */
static void answer_lines(struct buffer *in, size_t looked, struct buffer *out, struct manner manner)
{
    size_t done = 0;
    for (;;) {
        const char *start = in->at + done;
        const char *end = memchr(start + looked, '\n', in->len - done - looked);
        looked = 0;
        if (end == NULL) {
            break;
        }
        answer(out, (struct text){start, (size_t)(end - start)}, manner.ack);
        if (manner.each) {
            write_out(out);
        }
        done = (size_t)(end - in->at) + 1;
    }
    in->len -= done;
    memmove(in->at, in->at + done, in->len);
}

int main(int argc, char **argv)
{
    struct manner manner = {false, false};
    for (int i = 1; i < argc; i++) {
        manner.ack = manner.ack || strcmp(argv[i], "ack") == 0;
        manner.each = manner.each || strcmp(argv[i], "each") == 0;
    }
    struct buffer in = {NULL, 0, 0};
    struct buffer out = {NULL, 0, 0};
    for (;;) {
        make_room(&in, READ_SIZE);
        ssize_t got = read(STDIN_FILENO, in.at + in.len, in.size - in.len);
        if (got <= 0) {
            free(in.at);
            free(out.at);
            return got == 0 ? 0 : 1;
        }
        size_t before = in.len;
        in.len += (size_t)got;
        answer_lines(&in, before, &out, manner);
        write_out(&out);
    }
}
