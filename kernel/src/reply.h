/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's own error answers (KRN-ERR-02). */
#ifndef KERNEL_REPLY_H
#define KERNEL_REPLY_H

#include "router.h"

enum reason {
    REASON_PARSE_ERROR,
    REASON_NOT_AN_OBJECT,
    REASON_INVALID_MESSAGE,
    REASON_INVALID_MEMBER,
    REASON_DUPLICATE_MEMBER,
    REASON_MESSAGE_TOO_LARGE,
    REASON_DUPLICATE_ID,
    REASON_WORKER_EXITED,
    REASON_NO_WORKER,
    REASON_UNKNOWN_POOL,
    REASON_POOL_REQUIRED,
    REASON_POOL_MISMATCH,
    REASON_UNKNOWN_SESSION,
    REASON_OVERLOADED,
    REASON_SHUTTING_DOWN,
    REASON_ID_IN_USE,
    REASON_INVALID_RESPONSE,
    REASON_AMBIGUOUS_RESPONSE,
    REASON_AMBIGUOUS_ANSWER,
    REASON_CLIENT_GONE,
};

/* Queues an error answer for `peer`. Without id: null. `detail` (or NULL) says more than the reason's own sentence.
 */
void reply_error(struct router *router, struct peer *peer, struct span id, struct span session, enum reason reason,
                 const char *detail);

/* Answers the call with an error, where somebody waits for it, and ends it. */
void call_fail(struct router *router, struct call *call, enum reason reason, const char *detail);

/* Counts and logs a message that reaches nobody (KRN-RTE-07, KRN-COR-05). from == NULL: its sender has left. */
void note_unrouted(struct router *router, const struct peer *from, const char *why, const char *line, size_t len);

/* Sends a line to a client and counts it. */
void send_to_client(struct router *router, struct client *client, const char *line, size_t len);

/* "client 3", "worker echo/0 (pid 42)". */
const char *peer_name(const struct peer *peer, char *out, size_t size);

static inline struct client *peer_client(struct peer *peer)
{
    return OWNER(peer, struct client, peer);
}

static inline struct worker *peer_worker(struct peer *peer)
{
    return OWNER(peer, struct worker, peer);
}

#endif
