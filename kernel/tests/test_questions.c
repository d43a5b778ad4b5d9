/* SPDX-License-Identifier: Apache-2.0 */
/* KRN-COR-06, 07: requests that workers make. */
#include "scene.h"

#define ONE_POOL "{\"pools\":[{\"id\":\"p\",\"command\":\"x\"}],\"limits\":{\"backpressure_timeout_sec\":60}}"

/* A worker's own requests ------------------------------------------------------------------------------ */

static void an_answer_goes_back_to_the_worker_that_asked(void)
{
    open_bus(ONE_POOL);
    client_says(a, "{\"method\":\"n\",\"sessionId\":\"s\"}");
    CHECK(worker_hears(w) != NULL);
    worker_says(w, "{\"id\":1,\"method\":\"ask\",\"sessionId\":\"s\"}");
    CHECK_STR(client_hears(a), "{\"id\":1,\"method\":\"ask\",\"sessionId\":\"s\"}");
    client_says(b, "{\"id\":1,\"result\":\"stolen\",\"sessionId\":\"s\"}");
    CHECK_STR(worker_hears(w), NULL);
    client_says(a, "{\"id\":1,\"result\":1,\"sessionId\":\"s\"}");
    CHECK_STR(worker_hears(w), "{\"id\":1,\"result\":1,\"sessionId\":\"s\"}");
    client_says(a, "{\"id\":1,\"result\":2,\"sessionId\":\"s\"}");
    CHECK_STR(worker_hears(w), NULL);
    close_bus();
}

static void the_two_directions_have_ids_of_their_own(void)
{
    open_bus(ONE_POOL);
    client_says(a, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"s\"}");
    CHECK(worker_hears(w) != NULL);
    worker_says(w, "{\"id\":1,\"method\":\"ask\",\"sessionId\":\"s\"}");
    CHECK(client_hears(a) != NULL);
    worker_says(w, "{\"id\":1,\"result\":\"response\",\"sessionId\":\"s\"}");
    CHECK_STR(client_hears(a), "{\"id\":1,\"result\":\"response\",\"sessionId\":\"s\"}");
    client_says(a, "{\"id\":1,\"result\":\"answer\",\"sessionId\":\"s\"}");
    CHECK_STR(worker_hears(w), "{\"id\":1,\"result\":\"answer\",\"sessionId\":\"s\"}");
    close_bus();
}

/* Client a has a session at each of two workers, and each of them has asked it under the id 1. */
static void open_two_questions(void)
{
    v = memory_worker(bus, 0);
    client_says(a, "{\"method\":\"n\",\"sessionId\":\"s\"}");
    client_says(a, "{\"method\":\"n\",\"sessionId\":\"t\"}");
    struct worker *of_s = strstr(worker_hears(w), "\"s\"") != NULL ? w : v;
    struct worker *of_t = other(of_s);
    CHECK(worker_says(of_s, "{\"id\":1,\"method\":\"ask\",\"sessionId\":\"s\"}") == LINE_TAKEN);
    CHECK(worker_says(of_t, "{\"id\":1,\"method\":\"ask\",\"sessionId\":\"t\"}") == LINE_TAKEN);
    peer_takes(&w->peer, SIZE_MAX);
    peer_takes(&v->peer, SIZE_MAX);
    w = of_s;
    v = of_t;
}

static void equal_ids_of_two_workers_are_told_apart_by_session(void)
{
    open_bus(ONE_POOL);
    open_two_questions();
    CHECK(client_hears(a) != NULL);
    CHECK(client_hears(a) != NULL);
    client_says(a, "{\"id\":1,\"result\":\"t\",\"sessionId\":\"t\"}");
    client_says(a, "{\"id\":1,\"result\":\"s\",\"sessionId\":\"s\"}");
    CHECK_STR(worker_hears(v), "{\"id\":1,\"result\":\"t\",\"sessionId\":\"t\"}");
    CHECK_STR(worker_hears(w), "{\"id\":1,\"result\":\"s\",\"sessionId\":\"s\"}");
    close_bus();
}

static void an_answer_that_fits_two_fails_both_and_later_ones_are_held(void)
{
    open_bus(ONE_POOL);
    open_two_questions();
    peer_takes(&a->peer, SIZE_MAX);
    client_says(a, "{\"id\":1,\"result\":\"whose?\"}");
    CHECK(is_error(worker_hears(w), "1", -32097, "ambiguous_answer"));
    CHECK(is_error(worker_hears(v), "1", -32097, "ambiguous_answer"));
    worker_says(w, "{\"id\":2,\"method\":\"ask\",\"sessionId\":\"s\"}");
    worker_says(v, "{\"id\":2,\"method\":\"ask\",\"sessionId\":\"t\"}");
    CHECK_STR(client_hears(a), "{\"id\":2,\"method\":\"ask\",\"sessionId\":\"s\"}");
    CHECK_STR(client_hears(a), NULL);
    client_says(a, "{\"id\":2,\"result\":\"first\"}");
    CHECK_STR(worker_hears(w), "{\"id\":2,\"result\":\"first\"}");
    CHECK_STR(client_hears(a), "{\"id\":2,\"method\":\"ask\",\"sessionId\":\"t\"}");
    client_says(a, "{\"id\":2,\"result\":\"second\"}");
    CHECK_STR(worker_hears(v), "{\"id\":2,\"result\":\"second\"}");
    close_bus();
}

static void a_held_question_goes_out_when_the_asker_of_the_earlier_dies(void)
{
    open_bus(ONE_POOL);
    open_two_questions();
    peer_takes(&a->peer, SIZE_MAX);
    client_says(a, "{\"id\":1,\"result\":\"whose?\"}");
    worker_says(w, "{\"id\":2,\"method\":\"ask\",\"sessionId\":\"s\"}");
    worker_says(v, "{\"id\":2,\"method\":\"ask\",\"sessionId\":\"t\"}");
    CHECK(client_hears(a) != NULL);
    worker_dies(w);
    CHECK_STR(client_hears(a), "{\"id\":2,\"method\":\"ask\",\"sessionId\":\"t\"}");
    close_bus();
}

static void a_held_question_of_a_dead_worker_is_never_asked(void)
{
    open_bus(ONE_POOL);
    open_two_questions();
    peer_takes(&a->peer, SIZE_MAX);
    client_says(a, "{\"id\":1,\"result\":\"whose?\"}");
    worker_says(w, "{\"id\":2,\"method\":\"ask\",\"sessionId\":\"s\"}");
    worker_says(w, "{\"id\":2,\"method\":\"again\",\"sessionId\":\"s\"}");
    CHECK(client_hears(a) != NULL);
    worker_dies(w);
    CHECK_STR(client_hears(a), NULL);
    close_bus();
}

static void a_held_question_fails_with_its_client(void)
{
    open_bus(ONE_POOL);
    open_two_questions();
    client_says(a, "{\"id\":1,\"result\":\"whose?\"}");
    worker_says(w, "{\"id\":2,\"method\":\"ask\",\"sessionId\":\"s\"}");
    worker_says(v, "{\"id\":2,\"method\":\"ask\",\"sessionId\":\"t\"}");
    peer_takes(&w->peer, SIZE_MAX);
    peer_takes(&v->peer, SIZE_MAX);
    client_leaves(a);
    CHECK(is_error(worker_hears(w), "2", -32097, "client_gone"));
    CHECK(is_error(worker_hears(v), "2", -32097, "client_gone"));
    close_bus();
}

int main(void)
{
    an_answer_goes_back_to_the_worker_that_asked();
    the_two_directions_have_ids_of_their_own();
    equal_ids_of_two_workers_are_told_apart_by_session();
    an_answer_that_fits_two_fails_both_and_later_ones_are_held();
    a_held_question_goes_out_when_the_asker_of_the_earlier_dies();
    a_held_question_of_a_dead_worker_is_never_asked();
    a_held_question_fails_with_its_client();
    return check_report();
}
