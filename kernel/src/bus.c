/* SPDX-License-Identifier: Apache-2.0 */
/* The embedding API (PROTOCOL section 11). */
#include "bus.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef STDIO_BUS_VERSION
#define STDIO_BUS_VERSION "0.1.0"
#endif

/* A fork leaves the child a copy that shares every descriptor with the parent (KRN-EMB-05). */
bool bus_is_foreign(const struct stdio_bus *bus)
{
    return bus->pid != getpid();
}

void bus_enter(struct stdio_bus *bus)
{
    bus->depth++;
}

void bus_leave(struct stdio_bus *bus)
{
    if (--bus->depth == 0 && bus->destroy_wanted) {
        bus->destroy_wanted = false;
        stdio_bus_destroy(bus);
    }
}

static void log_to_host(void *context, int level, const char *line)
{
    struct stdio_bus *bus = context;
    bus->options.on_log(bus, level, line, bus->options.user_data);
}

/* Creation ------------------------------------------------------------------------------------------- */

void bus_say_error(const stdio_bus_options_t *options, stdio_bus_t *bus, int code, const char *message)
{
    if (options->on_error != NULL) {
        options->on_error(bus, code, message, options->user_data);
    }
}

static bool read_config(const stdio_bus_options_t *options, struct bus_config *config)
{
    char *faults = NULL;
    bool good = options->config_json != NULL
                    ? config_read(options->config_json, strlen(options->config_json), config, &faults)
                    : config_load(options->config_path, config, &faults);
    if (!good) {
        bus_say_error(options, NULL, STDIO_BUS_ERR_CONFIG, faults != NULL ? faults : "out of memory");
    }
    free(faults);
    return good;
}

static bool copy_listener(stdio_bus_listener_config_t *listener)
{
    if (listener->tcp_host != NULL) {
        listener->tcp_host = strdup(listener->tcp_host);
        if (listener->tcp_host == NULL) {
            return false;
        }
    }
    if (listener->unix_path != NULL) {
        listener->unix_path = strdup(listener->unix_path);
        return listener->unix_path != NULL;
    }
    return true;
}

static const char *options_fault(const stdio_bus_options_t *options)
{
    const stdio_bus_listener_config_t *listener = &options->listener;
    if (options->on_message == NULL) {
        return "on_message is required";
    }
    if ((options->config_path == NULL) == (options->config_json == NULL)) {
        return "one of config_path and config_json is required";
    }
    if ((unsigned)listener->mode > STDIO_BUS_LISTEN_UNIX) {
        return "listener.mode is none of NONE, TCP and UNIX";
    }
    if (listener->mode == STDIO_BUS_LISTEN_TCP && (listener->tcp_host == NULL || *listener->tcp_host == '\0')) {
        return "listener.tcp_host is empty";
    }
    if (listener->mode == STDIO_BUS_LISTEN_UNIX && (listener->unix_path == NULL || *listener->unix_path == '\0')) {
        return "listener.unix_path is empty";
    }
    return NULL;
}

static void close_slow_client(struct client *client, const char *reason)
{
    client_close(client, reason);
}

static bool open_parts(struct stdio_bus *bus)
{
    const struct limits_config *limits = &bus->config.limits;
    bus->loop = loop_open();
    if (bus->loop == NULL ||
        !channel_set_open(&bus->channels, bus->loop, (size_t)limits->max_input_buffer, limits->max_total_buffer)) {
        return false;
    }
    bus->router.limits = limits;
    bus->router.log = &bus->log;
    bus->router.channels = &bus->channels;
    bus->router.timers = &bus->timers;
    bus->router.stats = &bus->stats;
    bus->router.close_client = close_slow_client;
    bus->router.clock = loop_now;
    if (!router_init(&bus->router) || !pools_open(bus)) {
        return false;
    }
    bus->host = client_new(bus);
    if (bus->host != NULL) {
        bus->host->host = true;
    }
    return bus->host != NULL;
}

struct stdio_bus *bus_new(const stdio_bus_options_t *options, const struct bus_config *config)
{
    struct stdio_bus *bus = calloc(1, sizeof *bus);
    if (bus == NULL) {
        return NULL;
    }
    bus->config = *config;
    bus->options = *options;
    bus->pid = getpid();
    bus->listener.fd = -1;
    bus->listener.port = -1;
    list_init(&bus->timers);
    list_init(&bus->workers);
    list_init(&bus->clients);
    list_init(&bus->dead_workers);
    list_init(&bus->dead_clients);
    list_init(&bus->broken_clients);
    timer_init(&bus->stop_timer, shutdown_timer);
    timer_init(&bus->accept_timer, shutdown_timer);
    log_open(&bus->log, options->log_level);
    if (options->on_log != NULL) {
        bus->log.sink = log_to_host;
        bus->log.context = bus;
    }
    if (!copy_listener(&bus->options.listener) || !open_parts(bus)) {
        bus_say_error(options, NULL, STDIO_BUS_ERR, "out of memory or descriptors");
        stdio_bus_destroy(bus);
        return NULL;
    }
    return bus;
}

stdio_bus_t *stdio_bus_create(const stdio_bus_options_t *options)
{
    if (options == NULL) {
        return NULL;
    }
    const char *fault = options_fault(options);
    if (fault != NULL) {
        bus_say_error(options, NULL, STDIO_BUS_ERR_INVALID, fault);
        return NULL;
    }
    struct bus_config config;
    return read_config(options, &config) ? bus_new(options, &config) : NULL;
}

/* The end ---------------------------------------------------------------------------------------------- */

void bus_bury_dead(struct stdio_bus *bus)
{
    while (!list_empty(&bus->dead_workers)) {
        struct worker *worker = OWNER(bus->dead_workers.next, struct worker, all);
        list_remove(&worker->all);
        worker_free(worker);
    }
    while (!list_empty(&bus->dead_clients)) {
        struct client *client = OWNER(bus->dead_clients.next, struct client, all);
        list_remove(&client->all);
        client_free(client);
    }
}

/* In a forked child nothing may be said to the loop, which is the parent's too. */
static void close_channels(struct stdio_bus *bus, bool in_child)
{
    LIST_EACH (item, &bus->clients) {
        struct client *client = OWNER(item, struct client, all);
        if (in_child) {
            channel_abandon(&client->peer.channel);
        } else {
            channel_close(&client->peer.channel);
        }
    }
    LIST_EACH (link, &bus->workers) {
        worker_destroy(OWNER(link, struct worker, all), in_child);
    }
}

/* Everybody goes without a word: what the router still holds is freed on the way. */
void bus_drop_peers(struct stdio_bus *bus, bool in_child)
{
    bus->router.draining = true;
    close_channels(bus, in_child);
    LIST_EACH (link, &bus->workers) {
        router_worker_dead(&bus->router, OWNER(link, struct worker, all));
        list_remove(link);
        list_push(&bus->dead_workers, link);
    }
    LIST_EACH (item, &bus->clients) {
        router_client_gone(&bus->router, OWNER(item, struct client, all));
    }
    for (size_t i = 0; i < bus->router.pool_count; i++) {
        router_pool_retired(&bus->router, &bus->router.pools[i]);
    }
}

void stdio_bus_destroy(stdio_bus_t *bus)
{
    if (bus == NULL) {
        return;
    }
    bool in_child = bus_is_foreign(bus);
    if (bus->depth > 0 && !in_child) {
        bus->destroy_wanted = true;
        return;
    }
    bus->state = STDIO_BUS_STATE_STOPPED;
    bus->log.level = LOG_LEVEL_ERROR + 1;
    bus_drop_peers(bus, in_child);
    listener_close(bus, !in_child);
    while (!list_empty(&bus->clients)) {
        struct client *client = OWNER(bus->clients.next, struct client, all);
        list_remove(&client->all);
        client_free(client);
    }
    bus_bury_dead(bus);
    pools_close(bus);
    router_free(&bus->router);
    channel_set_close(&bus->channels);
    if (bus->loop != NULL) {
        loop_close(bus->loop);
    }
    log_close(&bus->log);
    config_free(&bus->config);
    free((void *)(uintptr_t)bus->options.listener.tcp_host);
    free((void *)(uintptr_t)bus->options.listener.unix_path);
    free(bus);
}

bool bus_has_work(const struct stdio_bus *bus)
{
    return !list_empty(&bus->channels.dirty) || !list_empty(&bus->channels.resumed) ||
           !list_empty(&bus->broken_clients) || bus->host->peer.channel.queue.bytes > 0;
}

void bus_set_deadline(struct stdio_bus *bus)
{
    loop_deadline(bus->loop, bus_has_work(bus) ? 0 : timers_next(&bus->timers));
}

/* Registered workers ------------------------------------------------------------------------------------- */

static struct pool *find_pool(struct stdio_bus *bus, const char *id)
{
    for (size_t i = 0; i < bus->router.pool_count; i++) {
        struct pool *pool = &bus->router.pools[i];
        if (id != NULL ? strcmp(pool->config->id, id) == 0 : bus->router.pool_count == 1) {
            return pool;
        }
    }
    return NULL;
}

int stdio_bus_register_embedded_worker(stdio_bus_t *bus, int fd_to_worker, int fd_from_worker, const char *pool_id)
{
    if (bus == NULL || fd_to_worker < 0 || fd_from_worker < 0) {
        return STDIO_BUS_ERR_INVALID;
    }
    if (bus_is_foreign(bus) || bus->state != STDIO_BUS_STATE_RUNNING) {
        return STDIO_BUS_ERR_STATE;
    }
    struct pool *pool = find_pool(bus, pool_id);
    if (pool == NULL) {
        return STDIO_BUS_ENOTFOUND;
    }
    bus_enter(bus);
    int error = 0;
    struct worker *worker = worker_adopt(bus, pool, fd_to_worker, fd_from_worker, &error);
    int id = worker != NULL ? worker->id : STDIO_BUS_ERR_WORKER;
    bus_set_deadline(bus);
    bus_leave(bus);
    return id;
}

int stdio_bus_unregister_embedded_worker(stdio_bus_t *bus, int worker_id)
{
    if (bus == NULL || worker_id < 0) {
        return STDIO_BUS_ERR_INVALID;
    }
    if (bus_is_foreign(bus)) {
        return STDIO_BUS_ERR_STATE;
    }
    bus_enter(bus);
    int result = worker_id < bus->next_worker ? STDIO_BUS_OK : STDIO_BUS_ENOTFOUND;
    LIST_EACH (link, &bus->workers) {
        struct worker *worker = OWNER(link, struct worker, all);
        if (worker->id == worker_id) {
            if (worker->embedded) {
                worker_retire(worker);
            } else {
                result = STDIO_BUS_ERR_INVALID;
            }
            break;
        }
    }
    if (bus->state == STDIO_BUS_STATE_RUNNING) {
        bus_set_deadline(bus);
    }
    bus_leave(bus);
    return result;
}

/* Questions ---------------------------------------------------------------------------------------------- */

stdio_bus_state_t stdio_bus_get_state(const stdio_bus_t *bus)
{
    return bus != NULL ? bus->state : STDIO_BUS_STATE_STOPPED;
}

/* A count for the host, or why there is none. */
static int answer(const struct stdio_bus *bus, size_t count)
{
    if (bus_is_foreign(bus)) {
        return STDIO_BUS_ERR_STATE;
    }
    return count > INT_MAX ? INT_MAX : (int)count;
}

int stdio_bus_worker_count(const stdio_bus_t *bus)
{
    if (bus == NULL) {
        return STDIO_BUS_ERR_INVALID;
    }
    size_t count = 0;
    for (size_t i = 0; i < bus->router.pool_count; i++) {
        count += bus->router.pools[i].worker_count;
    }
    return answer(bus, count);
}

int stdio_bus_session_count(const stdio_bus_t *bus)
{
    return bus != NULL ? answer(bus, bus->router.session_bound) : STDIO_BUS_ERR_INVALID;
}

int stdio_bus_pending_count(const stdio_bus_t *bus)
{
    return bus != NULL ? answer(bus, bus->router.pending) : STDIO_BUS_ERR_INVALID;
}

int stdio_bus_client_count(const stdio_bus_t *bus)
{
    return bus != NULL ? answer(bus, bus->client_count) : STDIO_BUS_ERR_INVALID;
}

int stdio_bus_get_poll_fd(const stdio_bus_t *bus)
{
    if (bus == NULL) {
        return -1;
    }
    return bus_is_foreign(bus) ? STDIO_BUS_ERR_STATE : loop_fd(bus->loop);
}

int stdio_bus_get_listen_port(const stdio_bus_t *bus)
{
    return bus != NULL ? bus->listener.port : -1;
}

void stdio_bus_get_stats(const stdio_bus_t *bus, stdio_bus_stats_t *stats)
{
    if (bus != NULL && stats != NULL) {
        *stats = bus->stats;
    }
}

const char *stdio_bus_version(void)
{
    return STDIO_BUS_VERSION;
}
