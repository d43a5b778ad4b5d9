/* SPDX-License-Identifier: Apache-2.0 */
/* The router's state, and what happens when somebody comes or leaves. */
#include "router.h"

#include "flow.h"
#include "route.h"
#include "session.h"

#include <string.h>

bool router_init(struct router *router)
{
    hash_secret_draw(&router->secret);
    list_init(&router->session_order);
    list_init(&router->learned_order);
    list_init(&router->held_order);
    list_init(&router->stalls);
    timer_init(&router->held_timer, place_held_expired);
    timer_init(&router->stall_timer, flow_stalls_expired);
    return table_init(&router->pool_names) && table_init(&router->sessions) && table_init(&router->members) &&
           table_init(&router->learned) && table_init(&router->by_id) && table_init(&router->by_scope) &&
           table_init(&router->held);
}

void router_free(struct router *router)
{
    table_free(&router->pool_names);
    table_free(&router->sessions);
    table_free(&router->members);
    table_free(&router->learned);
    table_free(&router->by_id);
    table_free(&router->by_scope);
    table_free(&router->held);
}

void peer_init(struct peer *peer, enum peer_kind kind, struct router *router)
{
    peer->kind = kind;
    peer->router = router;
    peer->serial = ++router->serials;
    list_init(&peer->made);
    list_init(&peer->taken);
    list_init(&peer->held);
    list_init(&peer->stalled);
}

void router_add_pool(struct router *router, struct pool *pool)
{
    const char *id = pool->config->id;
    pool->router = router;
    pool->serial = ++router->serials;
    list_init(&pool->workers);
    list_init(&pool->waiting);
    list_init(&pool->held);
    list_init(&pool->stalled);
    table_add(&router->pool_names, &pool->node, hash_bytes(&router->secret, 0, id, strlen(id)), NULL);
}

/* Fails the calls that are held or wait in `list`. */
static void fail_waiting(struct router *router, struct link *list, enum reason reason, const char *detail)
{
    while (!list_empty(list)) {
        struct call *call = OWNER(list->next, struct call, wait);
        if (call->notification) {
            note_unrouted(router, call->caller, "notification without a worker", call->line, call->line_len);
        }
        call_fail(router, call, reason, detail);
    }
}

/* Workers ------------------------------------------------------------------------------------------ */

void router_worker_joined(struct router *router, struct worker *worker)
{
    struct pool *pool = worker->pool;
    worker->state = WORKER_LIVE;
    list_push(&pool->workers, &worker->of_pool);
    pool->worker_count++;
    place_held(router, worker);
    flow_pool_room(router, pool);
}

static void place_unwritten_again(struct router *router, struct worker *worker)
{
    LIST_EACH (link, &worker->peer.taken) {
        struct call *call = OWNER(link, struct call, taken);
        if (call->session != NULL || call->mark < worker->peer.channel.written) {
            continue;
        }
        if (call->caller == NULL) {
            call_free(router, call);
        } else {
            place_again(router, call);
        }
    }
}

void router_worker_left(struct router *router, struct worker *worker)
{
    struct pool *pool = worker->pool;
    if (list_empty(&worker->of_pool)) {
        return;
    }
    list_remove(&worker->of_pool);
    pool->worker_count--;
    flow_worker_left(worker);
    if (router->draining) {
        return;
    }
    place_unwritten_again(router, worker);
}

/* Notifications and answers that were never written go with the queue. */
static void note_unwritten(struct router *router, struct worker *worker)
{
    const struct channel *channel = &worker->peer.channel;
    size_t skip = 0;
    size_t len = 0;
    const char *line;
    while ((line = queue_peek(&channel->queue, skip, &len)) != NULL) {
        const char *lf = memchr(line, '\n', len);
        size_t line_len = lf != NULL ? (size_t)(lf - line) : len;
        struct envelope envelope;
        envelope_read(line, line_len, &envelope);
        if (envelope.kind == ENVELOPE_NOTIFICATION || envelope.kind == ENVELOPE_RESPONSE) {
            note_unrouted(router, &worker->peer, "lost with its worker", line, line_len);
        }
        skip += line_len + 1;
    }
}

/* Nobody waits for the answers to a dead worker's requests; their ids are free at their clients. */
static void forget_questions(struct router *router, struct worker *worker)
{
    LIST_EACH (link, &worker->peer.made) {
        struct call *call = OWNER(link, struct call, made);
        if (call->state == CALL_HELD) {
            call_free(router, call);
        }
    }
    while (!list_empty(&worker->peer.made)) {
        struct call *call = OWNER(worker->peer.made.next, struct call, made);
        struct answer_key key;
        bool placed = call->state == CALL_PLACED && answer_key_make(router, &key, call->id);
        struct client *client = placed ? peer_client(call->callee) : NULL;
        call_free(router, call);
        if (placed) {
            deliver_held_request(router, client, &key.key);
            answer_key_free(&key);
        }
    }
}

void router_worker_dead(struct router *router, struct worker *worker)
{
    router_worker_left(router, worker);
    flow_forget_worker(router, worker);
    note_unwritten(router, worker);
    const char *detail = worker->epitaph[0] != '\0' ? worker->epitaph : NULL;
    while (!list_empty(&worker->peer.taken)) {
        call_fail(router, OWNER(worker->peer.taken.next, struct call, taken), REASON_WORKER_EXITED, detail);
    }
    fail_waiting(router, &worker->peer.held, REASON_WORKER_EXITED, detail);
    forget_questions(router, worker);
    learned_forget_worker(router, worker);
    while (!list_empty(&worker->sessions)) {
        struct session *session = OWNER(worker->sessions.next, struct session, of_worker);
        session_unbind(router, session);
    }
}

void router_pool_retired(struct router *router, struct pool *pool)
{
    fail_waiting(router, &pool->waiting, REASON_NO_WORKER, NULL);
    fail_waiting(router, &pool->held, REASON_NO_WORKER, NULL);
    flow_pool_room(router, pool);
}

/* Clients ------------------------------------------------------------------------------------------ */

static void fail_questions(struct router *router, struct client *client)
{
    while (!list_empty(&client->peer.held)) {
        call_fail(router, OWNER(client->peer.held.next, struct call, wait), REASON_CLIENT_GONE, NULL);
    }
    while (!list_empty(&client->peer.taken)) {
        call_fail(router, OWNER(client->peer.taken.next, struct call, taken), REASON_CLIENT_GONE, NULL);
    }
}

void router_client_half_closed(struct router *router, struct client *client)
{
    client->half_closed = true;
    fail_questions(router, client);
}

void router_client_gone(struct router *router, struct client *client)
{
    flow_forget_client(router, client);
    fail_questions(router, client);
    while (!list_empty(&client->peer.made)) {
        struct call *call = OWNER(client->peer.made.next, struct call, made);
        if (call->state == CALL_PLACED || call->notification) {
            call_orphan(router, call);
        } else {
            call_free(router, call);
        }
    }
    learned_forget_all(router, &client->learned);
    session_leave_all(router, client);
}

/* Shutdown ----------------------------------------------------------------------------------------- */

void router_drain(struct router *router)
{
    router->draining = true;
    while (!list_empty(&router->held_order)) {
        call_fail(router, OWNER(router->held_order.next, struct call, order), REASON_SHUTTING_DOWN, NULL);
    }
    for (size_t i = 0; i < router->pool_count; i++) {
        struct pool *pool = &router->pools[i];
        fail_waiting(router, &pool->waiting, REASON_SHUTTING_DOWN, NULL);
        fail_waiting(router, &pool->held, REASON_SHUTTING_DOWN, NULL);
        LIST_EACH (link, &pool->workers) {
            fail_waiting(router, &OWNER(link, struct worker, of_pool)->peer.held, REASON_SHUTTING_DOWN, NULL);
        }
        flow_pool_room(router, pool);
    }
}

void router_fail_all(struct router *router, struct link *clients)
{
    LIST_EACH (link, clients) {
        struct client *client = OWNER(link, struct client, all);
        while (!list_empty(&client->peer.made)) {
            call_fail(router, OWNER(client->peer.made.next, struct call, made), REASON_SHUTTING_DOWN, NULL);
        }
    }
}
