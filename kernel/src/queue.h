/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes on their way out, in blocks. A message never straddles two blocks. */
#ifndef KERNEL_QUEUE_H
#define KERNEL_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* What all queues of a bus share: spare blocks, and the sum of what they hold (KRN-LIM-09). */
struct queue_store {
    struct block *spare;
    unsigned spares;
    uint64_t bytes;
};

struct queue {
    struct queue_store *store;
    struct block *head;
    struct block *tail;
    size_t bytes;
};

void queue_store_free(struct queue_store *store);

void queue_init(struct queue *queue, struct queue_store *store);
void queue_clear(struct queue *queue);

/* Room for one message of `len` bytes and its end mark at the end, or NULL; it counts once queue_commit has
 * told its length and the mark that ends it. */
char *queue_room(struct queue *queue, size_t len);
void queue_commit(struct queue *queue, size_t len, char mark);

/* Up to `most` pieces from the front. */
int queue_vectors(const struct queue *queue, struct iovec *vec, int most);
void queue_consume(struct queue *queue, size_t len);

/* The bytes `skip` behind the front, up to the end of their block. NULL behind the end. */
char *queue_peek(const struct queue *queue, size_t skip, size_t *len);

#endif
