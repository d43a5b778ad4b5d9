/* SPDX-License-Identifier: Apache-2.0 */
/* What the two directions of routing share. */
#ifndef KERNEL_ROUTE_H
#define KERNEL_ROUTE_H

#include "call.h"
#include "place.h"

/* Fails every request that an answer could belong to; none is guessed (KRN-COR-03, 07). */
void fail_matches(struct router *router, struct peer *callee, struct session *session, bool named,
                  const struct id_key *key, enum reason reason);

/* An id has become free at the client: a worker's request that was held for it goes out (KRN-COR-07). */
void deliver_held_request(struct router *router, struct client *client, const struct id_key *key);

#endif
