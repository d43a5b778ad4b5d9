/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: which worker, which clients, and the values of params.sessionId that stand for them. */
#ifndef KERNEL_SESSION_H
#define KERNEL_SESSION_H

#include "router.h"

/* By the sessionId as spelled. NULL: unknown. */
struct session *session_find(struct router *router, struct span spelled);
/* A new one without pool, worker or client. NULL: out of memory. */
struct session *session_new(struct router *router, struct span spelled);
/* Frees it where nobody needs it: no client, no call. */
void session_release(struct router *router, struct session *session);

struct span session_spelled(const struct session *session);

void session_bind(struct router *router, struct session *session, struct worker *worker);
void session_unbind(struct router *router, struct session *session);

/* The client has sent on the session: it owns a session that nobody owns (KRN-RTE-08, 11). False: out of memory. */
bool session_join(struct router *router, struct session *session, struct client *client);
/* The client that sent on it last; it has one as long as it has not ended. */
struct client *session_last_sender(const struct session *session);
/* The client leaves all its sessions; those it was the last one of end. */
void session_leave_all(struct router *router, struct client *client);

/* The worker that a session's message may come from: the one it is bound to, or the one before (KRN-RTE-08). */
static inline bool session_is_served_by(const struct session *session, const struct worker *worker)
{
    return session->worker == worker || (session->former != 0 && session->former == worker->peer.serial);
}

/* Remembers that `value` (decoded) stands for the session, or without one for the client, at this worker
 * (KRN-RTE-09). What a response told wins over what a client said. */
void learn(struct router *router, struct worker *worker, struct span value, struct session *session,
           struct client *client, bool from_result);
struct learned *learned_find(struct router *router, const struct worker *worker, struct span value);
void learned_forget_all(struct router *router, struct link *holder);
void learned_forget_worker(struct router *router, struct worker *worker);

#endif
