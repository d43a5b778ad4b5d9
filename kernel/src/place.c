/* SPDX-License-Identifier: Apache-2.0 */
#include "place.h"

#include "call.h"
#include "room.h"
#include "session.h"

#include <stdlib.h>
#include <string.h>

static const struct placing done = {.kind = PLACING_DONE};

static struct placing refused(enum reason reason)
{
    return (struct placing){.kind = PLACING_REFUSED, .reason = reason};
}

/* Would the worker's response not tell this request from one that it already has (KRN-COR-03)? */
static bool id_is_taken(struct router *router, const struct worker *worker, const struct call *call)
{
    struct call *group = call_group(router, &worker->peer, &call->key);
    if (group == NULL) {
        return false;
    }
    if (call->session == NULL || group->session == NULL || !worker->echoes_session) {
        return true;
    }
    struct call *same;
    return call_match(router, &worker->peer, call->session, true, &call->key, &same) != MATCH_NONE;
}

static void remember_recent(struct router *router, const struct call *call, const struct worker *worker)
{
    if (call->caller == NULL || call->session != NULL || call->notification) {
        return;
    }
    struct client *client = peer_client(call->caller);
    if (client->recent == NULL) {
        client->recent = calloc(router->pool_count, sizeof *client->recent);
    }
    if (client->recent != NULL && client->recent[call->pool->index].call < call->serial) {
        client->recent[call->pool->index] = (struct recent){worker->peer.serial, call->serial};
    }
}

/* A session that is bound afresh belongs to whoever sent the message that does it (KRN-RTE-08, 10). */
static void bind(struct router *router, const struct call *call, struct worker *worker)
{
    struct session *session = call->session;
    bool ended = call->caller == NULL && session != NULL && list_empty(&session->members);
    if (session == NULL || session->worker == worker || ended) {
        return;
    }
    session_bind(router, session, worker);
    if (session->owner == NULL) {
        session->owner = call->caller != NULL ? peer_client(call->caller) : session_last_sender(session);
    }
}

static bool write_line(struct worker *worker, const char *line, size_t len)
{
    if (!worker->pool->config->strip) {
        return channel_send(&worker->peer.channel, line, len);
    }
    char *room = channel_room(&worker->peer.channel, len);
    if (room != NULL) {
        channel_commit(&worker->peer.channel, envelope_strip(line, len, room));
    }
    return room != NULL;
}

/* The worker gets the line. From now on the call is open at it; a notification is done with. */
static void hand_over(struct router *router, struct call *call, struct worker *worker, const char *line, size_t len)
{
    struct channel *channel = &worker->peer.channel;
    struct client *client = call->caller != NULL ? peer_client(call->caller) : NULL;
    bind(router, call, worker);
    if (client != NULL) {
        room_worker_serves(worker, client);
        learn(router, worker, call->inner, call->session, client, false);
    }
    remember_recent(router, call, worker);
    uint64_t mark = channel->queued;
    bool sent = write_line(worker, line, len);
    if (!call->notification) {
        size_t sent_len = sent ? (size_t)(channel->queued - mark - 1) : 0;
        call_drop_line(router, call);
        call_place(router, call, &worker->peer, mark, sent_len);
        return;
    }
    if (!sent) {
        note_unrouted(router, &worker->peer, "notification lost with its worker", line, len);
    }
    call_free(router, call);
}

static bool has_room(const struct router *router, const struct worker *worker)
{
    return !worker->overloaded && !room_is_full(router, &worker->peer);
}

bool pool_has_future(const struct pool *pool)
{
    if (pool->worker_count > 0) {
        return true;
    }
    for (size_t i = 0; i < pool->slot_count; i++) {
        if (!pool->slots[i].retired) {
            return true;
        }
    }
    return false;
}

static struct placing wait_for_worker(struct router *router, struct call *call, const char *line, size_t len,
                                      bool may_stall)
{
    struct pool *pool = call->pool;
    if (pool->worker_count == 0 && !pool_has_future(pool)) {
        return refused(REASON_NO_WORKER);
    }
    if (may_stall && pool->waiting_bytes >= router->limits->max_output_queue) {
        return pool->overloaded ? refused(REASON_OVERLOADED) : (struct placing){.kind = PLACING_STALL};
    }
    return call_wait(router, call, &pool->waiting, line, len) ? done : refused(REASON_OVERLOADED);
}

static struct placing place_bound(struct router *router, struct call *call, struct worker *worker, const char *line,
                                  size_t len, bool may_stall)
{
    if (may_stall && worker->overloaded) {
        return refused(REASON_OVERLOADED);
    }
    if (may_stall && room_is_full(router, &worker->peer)) {
        return (struct placing){.kind = PLACING_STALL, .worker = worker};
    }
    if (!call->notification && id_is_taken(router, worker, call)) {
        bind(router, call, worker);
        bool held = call_hold(router, call, worker->peer.serial, &worker->peer.held, line, len);
        return held ? done : refused(REASON_OVERLOADED);
    }
    hand_over(router, call, worker, line, len);
    return done;
}

/* A new session goes to the worker with fewest sessions (KRN-RTE-02). */
static struct worker *least_busy(const struct router *router, const struct pool *pool)
{
    struct worker *best = NULL;
    LIST_EACH (link, &pool->workers) {
        struct worker *worker = OWNER(link, struct worker, of_pool);
        if (has_room(router, worker) && (best == NULL || worker->session_count < best->session_count)) {
            best = worker;
        }
    }
    return best;
}

/* Without a session: the next in turn that has room and is free of the id. *taken: one had room, but not the id. */
static struct worker *next_in_turn(struct router *router, struct pool *pool, const struct call *call, bool *taken)
{
    LIST_EACH (link, &pool->workers) {
        struct worker *worker = OWNER(link, struct worker, of_pool);
        if (!has_room(router, worker)) {
            continue;
        }
        if (!call->notification && id_is_taken(router, worker, call)) {
            *taken = true;
            continue;
        }
        list_remove(&worker->of_pool);
        list_push(&pool->workers, &worker->of_pool);
        return worker;
    }
    return NULL;
}

static bool all_overloaded(const struct pool *pool)
{
    LIST_EACH (link, &pool->workers) {
        if (!OWNER(link, struct worker, of_pool)->overloaded) {
            return false;
        }
    }
    return true;
}

static struct worker *recent_worker(const struct call *call)
{
    if (!call->notification || call->session != NULL || call->caller == NULL) {
        return NULL;
    }
    const struct client *client = peer_client(call->caller);
    if (client->recent == NULL || client->recent[call->pool->index].worker == 0) {
        return NULL;
    }
    const struct recent *recent = &client->recent[call->pool->index];
    LIST_EACH (link, &call->pool->workers) {
        struct worker *worker = OWNER(link, struct worker, of_pool);
        if (worker->peer.serial == recent->worker) {
            return worker;
        }
    }
    return NULL;
}

struct placing place_call(struct router *router, struct call *call, const char *line, size_t len, bool may_stall)
{
    struct pool *pool = call->pool;
    struct worker *bound = call->session != NULL ? call->session->worker : recent_worker(call);
    if (bound != NULL && bound->state == WORKER_LIVE) {
        return place_bound(router, call, bound, line, len, may_stall);
    }
    if (pool->worker_count == 0 || (may_stall && !list_empty(&pool->waiting))) {
        return wait_for_worker(router, call, line, len, may_stall);
    }
    bool taken = false;
    struct worker *worker =
        call->session != NULL ? least_busy(router, pool) : next_in_turn(router, pool, call, &taken);
    if (worker != NULL) {
        return place_bound(router, call, worker, line, len, may_stall);
    }
    if (taken) {
        return call_hold(router, call, pool->serial, &pool->held, line, len) ? done : refused(REASON_OVERLOADED);
    }
    if (!may_stall) {
        return wait_for_worker(router, call, line, len, may_stall);
    }
    return all_overloaded(pool) ? refused(REASON_OVERLOADED) : (struct placing){.kind = PLACING_STALL};
}

/* Places a call whose client cannot be told to wait; line may be the call's own. */
static void place_or_fail(struct router *router, struct call *call, const char *line, size_t len)
{
    struct placing placing = place_call(router, call, line, len, false);
    if (placing.kind == PLACING_REFUSED) {
        if (call->notification) {
            note_unrouted(router, call->caller, "notification without a worker", line, len);
        }
        call_fail(router, call, placing.reason, NULL);
    }
}

void place_again(struct router *router, struct call *call)
{
    struct channel *channel = &call->callee->channel;
    size_t here = 0;
    const char *line = queue_peek(&channel->queue, (size_t)(call->mark - channel->written), &here);
    size_t len = call->line_len;
    table_remove(&router->by_id, &call->by_id);
    list_remove(&call->taken);
    call->state = CALL_NEW;
    call->callee = NULL;
    if (line == NULL || here < len || len == 0) {
        call_fail(router, call, REASON_WORKER_EXITED, NULL);
        return;
    }
    place_or_fail(router, call, line, len);
}

static struct call *older(struct call *a, struct call *b)
{
    if (a == NULL || b == NULL) {
        return a != NULL ? a : b;
    }
    return a->serial < b->serial ? a : b;
}

static void let_go(struct router *router, struct call *call, struct worker *worker)
{
    call_unhold(router, call);
    hand_over(router, call, worker, call->line, call->line_len);
}

/* Of the calls held for the id at `place`, the first that this worker can tell apart now. */
static struct call *first_admissible(struct router *router, uint64_t place, const struct worker *worker,
                                     const struct id_key *key)
{
    struct call *first = call_held(router, place, key);
    for (struct call *call = first; call != NULL; call = call_next(call, first)) {
        if (!id_is_taken(router, worker, call)) {
            return call;
        }
    }
    return NULL;
}

void place_released(struct router *router, struct worker *worker, const struct id_key *key)
{
    if (router->held.groups == 0 || worker->state != WORKER_LIVE) {
        return;
    }
    struct call *call;
    do {
        call = older(first_admissible(router, worker->peer.serial, worker, key),
                     first_admissible(router, worker->pool->serial, worker, key));
        if (call != NULL) {
            let_go(router, call, worker);
        }
    } while (call != NULL);
}

void place_sessions_released(struct router *router, struct worker *worker)
{
    LIST_EACH (link, &worker->peer.held) {
        struct call *call = OWNER(link, struct call, wait);
        if (!id_is_taken(router, worker, call)) {
            let_go(router, call, worker);
        }
    }
}

static bool pool_has_room(const struct router *router, const struct pool *pool)
{
    LIST_EACH (link, &pool->workers) {
        if (has_room(router, OWNER(link, struct worker, of_pool))) {
            return true;
        }
    }
    return false;
}

void place_waiting(struct router *router, struct pool *pool)
{
    while (!list_empty(&pool->waiting) && pool_has_room(router, pool)) {
        struct call *call = OWNER(pool->waiting.next, struct call, wait);
        list_remove(&call->wait);
        pool->waiting_bytes -= call->line_len;
        call->state = CALL_NEW;
        place_or_fail(router, call, call->line, call->line_len);
    }
}

void place_held(struct router *router, struct worker *worker)
{
    LIST_EACH (link, &worker->pool->held) {
        struct call *call = OWNER(link, struct call, wait);
        if (!id_is_taken(router, worker, call)) {
            let_go(router, call, worker);
        }
    }
}

void place_held_expired(struct timer *timer)
{
    struct router *router = OWNER(timer, struct router, held_timer);
    uint64_t now = router->clock();
    while (!list_empty(&router->held_order)) {
        struct call *call = OWNER(router->held_order.next, struct call, order);
        if (call->deadline > now) {
            timer_set(router->timers, timer, call->deadline);
            return;
        }
        call_fail(router, call, REASON_ID_IN_USE, NULL);
    }
}
