/* SPDX-License-Identifier: Apache-2.0 */
/* What a client sends. */
#include "flow.h"
#include "room.h"
#include "route.h"
#include "session.h"

#include <stdio.h>
#include <string.h>

static void refuse_faulty(struct router *router, struct client *client, const struct envelope *envelope)
{
    static const enum reason reasons[] = {
        [FAULT_NONE] = REASON_INVALID_MESSAGE,     [FAULT_NOT_JSON] = REASON_PARSE_ERROR,
        [FAULT_NOT_OBJECT] = REASON_NOT_AN_OBJECT, [FAULT_DUPLICATE] = REASON_DUPLICATE_MEMBER,
        [FAULT_TYPE] = REASON_INVALID_MEMBER,      [FAULT_SHAPE] = REASON_INVALID_MESSAGE,
    };
    char detail[96];
    if (envelope->culprit != NULL) {
        snprintf(detail, sizeof detail, "\"%s\" %s", envelope->culprit,
                 envelope->fault == FAULT_DUPLICATE ? "stands there twice" : "has the wrong type");
    }
    reply_error(router, &client->peer, envelope->id, (struct span){0}, reasons[envelope->fault],
                envelope->culprit != NULL ? detail : NULL);
}

static void forward_answer(const struct call *call, const char *line, size_t len)
{
    struct worker *worker = peer_worker(call->caller);
    struct channel *channel = &worker->peer.channel;
    if (!worker->pool->config->strip) {
        channel_send(channel, line, len);
        return;
    }
    char *room = channel_room(channel, len);
    if (room != NULL) {
        channel_commit(channel, envelope_strip(line, len, room));
    }
}

/* A client's answer to a worker's request (KRN-COR-06, 07). */
static void route_answer(struct router *router, struct client *client, const struct envelope *envelope,
                         const char *line, size_t len)
{
    struct answer_key key;
    if (!answer_key_make(router, &key, envelope->id)) {
        note_unrouted(router, &client->peer, "out of memory", line, len);
        return;
    }
    bool named = envelope->session.at != NULL;
    struct session *session = named ? session_find(router, envelope->session) : NULL;
    struct call *call;
    enum match match = call_match(router, &client->peer, session, named, &key.key, &call);
    if (match != MATCH_NONE && !named) {
        client->omits_session = true;
    }
    if (match == MATCH_ONE && call->caller != NULL) {
        forward_answer(call, line, len);
        call_free(router, call);
    } else if (match == MATCH_SEVERAL) {
        note_unrouted(router, &client->peer, "an answer that fits several requests", line, len);
        fail_matches(router, &client->peer, session, named, &key.key, REASON_AMBIGUOUS_ANSWER);
    } else {
        note_unrouted(router, &client->peer, "an answer to no open request", line, len);
    }
    deliver_held_request(router, client, &key.key);
    answer_key_free(&key);
}

static struct pool *pool_named(struct router *router, struct span raw)
{
    struct answer_key name;
    if (!answer_key_make(router, &name, raw)) {
        return NULL;
    }
    struct pool *found = NULL;
    uint64_t hash = hash_bytes(&router->secret, 0, name.key.at + 1, name.key.len - 1);
    for (struct node *node = table_bucket(&router->pool_names, hash); node != NULL; node = node->chain) {
        struct pool *pool = OWNER(node, struct pool, node);
        if (strlen(pool->config->id) == name.key.len - 1 &&
            memcmp(pool->config->id, name.key.at + 1, name.key.len - 1) == 0) {
            found = pool;
        }
    }
    answer_key_free(&name);
    return found;
}

/* The pool of a message (KRN-RTE-05, 06), or NULL with the reason. */
static struct pool *choose_pool(struct router *router, const struct envelope *envelope, const struct session *session,
                                enum reason *reason)
{
    struct pool *bound = session != NULL ? session->pool : NULL;
    if (envelope->pool.at != NULL) {
        struct pool *pool = pool_named(router, envelope->pool);
        *reason = pool == NULL ? REASON_UNKNOWN_POOL : REASON_POOL_MISMATCH;
        return bound == NULL || bound == pool ? pool : NULL;
    }
    if (bound != NULL) {
        return bound;
    }
    if (router->pool_count == 1) {
        return &router->pools[0];
    }
    *reason = REASON_POOL_REQUIRED;
    return pool_named(router, envelope->method);
}

struct passage {
    struct router *router;
    struct client *client;
    const struct envelope *envelope;
    const char *line;
    size_t len;
};

static void refuse(const struct passage *passage, enum reason reason)
{
    if (passage->envelope->kind == ENVELOPE_REQUEST) {
        reply_error(passage->router, &passage->client->peer, passage->envelope->id, passage->envelope->session,
                    reason, NULL);
    } else {
        note_unrouted(passage->router, &passage->client->peer, "notification refused", passage->line, passage->len);
    }
}

static enum line_fate place_passage(const struct passage *passage, struct call *call)
{
    struct router *router = passage->router;
    struct session *session = call->session;
    struct pool *pool = call->pool;
    if (!call->notification) {
        if (call_is_duplicate(router, call)) {
            call_free(router, call);
            refuse(passage, REASON_DUPLICATE_ID);
            return LINE_TAKEN;
        }
        call_open(router, call);
    }
    /* Counted as used, the session outlives the call if that is refused or already done with. */
    if (session != NULL) {
        session->calls++;
    }
    struct placing placing = place_call(router, call, passage->line, passage->len, true);
    bool joined = placing.kind == PLACING_DONE;
    if (!joined) {
        call_free(router, call);
    } else if (session != NULL) {
        session->pool = pool;
        joined = session_join(router, session, passage->client);
    }
    if (session != NULL) {
        session->calls--;
        session_release(router, session);
    }
    if (placing.kind == PLACING_REFUSED) {
        refuse(passage, placing.reason);
    }
    if (placing.kind != PLACING_STALL) {
        return LINE_TAKEN;
    }
    return placing.worker != NULL ? flow_wait_for_worker(passage->client, placing.worker)
                                  : flow_wait_for_pool(passage->client, pool);
}

static enum line_fate route_from_client(const struct passage *passage)
{
    struct router *router = passage->router;
    const struct envelope *envelope = passage->envelope;
    bool request = envelope->kind == ENVELOPE_REQUEST;
    if ((request && router->draining) || room_is_exhausted(router)) {
        refuse(passage, router->draining ? REASON_SHUTTING_DOWN : REASON_OVERLOADED);
        return LINE_TAKEN;
    }
    struct session *session = envelope->session.at != NULL ? session_find(router, envelope->session) : NULL;
    enum reason reason = REASON_POOL_REQUIRED;
    struct pool *pool = choose_pool(router, envelope, session, &reason);
    if (pool == NULL) {
        refuse(passage, reason);
        return LINE_TAKEN;
    }
    if (session == NULL && envelope->session.at != NULL) {
        session = session_new(router, envelope->session);
        if (session == NULL) {
            refuse(passage, REASON_OVERLOADED);
            return LINE_TAKEN;
        }
    }
    struct call *call = call_new(router, &passage->client->peer, envelope, session, pool);
    if (call == NULL) {
        refuse(passage, REASON_OVERLOADED);
        if (session != NULL) {
            session_release(router, session);
        }
        return LINE_TAKEN;
    }
    return place_passage(passage, call);
}

static enum line_fate route_client_line(const struct passage *passage)
{
    switch (passage->envelope->kind) {
    case ENVELOPE_FAULTY:
        if (passage->client->host && passage->envelope->fault <= FAULT_NOT_OBJECT) {
            return LINE_INVALID;
        }
        refuse_faulty(passage->router, passage->client, passage->envelope);
        return LINE_TAKEN;
    case ENVELOPE_RESPONSE:
        route_answer(passage->router, passage->client, passage->envelope, passage->line, passage->len);
        return LINE_TAKEN;
    case ENVELOPE_REQUEST:
    case ENVELOPE_NOTIFICATION:
        break;
    }
    return route_from_client(passage);
}

enum line_fate router_client_line(struct router *router, struct client *client, const char *line, size_t len,
                                  bool cut)
{
    if (room_is_full(router, &client->peer)) {
        return flow_wait_for_itself(client);
    }
    enum line_fate fate = LINE_TAKEN;
    if (cut) {
        reply_error(router, &client->peer, (struct span){0}, (struct span){0},
                    len < router->channels->max_line ? REASON_OVERLOADED : REASON_MESSAGE_TOO_LARGE, NULL);
    } else {
        struct envelope envelope;
        envelope_read(line, len, &envelope);
        fate = route_client_line(&(struct passage){router, client, &envelope, line, len});
    }
    if (fate == LINE_TAKEN) {
        router->stats->messages_in++;
        router->stats->bytes_in += len + 1;
    }
    return fate;
}
