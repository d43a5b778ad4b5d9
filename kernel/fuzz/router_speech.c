/* SPDX-License-Identifier: Apache-2.0 */
/* Messages in all spellings, at once in the model and on the bus. */
#include "router_model.h"

#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const inners[] = {NULL, "\"x\"", "\"y\"", "\"s\""};
static const char *const pools[] = {NULL, "\"p\"", "\"q\"", "\"r\""};

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
    speech.guest = who;
    speech.line = line;
    return client_says(guests[who].client, line);
}

static enum line_fate staff_says(int who, const char *line, bool cut)
{
    speech.staff = who;
    speech.line = line;
    return peer_says(&staff[who].worker->peer, line, strlen(line), cut);
}

void client_speaks(bool request)
{
    int who = pick_guest(take());
    unsigned what = take();
    unsigned how = take();
    if (who < 0 || asked_count == MOST || notice_count == MOST) {
        return;
    }
    const struct spelling *id = &ids[what % IDS];
    const struct spelling *session = &sessions[what / IDS % SESSIONS];
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
    speech.fits = 0;
    for (size_t i = 0; i < asked_count; i++) {
        if (!asked[i].done && asked[i].at == who && asked[i].id->class == id &&
            (session == 0 || asked[i].session->class == session)) {
            speech.fitting = &asked[i];
            speech.fits++;
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

void worker_responds(int who, const struct spelling *id, const struct spelling *session, unsigned how)
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
    int fitted = speech.fits;
    if (broken) {
        speech.fits = 0; /* nobody may get the line itself */
    }
    if (staff_says(who, text, false) != LINE_TAKEN) {
        REQUIRE(fitted == 1);
        look_at_queues();
        REQUIRE(!speech.fitting->done);
        return;
    }
    check_answered(who, id->class, session->class);
    for (size_t i = 0; i < before; i++) {
        REQUIRE(!fit[i] || asked[i].done);
    }
}

/* The worker answers the oldest, or one of the next, of what it has. */
void worker_answers_properly(void)
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

void worker_answers_anything(void)
{
    int who = pick_staff(take());
    unsigned what = take();
    unsigned how = take();
    if (who >= 0) {
        worker_responds(who, &ids[what % IDS], &sessions[what / IDS % SESSIONS], how);
    }
}

void worker_notifies(void)
{
    int who = pick_staff(take());
    unsigned what = take();
    if (who < 0 || update_count == MOST) {
        return;
    }
    make_message(NULL, sessions[what % SESSIONS].text, NULL, "u", update_count, inners[what / 8 % 4],
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

void worker_asks(void)
{
    int who = pick_staff(take());
    unsigned what = take();
    unsigned how = take();
    const struct spelling *id = &ids[what % IDS];
    if (who < 0 || question_count == MOST || has_open_question(who, id)) {
        return;
    }
    const struct spelling *session = &sessions[what / IDS % SESSIONS];
    make_message(id->text, session->text, NULL, "q", question_count, inners[how % 4], padding(how / 16));
    questions[question_count++] = (struct question){.staff = who, .guest = -1, .id = id, .session = session};
    if (staff_says(who, text, false) != LINE_TAKEN) {
        question_count--;
    }
}

void client_answers(void)
{
    int who = pick_guest(take());
    unsigned what = take();
    if (who < 0) {
        return;
    }
    const struct spelling *id = &ids[what % IDS];
    const struct spelling *session = &sessions[what / IDS % SESSIONS];
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
void says_garbage(bool client)
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
