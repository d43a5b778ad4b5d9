/* SPDX-License-Identifier: Apache-2.0 */
/* The embedding API while the bus runs: start, step, ingest, stop. */
#include "bus.h"

#include <string.h>

/* Rounds of work in one step: what is left then waits for the next, so that a step always returns. */
#define ROUNDS 8

static int start(struct stdio_bus *bus)
{
    char error[NET_ERROR_SIZE];
    if (bus->options.listener.mode != STDIO_BUS_LISTEN_NONE && !listener_open(bus, error)) {
        log_line(&bus->log, LOG_LEVEL_ERROR, "%s", error);
        bus_say_error(&bus->options, bus, STDIO_BUS_ERR, error);
        return STDIO_BUS_ERR;
    }
    if (pools_start(bus) != 0) {
        bus_say_error(&bus->options, bus, STDIO_BUS_ERR_WORKER, "a worker's command cannot be executed: see the log");
        return STDIO_BUS_ERR_WORKER;
    }
    return STDIO_BUS_OK;
}

int stdio_bus_start(stdio_bus_t *bus)
{
    if (bus == NULL) {
        return STDIO_BUS_ERR_INVALID;
    }
    if (bus_is_foreign(bus) || bus->state != STDIO_BUS_STATE_CREATED) {
        return STDIO_BUS_ERR_STATE;
    }
    bus_enter(bus);
    bus->state = STDIO_BUS_STATE_STARTING;
    int result = start(bus);
    if (result == STDIO_BUS_OK) {
        bus->state = STDIO_BUS_STATE_RUNNING;
        log_line(&bus->log, LOG_LEVEL_INFO, "ready");
    } else {
        bus_drop_peers(bus, false);
        listener_close(bus, true);
        bus->state = STDIO_BUS_STATE_STOPPED;
    }
    bus_leave(bus);
    return result;
}

static int run_rounds(struct stdio_bus *bus)
{
    int served = timers_run(&bus->timers, loop_now());
    for (int i = 0; i < ROUNDS && !bus->destroy_wanted; i++) {
        bool more = false;
        served += channel_set_run(&bus->channels, &more);
        served += client_serve_host(bus);
        clients_close_broken(bus);
        if (bus->freed) {
            bus->freed = false;
            listener_retry(bus);
        }
        shutdown_advance(bus);
        if (!bus_has_work(bus)) {
            break;
        }
    }
    return served;
}

int stdio_bus_step(stdio_bus_t *bus, int timeout_ms)
{
    if (bus == NULL || timeout_ms < -1) {
        return STDIO_BUS_ERR_INVALID;
    }
    if (bus_is_foreign(bus) || bus->depth > 0 || bus->state == STDIO_BUS_STATE_CREATED ||
        bus->state == STDIO_BUS_STATE_STOPPED) {
        return STDIO_BUS_ERR_STATE;
    }
    bus_enter(bus);
    bus_set_deadline(bus);
    int events = loop_wait(bus->loop, bus_has_work(bus) ? 0 : timeout_ms);
    if (events >= 0) {
        events += run_rounds(bus);
        bus_bury_dead(bus);
        bus_set_deadline(bus);
        bus->corked = false;
    }
    bus_leave(bus);
    return events >= 0 ? events : STDIO_BUS_ERR;
}

int stdio_bus_stop(stdio_bus_t *bus, int timeout_sec)
{
    if (bus == NULL) {
        return STDIO_BUS_ERR_INVALID;
    }
    if (bus_is_foreign(bus) || bus->state == STDIO_BUS_STATE_STARTING) {
        return STDIO_BUS_ERR_STATE;
    }
    if (bus->state == STDIO_BUS_STATE_CREATED) {
        bus->state = STDIO_BUS_STATE_STOPPED;
        return STDIO_BUS_OK;
    }
    bus_enter(bus);
    uint64_t seconds = timeout_sec < 0 ? bus->config.limits.drain_timeout_sec : (uint64_t)timeout_sec;
    shutdown_begin(bus, seconds * NANOSECONDS_PER_SECOND);
    loop_deadline(bus->loop, 0);
    bus_leave(bus);
    return STDIO_BUS_OK;
}

/* The first message after a step is written at once, further ones together by the next step. */
static void push_out(struct stdio_bus *bus)
{
    if (bus->depth > 1) {
        return;
    }
    if (!bus->corked) {
        bool more = false;
        channel_set_run(&bus->channels, &more);
        bus->corked = true;
    }
    if (bus_has_work(bus)) {
        loop_deadline(bus->loop, 0);
    }
}

int stdio_bus_ingest(stdio_bus_t *bus, const char *msg, size_t len)
{
    if (bus == NULL || msg == NULL || len == 0) {
        return STDIO_BUS_ERR_INVALID;
    }
    if (bus_is_foreign(bus) || (bus->state != STDIO_BUS_STATE_RUNNING && bus->state != STDIO_BUS_STATE_STOPPING)) {
        return STDIO_BUS_ERR_STATE;
    }
    bool cut = len > bus->channels.max_line;
    if (memchr(msg, '\n', len) != NULL) {
        return STDIO_BUS_ERR_INVALID;
    }
    bus_enter(bus);
    enum line_fate fate = router_client_line(&bus->router, bus->host, msg, cut ? bus->channels.max_line : len, cut);
    bus->host->stall_cause = STALL_NONE;
    push_out(bus);
    bus_leave(bus);
    return fate == LINE_BLOCKED ? STDIO_BUS_EFULL : fate == LINE_INVALID ? STDIO_BUS_ERR_INVALID : STDIO_BUS_OK;
}
