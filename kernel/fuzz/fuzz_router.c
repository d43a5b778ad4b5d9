/* SPDX-License-Identifier: Apache-2.0 */
/* The input is a program: clients and workers come, speak, read, leave, and time passes. Beside the bus runs a
 * model of what everybody has sent, and every line that the bus queues for anybody has to agree with it: each
 * request is answered exactly once, nobody gets what is not meant for him, and nothing is left at the end. */
#include "../tests/memory_bus.h"

#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLIENTS = 4, WORKERS = 4, MOST = 300, LINE_SIZE = 1500 };

#define REQUIRE(holds) require((holds), #holds, __LINE__)

static void require(bool holds, const char *what, int line)
{
    if (!holds) {
        fprintf(stderr, "fuzz_router.c:%d: violated: %s\n", line, what);
        abort();
    }
}

/* Spellings; those with the same class are equal values. */
struct spelling {
    const char *text;
    int class;
};

static const struct spelling ids[] = {{"1", 1},     {"2", 2},          {"\"1\"", 3}, {"1.0", 1},
                                      {"null", 4},  {"\"\\u0031\"", 3}, {"-0", 5},    {"3", 6}};
static const struct spelling sessions[] = {{NULL, 0}, {"\"s\"", 1}, {"\"t\"", 2}, {"\"\\u0073\"", 1}, {"\"\"", 3}};
static const char *const inners[] = {NULL, "\"x\"", "\"y\"", "\"s\""};
static const char *const pools[] = {NULL, "\"p\"", "\"q\"", "\"r\""};

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct guest {
    struct client *client; /* NULL: not there */
    uint64_t seen;         /* how much of what was queued for it has been looked at */
    unsigned spoke_on;     /* classes of the sessions it has sent on, as bits */
};

struct staff {
    struct worker *worker; /* NULL: not there */
    uint64_t seen;
    bool leaving;
    size_t latest_notice[CLIENTS];
};

/* A request of a client. */
struct asked {
    int guest; /* -1: it has left */
    const struct spelling *id;
    const struct spelling *session;
    int at; /* which worker has it, or -1 */
    uint64_t mark;
    bool done;
    char *line;
};

/* A request of a worker. */
struct question {
    int staff; /* -1: it has died */
    int guest; /* who was asked, or -1 */
    const struct spelling *id;
    const struct spelling *session;
    bool done;
};

struct notice {
    int guest;
    bool heard;
};

static struct stdio_bus *bus;
static struct guest guests[CLIENTS];
static struct staff staff[WORKERS];
static struct asked asked[MOST];
static struct question questions[MOST];
static struct notice notices[MOST]; /* of clients */
static bool updates[MOST];          /* of workers: was it heard? */
static size_t asked_count;
static size_t question_count;
static size_t notice_count;
static size_t update_count;

/* The line in progress. */
static int speaking_guest;
static int speaking_staff;
static const char *spoken;
static int fits; /* how many requests a response fits, and the last of them */
static struct asked *fitting;

/* The program. */
static const unsigned char *code;
static size_t code_left;

static unsigned take(void)
{
    if (code_left == 0) {
        return 0;
    }
    code_left--;
    return *code++;
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
                   : question->guest == speaking_guest && speaking_guest >= 0 &&
                         class_of(envelope->id, ids, COUNT(ids)) == question->id->class) {
            question->done = true;
            return;
        }
    }
    require(false, "an answer only to a worker that asked", __LINE__);
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
    require(false, "an error only for a client that asked", __LINE__);
}

static void client_got_response(int who, const char *line, const struct envelope *envelope)
{
    REQUIRE(speaking_staff >= 0);
    REQUIRE(fits == 1);
    REQUIRE(fitting->guest == who && !fitting->done);
    fitting->done = true;
    REQUIRE(class_of(envelope->id, ids, COUNT(ids)) == fitting->id->class);
    if (!staff[speaking_staff].worker->pool->config->strip) {
        REQUIRE(strcmp(line, spoken) == 0);
    } else {
        REQUIRE(class_of(envelope->session, sessions, COUNT(sessions)) == fitting->session->class);
    }
}

static void client_got_message(int who, const char *line, const struct envelope *envelope)
{
    REQUIRE(envelope->session.at == NULL ||
            (guests[who].spoke_on & 1u << class_of(envelope->session, sessions, COUNT(sessions))) != 0);
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

static void look_at_queues(void)
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

static void settle(void)
{
    clients_close_broken(bus);
    look_at_queues();
    note_guests_that_left();
    bus_bury_dead(bus);
    check_counts();
    speaking_guest = -1;
    speaking_staff = -1;
    fitting = NULL;
    fits = 0;
}

/* Speaking --------------------------------------------------------------------------------------------- */

static char text[LINE_SIZE];

/* Every fourth message is long enough to fill half of a small queue. */
static const char *padding(unsigned choice)
{
    static char pad[300];
    if (choice % 4 != 3) {
        return "";
    }
    if (*pad == '\0') {
        static const char head[] = ",\"pad\":\"";
        memset(pad, 'x', sizeof pad - 2);
        memcpy(pad, head, sizeof head - 1);
        pad[sizeof pad - 2] = '"';
    }
    return pad;
}

/* ,"name":value or nothing */
static void member(size_t *len, const char *name, const char *value)
{
    if (value != NULL) {
        *len += (size_t)snprintf(text + *len, LINE_SIZE - *len, ",\"%s\":%s", name, value);
    }
}

/* {"method":"m" [,"id":..] [,"sessionId":..] [,"pool":..],"params":{"key":number [,"sessionId":..]} [padding]} */
static void make_message(const char *id, const char *session, const char *pool, const char *key, size_t n,
                         const char *inner, const char *pad)
{
    size_t len = (size_t)snprintf(text, LINE_SIZE, "{\"method\":\"m\"");
    member(&len, "id", id);
    member(&len, "sessionId", session);
    member(&len, "pool", pool);
    len += (size_t)snprintf(text + len, LINE_SIZE - len, ",\"params\":{\"%s\":%zu", key, n);
    member(&len, "sessionId", inner);
    snprintf(text + len, LINE_SIZE - len, "}%s}", pad);
}

static void make_response(const char *id, const char *session, const char *inner, bool error, const char *pad)
{
    size_t len = (size_t)snprintf(text, LINE_SIZE, "{\"id\":%s", id);
    member(&len, "sessionId", session);
    len += (size_t)snprintf(text + len, LINE_SIZE - len, error ? ",\"error\":{\"code\":1" : ",\"result\":{\"r\":1");
    member(&len, "sessionId", inner);
    snprintf(text + len, LINE_SIZE - len, "}%s}", pad);
}

static int pick_guest(unsigned choice)
{
    int who = (int)(choice % CLIENTS);
    return guests[who].client != NULL && peer_is_read(&guests[who].client->peer) ? who : -1;
}

static int pick_staff(unsigned choice)
{
    int who = (int)(choice % WORKERS);
    return staff[who].worker != NULL && peer_is_read(&staff[who].worker->peer) ? who : -1;
}

static enum line_fate guest_says(int who, const char *line)
{
    speaking_guest = who;
    spoken = line;
    return client_says(guests[who].client, line);
}

static enum line_fate staff_says(int who, const char *line, bool cut)
{
    speaking_staff = who;
    spoken = line;
    return peer_says(&staff[who].worker->peer, line, strlen(line), cut);
}

static void client_speaks(bool request)
{
    int who = pick_guest(take());
    unsigned what = take();
    unsigned how = take();
    if (who < 0 || asked_count == MOST || notice_count == MOST) {
        return;
    }
    const struct spelling *id = &ids[what % COUNT(ids)];
    const struct spelling *session = &sessions[what / COUNT(ids) % COUNT(sessions)];
    const char *pool = pools[how % 4];
    const char *inner = inners[how / 4 % 4];
    make_message(request ? id->text : NULL, session->text, pool, request ? "n" : "k",
                 request ? asked_count : notice_count, inner, padding(how / 16));
    unsigned before = guests[who].spoke_on;
    if (session->text != NULL) {
        guests[who].spoke_on |= 1u << session->class;
    }
    size_t pending = bus->router.pending;
    char *line = strdup(text);
    /* It is in the model before it is said, for it may be answered at once. */
    size_t index = request ? asked_count++ : notice_count++;
    if (request) {
        asked[index] = (struct asked){.guest = who, .id = id, .session = session, .at = -1, .line = line};
    } else {
        notices[index] = (struct notice){.guest = who};
    }
    if (guest_says(who, line) == LINE_BLOCKED) {
        guests[who].spoke_on = before;
        REQUIRE(bus->router.pending == pending);
        asked_count -= request;
        notice_count -= !request;
        free(line);
    } else if (!request) {
        free(line);
    }
}

/* Which open requests a response of the worker fits (KRN-COR-03). */
static void find_fitting(int who, int id, int session)
{
    fits = 0;
    for (size_t i = 0; i < asked_count; i++) {
        if (!asked[i].done && asked[i].at == who && asked[i].id->class == id &&
            (session == 0 || asked[i].session->class == session)) {
            fitting = &asked[i];
            fits++;
        }
    }
}

static bool is_fit(const struct asked *request, int who, int id, int session)
{
    return !request->done && request->at == who && request->id->class == id &&
           (session == 0 || request->session->class == session);
}

/* The response was taken: whom it fitted must have his answer. */
static void check_answered(int who, int id, int session)
{
    look_at_queues();
    for (size_t i = 0; i < asked_count; i++) {
        if (is_fit(&asked[i], who, id, session) && (asked[i].guest < 0)) {
            asked[i].done = true;
        }
    }
}

static void worker_responds(int who, const struct spelling *id, const struct spelling *session, unsigned how)
{
    bool broken = how % 16 == 15;
    make_response(id->text, session->text, inners[how / 16 % 4], how % 4 == 3, padding(how / 64));
    if (broken) {
        text[strlen(text) - 2 - how / 64] = '\0';
    }
    find_fitting(who, id->class, session->class);
    bool fit[MOST];
    for (size_t i = 0; i < asked_count; i++) {
        fit[i] = is_fit(&asked[i], who, id->class, session->class);
    }
    size_t before = asked_count;
    int fitted = fits;
    if (broken) {
        fits = 0; /* nobody may get the line itself */
    }
    if (staff_says(who, text, false) != LINE_TAKEN) {
        REQUIRE(fitted == 1);
        look_at_queues();
        REQUIRE(!fitting->done);
        return;
    }
    check_answered(who, id->class, session->class);
    for (size_t i = 0; i < before; i++) {
        REQUIRE(!fit[i] || asked[i].done);
    }
}

/* The worker answers the oldest, or one of the next, of what it has. */
static void worker_answers_properly(void)
{
    int who = pick_staff(take());
    unsigned which = take() % 4;
    unsigned how = take();
    if (who < 0) {
        return;
    }
    bool strip = staff[who].worker->pool->config->strip;
    for (size_t i = 0; i < asked_count; i++) {
        if (!asked[i].done && asked[i].at == who && which-- == 0) {
            worker_responds(who, asked[i].id, strip || how % 2 == 0 ? &sessions[0] : asked[i].session, how);
            return;
        }
    }
}

static void worker_answers_anything(void)
{
    int who = pick_staff(take());
    unsigned what = take();
    unsigned how = take();
    if (who >= 0) {
        worker_responds(who, &ids[what % COUNT(ids)], &sessions[what / COUNT(ids) % COUNT(sessions)], how);
    }
}

static void worker_notifies(void)
{
    int who = pick_staff(take());
    unsigned what = take();
    if (who < 0 || update_count == MOST) {
        return;
    }
    make_message(NULL, sessions[what % COUNT(sessions)].text, NULL, "u", update_count, inners[what / 8 % 4],
                 padding(what / 32));
    updates[update_count++] = false;
    if (staff_says(who, text, false) != LINE_TAKEN) {
        update_count--;
    }
}

/* Kernel errors name only the id: a worker that used one twice could not be told which one was answered. */
static bool has_open_question(int who, const struct spelling *id)
{
    for (size_t i = 0; i < question_count; i++) {
        if (!questions[i].done && questions[i].staff == who && questions[i].id->class == id->class) {
            return true;
        }
    }
    return false;
}

static void worker_asks(void)
{
    int who = pick_staff(take());
    unsigned what = take();
    unsigned how = take();
    const struct spelling *id = &ids[what % COUNT(ids)];
    if (who < 0 || question_count == MOST || has_open_question(who, id)) {
        return;
    }
    const struct spelling *session = &sessions[what / COUNT(ids) % COUNT(sessions)];
    make_message(id->text, session->text, NULL, "q", question_count, inners[how % 4], padding(how / 16));
    questions[question_count++] = (struct question){.staff = who, .guest = -1, .id = id, .session = session};
    if (staff_says(who, text, false) != LINE_TAKEN) {
        question_count--;
    }
}

static void client_answers(void)
{
    int who = pick_guest(take());
    unsigned what = take();
    if (who < 0) {
        return;
    }
    const struct spelling *id = &ids[what % COUNT(ids)];
    const struct spelling *session = &sessions[what / COUNT(ids) % COUNT(sessions)];
    make_response(id->text, session->text, NULL, what % 2 == 0, "");
    bool fit[MOST];
    size_t before = question_count;
    for (size_t i = 0; i < before; i++) {
        const struct question *question = &questions[i];
        fit[i] = session->text == NULL && !question->done && question->guest == who && question->staff >= 0 &&
                 question->id->class == id->class;
    }
    if (guest_says(who, text) != LINE_TAKEN) {
        return;
    }
    look_at_queues();
    for (size_t i = 0; i < before; i++) {
        REQUIRE(!fit[i] || questions[i].done);
    }
}

/* Bytes of the program as a line, unless it would be a message that the model ought to know. */
static void says_garbage(bool client)
{
    int who = client ? pick_guest(take()) : pick_staff(take());
    size_t len = take() % 64;
    for (size_t i = 0; i < len; i++) {
        text[i] = (char)take();
    }
    text[len] = '\0';
    struct envelope envelope;
    envelope_read(text, strlen(text), &envelope);
    if (who < 0 || *text == '\0' || envelope.kind != ENVELOPE_FAULTY) {
        return;
    }
    envelope_salvage(text, strlen(text), &envelope);
    if (client) {
        guest_says(who, text);
    } else if (envelope.id.at == NULL) {
        staff_says(who, text, len % 2 == 0);
    }
}

/* Coming and going --------------------------------------------------------------------------------------- */

static void client_comes_or_goes(void)
{
    unsigned what = take();
    struct guest *guest = &guests[what % CLIENTS];
    if (guest->client == NULL) {
        *guest = (struct guest){.client = memory_client(bus)};
    } else if (what / CLIENTS % 2 == 0) {
        client_leaves(guest->client);
    } else {
        client_ends(guest->client);
    }
}

/* Requests that no byte was written of are free to go elsewhere (KRN-ERR-04). */
static void note_unwritten(int who)
{
    for (size_t i = 0; i < asked_count; i++) {
        struct asked *request = &asked[i];
        if (request->done || request->at != who || request->session->text != NULL ||
            request->mark < staff[who].worker->peer.channel.written || bus->router.draining) {
            continue;
        }
        request->at = -1;
        request->done = request->guest < 0;
    }
}

static void kill_worker(int who)
{
    if (!staff[who].leaving) {
        note_unwritten(who);
    }
    struct worker *worker = staff[who].worker;
    staff[who].worker = NULL;
    for (size_t i = 0; i < question_count; i++) {
        questions[i].staff = questions[i].staff == who ? -1 : questions[i].staff;
    }
    worker_dies(worker);
    look_at_queues();
    for (size_t i = 0; i < asked_count; i++) {
        if (asked[i].at == who) {
            REQUIRE(asked[i].done || asked[i].guest < 0);
            asked[i].done = true;
            asked[i].at = -1;
        }
    }
}

static void worker_comes_or_goes(void)
{
    unsigned what = take();
    int who = (int)(what % WORKERS);
    if (staff[who].worker == NULL) {
        staff[who] = (struct staff){.worker = memory_worker(bus, (size_t)who % bus->router.pool_count)};
    } else if (what / WORKERS % 2 == 0) {
        kill_worker(who);
    } else if (!staff[who].leaving) {
        note_unwritten(who);
        worker_leaves(staff[who].worker);
        staff[who].leaving = true;
    }
}

static void somebody_reads(void)
{
    unsigned what = take();
    size_t bytes = what / 16 == 0 ? SIZE_MAX : (size_t)(what / 16) * 20;
    if (what % 2 == 0 && guests[what / 2 % CLIENTS].client != NULL) {
        peer_takes(&guests[what / 2 % CLIENTS].client->peer, bytes);
    } else if (what % 2 == 1) {
        const struct staff *reader = &staff[what / 2 % WORKERS];
        if (reader->worker != NULL && !reader->leaving) {
            peer_takes(&reader->worker->peer, bytes);
        }
    }
}

static void operate(void)
{
    switch (take() % 16) {
    case 0:
    case 1:
    case 2:
        client_speaks(true);
        break;
    case 3:
        client_speaks(false);
        break;
    case 4:
    case 5:
        worker_answers_properly();
        break;
    case 6:
        worker_answers_anything();
        break;
    case 7:
        worker_notifies();
        break;
    case 8:
        worker_asks();
        break;
    case 9:
        client_answers();
        break;
    case 10:
        client_comes_or_goes();
        break;
    case 11:
        worker_comes_or_goes();
        break;
    case 12:
        advance(bus, 100u * take());
        break;
    case 13:
        somebody_reads();
        break;
    case 14:
        says_garbage(take() % 2 == 0);
        break;
    default:
        if (take() == 0xff) {
            router_drain(&bus->router);
        }
        break;
    }
    settle();
}

/* The end ------------------------------------------------------------------------------------------------ */

/* Everybody reads everything: then nobody waits for room any more. */
static void let_all_read(void)
{
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < WORKERS; i++) {
            if (staff[i].worker != NULL && !staff[i].leaving) {
                peer_takes(&staff[i].worker->peer, SIZE_MAX);
                settle();
            }
        }
        for (int i = 0; i < CLIENTS; i++) {
            if (guests[i].client != NULL) {
                peer_takes(&guests[i].client->peer, SIZE_MAX);
                settle();
            }
        }
    }
    for (int i = 0; i < WORKERS; i++) {
        REQUIRE(staff[i].worker == NULL || staff[i].leaving || peer_is_read(&staff[i].worker->peer));
        if (staff[i].worker != NULL && !staff[i].leaving) {
            REQUIRE(list_empty(&staff[i].worker->pool->waiting));
            REQUIRE(list_empty(&staff[i].worker->pool->stalled));
        }
    }
    for (int i = 0; i < CLIENTS; i++) {
        const struct client *client = guests[i].client;
        if (client != NULL && client->stall_cause != STALL_POOL) {
            REQUIRE(client->half_closed || peer_is_read(&client->peer));
        }
    }
}

/* The workers answer whatever they have; then only what waits for a worker is open. */
static void let_all_answer(void)
{
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < asked_count; i++) {
            int who = asked[i].at;
            if (asked[i].done || who < 0 || staff[who].leaving) {
                continue;
            }
            bool strip = staff[who].worker->pool->config->strip;
            worker_responds(who, asked[i].id, strip ? &sessions[0] : asked[i].session, 0);
            REQUIRE(asked[i].done);
            settle();
            let_all_read();
            again = true;
        }
    }
    for (int i = 0; i < WORKERS; i++) {
        REQUIRE(staff[i].worker == NULL || staff[i].leaving || list_empty(&staff[i].worker->peer.held));
    }
}

static void all_workers_die(void)
{
    for (int i = 0; i < WORKERS; i++) {
        if (staff[i].worker != NULL) {
            kill_worker(i);
            settle();
        }
    }
    for (size_t i = 0; i < bus->router.pool_count; i++) {
        for (size_t j = 0; j < bus->router.pools[i].slot_count; j++) {
            bus->router.pools[i].slots[j].retired = true;
        }
        router_pool_retired(&bus->router, &bus->router.pools[i]);
        settle();
    }
    for (size_t i = 0; i < asked_count; i++) {
        REQUIRE(asked[i].done || asked[i].guest < 0);
    }
}

static void all_clients_leave(void)
{
    for (int i = 0; i < CLIENTS; i++) {
        if (guests[i].client != NULL) {
            client_leaves(guests[i].client);
            settle();
        }
    }
    for (size_t i = 0; i < question_count; i++) {
        REQUIRE(questions[i].done || questions[i].staff < 0);
    }
}

static void finish(unsigned manner)
{
    if (manner % 2 == 0) {
        let_all_read();
        let_all_answer();
    }
    if (manner / 2 % 2 == 0) {
        all_workers_die();
        all_clients_leave();
    } else {
        all_clients_leave();
        all_workers_die();
    }
    /* The host has heard nothing: nobody was allowed to speak to it. */
    REQUIRE(bus->host->peer.channel.queue.bytes == 0);
    REQUIRE(is_empty(bus));
}

static void begin(unsigned manner)
{
#define FORWARD(id) "{\"id\":\"" id "\",\"command\":\"x\"}"
#define STRIP(id)   "{\"id\":\"" id "\",\"command\":\"x\",\"envelope\":\"strip\"}"
    static const char *const kinds[] = {"[" FORWARD("p") "]", "[" STRIP("p") "]",
                                        "[" FORWARD("p") "," FORWARD("q") "]", "[" FORWARD("p") "," STRIP("q") "]"};
    char config[512];
    snprintf(config, sizeof config,
             "{\"pools\":%s,\"limits\":{\"max_output_queue\":%d,\"max_total_buffer\":%d,"
             "\"backpressure_timeout_sec\":10}}",
             kinds[manner % 4], manner / 4 % 2 == 0 ? 600 : 100000, manner / 8 % 4 == 3 ? 6000 : 10000000);
    bus = memory_bus(config);
    for (int i = 0; i < WORKERS; i++) {
        staff[i] = (struct staff){.worker = i < 3 ? memory_worker(bus, (size_t)i % bus->router.pool_count) : NULL};
    }
    for (int i = 0; i < CLIENTS; i++) {
        guests[i] = (struct guest){.client = i < 3 ? memory_client(bus) : NULL};
    }
    asked_count = question_count = notice_count = update_count = 0;
    settle();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    code = data;
    code_left = size;
    unsigned manner = take();
    begin(manner);
    while (code_left > 0) {
        operate();
    }
    finish(manner / 32);
    stdio_bus_destroy(bus);
    for (size_t i = 0; i < asked_count; i++) {
        free(asked[i].line);
    }
    return 0;
}
