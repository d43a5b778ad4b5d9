/* SPDX-License-Identifier: Apache-2.0 */
/* Slow peers: who is not read because of whom, and for how long (PROTOCOL section 6). */
#ifndef KERNEL_FLOW_H
#define KERNEL_FLOW_H

#include "router.h"

/* Notes what the client has to wait for; LINE_BLOCKED. */
enum line_fate flow_wait_for_itself(struct client *client);
enum line_fate flow_wait_for_worker(struct client *client, struct worker *worker);
enum line_fate flow_wait_for_pool(struct client *client, struct pool *pool);
/* Puts a client that has to wait in its place; the clock runs. */
void flow_stall(struct router *router, struct client *client);
/* The stall timer: who has waited for backpressure_timeout_sec is let go, its goal refused until half empty. */
void flow_stalls_expired(struct timer *timer);
/* A worker that was not read because its own queue is full, or a client's. */
enum line_fate flow_pause_worker(struct router *router, struct worker *worker, struct client *client);

/* The peer's queue has become shorter. */
void flow_worker_drained(struct router *router, struct worker *worker);
void flow_client_drained(struct router *router, struct client *client);
/* Lets clients go that wait for room in the pool. */
void flow_pool_room(struct router *router, struct pool *pool);

/* Watches a client whose queue is full (KRN-LIM-03, 04). */
void flow_watch_client(struct router *router, struct client *client);
void flow_client_slow(struct timer *timer);

/* The client leaves: nobody waits for it, it waits for nobody. */
void flow_forget_client(struct router *router, struct client *client);
/* The worker takes nothing any more: nobody waits for it. What it has still to say may go on waiting. */
void flow_worker_left(struct worker *worker);
/* It has nothing to say any more either. */
void flow_forget_worker(struct router *router, struct worker *worker);

#endif
