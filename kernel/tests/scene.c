/* SPDX-License-Identifier: Apache-2.0 */
#include "scene.h"

struct stdio_bus *bus;
struct client *a;
struct client *b;
struct worker *w;
struct worker *v;

void open_bus(const char *config)
{
    bus = memory_bus(config);
    a = memory_client(bus);
    b = memory_client(bus);
    w = memory_worker(bus, 0);
}

void open_bus_of_two(const char *config)
{
    open_bus(config);
    v = memory_worker(bus, bus->router.pool_count - 1);
}

void close_bus(void)
{
    CHECK(everybody_leaves(bus));
    stdio_bus_destroy(bus);
}

struct worker *other(const struct worker *worker)
{
    return worker == w ? v : w;
}

struct worker *who_heard(void)
{
    if (worker_hears(w) != NULL) {
        CHECK_STR(worker_hears(v), NULL);
        return w;
    }
    CHECK(worker_hears(v) != NULL);
    return v;
}

void retire_pools(void)
{
    for (size_t i = 0; i < bus->router.pool_count; i++) {
        for (size_t j = 0; j < bus->router.pools[i].slot_count; j++) {
            bus->router.pools[i].slots[j].retired = true;
        }
        if (!pool_has_future(&bus->router.pools[i])) {
            router_pool_retired(&bus->router, &bus->router.pools[i]);
        }
    }
}
