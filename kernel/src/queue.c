/* SPDX-License-Identifier: Apache-2.0 */
#include "queue.h"

#include <stdlib.h>

#define BLOCK_SIZE  ((size_t)32 * 1024)
#define SPARES_KEPT 16

struct block {
    struct block *next;
    size_t start;
    size_t end;
    size_t size;
    char data[];
};

static struct block *block_take(struct queue_store *store, size_t len)
{
    struct block *block = store->spare;
    if (len <= BLOCK_SIZE && block != NULL) {
        store->spare = block->next;
        store->spares--;
    } else {
        size_t size = len <= BLOCK_SIZE ? BLOCK_SIZE : len;
        block = malloc(sizeof *block + size);
        if (block == NULL) {
            return NULL;
        }
        block->size = size;
    }
    block->next = NULL;
    block->start = 0;
    block->end = 0;
    return block;
}

static void block_give(struct queue_store *store, struct block *block)
{
    if (block->size != BLOCK_SIZE || store->spares == SPARES_KEPT) {
        free(block);
        return;
    }
    block->next = store->spare;
    store->spare = block;
    store->spares++;
}

void queue_store_free(struct queue_store *store)
{
    while (store->spare != NULL) {
        struct block *block = store->spare;
        store->spare = block->next;
        free(block);
    }
    store->spares = 0;
}

void queue_init(struct queue *queue, struct queue_store *store)
{
    *queue = (struct queue){.store = store};
}

static void queue_drop_head(struct queue *queue)
{
    struct block *block = queue->head;
    queue->head = block->next;
    if (queue->head == NULL) {
        queue->tail = NULL;
    }
    block_give(queue->store, block);
}

void queue_clear(struct queue *queue)
{
    while (queue->head != NULL) {
        queue_drop_head(queue);
    }
    queue->store->bytes -= queue->bytes;
    queue->bytes = 0;
}

char *queue_room(struct queue *queue, size_t len)
{
    struct block *tail = queue->tail;
    if (tail == NULL || tail->size - tail->end < len + 1) {
        struct block *block = block_take(queue->store, len + 1);
        if (block == NULL) {
            return NULL;
        }
        if (tail == NULL) {
            queue->head = block;
        } else {
            tail->next = block;
        }
        queue->tail = block;
        tail = block;
    }
    return tail->data + tail->end;
}

void queue_commit(struct queue *queue, size_t len, char mark)
{
    struct block *tail = queue->tail;
    tail->data[tail->end + len] = mark;
    tail->end += len + 1;
    queue->bytes += len + 1;
    queue->store->bytes += len + 1;
}

int queue_vectors(const struct queue *queue, struct iovec *vec, int most)
{
    int count = 0;
    for (struct block *block = queue->head; block != NULL && count < most; block = block->next) {
        if (block->end > block->start) {
            vec[count].iov_base = block->data + block->start;
            vec[count].iov_len = block->end - block->start;
            count++;
        }
    }
    return count;
}

void queue_consume(struct queue *queue, size_t len)
{
    queue->bytes -= len;
    queue->store->bytes -= len;
    while (queue->head != NULL) {
        struct block *block = queue->head;
        size_t here = block->end - block->start;
        if (len < here) {
            block->start += len;
            return;
        }
        len -= here;
        queue_drop_head(queue);
    }
}

char *queue_peek(const struct queue *queue, size_t skip, size_t *len)
{
    for (struct block *block = queue->head; block != NULL; block = block->next) {
        size_t here = block->end - block->start;
        if (skip < here) {
            *len = here - skip;
            return block->data + block->start + skip;
        }
        skip -= here;
    }
    return NULL;
}
