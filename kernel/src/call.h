/* SPDX-License-Identifier: Apache-2.0 */
/* Requests in flight, in both directions, and how an answer finds its request (PROTOCOL section 3). */
#ifndef KERNEL_CALL_H
#define KERNEL_CALL_H

#include "router.h"

/* A call for the message; the session, where it has one, is counted as used by it. NULL: out of memory. */
struct call *call_new(struct router *router, struct peer *caller, const struct envelope *envelope,
                      struct session *session, struct pool *pool);
/* Takes the call out of every index and list, and frees it. */
void call_free(struct router *router, struct call *call);

/* A request under an id that its caller still waits for (in that session, or without one). */
bool call_is_duplicate(struct router *router, const struct call *call);
/* Makes it findable as open; every request passes here once. */
void call_open(struct router *router, struct call *call);

/* What is in flight at this peer under the same id, as the first of a group; NULL: nothing. */
struct call *call_group(struct router *router, const struct peer *callee, const struct id_key *key);
/* The next one of the group, or NULL after the last. */
struct call *call_next(struct call *call, const struct call *first);

/* The line of the call now stands in the callee's queue from `mark` on. */
void call_place(struct router *router, struct call *call, struct peer *callee, uint64_t mark, size_t len);

/* Keeps the call, with a copy of its line, until the id is free at `place` (a peer's or pool's serial). False:
 * out of memory. */
bool call_hold(struct router *router, struct call *call, uint64_t place, struct link *list, const char *line,
               size_t len);
/* The call that has been held longest for the id at `place`, or NULL. */
struct call *call_held(struct router *router, uint64_t place, const struct id_key *key);
void call_unhold(struct router *router, struct call *call);
/* Keeps the call in `list` until a worker is there. False: out of memory. */
bool call_wait(struct router *router, struct call *call, struct link *list, const char *line, size_t len);
/* The line of a held or waiting call is needed no longer. */
void call_drop_line(struct router *router, struct call *call);

/* The caller has left: the id stays taken, nobody waits for the answer (KRN-NET-05). */
void call_orphan(struct router *router, struct call *call);

enum match { MATCH_NONE, MATCH_ONE, MATCH_SEVERAL };
/* Which call of `callee` an answer with this id, and this session where `named`, belongs to. With several,
 * *call is the first of them. */
enum match call_match(struct router *router, const struct peer *callee, const struct session *session, bool named,
                      const struct id_key *key, struct call **call);

/* The key of an id that stands in no call. */
struct answer_key {
    struct id_key key;
    char *heap;
    char buffer[256];
};
/* False: out of memory. */
bool answer_key_make(const struct router *router, struct answer_key *key, struct span id);
void answer_key_free(struct answer_key *key);

#endif
