/* SPDX-License-Identifier: Apache-2.0 */
/* The listener's connections become clients (KRN-NET-01, KRN-LIM-06). */
#include "bus.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define ACCEPTS_IN_A_ROW 64
#define RETRY_INTERVAL   (200 * NANOSECONDS_PER_MILLISECOND)

static void add_client(struct stdio_bus *bus, int fd, const char *peer)
{
    struct client *client = client_new(bus);
    struct fdio io = {.fd = -1};
    if (client == NULL || fdio_own(&io, fd) != 0) {
        close(fd);
    } else if (channel_open(&client->peer.channel, io, io) == 0) {
        client->connected = true;
        bus->client_count++;
        bus->stats.client_connects++;
        log_line(&bus->log, LOG_LEVEL_DEBUG, "client %d: connected from %s", client->id, peer);
        if (bus->options.on_client_connect != NULL) {
            bus->options.on_client_connect(bus, client->id, peer, bus->options.user_data);
        }
        return;
    }
    if (client != NULL) {
        client_close(client, "error");
    }
}

/* A waiting connection would report itself without end: the listener is left alone until something is freed. */
static void pause_accepting(struct stdio_bus *bus, int error)
{
    if (!bus->accept_told) {
        log_line(&bus->log, LOG_LEVEL_WARN, "cannot accept clients now: %s", strerror(error));
    }
    bus->accept_told = true;
    bus->accept_paused = true;
    loop_remove(bus->loop, &bus->accept_watch);
    timer_set(&bus->timers, &bus->accept_timer, bus->router.clock() + RETRY_INTERVAL);
}

static void on_connection(struct watch *watch, unsigned events)
{
    (void)events;
    struct stdio_bus *bus = OWNER(watch, struct stdio_bus, accept_watch);
    for (int i = 0; i < ACCEPTS_IN_A_ROW; i++) {
        char peer[NET_ADDRESS_SIZE];
        int fd = net_accept(&bus->listener, peer);
        if (fd == -EMFILE || fd == -ENFILE || fd == -ENOBUFS || fd == -ENOMEM) {
            pause_accepting(bus, -fd);
            return;
        }
        if (fd == -ECONNABORTED || fd == -EINTR) {
            continue;
        }
        if (fd < 0) {
            return;
        }
        bus->accept_told = false;
        add_client(bus, fd, peer);
    }
}

void listener_retry(struct stdio_bus *bus)
{
    if (bus->accept_paused && bus->listener.fd >= 0) {
        bus->accept_paused = false;
        timer_cancel(&bus->accept_timer);
        if (loop_add(bus->loop, &bus->accept_watch, bus->listener.fd, LOOP_READ) != 0) {
            pause_accepting(bus, ENOMEM);
        }
    }
}

static void on_timer(struct timer *timer)
{
    listener_retry(OWNER(timer, struct stdio_bus, accept_timer));
}

bool listener_open(struct stdio_bus *bus, char error[NET_ERROR_SIZE])
{
    const stdio_bus_listener_config_t *config = &bus->options.listener;
    timer_init(&bus->accept_timer, on_timer);
    bus->accept_watch = (struct watch){.ready = on_connection, .fd = -1};
    bool open = config->mode == STDIO_BUS_LISTEN_TCP
                    ? net_listen_tcp(&bus->listener, config->tcp_host, config->tcp_port, error)
                    : net_listen_unix(&bus->listener, config->unix_path, error);
    if (!open) {
        return false;
    }
    int failed = loop_add(bus->loop, &bus->accept_watch, bus->listener.fd, LOOP_READ);
    if (failed != 0) {
        strerror_r(-failed, error, NET_ERROR_SIZE);
        net_close(&bus->listener, true);
        return false;
    }
    log_line(&bus->log, LOG_LEVEL_INFO, "listening on %s", bus->listener.address);
    return true;
}

void listener_close(struct stdio_bus *bus, bool unlink_path)
{
    if (bus->listener.fd < 0) {
        return;
    }
    timer_cancel(&bus->accept_timer);
    if (unlink_path && !bus->accept_paused) {
        loop_remove(bus->loop, &bus->accept_watch);
    }
    net_close(&bus->listener, unlink_path);
}
