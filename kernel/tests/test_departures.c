/* SPDX-License-Identifier: Apache-2.0 */
/* KRN-RTE-12, KRN-ERR-03 to 05, KRN-SHD-02, 04: workers and clients that go, the shutdown, large numbers. */
#include "scene.h"

#define ONE_POOL  "{\"pools\":[{\"id\":\"p\",\"command\":\"x\"}]}"
#define TWO_POOLS "{\"pools\":[{\"id\":\"p\",\"command\":\"x\"},{\"id\":\"q/\\u00e9\",\"command\":\"x\"}]}"

/* Workers that go ------------------------------------------------------------------------------------ */

static void requests_in_flight_fail_at_once_when_their_worker_dies(void)
{
    open_bus_of_two(ONE_POOL);
    worker_dies(v);
    client_says(a, "{\"id\":1,\"method\":\"m\"}");
    client_says(b, "{\"id\":2,\"method\":\"m\",\"sessionId\":\"s\"}");
    peer_takes(&w->peer, SIZE_MAX);
    client_says(b, "{\"id\":3,\"method\":\"m\",\"sessionId\":\"s\"}");
    worker_dies(w);
    CHECK(is_error(client_hears(a), "1", -32090, "worker_exited"));
    CHECK(client_hears(b) != NULL);
    CHECK(client_hears(b) != NULL);
    CHECK(stdio_bus_pending_count(bus) == 0);
    w = v = memory_worker(bus, 0);
    CHECK_STR(worker_hears(w), NULL);
    close_bus();
}

static void unwritten_requests_go_to_another_instance(void)
{
    open_bus_of_two(ONE_POOL);
    worker_dies(v);
    client_says(a, "{\"id\":1,\"method\":\"written in part\"}");
    client_says(b, "{\"id\":2,\"method\":\"unwritten\"}");
    client_says(a, "{\"method\":\"lost\"}");
    client_says(a, "{\"id\":3,\"method\":\"unwritten\"}");
    peer_takes(&w->peer, 1);
    uint64_t lost = bus->stats.routing_errors;
    v = memory_worker(bus, 0);
    worker_dies(w);
    CHECK(is_error(client_hears(a), "1", -32090, "worker_exited"));
    CHECK_STR(client_hears(b), NULL);
    CHECK_STR(worker_hears(v), "{\"id\":2,\"method\":\"unwritten\"}");
    CHECK_STR(worker_hears(v), "{\"id\":3,\"method\":\"unwritten\"}");
    CHECK_STR(worker_hears(v), NULL);
    CHECK(bus->stats.routing_errors == lost + 1);
    worker_says(v, "{\"id\":3,\"result\":1}");
    CHECK(client_hears(a) != NULL);
    close_bus();
}

static void unwritten_requests_wait_for_a_restart_and_go_once(void)
{
    open_bus_of_two(ONE_POOL);
    worker_dies(v);
    client_says(a, "{\"id\":1,\"method\":\"written\"}");
    CHECK(worker_hears(w) != NULL);
    client_says(a, "{\"id\":2,\"method\":\"m\"}");
    client_says(b, "{\"id\":3,\"method\":\"gone\"}");
    client_leaves(b);
    worker_dies(w);
    CHECK(stdio_bus_pending_count(bus) == 1);
    client_says(a, "{\"id\":4,\"method\":\"m\"}");
    w = v = memory_worker(bus, 0);
    CHECK_STR(worker_hears(w), "{\"id\":2,\"method\":\"m\"}");
    CHECK_STR(worker_hears(w), "{\"id\":4,\"method\":\"m\"}");
    CHECK_STR(worker_hears(w), NULL);
    close_bus();
}

static void a_leaving_worker_still_answers(void)
{
    open_bus_of_two(ONE_POOL);
    worker_dies(v);
    client_says(a, "{\"id\":1,\"method\":\"m\"}");
    CHECK(worker_hears(w) != NULL);
    worker_leaves(w);
    v = memory_worker(bus, 0);
    worker_says(w, "{\"id\":1,\"result\":1}");
    CHECK_STR(client_hears(a), "{\"id\":1,\"result\":1}");
    client_says(a, "{\"id\":1,\"method\":\"m\"}");
    CHECK(worker_hears(v) != NULL);
    close_bus();
}

static void what_waits_for_a_worker_keeps_its_order(void)
{
    open_bus_of_two(ONE_POOL);
    worker_dies(w);
    worker_dies(v);
    client_says(a, "{\"id\":1,\"method\":\"m\"}");
    client_says(a, "{\"method\":\"n\"}");
    client_says(a, "{\"id\":2,\"method\":\"m\",\"sessionId\":\"s\"}");
    client_says(b, "{\"method\":\"of b\"}");
    client_says(a, "{\"method\":\"n\",\"sessionId\":\"s\"}");
    client_leaves(b);
    w = v = memory_worker(bus, 0);
    CHECK_STR(worker_hears(w), "{\"id\":1,\"method\":\"m\"}");
    CHECK_STR(worker_hears(w), "{\"method\":\"n\"}");
    CHECK_STR(worker_hears(w), "{\"id\":2,\"method\":\"m\",\"sessionId\":\"s\"}");
    CHECK_STR(worker_hears(w), "{\"method\":\"of b\"}");
    CHECK_STR(worker_hears(w), "{\"method\":\"n\",\"sessionId\":\"s\"}");
    close_bus();
}

static void a_retired_pool_answers_what_waits_is_held_or_unwritten(void)
{
    open_bus_of_two(ONE_POOL);
    worker_dies(v);
    client_says(a, "{\"id\":1,\"method\":\"m\"}");
    client_says(b, "{\"id\":1,\"method\":\"held\"}");
    worker_dies(w);
    retire_pools();
    CHECK(is_error(client_hears(a), "1", -32091, "no_worker"));
    CHECK(is_error(client_hears(b), "1", -32091, "no_worker"));
    client_says(a, "{\"id\":2,\"method\":\"m\"}");
    CHECK(is_error(client_hears(a), "2", -32091, "no_worker"));
    close_bus();
}

static void a_workers_question_fails_when_its_client_leaves_or_ends(void)
{
    open_bus_of_two(ONE_POOL);
    client_says(a, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"s\"}");
    struct worker *worker = who_heard();
    worker_says(worker, "{\"id\":7,\"method\":\"ask\",\"sessionId\":\"s\"}");
    CHECK(client_hears(a) != NULL);
    client_ends(a);
    const char *line = worker_hears(worker);
    CHECK(is_error(line, "7", -32097, "client_gone"));
    worker_says(worker, "{\"id\":8,\"method\":\"ask\",\"sessionId\":\"s\"}");
    line = worker_hears(worker);
    CHECK(line != NULL && strstr(line, "client_gone") != NULL && strstr(line, "\"id\":8,") != NULL);
    worker_says(worker, "{\"id\":1,\"result\":1,\"sessionId\":\"s\"}");
    CHECK_STR(client_hears(a), "{\"id\":1,\"result\":1,\"sessionId\":\"s\"}");
    advance(bus, 0);
    CHECK(a->gone);
    close_bus();
}

/* A client that has ended is closed after its last message, also if that was a notification (KRN-NET-04). */
static void an_ended_client_is_closed_when_its_waiting_notification_went_out(void)
{
    open_bus_of_two(ONE_POOL);
    worker_dies(w);
    worker_dies(v);
    client_says(a, "{\"method\":\"n\"}");
    client_ends(a);
    advance(bus, 0);
    w = v = memory_worker(bus, 0);
    CHECK_STR(worker_hears(w), "{\"method\":\"n\"}");
    advance(bus, 0);
    CHECK(a->gone);
    close_bus();
}

/* Shutdown ------------------------------------------------------------------------------------------- */

static void draining_refuses_what_waits_and_what_is_new(void)
{
    open_bus_of_two(TWO_POOLS);
    worker_dies(w);
    client_says(a, "{\"id\":1,\"method\":\"waits\",\"pool\":\"p\"}");
    client_says(a, "{\"id\":2,\"method\":\"q/\xc3\xa9\"}");
    client_says(b, "{\"id\":2,\"method\":\"q/\xc3\xa9\"}");
    CHECK(worker_hears(v) != NULL);
    router_drain(&bus->router);
    CHECK(is_error(client_hears(a), "1", -32095, "shutting_down"));
    CHECK(is_error(client_hears(b), "2", -32095, "shutting_down"));
    client_says(b, "{\"id\":3,\"method\":\"q/\xc3\xa9\"}");
    CHECK(is_error(client_hears(b), "3", -32095, "shutting_down"));
    client_says(b, "{\"method\":\"q/\xc3\xa9\"}");
    CHECK(worker_hears(v) != NULL);
    worker_says(v, "{\"id\":2,\"result\":1}");
    CHECK_STR(client_hears(a), "{\"id\":2,\"result\":1}");
    CHECK(stdio_bus_pending_count(bus) == 0);
    close_bus();
}

static void draining_refuses_what_is_held_at_a_leaving_worker(void)
{
    open_bus_of_two(ONE_POOL);
    worker_dies(v);
    client_says(a, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"s\"}");
    client_says(b, "{\"id\":1,\"method\":\"held\",\"sessionId\":\"s\"}");
    CHECK(worker_hears(w) != NULL);
    worker_leaves(w);
    router_drain(&bus->router);
    const char *line = client_hears(b);
    CHECK(line != NULL && strstr(line, "shutting_down") != NULL);
    close_bus();
}

static void what_stays_open_is_answered_at_the_end(void)
{
    open_bus_of_two(ONE_POOL);
    client_says(a, "{\"id\":1,\"method\":\"m\"}");
    client_says(b, "{\"id\":2,\"method\":\"m\"}");
    router_drain(&bus->router);
    router_fail_all(&bus->router, &bus->clients);
    CHECK(is_error(client_hears(a), "1", -32095, "shutting_down"));
    CHECK(is_error(client_hears(b), "2", -32095, "shutting_down"));
    CHECK(stdio_bus_pending_count(bus) == 0);
    close_bus();
}

/* Size (KRN-RTE-12) ----------------------------------------------------------------------------------- */

enum { MANY = 100000 };

static void a_hundred_thousand_sessions_and_requests(void)
{
    open_bus_of_two(ONE_POOL);
    char line[128];
    for (int i = 0; i < MANY; i++) {
        snprintf(line, sizeof line, "{\"id\":%d,\"method\":\"m\",\"sessionId\":\"s%d\"}", i, i);
        CHECK(client_says(i % 2 == 0 ? a : b, line) == LINE_TAKEN);
    }
    CHECK(stdio_bus_session_count(bus) == MANY);
    CHECK(stdio_bus_pending_count(bus) == MANY);
    CHECK(w->session_count == MANY / 2);
    for (int i = 0; i < MANY; i += 2) {
        snprintf(line, sizeof line, "{\"id\":%d,\"result\":1}", i);
        struct worker *worker = i % 4 == 0 ? w : v;
        worker_says(worker, line);
        worker_says(worker == w ? v : w, line);
    }
    size_t heard = 0;
    while (client_hears(a) != NULL) {
        heard++;
    }
    CHECK(heard == MANY / 2);
    CHECK(stdio_bus_pending_count(bus) == MANY / 2);
    worker_dies(w);
    worker_dies(v);
    heard = 0;
    while (client_hears(b) != NULL) {
        heard++;
    }
    CHECK(heard == MANY / 2);
    close_bus();
}

static void a_hundred_thousand_equal_ids(void)
{
    open_bus_of_two(ONE_POOL);
    worker_dies(v);
    client_says(a, "{\"id\":\"x\",\"method\":\"m\",\"sessionId\":\"x\"}");
    worker_says(w, "{\"id\":\"x\",\"result\":1,\"sessionId\":\"x\"}");
    char line[128];
    for (int i = 0; i < MANY; i++) {
        snprintf(line, sizeof line, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"s%d\"}", i);
        client_says(a, line);
    }
    CHECK(stdio_bus_pending_count(bus) == MANY);
    for (int i = 0; i < MANY / 2; i++) {
        snprintf(line, sizeof line, "{\"id\":1,\"result\":1,\"sessionId\":\"s%d\"}", i * 7 % MANY);
        worker_says(w, line);
    }
    CHECK(stdio_bus_pending_count(bus) == MANY / 2);
    close_bus();
}

static void destroying_frees_what_is_in_flight(void)
{
    open_bus_of_two(ONE_POOL);
    char line[128];
    for (int i = 0; i < MANY; i++) {
        snprintf(line, sizeof line,
                 "{\"id\":%d,\"method\":\"m\",\"sessionId\":\"s%d\",\"params\":{\"sessionId\":\"l%d\"}}", i / 2,
                 i % 5, i);
        client_says(i % 2 == 0 ? a : b, line);
    }
    for (int i = 0; i < 100; i++) {
        snprintf(line, sizeof line, "{\"id\":%d,\"method\":\"ask\",\"sessionId\":\"s%d\"}", i % 10, i % 5);
        worker_says(w, line);
        worker_says(v, line);
    }
    stdio_bus_destroy(bus);
}

int main(void)
{
    requests_in_flight_fail_at_once_when_their_worker_dies();
    unwritten_requests_go_to_another_instance();
    unwritten_requests_wait_for_a_restart_and_go_once();
    a_leaving_worker_still_answers();
    what_waits_for_a_worker_keeps_its_order();
    a_retired_pool_answers_what_waits_is_held_or_unwritten();
    a_workers_question_fails_when_its_client_leaves_or_ends();
    an_ended_client_is_closed_when_its_waiting_notification_went_out();
    draining_refuses_what_waits_and_what_is_new();
    draining_refuses_what_is_held_at_a_leaving_worker();
    what_stays_open_is_answered_at_the_end();
    a_hundred_thousand_sessions_and_requests();
    a_hundred_thousand_equal_ids();
    destroying_frees_what_is_in_flight();
    return check_report();
}
