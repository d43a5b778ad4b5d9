/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/syscall.h>
#endif

#define TABLE_LEAST ((size_t)64)
/* A table that has been larger than this is worth shrinking; below it would only grow again. */
#define TABLE_SMALL ((size_t)4096)

void hash_secret_draw(struct hash_secret *secret)
{
#ifdef SYS_getrandom
    if (syscall(SYS_getrandom, secret, sizeof *secret, 0L) == (long)sizeof *secret) {
        return;
    }
#endif
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, secret, sizeof *secret) : -1;
    if (fd >= 0) {
        close(fd);
    }
    if (got == (ssize_t)sizeof *secret) {
        return;
    }
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    secret->k0 = (uint64_t)now.tv_nsec * 0x9E3779B97F4A7C15u;
    secret->k1 = (uint64_t)getpid() ^ (uint64_t)(uintptr_t)secret;
}

static inline uint64_t rotate(uint64_t value, int by)
{
    return (value << by) | (value >> (64 - by));
}

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

uint64_t hash_bytes(const struct hash_secret *secret, uint64_t scope, const char *data, size_t len)
{
    uint64_t k0 = secret->k0 ^ scope;
    uint64_t v[4] = {k0 ^ 0x736f6d6570736575u, secret->k1 ^ 0x646f72616e646f6du, k0 ^ 0x6c7967656e657261u,
                     secret->k1 ^ 0x7465646279746573u};
    size_t whole = len / 8;
    for (size_t i = 0; i < whole; i++) {
        uint64_t word;
        memcpy(&word, data + 8 * i, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    uint64_t last = (uint64_t)len << 56;
    for (size_t i = 8 * whole; i < len; i++) {
        last |= (uint64_t)(unsigned char)data[i] << (8 * (i & 7));
    }
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

bool table_init(struct table *table)
{
    table->buckets = calloc(TABLE_LEAST, sizeof(struct node *));
    table->mask = TABLE_LEAST - 1;
    table->groups = 0;
    return table->buckets != NULL;
}

void table_free(struct table *table)
{
    free(table->buckets);
    table->buckets = NULL;
}

/* Longer chains are the price where memory is short: nothing is lost. */
static void table_resize(struct table *table, size_t size)
{
    struct node **buckets = calloc(size, sizeof(struct node *));
    if (buckets == NULL) {
        return;
    }
    for (size_t i = 0; i <= table->mask; i++) {
        struct node *node = table->buckets[i];
        while (node != NULL) {
            struct node *chain = node->chain;
            struct node **bucket = &buckets[node->hash & (size - 1)];
            node->chain = *bucket;
            *bucket = node;
            node = chain;
        }
    }
    free(table->buckets);
    table->buckets = buckets;
    table->mask = size - 1;
}

void table_add(struct table *table, struct node *node, uint64_t hash, struct node *group)
{
    node->hash = hash;
    if (group != NULL) {
        node->first = false;
        node->chain = NULL;
        node->next = group;
        node->prev = group->prev;
        group->prev->next = node;
        group->prev = node;
        return;
    }
    if (table->groups > table->mask) {
        table_resize(table, 2 * (table->mask + 1));
    }
    struct node **bucket = &table->buckets[hash & table->mask];
    node->first = true;
    node->next = node;
    node->prev = node;
    node->chain = *bucket;
    *bucket = node;
    table->groups++;
}

static struct node **table_place_of(struct table *table, const struct node *node)
{
    struct node **place = &table->buckets[node->hash & table->mask];
    while (*place != node) {
        place = &(*place)->chain;
    }
    return place;
}

void table_remove(struct table *table, struct node *node)
{
    struct node *heir = node->next;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    if (!node->first) {
        return;
    }
    struct node **place = table_place_of(table, node);
    if (heir != node) {
        heir->first = true;
        heir->chain = node->chain;
        *place = heir;
        return;
    }
    *place = node->chain;
    table->groups--;
    if (table->mask >= TABLE_SMALL && table->groups < table->mask / 8) {
        table_resize(table, (table->mask + 1) / 2);
    }
}
