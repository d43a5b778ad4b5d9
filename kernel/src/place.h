/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the worker for a message: sessions, balance, ids that are taken, workers that are not there. */
#ifndef KERNEL_PLACE_H
#define KERNEL_PLACE_H

#include "reply.h"

enum placing_kind {
    PLACING_DONE,  /* sent, held or waiting: the call is no longer the caller's */
    PLACING_STALL, /* the client has to wait: worker, or without one the pool, is full */
    PLACING_REFUSED,
};

struct placing {
    enum placing_kind kind;
    enum reason reason;
    struct worker *worker;
};

/* True for a pool some instance of which serves, or will again. */
bool pool_has_future(const struct pool *pool);

/* Finds a worker for a client's request or notification. `may_stall`: its client can be made to wait. */
struct placing place_call(struct router *router, struct call *call, const char *line, size_t len, bool may_stall);

/* Takes a call back from a worker that will never read it, and finds another (KRN-ERR-04). */
void place_again(struct router *router, struct call *call);

/* An id has become free at this worker: held calls go on. */
void place_released(struct router *router, struct worker *worker, const struct id_key *key);
/* The worker now tells sessions apart: so do their held calls (KRN-COR-03). */
void place_sessions_released(struct router *router, struct worker *worker);
/* Hands out what waits in the pool, as far as its workers have room. */
void place_waiting(struct router *router, struct pool *pool);
/* A new worker: calls held for want of a free id go to it. */
void place_held(struct router *router, struct worker *worker);

/* The timer of held calls: the oldest have waited for too long. */
void place_held_expired(struct timer *timer);

#endif
