/* SPDX-License-Identifier: Apache-2.0 */
/* Clients: connections of a listener, stdin and stdout of the executable, the host of an embedded bus. */
#include "bus.h"
#include "flow.h"
#include "reply.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct client *channel_client(struct channel *channel)
{
    return peer_client(OWNER(channel, struct peer, channel));
}

static struct stdio_bus *bus_of(const struct client *client)
{
    return router_bus(client->peer.router);
}

/* To be closed by the step: right now the router may be in the middle of it. */
static void close_later(struct client *client)
{
    if (!client->gone) {
        list_remove(&client->broken);
        list_push(&bus_of(client)->broken_clients, &client->broken);
    }
}

static bool waits_for_answers(const struct client *client)
{
    LIST_EACH (link, &client->peer.made) {
        if (!OWNER(link, struct call, made)->notification) {
            return true;
        }
    }
    return false;
}

/* A client that sends no more is closed after its last answer (KRN-NET-04). */
static void close_if_done(struct client *client)
{
    if (client->half_closed && client->peer.channel.queue.bytes == 0 && client != bus_of(client)->stdio &&
        !waits_for_answers(client)) {
        close_later(client);
    }
}

static enum line_fate on_line(struct channel *channel, const char *line, size_t len, bool cut)
{
    struct client *client = channel_client(channel);
    enum line_fate fate = router_client_line(client->peer.router, client, line, len, cut);
    if (fate == LINE_BLOCKED) {
        flow_stall(client->peer.router, client);
    }
    return fate;
}

static void on_ended(struct channel *channel)
{
    struct client *client = channel_client(channel);
    struct stdio_bus *bus = bus_of(client);
    router_client_half_closed(&bus->router, client);
    if (client == bus->stdio) {
        bus_ask_stop(bus, bus->config.limits.drain_timeout_sec * NANOSECONDS_PER_SECOND);
    }
    close_if_done(client);
}

static void on_broken(struct channel *channel)
{
    close_later(channel_client(channel));
}

static void on_drained(struct channel *channel)
{
    struct client *client = channel_client(channel);
    flow_client_drained(client->peer.router, client);
    close_if_done(client);
}

static const struct channel_ops client_ops = {
    .line = on_line,
    .ended = on_ended,
    .broken = on_broken,
    .drained = on_drained,
};

struct client *client_new(struct stdio_bus *bus)
{
    struct client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return NULL;
    }
    peer_init(&client->peer, PEER_CLIENT, &bus->router);
    channel_init(&client->peer.channel, &bus->channels, &client_ops);
    client->id = bus->next_client++;
    list_init(&client->members);
    list_init(&client->learned);
    list_init(&client->stall);
    list_init(&client->stall_order);
    list_init(&client->broken);
    timer_init(&client->slow_timer, flow_client_slow);
    list_push(&bus->clients, &client->all);
    return client;
}

void client_close(struct client *client, const char *reason)
{
    struct stdio_bus *bus = bus_of(client);
    if (client->gone) {
        return;
    }
    client->gone = true;
    list_remove(&client->broken);
    channel_close(&client->peer.channel);
    router_client_gone(&bus->router, client);
    list_remove(&client->all);
    list_push(&bus->dead_clients, &client->all);
    if (client->connected) {
        bus->client_count--;
        bus->stats.client_disconnects++;
        log_line(&bus->log, LOG_LEVEL_DEBUG, "client %d: %s", client->id, reason);
        if (bus->options.on_client_disconnect != NULL) {
            bus->options.on_client_disconnect(bus, client->id, reason, bus->options.user_data);
        }
        bus->freed = true;
    }
    if (client == bus->stdio && bus->state == STDIO_BUS_STATE_RUNNING) {
        bus_ask_stop(bus, 0);
    }
}

void client_free(struct client *client)
{
    free(client->recent);
    free(client);
}

void clients_close_broken(struct stdio_bus *bus)
{
    while (!list_empty(&bus->broken_clients)) {
        struct client *client = OWNER(bus->broken_clients.next, struct client, broken);
        client_close(client, client->half_closed && client->peer.channel.queue.bytes == 0 ? "closed" : "error");
    }
}

int client_open_stdio(struct stdio_bus *bus)
{
    struct client *client = client_new(bus);
    if (client == NULL) {
        return -1;
    }
    struct fdio in = {.fd = -1};
    struct fdio out = {.fd = -1};
    int error = fdio_inherit(&in, STDIN_FILENO, true);
    if (error == 0) {
        error = fdio_inherit(&out, STDOUT_FILENO, false);
    }
    if (error == 0) {
        error = channel_open(&client->peer.channel, in, out);
    }
    if (error != 0) {
        client_close(client, "error");
        return error;
    }
    bus->stdio = client;
    return 0;
}

int client_serve_host(struct stdio_bus *bus)
{
    struct queue *queue = &bus->host->peer.channel.queue;
    size_t left = queue->bytes;
    int served = 0;
    while (left > 0 && !bus->destroy_wanted) {
        size_t here = 0;
        char *line = queue_peek(queue, 0, &here);
        char *end = memchr(line, '\n', here);
        size_t len = (size_t)(end - line);
        *end = '\0';
        bus->options.on_message(bus, line, len, bus->options.user_data);
        queue_consume(queue, len + 1);
        left -= len + 1;
        served++;
    }
    if (served > 0) {
        list_remove(&bus->host->peer.channel.dirty);
        flow_client_drained(&bus->router, bus->host);
    }
    return served;
}
