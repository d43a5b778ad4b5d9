/* SPDX-License-Identifier: Apache-2.0 */
/* Pools: starting their instances, and starting them again (KRN-WRK-03, 04, 05). */
#include "bus.h"
#include "place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A worker that lived this long is taken as healthy: its next restart is at once again. */
#define HEALTHY_LIFE  (10 * NANOSECONDS_PER_SECOND)
#define FIRST_DELAY   (100 * NANOSECONDS_PER_MILLISECOND)
#define LONGEST_DELAY (5 * NANOSECONDS_PER_SECOND)

static uint64_t backoff(unsigned failures)
{
    uint64_t delay = failures == 0 ? 0 : FIRST_DELAY;
    for (unsigned i = 1; i < failures && delay < LONGEST_DELAY; i++) {
        delay *= 2;
    }
    return delay < LONGEST_DELAY ? delay : LONGEST_DELAY;
}

/* Notes a restart. False: there were max_restarts of them within the window. */
static bool restart_is_allowed(struct slot *slot, uint64_t now)
{
    const struct limits_config *limits = slot->pool->router->limits;
    uint64_t window = limits->restart_window_sec * NANOSECONDS_PER_SECOND;
    size_t old = 0;
    while (old < slot->restart_count && slot->restarts[old] + window <= now) {
        old++;
    }
    slot->restart_count -= old;
    if (old > 0) {
        memmove(slot->restarts, slot->restarts + old, slot->restart_count * sizeof *slot->restarts);
    }
    if (slot->restart_count >= limits->max_restarts) {
        return false;
    }
    if (slot->restart_count == slot->restart_size) {
        size_t size = slot->restart_size == 0 ? 8 : 2 * slot->restart_size;
        uint64_t *restarts = realloc(slot->restarts, size * sizeof *restarts);
        if (restarts == NULL) {
            return false;
        }
        slot->restarts = restarts;
        slot->restart_size = size;
    }
    slot->restarts[slot->restart_count++] = now;
    return true;
}

static void retire(struct slot *slot, const struct worker *worker)
{
    struct router *router = slot->pool->router;
    slot->retired = true;
    log_line(router->log, LOG_LEVEL_ERROR, "pool %s: instance %u is given up after %llu restarts",
             slot->pool->config->id, slot->index, (unsigned long long)router->limits->max_restarts);
    if (worker != NULL) {
        bus_worker_event(router_bus(router), worker, "failed");
    }
    if (!pool_has_future(slot->pool)) {
        router_pool_retired(router, slot->pool);
    }
}

static void plan_restart(struct slot *slot, const struct worker *worker)
{
    struct router *router = slot->pool->router;
    uint64_t now = router->clock();
    if (!restart_is_allowed(slot, now)) {
        retire(slot, worker);
        return;
    }
    if (worker != NULL) {
        bus_worker_event(router_bus(router), worker, "restarting");
    }
    timer_set(router->timers, &slot->timer, now + backoff(slot->failures));
    slot->failures++;
}

static void slot_lost(struct slot *slot, const struct worker *worker)
{
    struct router *router = slot->pool->router;
    slot->worker = NULL;
    if (router_bus(router)->state != STDIO_BUS_STATE_RUNNING) {
        return;
    }
    if (router->clock() - worker->started >= HEALTHY_LIFE) {
        slot->failures = 0;
    }
    plan_restart(slot, worker);
}

static int cwd_fault(const char *cwd)
{
    struct stat about;
    if (cwd == NULL) {
        return 0;
    }
    if (stat(cwd, &about) != 0) {
        return errno;
    }
    if (!S_ISDIR(about.st_mode)) {
        return ENOTDIR;
    }
    return access(cwd, X_OK) == 0 ? 0 : errno;
}

/* Names what cannot be used: a worker enters its directory before it looks for its command. */
static void say_cannot_start(struct stdio_bus *bus, const struct pool *pool, int error)
{
    const struct pool_config *config = pool->config;
    int fault = cwd_fault(config->cwd);
    if (fault != 0) {
        log_line(&bus->log, LOG_LEVEL_ERROR, "pools[%zu].cwd: cannot enter \"%s\": %s", pool->index, config->cwd,
                 strerror(fault));
    } else {
        log_line(&bus->log, LOG_LEVEL_ERROR, "pools[%zu].command: cannot start \"%s\": %s", pool->index, config->command,
                 strerror(error));
    }
}

static void restart(struct timer *timer)
{
    struct slot *slot = OWNER(timer, struct slot, timer);
    struct router *router = slot->pool->router;
    struct stdio_bus *bus = router_bus(router);
    int error = 0;
    struct worker *worker = worker_start(bus, slot, &error);
    if (worker != NULL) {
        bus->stats.worker_restarts++;
        return;
    }
    say_cannot_start(bus, slot->pool, -error);
    if (spawn_is_shortage(-error)) {
        timer_set(router->timers, timer, router->clock() + backoff(slot->failures + 1));
    } else {
        plan_restart(slot, NULL);
    }
}

static bool pool_open(struct stdio_bus *bus, struct pool *pool, size_t index)
{
    const struct pool_config *config = &bus->config.pools[index];
    pool->config = config;
    pool->index = index;
    pool->slots = calloc(config->instances, sizeof *pool->slots);
    pool->environment = spawn_environment(config->inherit_all, config->inherit, config->env);
    if (pool->slots == NULL || pool->environment == NULL) {
        return false;
    }
    pool->slot_count = config->instances;
    for (unsigned i = 0; i < config->instances; i++) {
        pool->slots[i].pool = pool;
        pool->slots[i].index = i;
        pool->slots[i].id = bus->next_worker++;
        pool->slots[i].lost = slot_lost;
        timer_init(&pool->slots[i].timer, restart);
    }
    router_add_pool(&bus->router, pool);
    return true;
}

bool pools_open(struct stdio_bus *bus)
{
    size_t count = bus->config.pool_count;
    bus->router.pools = calloc(count, sizeof *bus->router.pools);
    if (bus->router.pools == NULL) {
        return false;
    }
    bus->router.pool_count = count;
    for (size_t i = 0; i < count; i++) {
        if (!pool_open(bus, &bus->router.pools[i], i)) {
            return false;
        }
    }
    return true;
}

int pools_start(struct stdio_bus *bus)
{
    for (size_t i = 0; i < bus->router.pool_count; i++) {
        struct pool *pool = &bus->router.pools[i];
        for (size_t j = 0; j < pool->slot_count; j++) {
            int error = 0;
            if (worker_start(bus, &pool->slots[j], &error) == NULL) {
                say_cannot_start(bus, pool, -error);
                return error;
            }
        }
    }
    return 0;
}

void pools_close(struct stdio_bus *bus)
{
    for (size_t i = 0; i < bus->router.pool_count; i++) {
        struct pool *pool = &bus->router.pools[i];
        for (size_t j = 0; j < pool->slot_count; j++) {
            free(pool->slots[j].restarts);
        }
        free(pool->slots);
        free(pool->environment);
    }
    free(bus->router.pools);
    bus->router.pools = NULL;
    bus->router.pool_count = 0;
}
