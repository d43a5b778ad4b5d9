/* SPDX-License-Identifier: Apache-2.0 */
#include "router_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct spelling ids[IDS] = {{"1", 1},     {"2", 2},          {"\"1\"", 3}, {"1.0", 1},
                                      {"null", 4},  {"\"\\u0031\"", 3}, {"-0", 5},    {"3", 6}};
const struct spelling sessions[SESSIONS] = {{NULL, 0}, {"\"s\"", 1}, {"\"t\"", 2}, {"\"\\u0073\"", 1}, {"\"\"", 3}};

struct stdio_bus *bus;
struct guest guests[CLIENTS];
struct staff staff[WORKERS];
struct asked asked[MOST];
struct question questions[MOST];
struct notice notices[MOST]; /* of clients */
bool updates[MOST];          /* of workers: was it heard? */
size_t asked_count;
size_t question_count;
size_t notice_count;
size_t update_count;
struct speech speech;

void require(bool holds, const char *what, const char *file, int line)
{
    if (!holds) {
        fprintf(stderr, "%s:%d: violated: %s\n", file, line, what);
        abort();
    }
}

/* Reading what the bus has queued --------------------------------------------------------------------- */

static bool span_is(struct span span, const char *text)
{
    if (text == NULL || span.at == NULL) {
        return text == NULL && span.at == NULL;
    }
    return span.len == strlen(text) && memcmp(span.at, text, span.len) == 0;
}

static int class_of(struct span span, const struct spelling *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (span_is(span, list[i].text)) {
            return list[i].class;
        }
    }
    return -1;
}

/* The number behind "key": in the line, or -1. */
static long number(const char *line, const char *key)
{
    char pattern[16];
    snprintf(pattern, sizeof pattern, "\"%s\":", key);
    const char *at = strstr(line, pattern);
    return at != NULL ? strtol(at + strlen(pattern), NULL, 10) : -1;
}

static bool is_of_kernel(const char *line)
{
    return strstr(line, "\"source\":\"stdio_bus\"") != NULL;
}

/* Errors that answer no request. */
static bool is_about_form(const char *line)
{
    static const char *const reasons[] = {"parse_error",      "not_an_object",    "invalid_message",
                                          "invalid_member",   "duplicate_member", "message_too_large"};
    for (size_t i = 0; i < COUNT(reasons); i++) {
        char pattern[64];
        snprintf(pattern, sizeof pattern, "\"reason\":\"%s\"", reasons[i]);
        if (strstr(line, pattern) != NULL) {
            return true;
        }
    }
    return false;
}

static void worker_got_request(int who, const char *line, uint64_t mark)
{
    struct worker *worker = staff[who].worker;
    long n = number(line, "n");
    REQUIRE(n >= 0 && (size_t)n < asked_count);
    struct asked *request = &asked[n];
    REQUIRE(!request->done);
    REQUIRE(request->at < 0);
    REQUIRE(!staff[who].leaving);
    if (!worker->pool->config->strip) {
        REQUIRE(strcmp(line, request->line) == 0);
    }
    request->at = who;
    request->mark = mark;
}

static void worker_got_notice(int who, const char *line)
{
    long k = number(line, "k");
    if (k < 0) {
        return;
    }
    REQUIRE((size_t)k < notice_count && !notices[k].heard);
    notices[k].heard = true;
    REQUIRE(!staff[who].leaving);
    if (notices[k].guest < 0) {
        return;
    }
    size_t *latest = &staff[who].latest_notice[notices[k].guest];
    REQUIRE(*latest <= (size_t)k);
    *latest = (size_t)k;
}

static void worker_got_answer(int who, const char *line, const struct envelope *envelope)
{
    bool kernel = is_of_kernel(line);
    for (size_t i = 0; i < question_count; i++) {
        struct question *question = &questions[i];
        if (question->done || question->staff != who) {
            continue;
        }
        if (kernel ? span_is(envelope->id, question->id->text) && span_is(envelope->session, question->session->text)
                   : question->guest == speech.guest && speech.guest >= 0 &&
                         class_of(envelope->id, ids, IDS) == question->id->class) {
            question->done = true;
            return;
        }
    }
    require(false, "an answer only to a worker that asked", __FILE__, __LINE__);
}

static void worker_got(int who, const char *line, size_t len, uint64_t mark)
{
    struct envelope envelope;
    envelope_read(line, len, &envelope);
    REQUIRE(envelope.kind != ENVELOPE_FAULTY);
    if (envelope.kind == ENVELOPE_REQUEST) {
        worker_got_request(who, line, mark);
    } else if (envelope.kind == ENVELOPE_NOTIFICATION) {
        worker_got_notice(who, line);
    } else {
        worker_got_answer(who, line, &envelope);
    }
}

static void client_got_error(int who, const struct envelope *envelope)
{
    for (size_t i = asked_count; i-- > 0;) {
        struct asked *request = &asked[i];
        if (!request->done && request->guest == who && span_is(envelope->id, request->id->text) &&
            span_is(envelope->session, request->session->text)) {
            request->done = true;
            return;
        }
    }
    require(false, "an error only for a client that asked", __FILE__, __LINE__);
}

static void client_got_response(int who, const char *line, const struct envelope *envelope)
{
    REQUIRE(speech.staff >= 0);
    REQUIRE(speech.fits == 1);
    REQUIRE(speech.fitting->guest == who && !speech.fitting->done);
    speech.fitting->done = true;
    REQUIRE(class_of(envelope->id, ids, IDS) == speech.fitting->id->class);
    if (!staff[speech.staff].worker->pool->config->strip) {
        REQUIRE(strcmp(line, speech.line) == 0);
    } else {
        REQUIRE(class_of(envelope->session, sessions, SESSIONS) == speech.fitting->session->class);
    }
}

static void client_got_message(int who, const char *line, const struct envelope *envelope)
{
    REQUIRE(envelope->session.at == NULL ||
            (guests[who].spoke_on & 1u << class_of(envelope->session, sessions, SESSIONS)) != 0);
    if (envelope->kind == ENVELOPE_REQUEST) {
        long q = number(line, "q");
        REQUIRE(q >= 0 && (size_t)q < question_count);
        REQUIRE(!questions[q].done && questions[q].guest < 0 && questions[q].staff >= 0);
        questions[q].guest = who;
        return;
    }
    long u = number(line, "u");
    if (u >= 0) {
        REQUIRE((size_t)u < update_count && !updates[u]);
        updates[u] = true;
    }
}

static void client_got(int who, const char *line, size_t len)
{
    struct envelope envelope;
    envelope_read(line, len, &envelope);
    if (envelope.kind == ENVELOPE_RESPONSE && is_of_kernel(line)) {
        if (!is_about_form(line)) {
            client_got_error(who, &envelope);
        }
        return;
    }
    REQUIRE(envelope.kind != ENVELOPE_FAULTY);
    if (envelope.kind == ENVELOPE_RESPONSE) {
        client_got_response(who, line, &envelope);
    } else {
        client_got_message(who, line, &envelope);
    }
}

/* Copies the line at `position` of everything ever queued; false: there is none. */
static bool next_line(const struct channel *channel, uint64_t position, char line[LINE_SIZE], size_t *len)
{
    size_t here = 0;
    const char *at = queue_peek(&channel->queue, (size_t)(position - channel->written), &here);
    if (at == NULL) {
        return false;
    }
    const char *end = memchr(at, '\n', here);
    REQUIRE(end != NULL);
    *len = (size_t)(end - at);
    REQUIRE(*len < LINE_SIZE);
    memcpy(line, at, *len);
    line[*len] = '\0';
    return true;
}

void look_at_queues(void)
{
    char line[LINE_SIZE];
    size_t len;
    for (int i = 0; i < WORKERS; i++) {
        while (staff[i].worker != NULL && next_line(&staff[i].worker->peer.channel, staff[i].seen, line, &len)) {
            uint64_t mark = staff[i].seen;
            staff[i].seen += len + 1;
            worker_got(i, line, len, mark);
        }
    }
    for (int i = 0; i < CLIENTS; i++) {
        while (guests[i].client != NULL && !guests[i].client->gone &&
               next_line(&guests[i].client->peer.channel, guests[i].seen, line, &len)) {
            guests[i].seen += len + 1;
            client_got(i, line, len);
        }
    }
}

/* What holds after every operation --------------------------------------------------------------------- */

static void note_guests_that_left(void)
{
    for (int i = 0; i < CLIENTS; i++) {
        if (guests[i].client == NULL || !guests[i].client->gone) {
            continue;
        }
        guests[i] = (struct guest){0};
        for (size_t j = 0; j < asked_count; j++) {
            if (asked[j].guest == i) {
                asked[j].guest = -1;
                asked[j].done = asked[j].done || asked[j].at < 0;
            }
        }
        for (size_t j = 0; j < question_count; j++) {
            REQUIRE(questions[j].guest != i || questions[j].done || questions[j].staff < 0);
            questions[j].guest = questions[j].guest == i ? -1 : questions[j].guest;
        }
        for (size_t j = 0; j < notice_count; j++) {
            notices[j].guest = notices[j].guest == i ? -1 : notices[j].guest;
        }
        for (int j = 0; j < WORKERS; j++) {
            staff[j].latest_notice[i] = 0;
        }
    }
}

static void check_counts(void)
{
    const struct router *router = &bus->router;
    size_t pending = 0;
    size_t asking = 0;
    for (size_t i = 0; i < asked_count; i++) {
        pending += !asked[i].done && asked[i].guest >= 0;
    }
    for (size_t i = 0; i < question_count; i++) {
        asking += !questions[i].done && questions[i].staff >= 0;
    }
    REQUIRE(router->pending == pending);
    REQUIRE(router->asking == asking);
    size_t bound = 0;
    for (int i = 0; i < WORKERS; i++) {
        bound += staff[i].worker != NULL ? staff[i].worker->session_count : 0;
    }
    REQUIRE(router->session_bound == bound);
    size_t total = 0;
    LIST_EACH (link, &router->session_order) {
        const struct session *session = OWNER(link, struct session, order);
        total++;
        REQUIRE(session->calls > 0 || !list_empty(&session->members));
        REQUIRE(session->owner == NULL || !session->owner->gone);
        REQUIRE(session->worker == NULL || session->worker->pool == session->pool);
        REQUIRE(session->worker == NULL || session->owner != NULL);
    }
    REQUIRE(router->session_total == total);
    for (size_t i = 0; i < router->pool_count; i++) {
        REQUIRE(!list_empty(&router->pools[i].waiting) || router->pools[i].waiting_bytes == 0);
    }
}

void settle(void)
{
    clients_close_broken(bus);
    look_at_queues();
    note_guests_that_left();
    bus_bury_dead(bus);
    check_counts();
    speech = (struct speech){.guest = -1, .staff = -1};
}
