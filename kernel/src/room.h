/* SPDX-License-Identifier: Apache-2.0 */
/* Whose queue is full, and who shares a worker (PROTOCOL section 6). */
#ifndef KERNEL_ROOM_H
#define KERNEL_ROOM_H

#include "router.h"

bool room_is_full(const struct router *router, const struct peer *peer);
/* For a client the sum of all buffers counts too: what is over it waits at its worker (KRN-LIM-09). */
bool room_client_is_full(const struct router *router, const struct client *client);
/* Beyond limits.max_total_buffer nothing new is taken. */
bool room_is_exhausted(const struct router *router);

/* Notes which clients a worker serves (KRN-LIM-04). */
void room_worker_serves(struct worker *worker, const struct client *client);

#endif
