/* SPDX-License-Identifier: Apache-2.0 */
/* KRN-RTE-03 to 07, 14, KRN-ERR-01, 02, KRN-FRM-10 to 12: pools, turns, and what is refused. */
#include "scene.h"

#define ONE_POOL  "{\"pools\":[{\"id\":\"p\",\"command\":\"x\"}]}"
#define TWO_POOLS "{\"pools\":[{\"id\":\"p\",\"command\":\"x\"},{\"id\":\"q/\\u00e9\",\"command\":\"x\"}]}"

/* Pools -------------------------------------------------------------------------------------------- */

static void the_pool_member_chooses_the_pool(void)
{
    open_bus_of_two(TWO_POOLS);
    client_says(a, "{\"id\":1,\"method\":\"m\",\"pool\":\"p\"}");
    CHECK_STR(worker_hears(w), "{\"id\":1,\"method\":\"m\",\"pool\":\"p\"}");
    client_says(a, "{\"id\":2,\"method\":\"p\",\"pool\":\"q\\/\\u00e9\"}");
    CHECK_STR(worker_hears(v), "{\"id\":2,\"method\":\"p\",\"pool\":\"q\\/\\u00e9\"}");
    client_says(a, "{\"id\":3,\"method\":\"m\",\"pool\":\"r\"}");
    CHECK(is_error(client_hears(a), "3", -32092, "unknown_pool"));
    close_bus();
}

static void the_method_may_name_the_pool(void)
{
    open_bus_of_two(TWO_POOLS);
    client_says(a, "{\"id\":1,\"method\":\"q/\xc3\xa9\"}");
    CHECK(worker_hears(v) != NULL);
    client_says(a, "{\"id\":2,\"method\":\"m\"}");
    CHECK(is_error(client_hears(a), "2", -32092, "pool_required"));
    client_says(a, "{\"id\":3,\"method\":\"m\",\"pool\":null}");
    CHECK(is_error(client_hears(a), "3", -32092, "pool_required"));
    close_bus();
}

static void a_session_needs_no_pool_and_refuses_another(void)
{
    open_bus_of_two(TWO_POOLS);
    client_says(a, "{\"id\":1,\"method\":\"m\",\"pool\":\"q/\xc3\xa9\",\"sessionId\":\"s\"}");
    CHECK(worker_hears(v) != NULL);
    client_says(b, "{\"id\":2,\"method\":\"p\",\"sessionId\":\"s\"}");
    CHECK(worker_hears(v) != NULL);
    client_says(a, "{\"id\":3,\"method\":\"m\",\"sessionId\":\"s\",\"pool\":\"p\"}");
    CHECK(is_error(client_hears(a), "3", -32092, "pool_mismatch"));
    client_says(a, "{\"id\":3,\"method\":\"m\",\"sessionId\":\"s\",\"pool\":\"r\"}");
    CHECK(is_error(client_hears(a), "3", -32092, "unknown_pool"));
    worker_dies(v);
    client_says(a, "{\"id\":4,\"method\":\"m\",\"sessionId\":\"s\"}");
    v = memory_worker(bus, 1);
    CHECK(worker_hears(v) != NULL);
    CHECK_STR(worker_hears(w), NULL);
    close_bus();
}

static void a_refused_session_leaves_no_trace(void)
{
    open_bus_of_two(TWO_POOLS);
    client_says(a, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"s\"}");
    CHECK(is_error(client_hears(a), "1", -32092, "pool_required"));
    CHECK(bus->router.session_total == 0);
    worker_dies(w);
    retire_pools();
    client_says(a, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"s\",\"pool\":\"p\"}");
    const char *line = client_hears(a);
    CHECK(line != NULL && strstr(line, "\"no_worker\"") != NULL);
    CHECK(bus->router.session_total == 0);
    client_says(a, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"s\",\"pool\":\"q/\xc3\xa9\"}");
    CHECK(worker_hears(v) != NULL);
    close_bus();
}

static void the_agent_chooses_nothing(void)
{
    open_bus_of_two(ONE_POOL);
    client_says(a, "{\"id\":1,\"method\":\"m\",\"agentId\":\"x\"}");
    client_says(a, "{\"id\":2,\"method\":\"m\",\"agentId\":\"x\"}");
    CHECK(worker_hears(w) != NULL);
    CHECK(worker_hears(v) != NULL);
    close_bus();
}

/* Messages without a session ------------------------------------------------------------------------ */

static void requests_without_session_take_turns(void)
{
    open_bus_of_two(ONE_POOL);
    for (int i = 0; i < 10; i++) {
        char line[64];
        snprintf(line, sizeof line, "{\"id\":%d,\"method\":\"m\"}", i);
        client_says(a, line);
    }
    for (int i = 0; i < 5; i++) {
        CHECK(worker_hears(w) != NULL);
        CHECK(worker_hears(v) != NULL);
    }
    CHECK_STR(worker_hears(w), NULL);
    close_bus();
}

static void a_notification_follows_the_latest_request_of_its_client(void)
{
    open_bus_of_two(ONE_POOL);
    client_says(a, "{\"id\":1,\"method\":\"m\"}");
    struct worker *of_a = who_heard();
    client_says(b, "{\"id\":1,\"method\":\"m\"}");
    struct worker *of_b = who_heard();
    CHECK(of_a != of_b);
    for (int i = 0; i < 3; i++) {
        client_says(a, "{\"method\":\"n\"}");
        CHECK(who_heard() == of_a);
        client_says(b, "{\"method\":\"n\"}");
        CHECK(who_heard() == of_b);
    }
    client_says(a, "{\"id\":2,\"method\":\"m\",\"sessionId\":\"s\"}");
    who_heard();
    client_says(a, "{\"method\":\"n\"}");
    CHECK(who_heard() == of_a);
    worker_dies(of_a);
    w = v = of_b;
    client_says(a, "{\"method\":\"n\"}");
    CHECK(worker_hears(of_b) != NULL);
    close_bus();
}

static void a_request_that_was_held_is_not_the_latest(void)
{
    open_bus_of_two(ONE_POOL);
    struct client *c = memory_client(bus);
    client_says(b, "{\"id\":1,\"method\":\"m\"}");
    struct worker *first = who_heard();
    client_says(c, "{\"id\":1,\"method\":\"m\"}");
    struct worker *second = who_heard();
    client_says(a, "{\"id\":1,\"method\":\"held\"}");
    client_says(a, "{\"id\":2,\"method\":\"latest\"}");
    struct worker *latest = who_heard();
    struct worker *freed = latest == first ? second : first;
    worker_says(freed, "{\"id\":1,\"result\":1}");
    CHECK_STR(worker_hears(freed), "{\"id\":1,\"method\":\"held\"}");
    client_says(a, "{\"method\":\"n\"}");
    CHECK(who_heard() == latest);
    close_bus();
}

/* What a client gets back ---------------------------------------------------------------------------- */

static void faulty_lines_are_refused_and_the_client_lives_on(void)
{
    static const struct {
        const char *line;
        const char *id;
        int code;
        const char *reason;
    } faults[] = {
        {"nonsense", "null", -32700, "parse_error"},
        {"{\"id\":1,\"method\":\"m\"", "null", -32700, "parse_error"},
        {"[1]", "null", -32600, "not_an_object"},
        {"{\"id\":1,\"method\":5}", "1", -32600, "invalid_member"},
        {"{\"id\":{},\"method\":\"m\"}", "null", -32600, "invalid_member"},
        {"{\"id\":1,\"method\":\"m\",\"sessionId\":1}", "1", -32600, "invalid_member"},
        {"{\"id\":1,\"method\":\"m\",\"method\":\"n\"}", "1", -32600, "duplicate_member"},
        {"{\"id\":1,\"method\":\"m\",\"\\u0069d\":2}", "null", -32600, "duplicate_member"},
        {"{\"id\":1}", "1", -32600, "invalid_message"},
        {"{\"id\":1,\"result\":1,\"error\":1}", "1", -32600, "invalid_message"},
        {"{}", "null", -32600, "invalid_message"},
    };
    open_bus_of_two(ONE_POOL);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        CHECK(client_says(a, faults[i].line) == LINE_TAKEN);
        CHECK(is_error(client_hears(a), faults[i].id, faults[i].code, faults[i].reason));
        CHECK_STR(client_hears(b), NULL);
    }
    CHECK(peer_says(&a->peer, "{", 1, true) == LINE_TAKEN);
    CHECK(client_hears(a) != NULL);
    CHECK(client_says(a, "{\"id\":1,\"method\":\"m\"}") == LINE_TAKEN);
    CHECK(who_heard() != NULL);
    close_bus();
}

static void an_error_names_id_and_session_as_they_were_spelled(void)
{
    open_bus_of_two(ONE_POOL);
    client_says(a, "{\"id\":1.50e0,\"method\":\"m\",\"sessionId\":\"\\u0073\",\"pool\":\"r\"}");
    const char *line = client_hears(a);
    CHECK(is_error(line, "1.50e0", -32092, "unknown_pool"));
    CHECK(line != NULL && strncmp(line, "{\"jsonrpc\":\"2.0\",\"id\":1.50e0,\"sessionId\":\"\\u0073\",", 43) == 0);
    close_bus();
}

static void a_lost_notification_is_counted(void)
{
    open_bus_of_two(TWO_POOLS);
    client_says(a, "{\"method\":\"n\"}");
    client_says(a, "{\"method\":\"n\",\"pool\":\"r\"}");
    CHECK(bus->stats.routing_errors == 2);
    CHECK_STR(client_hears(a), NULL);
    worker_dies(w);
    client_says(a, "{\"method\":\"n\",\"pool\":\"p\"}");
    CHECK(bus->stats.routing_errors == 2);
    retire_pools();
    CHECK(bus->stats.routing_errors == 3);
    CHECK(strstr(last_log(), "without a worker") != NULL);
    close_bus();
}

static void what_a_worker_garbles_is_dropped_and_counted(void)
{
    open_bus_of_two(ONE_POOL);
    client_says(a, "{\"id\":1,\"method\":\"m\",\"sessionId\":\"s\"}");
    struct worker *worker = who_heard();
    worker_says(worker, "Traceback (most recent call last):");
    worker_says(worker, "[]");
    worker_says(worker, "{\"method\":1,\"sessionId\":\"s\"}");
    CHECK(bus->stats.routing_errors == 3);
    CHECK_STR(client_hears(a), NULL);
    worker_says(worker, "{\"id\":1,\"result\":1,\"sessionId\":\"s\"}");
    CHECK(client_hears(a) != NULL);
    close_bus();
}

int main(void)
{
    the_pool_member_chooses_the_pool();
    the_method_may_name_the_pool();
    a_session_needs_no_pool_and_refuses_another();
    a_refused_session_leaves_no_trace();
    the_agent_chooses_nothing();
    requests_without_session_take_turns();
    a_notification_follows_the_latest_request_of_its_client();
    a_request_that_was_held_is_not_the_latest();
    faulty_lines_are_refused_and_the_client_lives_on();
    an_error_names_id_and_session_as_they_were_spelled();
    a_lost_notification_is_counted();
    what_a_worker_garbles_is_dropped_and_counted();
    return check_report();
}
