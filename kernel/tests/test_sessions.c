/* SPDX-License-Identifier: Apache-2.0 */
/* KRN-RTE-01, 02, 08, 10, 11: sessions, who serves and who owns them. */
#include "scene.h"

#define FORWARD "{\"pools\":[{\"id\":\"p\",\"command\":\"x\"}]}"

/* The client asks on the session; the result is the worker that got it, after its answer has been heard. */
static struct worker *exchange(struct client *client, const char *session)
{
    char line[128];
    snprintf(line, sizeof line, "{\"id\":\"x\",\"method\":\"m\",\"sessionId\":\"%s\"}", session);
    CHECK(client_says(client, line) == LINE_TAKEN);
    const char *heard = worker_hears(w);
    struct worker *worker = heard != NULL ? w : v;
    CHECK_STR(heard != NULL ? heard : worker_hears(v), line);
    snprintf(line, sizeof line, "{\"id\":\"x\",\"result\":1,\"sessionId\":\"%s\"}", session);
    CHECK(worker_says(worker, line) == LINE_TAKEN);
    CHECK_STR(client_hears(client), line);
    return worker;
}

/* Which worker serves it --------------------------------------------------------------------------- */

static void a_session_stays_with_its_worker(void)
{
    open_bus_of_two(FORWARD);
    struct worker *first = exchange(a, "s");
    for (int i = 0; i < 10; i++) {
        exchange(a, "t");
        client_says(a, "{\"method\":\"n\"}");
        peer_takes(&w->peer, SIZE_MAX);
        peer_takes(&v->peer, SIZE_MAX);
        CHECK(exchange(a, "s") == first);
    }
    close_bus();
}

static void new_sessions_spread_over_the_workers(void)
{
    open_bus_of_two(FORWARD);
    char name[] = "s0";
    for (int i = 0; i < 10; i++) {
        name[1] = (char)('0' + i);
        exchange(a, name);
    }
    CHECK(w->session_count == 5 && v->session_count == 5);
    CHECK(stdio_bus_session_count(bus) == 10);
    close_bus();
}

static void session_names_are_compared_decoded(void)
{
    open_bus_of_two(FORWARD);
    struct worker *first = exchange(a, "s");
    CHECK(exchange(a, "\\u0073") == first);
    CHECK(stdio_bus_session_count(bus) == 1);
    exchange(a, "");
    CHECK(stdio_bus_session_count(bus) == 2);
    close_bus();
}

static void a_notification_opens_a_session(void)
{
    open_bus_of_two(FORWARD);
    client_says(a, "{\"method\":\"n\",\"sessionId\":\"s\"}");
    CHECK(stdio_bus_session_count(bus) == 1);
    struct worker *first = worker_hears(w) != NULL ? w : v;
    worker_says(first, "{\"method\":\"u\",\"sessionId\":\"s\"}");
    CHECK_STR(client_hears(a), "{\"method\":\"u\",\"sessionId\":\"s\"}");
    exchange(a, "t");
    exchange(a, "u");
    CHECK(exchange(a, "s") == first);
    close_bus();
}

static void a_session_with_its_only_notification_ends_with_its_client(void)
{
    open_bus_of_two(FORWARD);
    client_says(a, "{\"method\":\"n\",\"sessionId\":\"s\"}");
    client_leaves(a);
    CHECK(stdio_bus_session_count(bus) == 0);
    CHECK(bus->router.session_total == 0);
    close_bus();
}

static void a_dead_workers_session_is_bound_afresh(void)
{
    open_bus_of_two(FORWARD);
    struct worker *first = exchange(a, "s");
    struct worker *second = other(first);
    worker_dies(first);
    CHECK(stdio_bus_session_count(bus) == 0);
    w = v = second;
    CHECK(exchange(a, "s") == second);
    worker_says(second, "{\"method\":\"u\",\"sessionId\":\"s\"}");
    CHECK(client_hears(a) != NULL);
    close_bus();
}

static void a_rebound_session_belongs_to_who_sent_first(void)
{
    open_bus_of_two(FORWARD);
    struct worker *first = exchange(a, "s");
    exchange(b, "s");
    struct worker *second = other(first);
    worker_dies(first);
    w = v = second;
    exchange(b, "s");
    worker_says(second, "{\"method\":\"u\",\"sessionId\":\"s\"}");
    CHECK_STR(client_hears(a), NULL);
    CHECK(client_hears(b) != NULL);
    close_bus();
}

/* The old worker has closed its input, say, and may still answer; the new one takes over. */
static void a_session_moves_away_from_a_leaving_worker(void)
{
    open_bus_of_two(FORWARD);
    struct worker *first = exchange(a, "s");
    struct worker *second = other(first);
    client_says(a, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"s\"}");
    worker_leaves(first);
    client_says(a, "{\"id\":2,\"method\":\"m\",\"sessionId\":\"s\"}");
    CHECK_STR(worker_hears(second), "{\"id\":2,\"method\":\"m\",\"sessionId\":\"s\"}");
    worker_says(first, "{\"method\":\"last words\",\"sessionId\":\"s\"}");
    worker_says(first, "{\"id\":1,\"result\":1,\"sessionId\":\"s\"}");
    worker_says(second, "{\"method\":\"u\",\"sessionId\":\"s\"}");
    CHECK_STR(client_hears(a), "{\"method\":\"last words\",\"sessionId\":\"s\"}");
    CHECK_STR(client_hears(a), "{\"id\":1,\"result\":1,\"sessionId\":\"s\"}");
    CHECK_STR(client_hears(a), "{\"method\":\"u\",\"sessionId\":\"s\"}");
    worker_dies(first);
    CHECK(stdio_bus_session_count(bus) == 1);
    worker_says(second, "{\"id\":2,\"result\":1,\"sessionId\":\"s\"}");
    CHECK_STR(client_hears(a), "{\"id\":2,\"result\":1,\"sessionId\":\"s\"}");
    close_bus();
}

static void a_session_that_waited_for_a_new_worker_keeps_an_owner(void)
{
    open_bus_of_two(FORWARD);
    struct worker *first = exchange(a, "s");
    worker_dies(other(first));
    worker_leaves(first);
    client_says(a, "{\"id\":2,\"method\":\"m\",\"sessionId\":\"s\"}");
    struct worker *second = memory_worker(bus, 0);
    CHECK(worker_hears(second) != NULL);
    worker_says(second, "{\"method\":\"u\",\"sessionId\":\"s\"}");
    CHECK_STR(client_hears(a), "{\"method\":\"u\",\"sessionId\":\"s\"}");
    close_bus();
}

static void a_session_moved_for_a_client_that_left_goes_to_the_last_sender(void)
{
    open_bus_of_two(FORWARD);
    struct worker *first = exchange(a, "s");
    worker_dies(other(first));
    worker_leaves(first);
    client_says(b, "{\"method\":\"n\",\"sessionId\":\"s\"}");
    client_leaves(b);
    struct worker *second = memory_worker(bus, 0);
    CHECK(worker_hears(second) != NULL);
    worker_says(second, "{\"method\":\"u\",\"sessionId\":\"s\"}");
    CHECK_STR(client_hears(a), "{\"method\":\"u\",\"sessionId\":\"s\"}");
    close_bus();
}

static void the_last_message_of_a_session_that_ended_binds_it_to_nobody(void)
{
    open_bus_of_two(FORWARD);
    client_says(a, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"s\"}");
    struct worker *first = worker_hears(w) != NULL ? w : v;
    worker_dies(other(first));
    worker_leaves(first);
    client_says(a, "{\"method\":\"n\",\"sessionId\":\"s\"}");
    client_leaves(a);
    struct worker *second = memory_worker(bus, 0);
    CHECK(worker_hears(second) != NULL);
    CHECK(stdio_bus_session_count(bus) == 0);
    worker_says(second, "{\"method\":\"u\",\"sessionId\":\"s\"}");
    CHECK(bus->stats.routing_errors == 1);
    close_bus();
}

static void a_waiting_session_request_survives_the_death_of_its_worker(void)
{
    open_bus_of_two(FORWARD);
    worker_dies(w);
    worker_dies(v);
    client_says(a, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"s\"}");
    CHECK(stdio_bus_pending_count(bus) == 1);
    w = v = memory_worker(bus, 0);
    CHECK(worker_hears(w) != NULL);
    worker_says(w, "{\"method\":\"u\",\"sessionId\":\"s\"}");
    CHECK_STR(client_hears(a), "{\"method\":\"u\",\"sessionId\":\"s\"}");
    close_bus();
}

/* Who owns it -------------------------------------------------------------------------------------- */

static void worker_messages_go_to_the_owner(void)
{
    open_bus_of_two(FORWARD);
    struct worker *worker = exchange(a, "s");
    CHECK(exchange(b, "s") == worker);
    worker_says(worker, "{\"method\":\"u\",\"sessionId\":\"s\"}");
    CHECK_STR(client_hears(a), "{\"method\":\"u\",\"sessionId\":\"s\"}");
    CHECK_STR(client_hears(b), NULL);
    close_bus();
}

static void the_last_sender_inherits_the_session(void)
{
    open_bus_of_two(FORWARD);
    struct client *c = memory_client(bus);
    struct worker *worker = exchange(a, "s");
    exchange(b, "s");
    exchange(c, "s");
    exchange(b, "s");
    client_leaves(a);
    worker_says(worker, "{\"method\":\"u\",\"sessionId\":\"s\"}");
    CHECK_STR(client_hears(b), "{\"method\":\"u\",\"sessionId\":\"s\"}");
    CHECK_STR(client_hears(c), NULL);
    CHECK(exchange(c, "s") == worker);
    client_leaves(b);
    worker_says(worker, "{\"method\":\"u\",\"sessionId\":\"s\"}");
    CHECK_STR(client_hears(c), "{\"method\":\"u\",\"sessionId\":\"s\"}");
    client_leaves(c);
    CHECK(stdio_bus_session_count(bus) == 0);
    worker_says(worker, "{\"method\":\"u\",\"sessionId\":\"s\"}");
    CHECK(bus->stats.routing_errors == 1);
    close_bus();
}

static void a_member_that_leaves_changes_nothing_for_the_owner(void)
{
    open_bus_of_two(FORWARD);
    struct worker *worker = exchange(a, "s");
    exchange(b, "s");
    client_leaves(b);
    worker_says(worker, "{\"method\":\"u\",\"sessionId\":\"s\"}");
    CHECK(client_hears(a) != NULL);
    close_bus();
}

static void a_session_in_use_by_late_answers_only_is_free_for_others(void)
{
    open_bus_of_two(FORWARD);
    client_says(a, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"s\"}");
    struct worker *worker = worker_hears(w) != NULL ? w : v;
    client_leaves(a);
    CHECK(stdio_bus_session_count(bus) == 0);
    worker_says(worker, "{\"method\":\"late\",\"sessionId\":\"s\"}");
    CHECK(bus->stats.routing_errors == 1);
    client_says(b, "{\"id\":2,\"method\":\"m\",\"sessionId\":\"s\"}");
    worker_says(worker, "{\"id\":1,\"result\":\"late\",\"sessionId\":\"s\"}");
    CHECK_STR(client_hears(b), NULL);
    close_bus();
}

static void a_worker_speaks_only_for_its_own_sessions(void)
{
    open_bus_of_two(FORWARD);
    struct worker *stranger = other(exchange(a, "s"));
    worker_says(stranger, "{\"method\":\"u\",\"sessionId\":\"s\"}");
    worker_says(stranger, "{\"method\":\"u\",\"sessionId\":\"unknown\"}");
    worker_says(stranger, "{\"method\":\"u\"}");
    CHECK_STR(client_hears(a), NULL);
    CHECK(bus->stats.routing_errors == 3);
    worker_says(stranger, "{\"id\":1,\"method\":\"ask\",\"sessionId\":\"s\"}");
    CHECK(is_error(worker_hears(stranger), "1", -32092, "unknown_session"));
    CHECK_STR(client_hears(a), NULL);
    close_bus();
}

static void sessions_opened_and_closed_leave_nothing(void)
{
    open_bus_of_two(FORWARD);
    for (int i = 0; i < 10000; i++) {
        struct client *client = memory_client(bus);
        char name[16];
        snprintf(name, sizeof name, "s%d", i % 2 == 0 ? i : 0);
        exchange(client, name);
        client_leaves(client);
        bus_bury_dead(bus);
        CHECK(bus->router.session_total == 0);
    }
    CHECK(is_empty(bus));
    close_bus();
}

int main(void)
{
    a_session_stays_with_its_worker();
    new_sessions_spread_over_the_workers();
    session_names_are_compared_decoded();
    a_notification_opens_a_session();
    a_session_with_its_only_notification_ends_with_its_client();
    a_dead_workers_session_is_bound_afresh();
    a_rebound_session_belongs_to_who_sent_first();
    a_session_moves_away_from_a_leaving_worker();
    a_session_that_waited_for_a_new_worker_keeps_an_owner();
    a_session_moved_for_a_client_that_left_goes_to_the_last_sender();
    the_last_message_of_a_session_that_ended_binds_it_to_nobody();
    a_waiting_session_request_survives_the_death_of_its_worker();
    worker_messages_go_to_the_owner();
    the_last_sender_inherits_the_session();
    a_member_that_leaves_changes_nothing_for_the_owner();
    a_session_in_use_by_late_answers_only_is_free_for_others();
    a_worker_speaks_only_for_its_own_sessions();
    sessions_opened_and_closed_leave_nothing();
    return check_report();
}
