/* SPDX-License-Identifier: Apache-2.0 */
/* A bus over memory: clients and workers without descriptors, and a clock that stands still until a test moves it.
 * A peer "says" a line to the bus and "hears" what the bus has queued for it. */
#ifndef KERNEL_MEMORY_BUS_H
#define KERNEL_MEMORY_BUS_H

#include "bus.h"
#include "place.h"

/* A running bus with the given configuration; no worker is there yet. Free it with stdio_bus_destroy. */
struct stdio_bus *memory_bus(const char *config);
struct client *memory_client(struct stdio_bus *bus);
struct worker *memory_worker(struct stdio_bus *bus, size_t pool);

/* One line from the peer. While the bus does not read from it, nothing happens: LINE_BLOCKED. */
enum line_fate client_says(struct client *client, const char *line);
enum line_fate worker_says(struct worker *worker, const char *line);
enum line_fate peer_says(struct peer *peer, const char *line, size_t len, bool cut);

/* Takes the next whole line from what is queued for the peer. NULL: there is none. Valid until the next call. */
const char *client_hears(struct client *client);
const char *worker_hears(struct worker *worker);
const char *peer_hears(struct peer *peer);
/* The same without taking it. */
const char *peer_peeks(struct peer *peer);
/* Takes so many bytes, or all there are. */
void peer_takes(struct peer *peer, size_t bytes);
bool peer_is_read(const struct peer *peer);

/* The client sends no more, but still hears. */
void client_ends(struct client *client);
void client_leaves(struct client *client);
/* The worker gets no new work, but may still answer. */
void worker_leaves(struct worker *worker);
void worker_dies(struct worker *worker);

/* All workers die, then all clients leave; true where nothing remains (is_empty). */
bool everybody_leaves(struct stdio_bus *bus);

/* Time passes, and what is due is done. */
void advance(struct stdio_bus *bus, uint64_t milliseconds);
uint64_t memory_clock(void);

/* Is `line` the kernel's error for `id` (as spelled) with this code and reason? */
bool is_error(const char *line, const char *id, int code, const char *reason);

/* Does the bus hold nothing on behalf of clients: no call, no session, no learned value, no byte? */
bool is_empty(const struct stdio_bus *bus);

/* The latest log line, and how many there were, of the bus made last. */
const char *last_log(void);
unsigned log_count(void);

#endif
