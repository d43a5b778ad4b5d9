/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table of intrusive nodes. Nodes with equal keys form a group in order of arrival: only its first
 * one stands in the bucket, so that a thousand equal ids cost no more than one. */
#ifndef KERNEL_TABLE_H
#define KERNEL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct node {
    struct node *chain; /* the next group of the bucket; used by the first of a group only */
    struct node *next;  /* the group, as a ring */
    struct node *prev;
    uint64_t hash;
    bool first;
};

struct table {
    struct node **buckets;
    size_t mask;
    size_t groups;
};

/* The secret that keeps peers from choosing ids that collide. */
struct hash_secret {
    uint64_t k0;
    uint64_t k1;
};

void hash_secret_draw(struct hash_secret *secret);
/* What a hash becomes for one of the places that a key is looked up in. */
static inline uint64_t hash_in_scope(uint64_t hash, uint64_t scope)
{
    uint64_t mixed = hash ^ (scope * 0x9E3779B97F4A7C15u);
    mixed = (mixed ^ (mixed >> 32)) * 0xD6E8FEB86659FD93u;
    return mixed ^ (mixed >> 32);
}

/* SipHash-1-3 of the bytes, with `scope` mixed into the key. */
uint64_t hash_bytes(const struct hash_secret *secret, uint64_t scope, const char *data, size_t len);

bool table_init(struct table *table);
void table_free(struct table *table);

/* The first group of the bucket of `hash`; go on with ->chain, and compare hash and key. */
static inline struct node *table_bucket(const struct table *table, uint64_t hash)
{
    return table->buckets[hash & table->mask];
}

/* Adds a node: at the end of the group that `group` stands for, or as a group of its own where it is NULL. */
void table_add(struct table *table, struct node *node, uint64_t hash, struct node *group);
void table_remove(struct table *table, struct node *node);

#endif
