/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"

#include "session.h"

#include <stdlib.h>
#include <string.h>

/* json_key may need this much more than the text it reads. */
#define KEY_SLACK 32

static struct id_key make_key(const struct router *router, const char *at, size_t len)
{
    return (struct id_key){at, len, hash_bytes(&router->secret, 0, at, len)};
}

bool answer_key_make(const struct router *router, struct answer_key *key, struct span id)
{
    char *out = key->buffer;
    key->heap = NULL;
    if (id.len + KEY_SLACK > sizeof key->buffer) {
        out = key->heap = malloc(id.len + KEY_SLACK);
        if (out == NULL) {
            return false;
        }
    }
    key->key = make_key(router, out, json_key(id, out));
    return true;
}

void answer_key_free(struct answer_key *key)
{
    free(key->heap);
}

static struct span put(char **cursor, struct span text)
{
    struct span copy = {*cursor, text.len};
    memcpy(*cursor, text.at, text.len);
    *cursor += text.len;
    return copy;
}

static size_t call_size(const struct call *call)
{
    return sizeof *call + call->key.len + call->id.len + call->spelled.len + call->inner.len;
}

struct call *call_new(struct router *router, struct peer *caller, const struct envelope *envelope,
                      struct session *session, struct pool *pool)
{
    size_t key_room = envelope->id.at != NULL ? envelope->id.len + KEY_SLACK : 0;
    struct call *call =
        malloc(sizeof *call + key_room + envelope->id.len + envelope->session.len + envelope->inner.len);
    if (call == NULL) {
        return NULL;
    }
    *call = (struct call){.serial = ++router->serials,
                          .caller = caller,
                          .from = caller->kind,
                          .notification = envelope->kind == ENVELOPE_NOTIFICATION,
                          .session = session,
                          .pool = pool};
    list_init(&call->made);
    list_init(&call->taken);
    list_init(&call->wait);
    list_init(&call->order);
    char *cursor = call->text;
    if (envelope->id.at != NULL) {
        call->key = make_key(router, cursor, json_key(envelope->id, cursor));
        cursor += call->key.len;
        call->id = put(&cursor, envelope->id);
    }
    if (envelope->session.at != NULL) {
        call->spelled = put(&cursor, envelope->session);
    }
    if (envelope->inner.at != NULL) {
        call->inner = put(&cursor, envelope->inner);
    }
    if (session != NULL) {
        session->calls++;
    }
    router->channels->store.bytes += call_size(call);
    return call;
}

/* Sessions are kept apart by their address, and the two directions by a bit that no address has. */
static uint64_t session_scope(const struct session *session, enum peer_kind from)
{
    return (uint64_t)(uintptr_t)session | (from == PEER_WORKER ? 1u : 0u);
}

static uint64_t call_scope(const struct call *call)
{
    return call->session != NULL ? session_scope(call->session, call->from) : call->caller->serial;
}

static bool same_key(const struct call *call, const struct id_key *key)
{
    return call->key.len == key->len && memcmp(call->key.at, key->at, key->len) == 0;
}

static struct call *find_by_scope(struct router *router, uint64_t hash, const struct session *session,
                                  const struct peer *caller, enum peer_kind from, const struct id_key *key)
{
    for (struct node *node = table_bucket(&router->by_scope, hash); node != NULL; node = node->chain) {
        struct call *call = OWNER(node, struct call, by_scope);
        if (node->hash == hash && call->session == session && call->from == from &&
            (session != NULL || call->caller == caller) && same_key(call, key)) {
            return call;
        }
    }
    return NULL;
}

static struct call *next_in_scope(struct call *call, const struct call *first)
{
    struct call *next = OWNER(call->by_scope.next, struct call, by_scope);
    return next == first ? NULL : next;
}

bool call_is_duplicate(struct router *router, const struct call *call)
{
    uint64_t hash = hash_in_scope(call->key.hash, call_scope(call));
    struct call *first = find_by_scope(router, hash, call->session, call->caller, call->from, &call->key);
    for (struct call *other = first; other != NULL; other = next_in_scope(other, first)) {
        if (other->caller == call->caller) {
            return true;
        }
    }
    return false;
}

void call_open(struct router *router, struct call *call)
{
    uint64_t hash = hash_in_scope(call->key.hash, call_scope(call));
    struct call *group = find_by_scope(router, hash, call->session, call->caller, call->from, &call->key);
    table_add(&router->by_scope, &call->by_scope, hash, group == NULL ? NULL : &group->by_scope);
    list_push(&call->caller->made, &call->made);
    if (call->from == PEER_CLIENT) {
        router->pending++;
    } else {
        router->asking++;
    }
}

struct call *call_group(struct router *router, const struct peer *callee, const struct id_key *key)
{
    uint64_t hash = hash_in_scope(key->hash, callee->serial);
    for (struct node *node = table_bucket(&router->by_id, hash); node != NULL; node = node->chain) {
        struct call *call = OWNER(node, struct call, by_id);
        if (node->hash == hash && call->callee == callee && same_key(call, key)) {
            return call;
        }
    }
    return NULL;
}

struct call *call_next(struct call *call, const struct call *first)
{
    struct call *next = OWNER(call->by_id.next, struct call, by_id);
    return next == first ? NULL : next;
}

void call_place(struct router *router, struct call *call, struct peer *callee, uint64_t mark, size_t len)
{
    struct call *group = call_group(router, callee, &call->key);
    call->state = CALL_PLACED;
    call->callee = callee;
    call->mark = mark;
    call->line_len = len;
    uint64_t hash = hash_in_scope(call->key.hash, callee->serial);
    table_add(&router->by_id, &call->by_id, hash, group == NULL ? NULL : &group->by_id);
    list_push(&callee->taken, &call->taken);
}

static bool keep_line(struct router *router, struct call *call, const char *line, size_t len)
{
    if (call->line == NULL) {
        call->line = malloc(len);
        if (call->line == NULL) {
            return false;
        }
        memcpy(call->line, line, len);
        call->line_len = len;
        router->channels->store.bytes += len;
    }
    return true;
}

void call_drop_line(struct router *router, struct call *call)
{
    if (call->line != NULL) {
        router->channels->store.bytes -= call->line_len;
        free(call->line);
        call->line = NULL;
    }
}

struct call *call_held(struct router *router, uint64_t place, const struct id_key *key)
{
    uint64_t hash = hash_in_scope(key->hash, place);
    for (struct node *node = table_bucket(&router->held, hash); node != NULL; node = node->chain) {
        struct call *call = OWNER(node, struct call, by_id);
        if (node->hash == hash && call->held_at == place && same_key(call, key)) {
            return call;
        }
    }
    return NULL;
}

bool call_hold(struct router *router, struct call *call, uint64_t place, struct link *list, const char *line,
               size_t len)
{
    if (!keep_line(router, call, line, len)) {
        return false;
    }
    struct call *group = call_held(router, place, &call->key);
    call->state = CALL_HELD;
    call->held_at = place;
    uint64_t hash = hash_in_scope(call->key.hash, place);
    table_add(&router->held, &call->by_id, hash, group == NULL ? NULL : &group->by_id);
    list_push(list, &call->wait);
    if (call->from == PEER_CLIENT) {
        call->deadline = router->clock() + router->limits->backpressure_timeout_sec * NANOSECONDS_PER_SECOND;
        list_push(&router->held_order, &call->order);
        if (!timer_is_set(&router->held_timer)) {
            timer_set(router->timers, &router->held_timer, call->deadline);
        }
    }
    return true;
}

void call_unhold(struct router *router, struct call *call)
{
    table_remove(&router->held, &call->by_id);
    list_remove(&call->wait);
    list_remove(&call->order);
    call->state = CALL_NEW;
}

bool call_wait(struct router *router, struct call *call, struct link *list, const char *line, size_t len)
{
    if (!keep_line(router, call, line, len)) {
        return false;
    }
    if (call->notification && call->caller != NULL) {
        list_remove(&call->made);
        list_push(&call->caller->made, &call->made);
    }
    call->state = CALL_WAITING;
    call->pool->waiting_bytes += call->line_len;
    list_push(list, &call->wait);
    return true;
}

void call_orphan(struct router *router, struct call *call)
{
    list_remove(&call->made);
    if (!call->notification) {
        if (call->session == NULL) {
            /* Its scope was the caller, which asks no more. */
            table_remove(&router->by_scope, &call->by_scope);
        }
        if (call->from == PEER_CLIENT) {
            router->pending--;
        } else {
            router->asking--;
        }
    }
    call->caller = NULL;
}

void call_free(struct router *router, struct call *call)
{
    bool opened = !list_empty(&call->made);
    if (opened) {
        call_orphan(router, call);
    }
    if (call->session != NULL && call->key.at != NULL && call->by_scope.next != NULL) {
        table_remove(&router->by_scope, &call->by_scope);
    }
    if (call->state == CALL_PLACED) {
        table_remove(&router->by_id, &call->by_id);
        list_remove(&call->taken);
    } else if (call->state == CALL_HELD) {
        call_unhold(router, call);
    } else if (call->state == CALL_WAITING) {
        list_remove(&call->wait);
        call->pool->waiting_bytes -= call->line_len;
    }
    call_drop_line(router, call);
    router->channels->store.bytes -= call_size(call);
    struct session *session = call->session;
    free(call);
    if (session != NULL) {
        session->calls--;
        session_release(router, session);
    }
}

enum match call_match(struct router *router, const struct peer *callee, const struct session *session, bool named,
                      const struct id_key *key, struct call **call)
{
    if (!named) {
        *call = call_group(router, callee, key);
        if (*call == NULL) {
            return MATCH_NONE;
        }
        return call_next(*call, *call) == NULL ? MATCH_ONE : MATCH_SEVERAL;
    }
    *call = NULL;
    if (session == NULL) {
        return MATCH_NONE;
    }
    enum peer_kind from = callee->kind == PEER_WORKER ? PEER_CLIENT : PEER_WORKER;
    uint64_t hash = hash_in_scope(key->hash, session_scope(session, from));
    struct call *first = find_by_scope(router, hash, session, NULL, from, key);
    unsigned found = 0;
    for (struct call *other = first; other != NULL; other = next_in_scope(other, first)) {
        if (other->state == CALL_PLACED && other->callee == callee) {
            found++;
            *call = *call == NULL ? other : *call;
        }
    }
    return found == 0 ? MATCH_NONE : found == 1 ? MATCH_ONE : MATCH_SEVERAL;
}
