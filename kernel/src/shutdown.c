/* SPDX-License-Identifier: Apache-2.0 */
/* From running to stopped (PROTOCOL section 8): drain, end the workers, flush the clients. */
#include "bus.h"

#include <signal.h>

/* Workers get this long after their end of input before SIGTERM, and after SIGTERM before SIGKILL. */
#define TERM_DELAY (200 * NANOSECONDS_PER_MILLISECOND)
#define KILL_DELAY (1 * NANOSECONDS_PER_SECOND)

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void wake_at(struct stdio_bus *bus, uint64_t when)
{
    timer_set(&bus->timers, &bus->stop_timer, when);
}

static void signal_workers(struct stdio_bus *bus, int signal)
{
    LIST_EACH (link, &bus->workers) {
        worker_signal(OWNER(link, struct worker, all), signal);
    }
}

void shutdown_begin(struct stdio_bus *bus, uint64_t timeout)
{
    if (bus->phase != STOP_NOT) {
        return;
    }
    uint64_t now = bus->router.clock();
    bus->state = STDIO_BUS_STATE_STOPPING;
    bus->phase = STOP_DRAIN;
    bus->stop_deadline = now + timeout;
    listener_close(bus, true);
    for (size_t i = 0; i < bus->router.pool_count; i++) {
        struct pool *pool = &bus->router.pools[i];
        for (size_t j = 0; j < pool->slot_count; j++) {
            timer_cancel(&pool->slots[j].timer);
            pool->slots[j].retired = true;
        }
    }
    router_drain(&bus->router);
    wake_at(bus, bus->stop_deadline);
}

static bool is_drained(const struct stdio_bus *bus)
{
    if (bus->router.pending > 0) {
        return false;
    }
    LIST_EACH (link, &bus->workers) {
        const struct channel *channel = &OWNER(link, struct worker, all)->peer.channel;
        if (channel->queue.bytes > 0 && !channel->out_broken) {
            return false;
        }
    }
    LIST_EACH (link, &bus->clients) {
        if (OWNER(link, struct client, all)->peer.channel.queue.bytes > 0) {
            return false;
        }
    }
    return true;
}

static void end_workers(struct stdio_bus *bus, bool hurry)
{
    uint64_t now = bus->router.clock();
    bus->phase = STOP_END;
    router_fail_all(&bus->router, &bus->clients);
    LIST_EACH (link, &bus->workers) {
        worker_end_input(OWNER(link, struct worker, all));
    }
    bus->term_at = hurry ? now : now + TERM_DELAY;
    bus->kill_at = later(bus->stop_deadline, bus->term_at + KILL_DELAY);
    wake_at(bus, bus->term_at);
}

static void press_workers(struct stdio_bus *bus)
{
    uint64_t now = bus->router.clock();
    if (bus->term_at != 0 && now >= bus->term_at) {
        bus->term_at = 0;
        signal_workers(bus, SIGTERM);
    }
    if (bus->kill_at != 0 && (now >= bus->kill_at || bus->stop_forced)) {
        bus->kill_at = 0;
        signal_workers(bus, SIGKILL);
    }
    uint64_t next = bus->term_at != 0 ? bus->term_at : bus->kill_at;
    if (next != 0) {
        wake_at(bus, next);
    }
}

static bool has_output(const struct stdio_bus *bus)
{
    LIST_EACH (link, &bus->clients) {
        const struct channel *channel = &OWNER(link, struct client, all)->peer.channel;
        if (channel->queue.bytes > 0 && (channel->out.fd >= 0 || channel == &bus->host->peer.channel)) {
            return true;
        }
    }
    return false;
}

static void finish(struct stdio_bus *bus)
{
    bus->state = STDIO_BUS_STATE_STOPPED;
    timer_cancel(&bus->stop_timer);
    LIST_EACH (link, &bus->clients) {
        struct client *client = OWNER(link, struct client, all);
        if (client != bus->host) {
            client_close(client, "closed");
        }
    }
    log_line(&bus->log, LOG_LEVEL_INFO, "stopped: %llu messages in, %llu out, %llu not routed, %llu worker restarts",
             (unsigned long long)bus->stats.messages_in, (unsigned long long)bus->stats.messages_out,
             (unsigned long long)bus->stats.routing_errors, (unsigned long long)bus->stats.worker_restarts);
}

void shutdown_force(struct stdio_bus *bus)
{
    shutdown_begin(bus, 0);
    bus->stop_forced = true;
    wake_at(bus, bus->router.clock());
}

void shutdown_timer(struct timer *timer)
{
    /* What is due is found by shutdown_advance, which follows every round. */
    (void)timer;
}

void shutdown_advance(struct stdio_bus *bus)
{
    if (bus->stop_asked) {
        bus->stop_asked = false;
        shutdown_begin(bus, bus->stop_timeout);
    }
    uint64_t now = bus->router.clock();
    bool late = bus->stop_forced || now >= bus->stop_deadline;
    if (bus->phase == STOP_DRAIN && (late || is_drained(bus))) {
        end_workers(bus, late);
    }
    if (bus->phase == STOP_END) {
        press_workers(bus);
        if (list_empty(&bus->workers)) {
            bus->phase = STOP_FLUSH;
            bus->kill_at = later(bus->stop_deadline, now + KILL_DELAY);
            wake_at(bus, bus->kill_at);
        }
    }
    if (bus->phase == STOP_FLUSH && bus->state != STDIO_BUS_STATE_STOPPED &&
        (!has_output(bus) || bus->stop_forced || now >= bus->kill_at)) {
        finish(bus);
    }
}
