/* SPDX-License-Identifier: Apache-2.0 */
/* KRN-RTE-09, 13: what stands for a session, and workers that never see one. */
#include "scene.h"

#define FORWARD "{\"pools\":[{\"id\":\"p\",\"command\":\"x\"}]}"
#define STRIP   "{\"pools\":[{\"id\":\"p\",\"command\":\"x\",\"envelope\":\"strip\"}]}"

/* Learned values (KRN-RTE-09) ---------------------------------------------------------------------- */

static void a_clients_params_session_stands_for_its_session(void)
{
    open_bus_of_two(FORWARD);
    client_says(a, "{\"method\":\"n\",\"id\":1,\"sessionId\":\"s\",\"params\":{\"sessionId\":\"acp\"}}");
    struct worker *worker = worker_hears(w) != NULL ? w : v;
    worker_says(worker, "{\"method\":\"u\",\"params\":{\"sessionId\":\"\\u0061cp\"}}");
    CHECK_STR(client_hears(a), "{\"method\":\"u\",\"params\":{\"sessionId\":\"\\u0061cp\"}}");
    worker_says(other(worker), "{\"method\":\"u\",\"params\":{\"sessionId\":\"acp\"}}");
    CHECK_STR(client_hears(a), NULL);
    worker_says(worker, "{\"method\":\"u\",\"params\":{\"sessionId\":\"other\"}}");
    CHECK_STR(client_hears(a), NULL);
    close_bus();
}

static void a_results_session_stands_for_the_requests_session(void)
{
    open_bus_of_two(FORWARD);
    client_says(a, "{\"method\":\"new\",\"id\":1,\"sessionId\":\"s\"}");
    struct worker *worker = worker_hears(w) != NULL ? w : v;
    worker_says(worker, "{\"id\":1,\"result\":{\"sessionId\":\"acp\"}}");
    CHECK(client_hears(a) != NULL);
    worker_says(worker, "{\"id\":9,\"method\":\"ask\",\"params\":{\"sessionId\":\"acp\"}}");
    CHECK_STR(client_hears(a), "{\"id\":9,\"method\":\"ask\",\"params\":{\"sessionId\":\"acp\"}}");
    client_says(a, "{\"id\":9,\"result\":1}");
    CHECK_STR(worker_hears(worker), "{\"id\":9,\"result\":1}");
    close_bus();
}

static void a_results_session_stands_for_a_client_without_session(void)
{
    open_bus_of_two(FORWARD);
    client_says(a, "{\"method\":\"new\",\"id\":1}");
    struct worker *worker = worker_hears(w) != NULL ? w : v;
    worker_says(worker, "{\"id\":1,\"result\":{\"sessionId\":\"acp\"}}");
    CHECK(client_hears(a) != NULL);
    worker_says(worker, "{\"method\":\"u\",\"params\":{\"sessionId\":\"acp\"}}");
    CHECK_STR(client_hears(a), "{\"method\":\"u\",\"params\":{\"sessionId\":\"acp\"}}");
    client_leaves(a);
    worker_says(worker, "{\"method\":\"u\",\"params\":{\"sessionId\":\"acp\"}}");
    CHECK(bus->stats.routing_errors == 1);
    close_bus();
}

static void what_a_result_said_wins(void)
{
    open_bus_of_two(FORWARD);
    worker_dies(v);
    client_says(a, "{\"method\":\"n\",\"id\":1,\"sessionId\":\"guess\",\"params\":{\"sessionId\":\"acp\"}}");
    client_says(b, "{\"method\":\"new\",\"id\":2,\"sessionId\":\"true\"}");
    worker_says(w, "{\"id\":2,\"result\":{\"sessionId\":\"acp\"}}");
    client_says(a, "{\"method\":\"n\",\"id\":3,\"sessionId\":\"guess\",\"params\":{\"sessionId\":\"acp\"}}");
    peer_takes(&a->peer, SIZE_MAX);
    peer_takes(&b->peer, SIZE_MAX);
    worker_says(w, "{\"method\":\"u\",\"params\":{\"sessionId\":\"acp\"}}");
    CHECK_STR(client_hears(a), NULL);
    CHECK_STR(client_hears(b), "{\"method\":\"u\",\"params\":{\"sessionId\":\"acp\"}}");
    close_bus();
}

static void learned_values_end_with_their_session(void)
{
    open_bus_of_two(FORWARD);
    client_says(a, "{\"method\":\"n\",\"id\":1,\"sessionId\":\"s\",\"params\":{\"sessionId\":\"acp\"}}");
    struct worker *worker = worker_hears(w) != NULL ? w : v;
    worker_says(worker, "{\"id\":1,\"result\":{\"sessionId\":\"acp2\"}}");
    CHECK(bus->router.learned_total == 2);
    client_leaves(a);
    CHECK(bus->router.learned_total == 0);
    worker_says(worker, "{\"method\":\"u\",\"params\":{\"sessionId\":\"acp\"}}");
    CHECK(bus->stats.routing_errors == 1);
    close_bus();
}

static void a_top_level_session_outweighs_a_learned_one(void)
{
    open_bus_of_two(FORWARD);
    worker_dies(v);
    client_says(a, "{\"method\":\"n\",\"id\":1,\"sessionId\":\"s\",\"params\":{\"sessionId\":\"acp\"}}");
    client_says(b, "{\"method\":\"n\",\"id\":2,\"sessionId\":\"t\"}");
    worker_says(w, "{\"method\":\"u\",\"sessionId\":\"t\",\"params\":{\"sessionId\":\"acp\"}}");
    CHECK_STR(client_hears(a), NULL);
    CHECK(client_hears(b) != NULL);
    worker_says(w, "{\"method\":\"u\",\"sessionId\":\"no\",\"params\":{\"sessionId\":\"acp\"}}");
    CHECK_STR(client_hears(a), NULL);
    close_bus();
}

/* Strip (KRN-RTE-13) ------------------------------------------------------------------------------- */

static void strip_removes_and_restores_the_envelope(void)
{
    open_bus_of_two(STRIP);
    client_says(a, "{\"id\":1, \"sessionId\":\"\\u0073\",\"agentId\":\"g\",\"_ext\":{},\"pool\":\"p\","
                   "\"method\":\"m\"}");
    struct worker *worker = w->peer.channel.queue.bytes > 0 ? w : v;
    CHECK_STR(worker_hears(worker), "{\"id\":1,\"method\":\"m\"}");
    worker_says(worker, " { \"id\":1,\"result\":{}}");
    CHECK_STR(client_hears(a), " {\"sessionId\":\"\\u0073\", \"id\":1,\"result\":{}}");
    close_bus();
}

static void strip_restores_nothing_where_there_was_nothing(void)
{
    open_bus_of_two(STRIP);
    client_says(a, "{\"id\":1,\"method\":\"m\"}");
    struct worker *worker = worker_hears(w) != NULL ? w : v;
    worker_says(worker, "{\"id\":1,\"result\":{}}");
    CHECK_STR(client_hears(a), "{\"id\":1,\"result\":{}}");
    close_bus();
}

static void strip_never_writes_a_session_twice(void)
{
    open_bus_of_two(STRIP);
    client_says(a, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"s\"}");
    struct worker *worker = worker_hears(w) != NULL ? w : v;
    worker_says(worker, "{\"sessionId\":\"s\",\"id\":1,\"result\":{}}");
    CHECK_STR(client_hears(a), "{\"sessionId\":\"s\",\"id\":1,\"result\":{}}");
    client_says(a, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"s\"}");
    worker_says(worker, "{\"sessionId\":null,\"id\":1,\"result\":{}}");
    const char *line = client_hears(a);
    const char *first = line != NULL ? strstr(line, "sessionId") : NULL;
    CHECK(first != NULL && strstr(first + 1, "sessionId") == NULL);
    close_bus();
}

static void strip_restores_the_session_on_an_error(void)
{
    open_bus_of_two(STRIP);
    client_says(a, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"s\"}");
    struct worker *worker = worker_hears(w) != NULL ? w : v;
    worker_dies(worker);
    const char *line = client_hears(a);
    CHECK(is_error(line, "1", -32090, "worker_exited"));
    CHECK(line != NULL && strstr(line, "\"sessionId\":\"s\"") != NULL);
    close_bus();
}

static void a_stripped_workers_message_gets_its_only_session(void)
{
    open_bus_of_two(STRIP);
    worker_dies(v);
    client_says(a, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"s\"}");
    worker_says(w, "{\"method\":\"u\"}");
    CHECK_STR(client_hears(a), "{\"sessionId\":\"s\",\"method\":\"u\"}");
    client_says(b, "{\"id\":2,\"method\":\"m\",\"sessionId\":\"t\"}");
    worker_says(w, "{\"method\":\"u\"}");
    CHECK_STR(client_hears(a), NULL);
    CHECK_STR(client_hears(b), NULL);
    CHECK(bus->stats.routing_errors == 1);
    close_bus();
}

static void a_stripped_workers_message_gets_the_learned_session(void)
{
    open_bus_of_two(STRIP);
    worker_dies(v);
    client_says(a, "{\"id\":1,\"method\":\"new\",\"sessionId\":\"s\"}");
    client_says(b, "{\"id\":2,\"method\":\"new\",\"sessionId\":\"t\"}");
    worker_says(w, "{\"id\":1,\"result\":{\"sessionId\":\"one\"}}");
    worker_says(w, "{\"id\":2,\"result\":{\"sessionId\":\"two\"}}");
    CHECK_STR(client_hears(a), "{\"sessionId\":\"s\",\"id\":1,\"result\":{\"sessionId\":\"one\"}}");
    CHECK_STR(client_hears(b), "{\"sessionId\":\"t\",\"id\":2,\"result\":{\"sessionId\":\"two\"}}");
    worker_says(w, "{\"method\":\"u\",\"params\":{\"sessionId\":\"two\"}}");
    CHECK_STR(client_hears(b), "{\"sessionId\":\"t\",\"method\":\"u\",\"params\":{\"sessionId\":\"two\"}}");
    close_bus();
}

static void a_stripped_workers_question_and_its_answer(void)
{
    open_bus_of_two(STRIP);
    worker_dies(v);
    client_says(a, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"s\"}");
    CHECK(worker_hears(w) != NULL);
    worker_says(w, "{\"id\":5,\"method\":\"ask\"}");
    CHECK_STR(client_hears(a), "{\"sessionId\":\"s\",\"id\":5,\"method\":\"ask\"}");
    client_says(a, "{\"sessionId\":\"s\",\"id\":5,\"result\":1}");
    CHECK_STR(worker_hears(w), "{\"id\":5,\"result\":1}");
    worker_says(w, "{\"id\":6,\"method\":\"ask\"}");
    CHECK(client_hears(a) != NULL);
    client_leaves(a);
    const char *line = worker_hears(w);
    CHECK(is_error(line, "6", -32097, "client_gone"));
    CHECK(line != NULL && strstr(line, "sessionId") == NULL);
    close_bus();
}

static void a_stripped_workers_sessions_cannot_be_told_apart(void)
{
    open_bus_of_two(STRIP);
    worker_dies(v);
    client_says(a, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"s\"}");
    client_says(b, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"t\"}");
    CHECK(worker_hears(w) != NULL);
    CHECK_STR(worker_hears(w), NULL);
    worker_says(w, "{\"id\":1,\"result\":\"a\"}");
    CHECK_STR(worker_hears(w), "{\"id\":1,\"method\":\"m\"}");
    worker_says(w, "{\"id\":1,\"result\":\"b\"}");
    CHECK_STR(client_hears(a), "{\"sessionId\":\"s\",\"id\":1,\"result\":\"a\"}");
    CHECK_STR(client_hears(b), "{\"sessionId\":\"t\",\"id\":1,\"result\":\"b\"}");
    close_bus();
}

int main(void)
{
    a_clients_params_session_stands_for_its_session();
    a_results_session_stands_for_the_requests_session();
    a_results_session_stands_for_a_client_without_session();
    what_a_result_said_wins();
    learned_values_end_with_their_session();
    a_top_level_session_outweighs_a_learned_one();
    strip_removes_and_restores_the_envelope();
    strip_restores_nothing_where_there_was_nothing();
    strip_never_writes_a_session_twice();
    strip_restores_the_session_on_an_error();
    a_stripped_workers_message_gets_its_only_session();
    a_stripped_workers_message_gets_the_learned_session();
    a_stripped_workers_question_and_its_answer();
    a_stripped_workers_sessions_cannot_be_told_apart();
    return check_report();
}
