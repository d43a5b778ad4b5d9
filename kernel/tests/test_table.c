/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include "check.h"

#include <stdlib.h>

enum { MANY = 100000 };

struct entry {
    struct node node;
    int key;
};

static struct hash_secret secret;

static uint64_t hash_of(int key)
{
    return hash_bytes(&secret, 0, (const char *)&key, sizeof key);
}

static struct entry *find(const struct table *table, int key)
{
    uint64_t hash = hash_of(key);
    for (struct node *node = table_bucket(table, hash); node != NULL; node = node->chain) {
        struct entry *entry = (struct entry *)node;
        if (node->hash == hash && entry->key == key) {
            return entry;
        }
    }
    return NULL;
}

static void add(struct table *table, struct entry *entry, int key)
{
    struct entry *group = find(table, key);
    entry->key = key;
    table_add(table, &entry->node, hash_of(key), group != NULL ? &group->node : NULL);
}

static void hashes_depend_on_bytes_length_scope_and_secret(void)
{
    static const char bytes[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    struct hash_secret other = secret;
    other.k1 ^= 1;
    for (size_t len = 0; len < sizeof bytes - 1; len++) {
        uint64_t hash = hash_bytes(&secret, 0, bytes, len);
        CHECK(hash == hash_bytes(&secret, 0, bytes, len));
        CHECK(hash != hash_bytes(&secret, 0, bytes, len + 1));
        CHECK(hash != hash_bytes(&secret, 1, bytes, len));
        CHECK(hash != hash_bytes(&other, 0, bytes, len));
        CHECK(len == 0 || hash != hash_bytes(&secret, 0, bytes + 1, len));
    }
    CHECK(hash_bytes(&secret, 0, "\0", 1) != hash_bytes(&secret, 0, "\0\0", 2));
}

static void secrets_differ(void)
{
    struct hash_secret other = {0};
    hash_secret_draw(&other);
    CHECK(other.k0 != secret.k0 || other.k1 != secret.k1);
}

static void an_empty_table_finds_nothing(void)
{
    struct table table;
    CHECK(table_init(&table));
    CHECK(find(&table, 1) == NULL);
    CHECK(table.groups == 0);
    table_free(&table);
}

static void it_grows_and_shrinks_with_its_groups(void)
{
    struct table table;
    struct entry *entries = calloc(MANY, sizeof *entries);
    CHECK(table_init(&table));
    for (int i = 0; i < MANY; i++) {
        add(&table, &entries[i], i);
    }
    CHECK(table.groups == MANY);
    CHECK(table.mask + 1 >= MANY);
    for (int i = 0; i < MANY; i++) {
        CHECK(find(&table, i) == &entries[i]);
    }
    for (int i = 0; i < MANY; i += 2) {
        table_remove(&table, &entries[i].node);
    }
    for (int i = 0; i < MANY; i++) {
        CHECK(find(&table, i) == (i % 2 == 0 ? NULL : &entries[i]));
    }
    for (int i = 1; i < MANY; i += 2) {
        table_remove(&table, &entries[i].node);
    }
    CHECK(table.groups == 0);
    CHECK(table.mask < MANY / 8);
    table_free(&table);
    free(entries);
}

static void equal_keys_form_one_group_in_order_of_arrival(void)
{
    struct table table;
    struct entry entries[5];
    CHECK(table_init(&table));
    for (int i = 0; i < 5; i++) {
        add(&table, &entries[i], 7);
    }
    CHECK(table.groups == 1);
    struct node *node = &find(&table, 7)->node;
    for (int i = 0; i < 5; i++) {
        CHECK(node == &entries[i].node);
        CHECK(node->first == (i == 0));
        node = node->next;
    }
    CHECK(node == &entries[0].node);
    table_free(&table);
}

/* Any of three leaves, then any of the two, then the last. */
static void a_group_may_be_left_in_any_order(void)
{
    for (int first = 0; first < 3; first++) {
        for (int second = 0; second < 3; second++) {
            struct table table;
            struct entry entries[3];
            if (second == first) {
                continue;
            }
            CHECK(table_init(&table));
            for (int i = 0; i < 3; i++) {
                add(&table, &entries[i], 7);
            }
            int last = 3 - first - second;
            table_remove(&table, &entries[first].node);
            CHECK(find(&table, 7) == &entries[second < last ? second : last]);
            table_remove(&table, &entries[second].node);
            CHECK(find(&table, 7) == &entries[last]);
            CHECK(table.groups == 1);
            table_remove(&table, &entries[last].node);
            CHECK(find(&table, 7) == NULL);
            CHECK(table.groups == 0);
            table_free(&table);
        }
    }
}

/* Groups keep their members and neighbours while the table is resized around them. */
static void groups_survive_resizing(void)
{
    enum { GROUPS = 1000, MEMBERS = 3 };
    struct table table;
    struct entry *entries = calloc(GROUPS * MEMBERS, sizeof *entries);
    CHECK(table_init(&table));
    for (int i = 0; i < GROUPS * MEMBERS; i++) {
        add(&table, &entries[i], i % GROUPS);
    }
    CHECK(table.groups == GROUPS);
    for (int i = 0; i < GROUPS * MEMBERS; i++) {
        int key = i % GROUPS;
        CHECK(find(&table, key) == &entries[i]);
        table_remove(&table, &entries[i].node);
        CHECK((find(&table, key) == NULL) == (i >= GROUPS * (MEMBERS - 1)));
    }
    CHECK(table.groups == 0);
    table_free(&table);
    free(entries);
}

/* Many groups with one hash: keys decide. */
static void equal_hashes_are_no_equal_keys(void)
{
    struct table table;
    struct entry entries[100];
    CHECK(table_init(&table));
    for (int i = 0; i < 100; i++) {
        entries[i].key = i;
        table_add(&table, &entries[i].node, 42, NULL);
    }
    CHECK(table.groups == 100);
    for (int i = 99; i >= 0; i -= 3) {
        table_remove(&table, &entries[i].node);
    }
    int left = 0;
    for (struct node *node = table_bucket(&table, 42); node != NULL; node = node->chain) {
        CHECK(((struct entry *)node)->key % 3 != 0);
        left++;
    }
    CHECK(left == 66);
    table_free(&table);
}

int main(void)
{
    hash_secret_draw(&secret);
    hashes_depend_on_bytes_length_scope_and_secret();
    secrets_differ();
    an_empty_table_finds_nothing();
    it_grows_and_shrinks_with_its_groups();
    equal_keys_form_one_group_in_order_of_arrival();
    a_group_may_be_left_in_any_order();
    groups_survive_resizing();
    equal_hashes_are_no_equal_keys();
    return check_report();
}
