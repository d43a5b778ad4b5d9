/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets what (PROTOCOL sections 3-6). The router knows peers as channels with queues: it never reads,
 * writes, starts or ends anything itself, so that it also runs over memory. */
#ifndef KERNEL_ROUTER_H
#define KERNEL_ROUTER_H

#include "model.h"

struct router {
    const struct limits_config *limits;
    struct log *log;
    struct channel_set *channels;
    struct link *timers;
    stdio_bus_stats_t *stats;
    /* Ends a client that holds up others. */
    void (*close_client)(struct client *client, const char *reason);
    uint64_t (*clock)(void);

    struct hash_secret secret;
    uint64_t serials;
    struct pool *pools;
    size_t pool_count;
    struct table pool_names;
    struct table sessions;
    struct table members;
    struct table learned;
    struct table by_id;
    struct table by_scope;
    struct table held;
    struct link session_order;
    struct link learned_order;
    size_t session_total; /* known names */
    size_t session_bound; /* with a worker */
    size_t learned_total;
    size_t pending; /* requests of clients that somebody waits for */
    size_t asking;  /* requests of workers that a client has to answer */
    struct link held_order;
    struct timer held_timer;
    struct link stalls;
    struct timer stall_timer;
    bool draining; /* no new work (KRN-SHD-02) */
};

bool router_init(struct router *router);
void router_free(struct router *router);

/* The pool's config, index and slots are set; its id becomes known. */
void router_add_pool(struct router *router, struct pool *pool);
void peer_init(struct peer *peer, enum peer_kind kind, struct router *router);

/* Lines. A client that has to wait (LINE_BLOCKED) has stall_cause set, but is not yet in any list:
 * flow_stall() puts it there; an embedding host just tries again. */
enum line_fate router_client_line(struct router *router, struct client *client, const char *line, size_t len,
                                  bool cut);
enum line_fate router_worker_line(struct router *router, struct worker *worker, const char *line, size_t len,
                                  bool cut);

/* A worker serves its pool from now on: what waits is handed out. */
void router_worker_joined(struct router *router, struct worker *worker);
/* It gets no new work; unwritten requests without a session go to others (KRN-ERR-04). */
void router_worker_left(struct router *router, struct worker *worker);
/* Nothing will come from it any more: its calls fail, its sessions end (KRN-RTE-10, KRN-ERR-03). */
void router_worker_dead(struct router *router, struct worker *worker);
/* No instance of the pool will ever serve again (KRN-WRK-05). */
void router_pool_retired(struct router *router, struct pool *pool);

/* The client will not answer any more, but still receives. */
void router_client_half_closed(struct router *router, struct client *client);
void router_client_gone(struct router *router, struct client *client);

/* Shutdown: what is held or waits is refused; new requests will be (KRN-SHD-02). */
void router_drain(struct router *router);
/* Every request still open is answered with shutting_down (KRN-SHD-04). */
void router_fail_all(struct router *router, struct link *clients);

#endif
