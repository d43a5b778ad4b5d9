/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker sends. */
#include "flow.h"
#include "room.h"
#include "route.h"
#include "session.h"

#include <string.h>

void fail_matches(struct router *router, struct peer *callee, struct session *session, bool named,
                  const struct id_key *key, enum reason reason)
{
    struct call *call;
    if (session != NULL) {
        session->calls++;
    }
    while (call_match(router, callee, session, named, key, &call) != MATCH_NONE) {
        call_fail(router, call, reason, NULL);
    }
    if (session != NULL) {
        session->calls--;
        session_release(router, session);
    }
}

static char *append(char *out, const char *from, size_t len)
{
    memcpy(out, from, len);
    return out + len;
}

/* Sends a stripped worker's line with the sessionId that its client knows, in the place of a null or in front
 * (KRN-RTE-13). */
static void send_with_session(struct router *router, struct client *client, const struct envelope *envelope,
                              struct span session, const char *line, size_t len)
{
    static const char name[] = "\"sessionId\":";
    struct channel *channel = &client->peer.channel;
    char *room = channel_room(channel, len + session.len + sizeof name);
    if (room == NULL) {
        return;
    }
    char *out = room;
    const char *rest;
    if (envelope->no_session.at != NULL) {
        out = append(out, line, (size_t)(envelope->no_session.at - line));
        out = append(out, session.at, session.len);
        rest = envelope->no_session.at + envelope->no_session.len;
    } else {
        rest = (const char *)memchr(line, '{', len) + 1;
        out = append(out, line, (size_t)(rest - line));
        out = append(out, name, sizeof name - 1);
        out = append(out, session.at, session.len);
        *out++ = ',';
    }
    out = append(out, rest, (size_t)(line + len - rest));
    channel_commit(channel, (size_t)(out - room));
    router->stats->messages_out++;
    router->stats->bytes_out += (uint64_t)(out - room) + 1;
}

static void send_from_worker(struct router *router, const struct worker *worker, struct client *client,
                             const struct envelope *envelope, struct span session, const char *line, size_t len)
{
    if (worker->pool->config->strip && envelope->session.at == NULL && session.at != NULL) {
        send_with_session(router, client, envelope, session, line, len);
    } else {
        send_to_client(router, client, line, len);
    }
}

static void finish_response(struct router *router, struct worker *worker, const struct envelope *envelope,
                            struct call *call)
{
    bool echoed = envelope->session.at != NULL && call->session != NULL && !worker->echoes_session;
    call_free(router, call);
    if (echoed) {
        worker->echoes_session = true;
        if (worker->state == WORKER_LIVE) {
            place_sessions_released(router, worker);
        }
    }
}

static enum line_fate deliver_response(struct router *router, struct worker *worker, const struct envelope *envelope,
                                       struct call *call, const char *line, size_t len)
{
    if (call->caller == NULL) {
        note_unrouted(router, &worker->peer, "a response to a client that has left", line, len);
        finish_response(router, worker, envelope, call);
        return LINE_TAKEN;
    }
    struct client *client = peer_client(call->caller);
    if (room_client_is_full(router, client)) {
        return flow_pause_worker(router, worker, client);
    }
    if (envelope->inner.at != NULL) {
        learn(router, worker, envelope->inner, call->session, client, true);
    }
    send_from_worker(router, worker, client, envelope, call->spelled, line, len);
    finish_response(router, worker, envelope, call);
    return LINE_TAKEN;
}

static enum line_fate route_response(struct router *router, struct worker *worker, const struct envelope *envelope,
                                     const char *line, size_t len)
{
    struct answer_key key;
    if (!answer_key_make(router, &key, envelope->id)) {
        note_unrouted(router, &worker->peer, "out of memory", line, len);
        return LINE_TAKEN;
    }
    bool named = envelope->session.at != NULL;
    struct session *session = named ? session_find(router, envelope->session) : NULL;
    struct call *call;
    enum line_fate fate = LINE_TAKEN;
    switch (call_match(router, &worker->peer, session, named, &key.key, &call)) {
    case MATCH_NONE:
        note_unrouted(router, &worker->peer, "a response to no open request", line, len);
        break;
    case MATCH_ONE:
        fate = deliver_response(router, worker, envelope, call, line, len);
        break;
    case MATCH_SEVERAL:
        note_unrouted(router, &worker->peer, "a response that fits several requests", line, len);
        fail_matches(router, &worker->peer, session, named, &key.key, REASON_AMBIGUOUS_RESPONSE);
        break;
    }
    if (fate == LINE_TAKEN) {
        place_released(router, worker, &key.key);
    }
    answer_key_free(&key);
    return fate;
}

/* Whom a worker's own message is for. */
struct addressee {
    struct session *session;
    struct client *client;
};

static struct addressee find_addressee(struct router *router, struct worker *worker, const struct envelope *envelope)
{
    struct session *session = NULL;
    if (envelope->session.at != NULL) {
        session = session_find(router, envelope->session);
    } else if (envelope->inner.at != NULL) {
        struct learned *learned = learned_find(router, worker, envelope->inner);
        if (learned != NULL && learned->session == NULL) {
            return (struct addressee){NULL, learned->client};
        }
        session = learned != NULL ? learned->session : NULL;
    }
    if (session == NULL && envelope->session.at == NULL && worker->pool->config->strip &&
        worker->session_count == 1) {
        session = OWNER(worker->sessions.next, struct session, of_worker);
    }
    if (session == NULL || !session_is_served_by(session, worker)) {
        return (struct addressee){NULL, NULL};
    }
    return (struct addressee){session, session->owner};
}

/* An error for a request of the worker itself; it waits while the worker does not read (KRN-ERR-05). */
static enum line_fate refuse_worker(struct router *router, struct worker *worker, const struct envelope *envelope,
                                    enum reason reason)
{
    if (worker->state == WORKER_LIVE && room_is_full(router, &worker->peer)) {
        return flow_pause_worker(router, worker, NULL);
    }
    reply_error(router, &worker->peer, envelope->id, envelope->session, reason, NULL);
    return LINE_TAKEN;
}

static enum line_fate ask_client(struct router *router, struct worker *worker, const struct envelope *envelope,
                                 struct addressee to, const char *line, size_t len)
{
    struct call *call = call_new(router, &worker->peer, envelope, to.session, worker->pool);
    if (call == NULL) {
        return refuse_worker(router, worker, envelope, REASON_OVERLOADED);
    }
    call_open(router, call);
    struct peer *callee = &to.client->peer;
    if (to.client->omits_session && call_group(router, callee, &call->key) != NULL) {
        if (!call_hold(router, call, callee->serial, &callee->held, line, len)) {
            call_fail(router, call, REASON_OVERLOADED, NULL);
        }
        return LINE_TAKEN;
    }
    uint64_t mark = callee->channel.queued;
    send_from_worker(router, worker, to.client, envelope,
                     call->session != NULL ? session_spelled(call->session) : (struct span){0}, line, len);
    call_place(router, call, callee, mark, len);
    return LINE_TAKEN;
}

void deliver_held_request(struct router *router, struct client *client, const struct id_key *key)
{
    struct peer *callee = &client->peer;
    if (router->held.groups == 0 || call_group(router, callee, key) != NULL) {
        return;
    }
    struct call *call = call_held(router, callee->serial, key);
    if (call == NULL) {
        return;
    }
    call_unhold(router, call);
    uint64_t mark = callee->channel.queued;
    struct envelope envelope;
    envelope_read(call->line, call->line_len, &envelope);
    send_from_worker(router, peer_worker(call->caller), client, &envelope,
                     call->session != NULL ? session_spelled(call->session) : (struct span){0}, call->line,
                     call->line_len);
    size_t len = call->line_len;
    call_drop_line(router, call);
    call_place(router, call, callee, mark, len);
}

static enum line_fate route_from_worker(struct router *router, struct worker *worker, const struct envelope *envelope,
                                        const char *line, size_t len)
{
    struct addressee to = find_addressee(router, worker, envelope);
    bool request = envelope->kind == ENVELOPE_REQUEST;
    if (to.client == NULL || (request && to.client->half_closed)) {
        if (request) {
            return refuse_worker(router, worker, envelope,
                                 to.client == NULL ? REASON_UNKNOWN_SESSION : REASON_CLIENT_GONE);
        }
        note_unrouted(router, &worker->peer, "a notification for no known session", line, len);
        return LINE_TAKEN;
    }
    if (room_client_is_full(router, to.client)) {
        return flow_pause_worker(router, worker, to.client);
    }
    if (request) {
        return ask_client(router, worker, envelope, to, line, len);
    }
    send_from_worker(router, worker, to.client, envelope,
                     to.session != NULL ? session_spelled(to.session) : (struct span){0}, line, len);
    return LINE_TAKEN;
}

/* A line that may not reach a client; a request that it seems to answer fails (KRN-FRM-10). */
static void drop_worker_line(struct router *router, struct worker *worker, const char *line, size_t len)
{
    note_unrouted(router, &worker->peer, "dropped a line that is not a valid message", line, len);
    struct envelope shown;
    envelope_salvage(line, len, &shown);
    struct answer_key key;
    if (shown.id.at == NULL || shown.method.at != NULL || !answer_key_make(router, &key, shown.id)) {
        return;
    }
    bool named = shown.session.at != NULL;
    struct session *session = named ? session_find(router, shown.session) : NULL;
    struct call *call;
    enum match match = call_match(router, &worker->peer, session, named, &key.key, &call);
    if (match != MATCH_NONE) {
        fail_matches(router, &worker->peer, session, named, &key.key,
                     match == MATCH_ONE ? REASON_INVALID_RESPONSE : REASON_AMBIGUOUS_RESPONSE);
        place_released(router, worker, &key.key);
    }
    answer_key_free(&key);
}

enum line_fate router_worker_line(struct router *router, struct worker *worker, const char *line, size_t len,
                                  bool cut)
{
    struct envelope envelope = {.kind = ENVELOPE_FAULTY};
    if (!cut) {
        envelope_read(line, len, &envelope);
    }
    switch (envelope.kind) {
    case ENVELOPE_RESPONSE:
        return route_response(router, worker, &envelope, line, len);
    case ENVELOPE_REQUEST:
    case ENVELOPE_NOTIFICATION:
        return route_from_worker(router, worker, &envelope, line, len);
    case ENVELOPE_FAULTY:
        break;
    }
    drop_worker_line(router, worker, line, len);
    return LINE_TAKEN;
}
