/* SPDX-License-Identifier: Apache-2.0 */
/* KRN-COR: which answer belongs to which request. */
#include "scene.h"

#define ONE_POOL "{\"pools\":[{\"id\":\"p\",\"command\":\"x\"}],\"limits\":{\"backpressure_timeout_sec\":60}}"
#define HOLD_MS  60000

/* The worker hears the next line and answers it with `line`. */
static void worker_answers(struct worker *worker, const char *line)
{
    CHECK(worker_hears(worker) != NULL);
    CHECK(worker_says(worker, line) == LINE_TAKEN);
}

/* An exchange after which the bus knows that the worker repeats a sessionId. */
static void worker_shows_echo(void)
{
    client_says(a, "{\"id\":\"probe\",\"method\":\"m\",\"sessionId\":\"probe\"}");
    worker_answers(w, "{\"id\":\"probe\",\"result\":0,\"sessionId\":\"probe\"}");
    CHECK(client_hears(a) != NULL);
}

/* Responses ------------------------------------------------------------------------------------------- */

static void a_response_goes_to_its_client_once(void)
{
    open_bus(ONE_POOL);
    CHECK(client_says(a, "{\"id\":1,\"method\":\"m\"}") == LINE_TAKEN);
    CHECK_STR(worker_hears(w), "{\"id\":1,\"method\":\"m\"}");
    CHECK(stdio_bus_pending_count(bus) == 1);
    CHECK(worker_says(w, "{\"id\":1, \"result\":null}") == LINE_TAKEN);
    CHECK_STR(client_hears(a), "{\"id\":1, \"result\":null}");
    CHECK(stdio_bus_pending_count(bus) == 0);
    CHECK_STR(client_hears(a), NULL);
    CHECK_STR(client_hears(b), NULL);
    close_bus();
}

static void a_second_response_is_discarded_and_counted(void)
{
    open_bus(ONE_POOL);
    client_says(a, "{\"id\":1,\"method\":\"m\"}");
    worker_answers(w, "{\"id\":1,\"result\":1}");
    CHECK(client_hears(a) != NULL);
    CHECK(bus->stats.routing_errors == 0);
    worker_says(w, "{\"id\":1,\"result\":2}");
    worker_says(w, "{\"id\":7,\"error\":{\"code\":1,\"message\":\"m\"}}");
    CHECK_STR(client_hears(a), NULL);
    CHECK(bus->stats.routing_errors == 2);
    CHECK(strstr(last_log(), "no open request") != NULL);
    close_bus();
}

static void responses_may_come_in_any_order(void)
{
    open_bus(ONE_POOL);
    client_says(a, "{\"id\":1,\"method\":\"m\"}");
    client_says(b, "{\"id\":2,\"method\":\"m\"}");
    client_says(a, "{\"id\":3,\"method\":\"m\"}");
    worker_says(w, "{\"id\":3,\"result\":3}");
    worker_says(w, "{\"id\":2,\"result\":2}");
    worker_says(w, "{\"id\":1,\"result\":1}");
    CHECK_STR(client_hears(a), "{\"id\":3,\"result\":3}");
    CHECK_STR(client_hears(a), "{\"id\":1,\"result\":1}");
    CHECK_STR(client_hears(b), "{\"id\":2,\"result\":2}");
    close_bus();
}

static void ids_are_compared_as_values(void)
{
    static const char *const pairs[][2] = {
        {"1e3", "1000.0"}, {"-0", "0"}, {"\"\\u00e9\"", "\"\xc3\xa9\""}, {"null", "null"}, {"\"\"", "\"\""},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char line[128];
        open_bus(ONE_POOL);
        snprintf(line, sizeof line, "{\"id\":%s,\"method\":\"m\"}", pairs[i][0]);
        client_says(a, line);
        snprintf(line, sizeof line, "{\"id\":%s,\"result\":1}", pairs[i][1]);
        worker_answers(w, line);
        CHECK_STR(client_hears(a), line);
        close_bus();
    }
}

static void ids_of_other_values_do_not_match(void)
{
    static const char *const pairs[][2] = {
        {"1", "\"1\""}, {"9007199254740993", "9007199254740992"}, {"null", "\"null\""}, {"0", "null"}, {"1", "1.5"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char line[128];
        open_bus(ONE_POOL);
        snprintf(line, sizeof line, "{\"id\":%s,\"method\":\"m\"}", pairs[i][0]);
        client_says(a, line);
        snprintf(line, sizeof line, "{\"id\":%s,\"result\":1}", pairs[i][1]);
        worker_answers(w, line);
        CHECK_STR(client_hears(a), NULL);
        CHECK(stdio_bus_pending_count(bus) == 1);
        close_bus();
    }
}

static void a_response_with_another_session_does_not_match(void)
{
    open_bus(ONE_POOL);
    client_says(a, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"s\"}");
    client_says(b, "{\"id\":2,\"method\":\"m\",\"sessionId\":\"t\"}");
    worker_says(w, "{\"id\":1,\"result\":1,\"sessionId\":\"t\"}");
    worker_says(w, "{\"id\":1,\"result\":1,\"sessionId\":\"unknown\"}");
    CHECK_STR(client_hears(a), NULL);
    CHECK_STR(client_hears(b), NULL);
    worker_says(w, "{\"id\":1,\"result\":1}");
    CHECK_STR(client_hears(a), "{\"id\":1,\"result\":1}");
    close_bus();
}

static void a_response_of_another_worker_does_not_match(void)
{
    open_bus(ONE_POOL);
    v = memory_worker(bus, 0);
    client_says(a, "{\"id\":1,\"method\":\"m\"}");
    struct worker *idle = worker_hears(w) != NULL ? v : w;
    worker_says(idle, "{\"id\":1,\"result\":1}");
    CHECK_STR(client_hears(a), NULL);
    close_bus();
}

/* A broken answer shows what it would have answered (KRN-FRM-10). */
static void an_invalid_response_fails_its_request(void)
{
    open_bus(ONE_POOL);
    client_says(a, "{\"id\":\"x\",\"method\":\"m\",\"sessionId\":\"\\u0073\"}");
    worker_answers(w, "{\"id\":\"x\",\"result\":");
    const char *line = client_hears(a);
    CHECK(is_error(line, "\"x\"", -32097, "invalid_response"));
    CHECK(line != NULL && strstr(line, "\"sessionId\":\"\\u0073\"") != NULL);
    CHECK(worker_says(w, "{\"id\":\"x\",\"result\":1}") == LINE_TAKEN);
    CHECK_STR(client_hears(a), NULL);
    close_bus();
}

static void a_response_too_long_fails_its_request(void)
{
    open_bus(ONE_POOL);
    client_says(a, "{\"id\":5,\"method\":\"m\"}");
    const char *cut = "{\"id\":5,\"result\":\"aaaa";
    CHECK(peer_says(&w->peer, cut, strlen(cut), true) == LINE_TAKEN);
    CHECK(is_error(client_hears(a), "5", -32097, "invalid_response"));
    close_bus();
}

/* Equal ids ------------------------------------------------------------------------------------------- */

static void an_id_of_the_same_client_is_refused_at_once(void)
{
    open_bus(ONE_POOL);
    client_says(a, "{\"id\":1,\"method\":\"m\"}");
    client_says(a, "{\"id\":1.0,\"method\":\"n\"}");
    CHECK(is_error(client_hears(a), "1.0", -32600, "duplicate_id"));
    client_says(a, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"s\"}");
    CHECK_STR(client_hears(a), NULL);
    client_says(a, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"s\"}");
    CHECK(is_error(client_hears(a), "1", -32600, "duplicate_id"));
    CHECK(stdio_bus_pending_count(bus) == 2);
    worker_answers(w, "{\"id\":1,\"result\":1}");
    CHECK(client_hears(a) != NULL);
    close_bus();
}

static void an_equal_id_of_another_client_is_held_until_the_first_is_answered(void)
{
    open_bus(ONE_POOL);
    client_says(a, "{\"id\":1,\"method\":\"first\"}");
    client_says(b, "{\"id\":1,\"method\":\"second\"}");
    CHECK_STR(worker_hears(w), "{\"id\":1,\"method\":\"first\"}");
    CHECK_STR(worker_hears(w), NULL);
    client_says(b, "{\"method\":\"overtakes\"}");
    CHECK_STR(worker_hears(w), "{\"method\":\"overtakes\"}");
    CHECK(stdio_bus_pending_count(bus) == 2);
    worker_says(w, "{\"id\":1,\"result\":\"a\"}");
    CHECK_STR(worker_hears(w), "{\"id\":1,\"method\":\"second\"}");
    worker_says(w, "{\"id\":1,\"result\":\"b\"}");
    CHECK_STR(client_hears(a), "{\"id\":1,\"result\":\"a\"}");
    CHECK_STR(client_hears(b), "{\"id\":1,\"result\":\"b\"}");
    close_bus();
}

static void held_requests_go_out_in_their_order(void)
{
    open_bus(ONE_POOL);
    struct client *clients[5];
    for (int i = 0; i < 5; i++) {
        char line[64];
        clients[i] = memory_client(bus);
        snprintf(line, sizeof line, "{\"id\":1,\"method\":\"%d\"}", i);
        client_says(clients[i], line);
        advance(bus, 10);
    }
    for (int i = 0; i < 5; i++) {
        char expected[64];
        snprintf(expected, sizeof expected, "{\"id\":1,\"method\":\"%d\"}", i);
        CHECK_STR(worker_hears(w), expected);
        CHECK_STR(worker_hears(w), NULL);
        worker_says(w, "{\"id\":1,\"result\":1}");
        CHECK(client_hears(clients[i]) != NULL);
    }
    close_bus();
}

static void an_equal_id_goes_to_an_instance_that_is_free_of_it(void)
{
    open_bus(ONE_POOL);
    v = memory_worker(bus, 0);
    client_says(a, "{\"id\":1,\"method\":\"m\"}");
    client_says(b, "{\"id\":1,\"method\":\"m\"}");
    CHECK(worker_hears(w) != NULL);
    CHECK(worker_hears(v) != NULL);
    struct client *c = memory_client(bus);
    client_says(c, "{\"id\":1,\"method\":\"held\"}");
    CHECK_STR(worker_hears(w), NULL);
    CHECK_STR(worker_hears(v), NULL);
    worker_says(v, "{\"id\":1,\"result\":1}");
    CHECK_STR(worker_hears(v), "{\"id\":1,\"method\":\"held\"}");
    close_bus();
}

static void a_held_request_goes_to_a_new_instance(void)
{
    open_bus(ONE_POOL);
    client_says(a, "{\"id\":1,\"method\":\"m\"}");
    client_says(b, "{\"id\":1,\"method\":\"held\"}");
    v = memory_worker(bus, 0);
    CHECK_STR(worker_hears(v), "{\"id\":1,\"method\":\"held\"}");
    worker_says(v, "{\"id\":1,\"result\":\"v\"}");
    CHECK_STR(client_hears(b), "{\"id\":1,\"result\":\"v\"}");
    CHECK_STR(client_hears(a), NULL);
    close_bus();
}

static void a_held_request_is_refused_after_the_timeout(void)
{
    open_bus(ONE_POOL);
    client_says(a, "{\"id\":1,\"method\":\"m\"}");
    client_says(b, "{\"id\":1,\"method\":\"m\"}");
    advance(bus, HOLD_MS - 1);
    CHECK_STR(client_hears(b), NULL);
    advance(bus, 1);
    CHECK(is_error(client_hears(b), "1", -32096, "id_in_use"));
    CHECK(stdio_bus_pending_count(bus) == 1);
    CHECK(worker_hears(w) != NULL);
    worker_says(w, "{\"id\":1,\"result\":1}");
    CHECK_STR(worker_hears(w), NULL);
    CHECK_STR(client_hears(a), "{\"id\":1,\"result\":1}");
    close_bus();
}

static void each_held_request_has_its_own_deadline(void)
{
    open_bus(ONE_POOL);
    struct client *c = memory_client(bus);
    client_says(a, "{\"id\":1,\"method\":\"m\"}");
    client_says(b, "{\"id\":1,\"method\":\"m\"}");
    advance(bus, 20000);
    client_says(c, "{\"id\":1,\"method\":\"m\"}");
    advance(bus, 40000);
    CHECK(is_error(client_hears(b), "1", -32096, "id_in_use"));
    CHECK_STR(client_hears(c), NULL);
    advance(bus, 20000);
    CHECK(is_error(client_hears(c), "1", -32096, "id_in_use"));
    close_bus();
}

static void a_held_request_of_a_client_that_leaves_is_dropped(void)
{
    open_bus(ONE_POOL);
    client_says(a, "{\"id\":1,\"method\":\"m\"}");
    client_says(b, "{\"id\":1,\"method\":\"never sent\"}");
    CHECK(worker_hears(w) != NULL);
    client_leaves(b);
    CHECK(stdio_bus_pending_count(bus) == 1);
    worker_says(w, "{\"id\":1,\"result\":1}");
    CHECK_STR(worker_hears(w), NULL);
    CHECK_STR(client_hears(a), "{\"id\":1,\"result\":1}");
    close_bus();
}

static void the_id_of_a_client_that_left_stays_taken_until_answered(void)
{
    open_bus(ONE_POOL);
    client_says(a, "{\"id\":1,\"method\":\"m\"}");
    CHECK(worker_hears(w) != NULL);
    client_leaves(a);
    CHECK(stdio_bus_pending_count(bus) == 0);
    client_says(b, "{\"id\":1,\"method\":\"m\"}");
    CHECK_STR(worker_hears(w), NULL);
    worker_says(w, "{\"id\":1,\"result\":\"for a\"}");
    CHECK_STR(client_hears(b), NULL);
    CHECK(worker_hears(w) != NULL);
    worker_says(w, "{\"id\":1,\"result\":\"for b\"}");
    CHECK_STR(client_hears(b), "{\"id\":1,\"result\":\"for b\"}");
    close_bus();
}

static void the_answered_id_may_be_used_again_by_its_client(void)
{
    open_bus(ONE_POOL);
    for (int i = 0; i < 3; i++) {
        client_says(a, "{\"id\":1,\"method\":\"m\"}");
        worker_answers(w, "{\"id\":1,\"result\":1}");
        CHECK_STR(client_hears(a), "{\"id\":1,\"result\":1}");
    }
    close_bus();
}

/* Equal ids in sessions ------------------------------------------------------------------------------- */

static void equal_ids_of_sessions_are_held_until_the_worker_repeats_a_session(void)
{
    open_bus(ONE_POOL);
    client_says(a, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"s\"}");
    client_says(b, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"t\"}");
    client_says(b, "{\"id\":2,\"method\":\"m\",\"sessionId\":\"t\"}");
    client_says(a, "{\"id\":2,\"method\":\"m\",\"sessionId\":\"s\"}");
    CHECK(worker_hears(w) != NULL);
    CHECK_STR(worker_hears(w), "{\"id\":2,\"method\":\"m\",\"sessionId\":\"t\"}");
    CHECK_STR(worker_hears(w), NULL);
    /* From now on it tells sessions apart: both held ones go, also the one whose id is still open. */
    worker_says(w, "{\"id\":1,\"result\":1,\"sessionId\":\"s\"}");
    CHECK_STR(worker_hears(w), "{\"id\":1,\"method\":\"m\",\"sessionId\":\"t\"}");
    CHECK_STR(worker_hears(w), "{\"id\":2,\"method\":\"m\",\"sessionId\":\"s\"}");
    worker_says(w, "{\"id\":2,\"result\":\"s\",\"sessionId\":\"s\"}");
    worker_says(w, "{\"id\":2,\"result\":\"t\",\"sessionId\":\"t\"}");
    CHECK(client_hears(a) != NULL);
    CHECK_STR(client_hears(a), "{\"id\":2,\"result\":\"s\",\"sessionId\":\"s\"}");
    CHECK_STR(client_hears(b), "{\"id\":2,\"result\":\"t\",\"sessionId\":\"t\"}");
    close_bus();
}

static void a_worker_that_repeats_sessions_gets_equal_ids_at_once(void)
{
    open_bus(ONE_POOL);
    worker_shows_echo();
    client_says(a, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"s\"}");
    client_says(b, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"t\"}");
    CHECK(worker_hears(w) != NULL);
    CHECK(worker_hears(w) != NULL);
    worker_says(w, "{\"id\":1,\"result\":\"t\",\"sessionId\":\"t\"}");
    worker_says(w, "{\"id\":1,\"result\":\"s\",\"sessionId\":\"s\"}");
    CHECK_STR(client_hears(a), "{\"id\":1,\"result\":\"s\",\"sessionId\":\"s\"}");
    CHECK_STR(client_hears(b), "{\"id\":1,\"result\":\"t\",\"sessionId\":\"t\"}");
    close_bus();
}

static void a_request_without_session_is_held_for_one_with(void)
{
    open_bus(ONE_POOL);
    worker_shows_echo();
    client_says(a, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"s\"}");
    client_says(b, "{\"id\":1,\"method\":\"plain\"}");
    CHECK(worker_hears(w) != NULL);
    CHECK_STR(worker_hears(w), NULL);
    worker_says(w, "{\"id\":1,\"result\":1,\"sessionId\":\"s\"}");
    CHECK_STR(worker_hears(w), "{\"id\":1,\"method\":\"plain\"}");
    close_bus();
}

static void an_equal_id_on_a_shared_session_is_held(void)
{
    open_bus(ONE_POOL);
    worker_shows_echo();
    client_says(a, "{\"id\":1,\"method\":\"a\",\"sessionId\":\"s\"}");
    client_says(b, "{\"id\":1,\"method\":\"b\",\"sessionId\":\"s\"}");
    CHECK(worker_hears(w) != NULL);
    CHECK_STR(worker_hears(w), NULL);
    worker_says(w, "{\"id\":1,\"result\":\"a\",\"sessionId\":\"s\"}");
    CHECK_STR(client_hears(a), "{\"id\":1,\"result\":\"a\",\"sessionId\":\"s\"}");
    CHECK_STR(worker_hears(w), "{\"id\":1,\"method\":\"b\",\"sessionId\":\"s\"}");
    worker_says(w, "{\"id\":1,\"result\":\"b\",\"sessionId\":\"s\"}");
    CHECK_STR(client_hears(b), "{\"id\":1,\"result\":\"b\",\"sessionId\":\"s\"}");
    close_bus();
}

static void a_held_request_is_not_kept_by_an_older_one_of_another_session(void)
{
    open_bus(ONE_POOL);
    worker_shows_echo();
    client_says(a, "{\"id\":1,\"method\":\"a\",\"sessionId\":\"s\"}");
    client_says(a, "{\"id\":1,\"method\":\"a\",\"sessionId\":\"t\"}");
    client_says(b, "{\"id\":1,\"method\":\"b\",\"sessionId\":\"s\"}");
    client_says(b, "{\"id\":1,\"method\":\"b\",\"sessionId\":\"t\"}");
    CHECK(worker_hears(w) != NULL);
    CHECK(worker_hears(w) != NULL);
    CHECK_STR(worker_hears(w), NULL);
    worker_says(w, "{\"id\":1,\"result\":\"a\",\"sessionId\":\"t\"}");
    CHECK_STR(worker_hears(w), "{\"id\":1,\"method\":\"b\",\"sessionId\":\"t\"}");
    close_bus();
}

static void a_held_session_request_is_not_kept_by_an_older_one_without_session(void)
{
    open_bus(ONE_POOL);
    struct client *c = memory_client(bus);
    worker_shows_echo();
    client_says(a, "{\"id\":1,\"method\":\"a\",\"sessionId\":\"s\"}");
    client_says(a, "{\"id\":1,\"method\":\"a\",\"sessionId\":\"t\"}");
    client_says(c, "{\"id\":1,\"method\":\"c\"}");
    advance(bus, 1);
    client_says(b, "{\"id\":1,\"method\":\"b\",\"sessionId\":\"s\"}");
    CHECK(worker_hears(w) != NULL);
    CHECK(worker_hears(w) != NULL);
    worker_says(w, "{\"id\":1,\"result\":\"a\",\"sessionId\":\"s\"}");
    CHECK_STR(worker_hears(w), "{\"id\":1,\"method\":\"b\",\"sessionId\":\"s\"}");
    close_bus();
}

static void a_leaving_worker_gets_nothing_that_was_held(void)
{
    open_bus(ONE_POOL);
    client_says(a, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"s\"}");
    client_says(b, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"t\"}");
    CHECK(worker_hears(w) != NULL);
    worker_leaves(w);
    worker_says(w, "{\"id\":1,\"result\":1,\"sessionId\":\"s\"}");
    CHECK(client_hears(a) != NULL);
    CHECK_STR(worker_hears(w), NULL);
    worker_dies(w);
    CHECK(is_error(client_hears(b), "1", -32090, "worker_exited"));
    close_bus();
}

static void an_ambiguous_response_fails_each_and_guesses_none(void)
{
    open_bus(ONE_POOL);
    worker_shows_echo();
    client_says(a, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"s\"}");
    client_says(b, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"t\"}");
    client_says(b, "{\"id\":2,\"method\":\"m\",\"sessionId\":\"t\"}");
    worker_says(w, "{\"id\":1,\"result\":\"whose?\"}");
    CHECK(is_error(client_hears(a), "1", -32097, "ambiguous_response"));
    CHECK(is_error(client_hears(b), "1", -32097, "ambiguous_response"));
    CHECK(stdio_bus_pending_count(bus) == 1);
    worker_says(w, "{\"id\":1,\"result\":\"late\",\"sessionId\":\"s\"}");
    CHECK_STR(client_hears(a), NULL);
    close_bus();
}

static void an_ambiguous_response_counts_those_who_left(void)
{
    open_bus(ONE_POOL);
    worker_shows_echo();
    client_says(a, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"s\"}");
    client_says(b, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"t\"}");
    client_leaves(a);
    worker_says(w, "{\"id\":1,\"result\":\"whose?\"}");
    CHECK(is_error(client_hears(b), "1", -32097, "ambiguous_response"));
    close_bus();
}

int main(void)
{
    a_response_goes_to_its_client_once();
    a_second_response_is_discarded_and_counted();
    responses_may_come_in_any_order();
    ids_are_compared_as_values();
    ids_of_other_values_do_not_match();
    a_response_with_another_session_does_not_match();
    a_response_of_another_worker_does_not_match();
    an_invalid_response_fails_its_request();
    a_response_too_long_fails_its_request();
    an_id_of_the_same_client_is_refused_at_once();
    an_equal_id_of_another_client_is_held_until_the_first_is_answered();
    held_requests_go_out_in_their_order();
    an_equal_id_goes_to_an_instance_that_is_free_of_it();
    a_held_request_goes_to_a_new_instance();
    a_held_request_is_refused_after_the_timeout();
    each_held_request_has_its_own_deadline();
    a_held_request_of_a_client_that_leaves_is_dropped();
    the_id_of_a_client_that_left_stays_taken_until_answered();
    the_answered_id_may_be_used_again_by_its_client();
    equal_ids_of_sessions_are_held_until_the_worker_repeats_a_session();
    a_worker_that_repeats_sessions_gets_equal_ids_at_once();
    a_request_without_session_is_held_for_one_with();
    an_equal_id_on_a_shared_session_is_held();
    a_held_request_is_not_kept_by_an_older_one_of_another_session();
    a_held_session_request_is_not_kept_by_an_older_one_without_session();
    a_leaving_worker_gets_nothing_that_was_held();
    an_ambiguous_response_fails_each_and_guesses_none();
    an_ambiguous_response_counts_those_who_left();
    return check_report();
}
