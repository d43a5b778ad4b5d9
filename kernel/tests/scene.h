/* SPDX-License-Identifier: Apache-2.0 */
/* The bus over memory with which most tests of the router begin: two clients, and one worker or two. */
#ifndef KERNEL_SCENE_H
#define KERNEL_SCENE_H

#include "memory_bus.h"

#include "check.h"

extern struct stdio_bus *bus;
extern struct client *a;
extern struct client *b;
extern struct worker *w; /* of the first pool */
extern struct worker *v; /* of the last pool, where there are two workers */

void open_bus(const char *config);
void open_bus_of_two(const char *config);
/* Everybody leaves, and the bus must have forgotten everything. */
void close_bus(void);

/* Of two workers, the one that is not `worker`. */
struct worker *other(const struct worker *worker);
/* Of two workers, the one that has something to hear; it hears the first line of it. */
struct worker *who_heard(void);
/* No worker will be started again. */
void retire_pools(void);

#endif
