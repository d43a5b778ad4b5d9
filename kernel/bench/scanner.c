/* SPDX-License-Identifier: Apache-2.0 */
/* The speed of envelope_read alone, on one core: one JSON object on stdout. */
#include "../src/envelope.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS        15
#define ROUND_SECONDS 0.05
#define LINE_BYTES    10000
#define MOST_BYTES    (LINE_BYTES + 1000)
#define PER_CALL      16

struct text {
    char *at;
    size_t len;
    uint64_t seed;
};

static unsigned pick(struct text *t, unsigned below)
{
    t->seed = t->seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((t->seed >> 33) % below);
}

static void add(struct text *t, const char *s)
{
    size_t len = strlen(s);

    memcpy(t->at + t->len, s, len);
    t->len += len;
}

static void add_string(struct text *t)
{
    static const char *const words[] = {
        "ok",      "read",  "строка",    "мир", "消息",  "会话标识", "🚀",
        "итог 🙂", "a/b.c", "tool_call", "x",   "naïve", "größe",
    };

    add(t, "\"");
    add(t, words[pick(t, sizeof words / sizeof *words)]);
    add(t, "\"");
}

static void add_number(struct text *t)
{
    char digits[32];

    if (pick(t, 3) == 0) {
        snprintf(digits, sizeof digits, "%s%u.%u", pick(t, 4) ? "" : "-", pick(t, 1000), pick(t, 100000));
    } else {
        snprintf(digits, sizeof digits, "%s%u", pick(t, 6) ? "" : "-", pick(t, 10u << (3 * pick(t, 6))));
    }
    add(t, digits);
}

static void add_value(struct text *t, unsigned depth)
{
    static const char *const words[] = {"true", "false", "null"};
    static const char *const keys[] = {"id", "x", "y", "kind", "size", "имя", "at", "name", "值"};
    unsigned kind = pick(t, depth < 5 ? 10 : 7), members = 2 + pick(t, 5);

    if (kind < 3) {
        add_number(t);
    } else if (kind < 6) {
        add_string(t);
    } else if (kind < 7) {
        add(t, words[pick(t, 3)]);
    } else {
        bool object = kind < 9;

        add(t, object ? "{" : "[");
        for (unsigned i = 0; i < members; i++) {
            if (i > 0) {
                add(t, ",");
            }
            if (object) {
                add(t, "\"");
                add(t, keys[pick(t, sizeof keys / sizeof *keys)]);
                add(t, "\":");
            }
            add_value(t, depth + 1);
        }
        add(t, object ? "}" : "]");
    }
}

static struct text dense_line(uint64_t seed)
{
    struct text t = {.at = malloc(2 * MOST_BYTES), .seed = seed};

    if (!t.at) {
        abort();
    }
    add(&t,
        "{\"jsonrpc\":\"2.0\",\"id\":17,\"method\":\"session/update\",\"sessionId\":\"s-1\",\"params\":{\"list\":[0");
    while (t.len < LINE_BYTES) {
        size_t before = t.len;

        add(&t, ",");
        add_value(&t, 3);
        if (t.len > MOST_BYTES) {
            t.len = before;
        }
    }
    add(&t, "]}}");
    return t;
}

static struct text string_line(void)
{
    struct text t = {.at = malloc(MOST_BYTES)};

    if (!t.at) {
        abort();
    }
    add(&t, "{\"jsonrpc\":\"2.0\",\"id\":17,\"result\":{\"text\":\"");
    memset(t.at + t.len, 'a', LINE_BYTES);
    t.len += LINE_BYTES;
    add(&t, "\"}}");
    return t;
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Seconds per line: the median of the rounds, since other work on the machine only ever slows one down. */
static double measure(const struct text *t, enum envelope_kind kind)
{
    double rounds[ROUNDS];

    for (int i = 0; i < ROUNDS; i++) {
        double start = now(), spent;
        long lines = 0;

        do {
            for (int j = 0; j < PER_CALL; j++) {
                struct envelope e;

                envelope_read(t->at, t->len, &e);
                if (e.kind != kind) {
                    abort();
                }
            }
            lines += PER_CALL;
            spent = now() - start;
        } while (spent < ROUND_SECONDS);
        rounds[i] = spent / (double)lines;
    }
    qsort(rounds, ROUNDS, sizeof *rounds, compare);
    return rounds[ROUNDS / 2];
}

static double megabytes(const struct text *t, double seconds)
{
    return (double)t->len / seconds / 1e6;
}

int main(void)
{
    static char request[] =
        "{\"jsonrpc\":\"2.0\",\"id\":\"c1-1042\",\"method\":\"tools/call\",\"sessionId\":\"client-7\","
        "\"params\":{\"n\":12345}}";
    static char response[] = "{\"jsonrpc\":\"2.0\",\"id\":\"c1-1042\",\"sessionId\":\"client-7\","
                             "\"result\":{\"ok\":true,\"content\":\"abcdefgh\"}}";
    struct text small = {.at = request, .len = strlen(request)}, answer = {.at = response, .len = strlen(response)};
    struct text dense = dense_line(1), string = string_line();

    printf("{\"dense_10k_mb_s\": %.0f, ", megabytes(&dense, measure(&dense, ENVELOPE_REQUEST)));
    printf("\"ascii_10k_mb_s\": %.0f, ", megabytes(&string, measure(&string, ENVELOPE_RESPONSE)));
    printf("\"request_bytes\": %zu, \"request_ns\": %.1f, ", small.len, measure(&small, ENVELOPE_REQUEST) * 1e9);
    printf("\"response_bytes\": %zu, \"response_ns\": %.1f}\n", answer.len,
           measure(&answer, ENVELOPE_RESPONSE) * 1e9);
    free(dense.at);
    free(string.at);
    return 0;
}
