/* SPDX-License-Identifier: Apache-2.0 */
#include "memory_bus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Far from 0, which stands for "never" in places. */
#define FIRST_MOMENT (1000 * NANOSECONDS_PER_SECOND)

static uint64_t now;
static char logged[1024];
static unsigned logged_count;

static void must(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "memory_bus: %s\n", what);
        abort();
    }
}

uint64_t memory_clock(void)
{
    return now;
}

static void keep_log(stdio_bus_t *bus, int level, const char *message, void *user_data)
{
    (void)bus;
    (void)level;
    (void)user_data;
    logged_count++;
    snprintf(logged, sizeof logged, "%s", message);
}

const char *last_log(void)
{
    return logged;
}

unsigned log_count(void)
{
    return logged_count;
}

struct stdio_bus *memory_bus(const char *config)
{
    const stdio_bus_options_t options = {.on_log = keep_log};
    struct bus_config read;
    char *faults = NULL;
    must(config_read(config, strlen(config), &read, &faults), faults != NULL ? faults : "no memory");
    now = FIRST_MOMENT;
    logged[0] = '\0';
    logged_count = 0;
    struct stdio_bus *bus = bus_new(&options, &read);
    must(bus != NULL, "no bus");
    bus->router.clock = memory_clock;
    bus->state = STDIO_BUS_STATE_RUNNING;
    return bus;
}

struct client *memory_client(struct stdio_bus *bus)
{
    struct client *client = client_new(bus);
    must(client != NULL, "no client");
    return client;
}

struct worker *memory_worker(struct stdio_bus *bus, size_t pool)
{
    must(pool < bus->router.pool_count, "no such pool");
    struct worker *worker = worker_in_memory(bus, &bus->router.pools[pool]);
    must(worker != NULL, "no worker");
    return worker;
}

enum line_fate peer_says(struct peer *peer, const char *line, size_t len, bool cut)
{
    struct channel *channel = &peer->channel;
    if (!peer_is_read(peer)) {
        return LINE_BLOCKED;
    }
    enum line_fate fate = channel->ops->line(channel, line, len, cut);
    if (fate == LINE_BLOCKED) {
        channel_pause(channel);
    }
    return fate;
}

enum line_fate client_says(struct client *client, const char *line)
{
    return peer_says(&client->peer, line, strlen(line), false);
}

enum line_fate worker_says(struct worker *worker, const char *line)
{
    return peer_says(&worker->peer, line, strlen(line), false);
}

bool peer_is_read(const struct peer *peer)
{
    return !peer->channel.paused && !peer->channel.in_ended;
}

/* The next line, NUL-terminated. */
static const char *copy_line(const char *line, size_t len)
{
    static char *copy;
    static size_t size;
    if (len + 1 > size) {
        size = 2 * len + 256;
        copy = realloc(copy, size);
        must(copy != NULL, "no memory");
    }
    memcpy(copy, line, len);
    copy[len] = '\0';
    return copy;
}

const char *peer_peeks(struct peer *peer)
{
    size_t here = 0;
    const char *line = queue_peek(&peer->channel.queue, 0, &here);
    if (line == NULL) {
        return NULL;
    }
    const char *end = memchr(line, '\n', here);
    must(end != NULL, "a line that has no end in its block");
    return copy_line(line, (size_t)(end - line));
}

const char *peer_hears(struct peer *peer)
{
    const char *line = peer_peeks(peer);
    if (line != NULL) {
        peer_takes(peer, strlen(line) + 1);
    }
    return line;
}

const char *client_hears(struct client *client)
{
    return peer_hears(&client->peer);
}

const char *worker_hears(struct worker *worker)
{
    return peer_hears(&worker->peer);
}

void peer_takes(struct peer *peer, size_t bytes)
{
    struct channel *channel = &peer->channel;
    size_t taken = bytes < channel->queue.bytes ? bytes : channel->queue.bytes;
    if (taken == 0) {
        return;
    }
    queue_consume(&channel->queue, taken);
    channel->written += taken;
    channel->ops->drained(channel);
}

void client_ends(struct client *client)
{
    channel_end_input(&client->peer.channel);
}

void client_leaves(struct client *client)
{
    client_close(client, "left");
}

void worker_leaves(struct worker *worker)
{
    worker->state = WORKER_LEAVING;
    router_worker_left(worker->peer.router, worker);
}

void worker_dies(struct worker *worker)
{
    worker->state = WORKER_EXITED;
    router_worker_left(worker->peer.router, worker);
    worker_retire(worker);
}

void advance(struct stdio_bus *bus, uint64_t milliseconds)
{
    now += milliseconds * NANOSECONDS_PER_MILLISECOND;
    timers_run(&bus->timers, now);
    clients_close_broken(bus);
}

bool is_error(const char *line, const char *id, int code, const char *reason)
{
    char head[1024];
    char number[64];
    char why[128];
    snprintf(head, sizeof head, "{\"jsonrpc\":\"2.0\",\"id\":%s,", id);
    snprintf(number, sizeof number, "\"error\":{\"code\":%d,", code);
    snprintf(why, sizeof why, "\"data\":{\"source\":\"stdio_bus\",\"reason\":\"%s\"}", reason);
    if (line != NULL && strncmp(line, head, strlen(head)) == 0 && strstr(line, number) != NULL &&
        strstr(line, why) != NULL) {
        return true;
    }
    fprintf(stderr, "heard `%s`, not the error %d %s for id %s\n", line != NULL ? line : "(nothing)", code, reason,
            id);
    return false;
}

bool is_empty(const struct stdio_bus *bus)
{
    const struct router *router = &bus->router;
    return router->by_id.groups == 0 && router->by_scope.groups == 0 && router->held.groups == 0 &&
           router->sessions.groups == 0 && router->members.groups == 0 && router->learned.groups == 0 &&
           router->session_total == 0 && router->session_bound == 0 && router->learned_total == 0 &&
           router->pending == 0 && router->asking == 0 && list_empty(&router->held_order) &&
           list_empty(&router->stalls) && list_empty(&router->session_order) &&
           list_empty(&router->learned_order) && bus->channels.store.bytes == 0;
}

bool everybody_leaves(struct stdio_bus *bus)
{
    LIST_EACH (link, &bus->workers) {
        worker_dies(OWNER(link, struct worker, all));
    }
    LIST_EACH (item, &bus->clients) {
        struct client *client = OWNER(item, struct client, all);
        if (client != bus->host) {
            client_leaves(client);
        }
    }
    return is_empty(bus);
}
