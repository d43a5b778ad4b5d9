/* SPDX-License-Identifier: Apache-2.0 */
#include "queue.h"

#include "check.h"

#include <stdlib.h>

enum { BLOCK = 32 * 1024, MANY = 5000, STEPS = 20000 };

static struct queue_store store;
static struct queue queue;

static void open_queue(void)
{
    store = (struct queue_store){0};
    queue_init(&queue, &store);
}

static void close_queue(void)
{
    queue_clear(&queue);
    CHECK(queue.bytes == 0 && store.bytes == 0);
    CHECK(queue.head == NULL && queue.tail == NULL);
    queue_store_free(&store);
    CHECK(store.spare == NULL);
}

static void put(const char *bytes, size_t len)
{
    char *room = queue_room(&queue, len);
    CHECK(room != NULL);
    memcpy(room, bytes, len);
    queue_commit(&queue, len, '\n');
}

static void an_empty_queue_has_nothing(void)
{
    struct iovec vec[2];
    size_t len;
    open_queue();
    CHECK(queue_vectors(&queue, vec, 2) == 0);
    CHECK(queue_peek(&queue, 0, &len) == NULL);
    queue_consume(&queue, 0);
    close_queue();
}

static void messages_stand_one_behind_the_other(void)
{
    struct iovec vec[2];
    size_t len = 0;
    open_queue();
    put("one", 3);
    put("", 0);
    put("three", 5);
    CHECK(queue.bytes == 11 && store.bytes == 11);
    CHECK(queue_vectors(&queue, vec, 2) == 1);
    CHECK(vec[0].iov_len == 11 && memcmp(vec[0].iov_base, "one\n\nthree\n", 11) == 0);
    CHECK(memcmp(queue_peek(&queue, 5, &len), "three\n", 6) == 0 && len == 6);
    CHECK(queue_peek(&queue, 11, &len) == NULL);
    queue_consume(&queue, 2);
    CHECK(memcmp(queue_peek(&queue, 0, &len), "e\n\nthree\n", 9) == 0 && len == 9);
    queue_consume(&queue, 9);
    CHECK(queue_peek(&queue, 0, &len) == NULL);
    close_queue();
}

static void room_that_is_not_used_does_not_count(void)
{
    struct iovec vec[4];
    size_t len;
    open_queue();
    CHECK(queue_room(&queue, 100) != NULL);
    CHECK(queue.bytes == 0 && queue_vectors(&queue, vec, 4) == 0);
    CHECK(queue_peek(&queue, 0, &len) == NULL);
    CHECK(queue_room(&queue, 2 * BLOCK) != NULL);
    put("one", 3);
    CHECK(queue_vectors(&queue, vec, 4) == 1 && vec[0].iov_len == 4);
    queue_consume(&queue, 4);
    CHECK(queue.head == NULL);
    close_queue();
}

/* The router reads messages back out of a queue: each has to lie in one piece. */
static void a_message_never_straddles_two_blocks(void)
{
    char *message = malloc(3 * BLOCK);
    memset(message, 'm', 3 * BLOCK);
    for (size_t size = BLOCK - 3; size <= BLOCK + 3; size++) {
        size_t at = 0;
        size_t len = 0;
        open_queue();
        put("x", 1);
        put(message, size);
        put(message, 3 * BLOCK);
        put("y", 1);
        const size_t sizes[] = {1, size, 3 * BLOCK, 1};
        for (int i = 0; i < 4; i++) {
            const char *found = queue_peek(&queue, at, &len);
            CHECK(found != NULL && len >= sizes[i] + 1 && found[sizes[i]] == '\n');
            at += sizes[i] + 1;
        }
        CHECK(queue.bytes == at);
        close_queue();
    }
    free(message);
}

static void a_message_of_exactly_one_block_fits_it(void)
{
    char *message = malloc(BLOCK);
    struct iovec vec[4];
    memset(message, 'm', BLOCK);
    open_queue();
    put(message, BLOCK - 1);
    put(message, BLOCK - 1);
    CHECK(queue_vectors(&queue, vec, 4) == 2);
    CHECK(queue_vectors(&queue, vec, 1) == 1);
    queue_consume(&queue, BLOCK);
    CHECK(queue_vectors(&queue, vec, 4) == 1 && vec[0].iov_len == BLOCK);
    close_queue();
    free(message);
}

/* Against a plain array, with messages and steps of any size. */
static void it_gives_back_what_was_put_in(void)
{
    size_t in = 0;
    size_t out = 0;
    unsigned random = 1;
    char message[9000];
    open_queue();
    for (int i = 0; i < STEPS; i++) {
        random = random * 1103515245u + 12345u;
        size_t len = (random >> 16) % (i % 50 == 0 ? sizeof message : 300);
        for (size_t j = 0; j < len; j++) {
            message[j] = (char)((in + j) * 31 % 251);
        }
        put(message, len);
        in += len + 1;
        random = random * 1103515245u + 12345u;
        size_t step = (random >> 16) % 400;
        step = step < queue.bytes ? step : queue.bytes;
        size_t left = step;
        while (left > 0) {
            size_t here = 0;
            const char *found = queue_peek(&queue, step - left, &here);
            CHECK(found != NULL && here > 0);
            here = here < left ? here : left;
            for (size_t j = 0; j < here; j++) {
                CHECK(found[j] == '\n' || found[j] == (char)((out + j) * 31 % 251));
            }
            out += here;
            left -= here;
        }
        queue_consume(&queue, step);
        CHECK(queue.bytes == in - out && store.bytes == in - out);
    }
    close_queue();
}

static void queues_of_one_store_share_its_sum_and_its_spare_blocks(void)
{
    struct queue other;
    char message[100] = {0};
    open_queue();
    queue_init(&other, &store);
    for (int i = 0; i < MANY; i++) {
        put(message, sizeof message);
    }
    memcpy(queue_room(&other, 3), "two", 3);
    queue_commit(&other, 3, '\n');
    CHECK(store.bytes == MANY * 101 + 4);
    queue_clear(&queue);
    CHECK(store.bytes == 4 && other.bytes == 4);
    unsigned kept = store.spares;
    CHECK(kept > 0);
    put("one", 3);
    CHECK(store.spares == kept - 1);
    queue_clear(&other);
    CHECK(store.spares == kept);
    close_queue();
}

int main(void)
{
    an_empty_queue_has_nothing();
    messages_stand_one_behind_the_other();
    room_that_is_not_used_does_not_count();
    a_message_never_straddles_two_blocks();
    a_message_of_exactly_one_block_fits_it();
    it_gives_back_what_was_put_in();
    queues_of_one_store_share_its_sum_and_its_spare_blocks();
    return check_report();
}
