/* SPDX-License-Identifier: Apache-2.0 */
/* KRN-LIM-01 to 04, 09: full queues, who waits because of them, and for how long. */
#include "scene.h"

#define LIMITS                                                                                                       \
    "\"limits\":{\"max_output_queue\":1000,\"backpressure_timeout_sec\":10,\"max_input_buffer\":100000,"             \
    "\"max_total_buffer\":1000000}"
#define ONE_POOL  "{\"pools\":[{\"id\":\"p\",\"command\":\"x\"}]," LIMITS "}"
#define TWO_POOLS "{\"pools\":[{\"id\":\"p\",\"command\":\"x\"},{\"id\":\"q\",\"command\":\"x\"}]," LIMITS "}"

enum { QUEUE = 1000, PATIENCE = 10000, SECOND = 1000 };

static size_t queued(const struct peer *peer)
{
    return peer->channel.queue.bytes;
}

/* A message that takes `size` bytes of a queue: `head` without its closing brace, and padding. */
static const char *padded(const char *head, size_t size)
{
    static char line[100001];
    size_t len = (size_t)snprintf(line, sizeof line, "%s,\"pad\":\"", head);
    memset(line + len, 'x', size - 3 - len);
    memcpy(line + size - 3, "\"}", 3);
    return line;
}

static void fill_worker(struct client *client, const char *head)
{
    CHECK(client_says(client, padded(head, QUEUE)) == LINE_TAKEN);
}

/* Workers that do not read ------------------------------------------------------------------------- */

static void a_queue_below_its_mark_takes_a_message_of_any_size(void)
{
    open_bus(ONE_POOL);
    CHECK(client_says(a, padded("{\"id\":1,\"method\":\"m\"", QUEUE - 1)) == LINE_TAKEN);
    CHECK(client_says(a, padded("{\"id\":2,\"method\":\"m\"", 5000)) == LINE_TAKEN);
    CHECK(client_says(a, "{\"id\":3,\"method\":\"m\"}") == LINE_BLOCKED);
    CHECK(worker_hears(w) != NULL);
    CHECK(!peer_is_read(&a->peer));
    CHECK(worker_hears(w) != NULL);
    CHECK(peer_is_read(&a->peer));
    CHECK(client_says(a, "{\"id\":3,\"method\":\"m\"}") == LINE_TAKEN);
    CHECK_STR(worker_hears(w), "{\"id\":3,\"method\":\"m\"}");
    close_bus();
}

static void a_full_worker_blocks_only_who_writes_to_it(void)
{
    open_bus(TWO_POOLS);
    v = memory_worker(bus, 1);
    CHECK(client_says(a, padded("{\"id\":1,\"method\":\"m\",\"pool\":\"p\"", QUEUE)) == LINE_TAKEN);
    CHECK(client_says(b, "{\"id\":1,\"method\":\"m\",\"pool\":\"q\"}") == LINE_TAKEN);
    CHECK(client_says(a, "{\"id\":2,\"method\":\"m\",\"pool\":\"p\"}") == LINE_BLOCKED);
    CHECK(client_says(b, "{\"id\":2,\"method\":\"m\",\"pool\":\"q\"}") == LINE_TAKEN);
    CHECK(worker_hears(v) != NULL);
    CHECK(worker_hears(v) != NULL);
    CHECK(!peer_is_read(&a->peer));
    CHECK(peer_is_read(&b->peer));
    CHECK(client_says(b, "{\"method\":\"n\",\"pool\":\"p\"}") == LINE_BLOCKED);
    CHECK(worker_hears(w) != NULL);
    CHECK(peer_is_read(&a->peer) && peer_is_read(&b->peer));
    CHECK(client_says(a, "{\"id\":2,\"method\":\"m\",\"pool\":\"p\"}") == LINE_TAKEN);
    close_bus();
}

static void another_instance_with_room_takes_it(void)
{
    open_bus(ONE_POOL);
    v = memory_worker(bus, 0);
    fill_worker(a, "{\"id\":1,\"method\":\"m\"");
    struct worker *full = queued(&w->peer) > 0 ? w : v;
    struct worker *idle = full == w ? v : w;
    for (int i = 2; i < 6; i++) {
        char line[64];
        snprintf(line, sizeof line, "{\"id\":%d,\"method\":\"m\"}", i);
        CHECK(client_says(a, line) == LINE_TAKEN);
        CHECK_STR(worker_hears(idle), line);
    }
    close_bus();
}

/* What waits for a worker is refused after the timeout, until half of its queue is empty. */
static void check_overload(const char *filler, const char *first, const char *second)
{
    open_bus(ONE_POOL);
    client_says(a, "{\"method\":\"n\",\"id\":\"s\",\"sessionId\":\"s\"}");
    peer_takes(&w->peer, SIZE_MAX);
    worker_says(w, "{\"id\":\"s\",\"result\":1,\"sessionId\":\"s\"}");
    peer_takes(&a->peer, SIZE_MAX);
    fill_worker(a, filler);
    CHECK(client_says(a, first) == LINE_BLOCKED);
    advance(bus, PATIENCE - 1);
    CHECK(!peer_is_read(&a->peer));
    advance(bus, 1);
    CHECK(peer_is_read(&a->peer));
    CHECK(client_says(a, first) == LINE_TAKEN);
    CHECK(is_error(client_hears(a), "2", -32093, "overloaded"));
    peer_takes(&w->peer, QUEUE / 2 - 1);
    CHECK(client_says(a, second) == LINE_TAKEN);
    CHECK(is_error(client_hears(a), "3", -32093, "overloaded"));
    uint64_t lost = bus->stats.routing_errors;
    CHECK(client_says(a, "{\"method\":\"n\",\"sessionId\":\"s\"}") == LINE_TAKEN);
    CHECK(client_says(a, "{\"method\":\"n\"}") == LINE_TAKEN);
    CHECK(bus->stats.routing_errors == lost + 2);
    peer_takes(&w->peer, 1);
    CHECK(client_says(a, second) == LINE_TAKEN);
    CHECK_STR(client_hears(a), NULL);
    CHECK(worker_hears(w) != NULL);
    CHECK_STR(worker_hears(w), second);
    close_bus();
}

static void session_requests_are_refused_until_half_is_taken(void)
{
    check_overload("{\"method\":\"n\",\"sessionId\":\"s\"", "{\"id\":2,\"method\":\"m\",\"sessionId\":\"s\"}",
                   "{\"id\":3,\"method\":\"m\",\"sessionId\":\"s\"}");
}

static void requests_without_session_are_refused_until_half_is_taken(void)
{
    check_overload("{\"method\":\"n\"", "{\"id\":2,\"method\":\"m\"}", "{\"id\":3,\"method\":\"m\"}");
}

static void requests_without_session_are_refused_at_an_overloaded_worker(void)
{
    check_overload("{\"method\":\"n\"", "{\"id\":2,\"method\":\"m\",\"sessionId\":\"s\"}",
                   "{\"id\":3,\"method\":\"m\"}");
}

static void session_requests_are_refused_at_an_overloaded_pool(void)
{
    check_overload("{\"method\":\"n\"", "{\"id\":2,\"method\":\"m\"}",
                   "{\"id\":3,\"method\":\"m\",\"sessionId\":\"s\"}");
}

static void the_death_of_a_full_worker_lets_its_clients_go(void)
{
    open_bus(ONE_POOL);
    client_says(a, padded("{\"id\":1,\"method\":\"m\",\"sessionId\":\"s\"", QUEUE));
    CHECK(client_says(a, "{\"id\":2,\"method\":\"m\",\"sessionId\":\"s\"}") == LINE_BLOCKED);
    worker_dies(w);
    CHECK(peer_is_read(&a->peer));
    CHECK(is_error(client_hears(a), "1", -32090, "worker_exited"));
    CHECK(client_says(a, "{\"id\":2,\"method\":\"m\",\"sessionId\":\"s\"}") == LINE_TAKEN);
    w = memory_worker(bus, 0);
    CHECK(worker_hears(w) != NULL);
    advance(bus, 2 * PATIENCE);
    CHECK_STR(client_hears(a), NULL);
    close_bus();
}

static void a_blocked_client_may_leave(void)
{
    open_bus(ONE_POOL);
    fill_worker(a, "{\"id\":1,\"method\":\"m\"");
    CHECK(client_says(a, "{\"id\":2,\"method\":\"m\"}") == LINE_BLOCKED);
    CHECK(client_says(b, "{\"id\":3,\"method\":\"m\"}") == LINE_BLOCKED);
    client_leaves(a);
    advance(bus, PATIENCE);
    CHECK(client_says(b, "{\"id\":3,\"method\":\"m\"}") == LINE_TAKEN);
    CHECK(is_error(client_hears(b), "3", -32093, "overloaded"));
    close_bus();
}

static void the_waiting_room_of_a_pool_has_a_limit_too(void)
{
    open_bus(ONE_POOL);
    worker_dies(w);
    CHECK(client_says(a, padded("{\"id\":1,\"method\":\"m\"", QUEUE + 1)) == LINE_TAKEN);
    CHECK(client_says(a, "{\"id\":2,\"method\":\"m\"}") == LINE_BLOCKED);
    w = memory_worker(bus, 0);
    CHECK(worker_hears(w) != NULL);
    CHECK(client_says(a, "{\"id\":2,\"method\":\"m\"}") == LINE_TAKEN);
    CHECK_STR(worker_hears(w), "{\"id\":2,\"method\":\"m\"}");
    close_bus();
}

static void answers_to_a_workers_questions_pass_the_mark(void)
{
    open_bus(ONE_POOL);
    client_says(a, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"s\"}");
    worker_says(w, "{\"id\":5,\"method\":\"ask\",\"sessionId\":\"s\"}");
    peer_takes(&w->peer, SIZE_MAX);
    fill_worker(a, "{\"id\":2,\"method\":\"m\",\"sessionId\":\"s\"");
    CHECK(client_says(a, "{\"id\":5,\"result\":1,\"sessionId\":\"s\"}") == LINE_TAKEN);
    CHECK(worker_hears(w) != NULL);
    CHECK_STR(worker_hears(w), "{\"id\":5,\"result\":1,\"sessionId\":\"s\"}");
    close_bus();
}

/* It would need to hear that nobody takes its request. */
static void a_full_worker_that_asks_nobody_is_not_read(void)
{
    open_bus(ONE_POOL);
    fill_worker(a, "{\"id\":1,\"method\":\"m\"");
    CHECK(worker_says(w, "{\"id\":5,\"method\":\"ask\"}") == LINE_BLOCKED);
    CHECK(worker_hears(w) != NULL);
    CHECK(peer_is_read(&w->peer));
    CHECK(worker_says(w, "{\"id\":5,\"method\":\"ask\"}") == LINE_TAKEN);
    CHECK(is_error(worker_hears(w), "5", -32092, "unknown_session"));
    close_bus();
}

/* What it has still to say must be read to its end, or its requests would never fail (KRN-ERR-03). */
static void a_worker_that_leaves_is_read_whatever_its_own_queue_holds(void)
{
    open_bus(ONE_POOL);
    fill_worker(a, "{\"id\":1,\"method\":\"m\"");
    CHECK(worker_says(w, "{\"id\":5,\"method\":\"ask\"}") == LINE_BLOCKED);
    worker_leaves(w);
    CHECK(peer_is_read(&w->peer));
    CHECK(worker_says(w, "{\"id\":5,\"method\":\"ask\"}") == LINE_TAKEN);
    close_bus();
}

/* Clients that do not read ------------------------------------------------------------------------- */

static void fill_client(struct client *client, const char *session)
{
    char head[64];
    snprintf(head, sizeof head, "{\"method\":\"u\",\"sessionId\":\"%s\"", session);
    CHECK(worker_says(w, padded(head, QUEUE)) == LINE_TAKEN);
    CHECK(queued(&client->peer) >= QUEUE);
}

static void open_sessions(void)
{
    open_bus(ONE_POOL);
    client_says(a, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"a\"}");
    client_says(b, "{\"id\":2,\"method\":\"m\",\"sessionId\":\"b\"}");
    peer_takes(&w->peer, SIZE_MAX);
}

static void a_worker_is_paused_for_a_full_client_and_resumed(void)
{
    open_sessions();
    fill_client(a, "a");
    CHECK(worker_says(w, "{\"method\":\"u\",\"sessionId\":\"b\"}") == LINE_TAKEN);
    CHECK(client_hears(b) != NULL);
    CHECK(worker_says(w, "{\"id\":1,\"result\":1,\"sessionId\":\"a\"}") == LINE_BLOCKED);
    CHECK(!peer_is_read(&w->peer));
    peer_takes(&a->peer, 1);
    CHECK(peer_is_read(&w->peer));
    CHECK(worker_says(w, "{\"id\":1,\"result\":1,\"sessionId\":\"a\"}") == LINE_TAKEN);
    CHECK(stdio_bus_pending_count(bus) == 1);
    close_bus();
}

static void a_question_waits_for_a_full_client(void)
{
    open_sessions();
    fill_client(a, "a");
    CHECK(worker_says(w, "{\"id\":7,\"method\":\"ask\",\"sessionId\":\"a\"}") == LINE_BLOCKED);
    CHECK(bus->router.asking == 0);
    CHECK(client_hears(a) != NULL);
    CHECK(worker_says(w, "{\"id\":7,\"method\":\"ask\",\"sessionId\":\"a\"}") == LINE_TAKEN);
    CHECK(bus->router.asking == 1);
    close_bus();
}

static void a_client_that_takes_nothing_is_closed_after_the_timeout(void)
{
    open_sessions();
    fill_client(a, "a");
    CHECK(worker_says(w, "{\"method\":\"u\",\"sessionId\":\"a\"}") == LINE_BLOCKED);
    advance(bus, PATIENCE - 1);
    CHECK(!a->gone);
    advance(bus, 1);
    CHECK(a->gone);
    CHECK(!b->gone);
    CHECK(peer_is_read(&w->peer));
    CHECK(stdio_bus_session_count(bus) == 1);
    CHECK(worker_says(w, "{\"method\":\"u\",\"sessionId\":\"a\"}") == LINE_TAKEN);
    CHECK(worker_says(w, "{\"method\":\"u\",\"sessionId\":\"b\"}") == LINE_TAKEN);
    CHECK(client_hears(b) != NULL);
    close_bus();
}

/* The timeout runs from when it was given something, not from when it last took something. */
static void a_client_that_was_idle_for_long_gets_its_time(void)
{
    open_sessions();
    CHECK(worker_says(w, "{\"method\":\"u\",\"sessionId\":\"a\"}") == LINE_TAKEN);
    CHECK(client_hears(a) != NULL);
    advance(bus, 5 * PATIENCE);
    fill_client(a, "a");
    CHECK(worker_says(w, "{\"method\":\"u\",\"sessionId\":\"a\"}") == LINE_BLOCKED);
    advance(bus, 0);
    CHECK(!a->gone);
    advance(bus, PATIENCE - 1);
    CHECK(!a->gone);
    advance(bus, 1);
    CHECK(a->gone);
    close_bus();
}

/* The host hears when it steps, however seldom that is: it is never closed. */
static void the_host_is_never_closed(void)
{
    open_bus(ONE_POOL);
    CHECK(client_says(bus->host, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"h\"}") == LINE_TAKEN);
    peer_takes(&w->peer, SIZE_MAX);
    fill_client(bus->host, "h");
    CHECK(worker_says(w, "{\"method\":\"u\",\"sessionId\":\"h\"}") == LINE_BLOCKED);
    advance(bus, 10 * PATIENCE);
    CHECK(!bus->host->gone);
    CHECK(client_hears(bus->host) != NULL);
    CHECK(peer_is_read(&w->peer));
    stdio_bus_destroy(bus);
}

static void a_client_that_takes_a_little_alone_is_not_closed(void)
{
    open_bus(ONE_POOL);
    client_says(a, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"a\"}");
    CHECK(worker_says(w, padded("{\"method\":\"u\",\"sessionId\":\"a\"", 3 * QUEUE)) == LINE_TAKEN);
    for (int i = 0; i < 10; i++) {
        CHECK(worker_says(w, "{\"method\":\"u\",\"sessionId\":\"a\"}") == LINE_BLOCKED);
        advance(bus, PATIENCE - SECOND);
        peer_takes(&a->peer, 1);
        CHECK(!a->gone);
    }
    close_bus();
}

/* It delays b by all its pauses together, however often it takes a byte in between (KRN-LIM-04). */
static void a_client_whose_pauses_add_up_is_closed(void)
{
    open_sessions();
    CHECK(worker_says(w, padded("{\"method\":\"u\",\"sessionId\":\"a\"", 3 * QUEUE)) == LINE_TAKEN);
    CHECK(worker_says(w, "{\"method\":\"u\",\"sessionId\":\"a\"}") == LINE_BLOCKED);
    for (int i = 0; i < 3; i++) {
        advance(bus, 3 * SECOND);
        peer_takes(&a->peer, 1);
        CHECK(!a->gone);
    }
    advance(bus, SECOND - 1);
    CHECK(!a->gone);
    advance(bus, 1);
    CHECK(a->gone);
    close_bus();
}

static void pauses_are_forgotten_when_the_queue_is_empty(void)
{
    open_sessions();
    for (int i = 0; i < 5; i++) {
        fill_client(a, "a");
        CHECK(worker_says(w, "{\"method\":\"u\",\"sessionId\":\"a\"}") == LINE_BLOCKED);
        advance(bus, 8 * SECOND);
        peer_takes(&a->peer, SIZE_MAX);
        CHECK(!a->gone);
        advance(bus, 3 * SECOND);
        CHECK(!a->gone);
    }
    close_bus();
}

static void a_pause_that_begins_later_still_counts_from_the_total(void)
{
    open_sessions();
    CHECK(worker_says(w, padded("{\"method\":\"u\",\"sessionId\":\"a\"", QUEUE + 10)) == LINE_TAKEN);
    CHECK(worker_says(w, "{\"method\":\"u\",\"sessionId\":\"a\"}") == LINE_BLOCKED);
    advance(bus, 8 * SECOND);
    peer_takes(&a->peer, 20);
    advance(bus, 3 * SECOND);
    CHECK(!a->gone);
    /* Full again: first it is only itself that waits for room, then the worker too; 2 s of patience are left. */
    fill_client(a, "a");
    CHECK(client_says(a, "{\"id\":9,\"method\":\"m\"}") == LINE_BLOCKED);
    advance(bus, 1 * SECOND);
    peer_takes(&a->peer, 1);
    CHECK(worker_says(w, "{\"method\":\"u\",\"sessionId\":\"a\"}") == LINE_BLOCKED);
    advance(bus, 2 * SECOND - 1);
    CHECK(!a->gone);
    advance(bus, 1);
    CHECK(a->gone);
    close_bus();
}

static void a_client_full_of_its_own_answers_waits_for_itself(void)
{
    open_bus(ONE_POOL);
    while (queued(&a->peer) < QUEUE) {
        CHECK(client_says(a, "nonsense") == LINE_TAKEN);
    }
    CHECK(client_says(a, "{\"id\":1,\"method\":\"m\"}") == LINE_BLOCKED);
    CHECK_STR(worker_hears(w), NULL);
    CHECK(client_says(b, "{\"id\":1,\"method\":\"m\"}") == LINE_TAKEN);
    CHECK(client_hears(a) != NULL);
    CHECK(peer_is_read(&a->peer));
    advance(bus, 2 * PATIENCE);
    CHECK(!a->gone);
    close_bus();
}

static void a_paused_worker_may_die(void)
{
    open_sessions();
    fill_client(a, "a");
    CHECK(worker_says(w, "{\"method\":\"u\",\"sessionId\":\"a\"}") == LINE_BLOCKED);
    worker_dies(w);
    advance(bus, PATIENCE);
    CHECK(a->pauses == 0);
    peer_takes(&a->peer, SIZE_MAX);
    close_bus();
}

/* The sum of all buffers --------------------------------------------------------------------------- */

static void beyond_the_sum_of_all_buffers_requests_are_refused(void)
{
    open_bus("{\"pools\":[{\"id\":\"p\",\"command\":\"x\"}],\"limits\":{\"max_total_buffer\":10000}}");
    CHECK(client_says(a, padded("{\"id\":1,\"method\":\"m\"", 12000)) == LINE_TAKEN);
    CHECK(client_says(b, "{\"id\":2,\"method\":\"m\"}") == LINE_TAKEN);
    CHECK(is_error(client_hears(b), "2", -32093, "overloaded"));
    CHECK(worker_hears(w) != NULL);
    CHECK(client_says(b, "{\"id\":2,\"method\":\"m\"}") == LINE_TAKEN);
    CHECK(worker_hears(w) != NULL);
    close_bus();
}

static void beyond_the_sum_a_client_with_unread_output_waits(void)
{
    open_bus("{\"pools\":[{\"id\":\"p\",\"command\":\"x\"}],\"limits\":{\"max_total_buffer\":10000}}");
    client_says(a, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"a\"}");
    client_says(a, padded("{\"id\":2,\"method\":\"m\",\"sessionId\":\"a\"", 12000));
    CHECK(worker_says(w, "{\"method\":\"u\",\"sessionId\":\"a\"}") == LINE_TAKEN);
    CHECK(worker_says(w, "{\"method\":\"u\",\"sessionId\":\"a\"}") == LINE_BLOCKED);
    CHECK(client_hears(a) != NULL);
    CHECK(peer_is_read(&w->peer));
    close_bus();
}

int main(void)
{
    a_queue_below_its_mark_takes_a_message_of_any_size();
    a_full_worker_blocks_only_who_writes_to_it();
    another_instance_with_room_takes_it();
    session_requests_are_refused_until_half_is_taken();
    requests_without_session_are_refused_until_half_is_taken();
    requests_without_session_are_refused_at_an_overloaded_worker();
    session_requests_are_refused_at_an_overloaded_pool();
    the_death_of_a_full_worker_lets_its_clients_go();
    a_blocked_client_may_leave();
    the_waiting_room_of_a_pool_has_a_limit_too();
    answers_to_a_workers_questions_pass_the_mark();
    a_full_worker_that_asks_nobody_is_not_read();
    a_worker_that_leaves_is_read_whatever_its_own_queue_holds();
    a_worker_is_paused_for_a_full_client_and_resumed();
    a_question_waits_for_a_full_client();
    a_client_that_takes_nothing_is_closed_after_the_timeout();
    a_client_that_was_idle_for_long_gets_its_time();
    the_host_is_never_closed();
    a_client_that_takes_a_little_alone_is_not_closed();
    a_client_whose_pauses_add_up_is_closed();
    pauses_are_forgotten_when_the_queue_is_empty();
    a_pause_that_begins_later_still_counts_from_the_total();
    a_client_full_of_its_own_answers_waits_for_itself();
    a_paused_worker_may_die();
    beyond_the_sum_of_all_buffers_requests_are_refused();
    beyond_the_sum_a_client_with_unread_output_waits();
    return check_report();
}
