/* SPDX-License-Identifier: Apache-2.0 */
#include "flow.h"

#include "place.h"
#include "room.h"

static uint64_t patience(const struct router *router)
{
    return router->limits->backpressure_timeout_sec * NANOSECONDS_PER_SECOND;
}

static bool is_half_empty(const struct router *router, const struct peer *peer)
{
    return peer->channel.queue.bytes <= router->limits->max_output_queue / 2;
}

/* Clients that wait -------------------------------------------------------------------------------- */

enum line_fate flow_wait_for_itself(struct client *client)
{
    client->stall_cause = STALL_SELF;
    return LINE_BLOCKED;
}

enum line_fate flow_wait_for_worker(struct client *client, struct worker *worker)
{
    client->stall_cause = STALL_WORKER;
    client->stall_worker = worker;
    return LINE_BLOCKED;
}

enum line_fate flow_wait_for_pool(struct client *client, struct pool *pool)
{
    client->stall_cause = STALL_POOL;
    client->stall_pool = pool;
    return LINE_BLOCKED;
}

void flow_stall(struct router *router, struct client *client)
{
    if (client->stall_cause == STALL_SELF) {
        flow_watch_client(router, client);
        return;
    }
    bool worker = client->stall_cause == STALL_WORKER;
    list_push(worker ? &client->stall_worker->peer.stalled : &client->stall_pool->stalled, &client->stall);
    client->stall_deadline = router->clock() + patience(router);
    list_push(&router->stalls, &client->stall_order);
    if (!timer_is_set(&router->stall_timer)) {
        timer_set(router->timers, &router->stall_timer, client->stall_deadline);
    }
}

static void let_go(struct client *client)
{
    list_remove(&client->stall);
    list_remove(&client->stall_order);
    client->stall_cause = STALL_NONE;
    channel_resume(&client->peer.channel);
}

static void let_all_go(struct link *stalled)
{
    while (!list_empty(stalled)) {
        let_go(OWNER(stalled->next, struct client, stall));
    }
}

static void give_up_on(struct router *router, struct client *client)
{
    char name[128];
    if (client->stall_cause == STALL_WORKER) {
        struct worker *worker = client->stall_worker;
        worker->overloaded = true;
        log_line(router->log, LOG_LEVEL_WARN,
                 "%s does not take its input: requests are refused until half of it is taken",
                 peer_name(&worker->peer, name, sizeof name));
        let_all_go(&worker->peer.stalled);
        return;
    }
    struct pool *pool = client->stall_pool;
    pool->overloaded = pool->waiting_bytes >= router->limits->max_output_queue;
    LIST_EACH (link, &pool->workers) {
        struct worker *worker = OWNER(link, struct worker, of_pool);
        worker->overloaded |= room_is_full(router, &worker->peer);
    }
    log_line(router->log, LOG_LEVEL_WARN,
             "pool %s does not take its input: requests are refused until half of it is taken", pool->config->id);
    let_all_go(&pool->stalled);
}

void flow_stalls_expired(struct timer *timer)
{
    struct router *router = OWNER(timer, struct router, stall_timer);
    uint64_t now = router->clock();
    while (!list_empty(&router->stalls)) {
        struct client *client = OWNER(router->stalls.next, struct client, stall_order);
        if (client->stall_deadline > now) {
            timer_set(router->timers, timer, client->stall_deadline);
            return;
        }
        give_up_on(router, client);
    }
}

void flow_pool_room(struct router *router, struct pool *pool)
{
    place_waiting(router, pool);
    if (pool->overloaded && pool->waiting_bytes <= router->limits->max_output_queue / 2) {
        pool->overloaded = false;
    }
    if (list_empty(&pool->waiting)) {
        let_all_go(&pool->stalled);
    }
}

void flow_worker_drained(struct router *router, struct worker *worker)
{
    if (worker->overloaded && is_half_empty(router, &worker->peer)) {
        worker->overloaded = false;
    }
    if (room_is_full(router, &worker->peer)) {
        return;
    }
    let_all_go(&worker->peer.stalled);
    if (worker->blocked_on_self) {
        worker->blocked_on_self = false;
        channel_resume(&worker->peer.channel);
    }
    struct pool *pool = worker->pool;
    if (!list_empty(&pool->stalled) || !list_empty(&pool->waiting) || pool->overloaded) {
        flow_pool_room(router, pool);
    }
}

/* Workers that wait, and the clients that make them ------------------------------------------------ */

/* The mark `shared` may be out of date: the others may have left. */
static bool serves_others(struct worker *worker, const struct client *client)
{
    if (!worker->shared) {
        return false;
    }
    LIST_EACH (link, &worker->peer.taken) {
        const struct peer *caller = OWNER(link, struct call, taken)->caller;
        if (caller != NULL && caller != &client->peer) {
            return true;
        }
    }
    LIST_EACH (link, &worker->sessions) {
        const struct client *owner = OWNER(link, struct session, of_worker)->owner;
        if (owner != NULL && owner != client) {
            return true;
        }
    }
    worker->shared = false;
    worker->sole_client = client->peer.serial;
    return false;
}

enum line_fate flow_pause_worker(struct router *router, struct worker *worker, struct client *client)
{
    if (client == NULL) {
        worker->blocked_on_self = true;
        return LINE_BLOCKED;
    }
    worker->paused_for = client;
    list_push(&client->peer.stalled, &worker->pause);
    worker->pause_counts = serves_others(worker, client);
    if (worker->pause_counts && client->pauses++ == 0) {
        client->pause_began = router->clock();
    }
    flow_watch_client(router, client);
    return LINE_BLOCKED;
}

static void end_pause(struct router *router, struct worker *worker)
{
    struct client *client = worker->paused_for;
    list_remove(&worker->pause);
    worker->paused_for = NULL;
    if (worker->pause_counts && --client->pauses == 0) {
        client->pause_total += router->clock() - client->pause_began;
        client->pause_began = 0;
    }
    worker->pause_counts = false;
}

static void resume_workers(struct router *router, struct client *client)
{
    while (!list_empty(&client->peer.stalled)) {
        struct worker *worker = OWNER(client->peer.stalled.next, struct worker, pause);
        end_pause(router, worker);
        channel_resume(&worker->peer.channel);
    }
}

static uint64_t pause_so_far(const struct router *router, const struct client *client)
{
    return client->pause_total + (client->pauses > 0 ? router->clock() - client->pause_began : 0);
}

static void set_slow_timer(struct router *router, struct client *client)
{
    uint64_t now = router->clock();
    uint64_t when = client->last_taken + patience(router);
    if (client->pauses > 0) {
        uint64_t paused = pause_so_far(router, client);
        uint64_t total = now + (paused < patience(router) ? patience(router) - paused : 0);
        when = total < when ? total : when;
    }
    timer_set(router->timers, &client->slow_timer, when);
}

void flow_watch_client(struct router *router, struct client *client)
{
    if (!timer_is_set(&client->slow_timer)) {
        client->last_taken = router->clock();
    }
    set_slow_timer(router, client);
}

void flow_client_slow(struct timer *timer)
{
    struct client *client = OWNER(timer, struct client, slow_timer);
    struct router *router = client->peer.router;
    uint64_t now = router->clock();
    if (client->host || (!room_is_full(router, &client->peer) && list_empty(&client->peer.stalled))) {
        return;
    }
    if (now - client->last_taken >= patience(router) || pause_so_far(router, client) >= patience(router)) {
        log_line(router->log, LOG_LEVEL_WARN, "client %d does not take its output: closed", client->id);
        router->close_client(client, "timeout");
        return;
    }
    set_slow_timer(router, client);
}

void flow_client_drained(struct router *router, struct client *client)
{
    client->last_taken = router->clock();
    if (client->peer.channel.queue.bytes == 0) {
        client->pause_total = 0;
        if (client->pauses > 0) {
            client->pause_began = client->last_taken;
        }
    }
    if (room_client_is_full(router, client)) {
        return;
    }
    timer_cancel(&client->slow_timer);
    resume_workers(router, client);
    if (client->stall_cause == STALL_SELF) {
        let_go(client);
    }
}

void flow_forget_client(struct router *router, struct client *client)
{
    timer_cancel(&client->slow_timer);
    list_remove(&client->stall);
    list_remove(&client->stall_order);
    client->stall_cause = STALL_NONE;
    resume_workers(router, client);
}

void flow_worker_left(struct worker *worker)
{
    let_all_go(&worker->peer.stalled);
    if (worker->blocked_on_self) {
        worker->blocked_on_self = false;
        channel_resume(&worker->peer.channel);
    }
}

void flow_forget_worker(struct router *router, struct worker *worker)
{
    if (worker->paused_for != NULL) {
        end_pause(router, worker);
    }
}
