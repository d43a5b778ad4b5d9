/* SPDX-License-Identifier: Apache-2.0 */
/* What routing one message costs, over memory, with many sessions and workers: round trips to be counted by callgrind.
 *
 *     route_cost SESSIONS WORKERS TRIPS bound|free|new
 *
 * bound  requests on sessions that exist
 * free   requests without a session
 * new    each request opens a session, and its client leaves after the answer
 *
 * Only measured_trip is meant to be counted (--toggle-collect=measured_trip). */
#include "../src/bus.h"
#include "bench.h"

#include <stdbool.h>

#define LINE_MOST  256
#define CONFIG     "{\"pools\": [{\"id\": \"memory\", \"command\": \"none\", \"instances\": 1}]}"
#define FIRST_SEED 88172645463325252u

struct trip {
    struct stdio_bus *bus;
    struct client *client;
    struct worker *worker; /* NULL: whoever got the request */
    char request[LINE_MOST];
    char response[LINE_MOST];
    size_t request_len;
    size_t response_len;
};

static void no_message(stdio_bus_t *bus, const char *msg, size_t len, void *user_data)
{
    (void)bus;
    (void)msg;
    (void)len;
    (void)user_data;
}

static void no_log(stdio_bus_t *bus, int level, const char *message, void *user_data)
{
    (void)bus;
    (void)user_data;
    if (level >= LOG_LEVEL_WARN) {
        fprintf(stderr, "route_cost: %s\n", message);
    }
}

/* What a write would do: everything queued leaves. */
static size_t drain(struct channel *channel)
{
    size_t len = channel->queue.bytes;
    queue_consume(&channel->queue, len);
    channel->written += len;
    list_remove(&channel->dirty);
    channel->ops->drained(channel);
    return len;
}

static struct worker *receiver(const struct trip *trip)
{
    struct channel *channel = OWNER(trip->bus->channels.dirty.next, struct channel, dirty);
    return OWNER(OWNER(channel, struct peer, channel), struct worker, peer);
}

/* False unless the request reached a worker, and the response the client. */
static bool round_trip(const struct trip *trip)
{
    struct router *router = &trip->bus->router;
    if (router_client_line(router, trip->client, trip->request, trip->request_len, false) != LINE_TAKEN ||
        list_empty(&trip->bus->channels.dirty)) {
        return false;
    }
    struct worker *worker = receiver(trip);
    if (drain(&worker->peer.channel) != trip->request_len + 1 ||
        router_worker_line(router, worker, trip->response, trip->response_len, false) != LINE_TAKEN) {
        return false;
    }
    return drain(&trip->client->peer.channel) == trip->response_len + 1;
}

bool measured_trip(const struct trip *trip);

/* Called through a pointer, so that it stays one function that callgrind can name. */
bool measured_trip(const struct trip *trip)
{
    return round_trip(trip);
}

static void write_lines(struct trip *trip, uint64_t id, const uint64_t *session)
{
    char member[64] = "";
    if (session != NULL) {
        snprintf(member, sizeof member, ",\"sessionId\":\"session-%08llu\"", (unsigned long long)*session);
    }
    trip->request_len = (size_t)snprintf(trip->request, LINE_MOST,
                                         "{\"jsonrpc\":\"2.0\",\"id\":\"%010llu\",\"method\":\"echo\"%s,"
                                         "\"params\":{\"text\":\"aaaaaaaa\"}}",
                                         (unsigned long long)id, member);
    trip->response_len =
        (size_t)snprintf(trip->response, LINE_MOST,
                         "{\"jsonrpc\":\"2.0\",\"id\":\"%010llu\"%s,\"result\":{\"text\":\"aaaaaaaa\"}}",
                         (unsigned long long)id, member);
}

static uint64_t pick(uint64_t *seed, uint64_t below)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed % below;
}

static struct stdio_bus *new_bus(void)
{
    struct bus_config config;
    char *faults = NULL;
    const stdio_bus_options_t options = {.on_message = no_message, .on_log = no_log, .log_level = LOG_LEVEL_WARN};
    if (!config_read(CONFIG, sizeof CONFIG - 1, &config, &faults)) {
        die(faults);
    }
    return need(bus_new(&options, &config));
}

int main(int argc, char **argv)
{
    bool (*volatile measured)(const struct trip *) = measured_trip;
    struct trip trip = {.bus = new_bus()};
    uint64_t id = 0;
    uint64_t seed = FIRST_SEED;
    if (argc != 5) {
        fputs("usage: route_cost SESSIONS WORKERS TRIPS bound|free|new\n", stderr);
        return 2;
    }
    uint64_t sessions = strtoull(argv[1], NULL, 10);
    uint64_t workers = strtoull(argv[2], NULL, 10);
    uint64_t trips = strtoull(argv[3], NULL, 10);
    bool is_free = strcmp(argv[4], "free") == 0;
    bool is_new = strcmp(argv[4], "new") == 0;
    for (uint64_t i = 0; i < workers; i++) {
        need(worker_in_memory(trip.bus, &trip.bus->router.pools[0]));
    }
    trip.client = need(client_new(trip.bus));
    for (uint64_t i = 0; i < sessions; i++) {
        write_lines(&trip, id++, &i);
        if (!round_trip(&trip)) {
            die("a round trip to warm up");
        }
    }
    struct client *lasting = trip.client;
    for (uint64_t i = 0; i < trips; i++) {
        uint64_t session = is_new ? sessions + i : pick(&seed, sessions);
        trip.client = is_new ? need(client_new(trip.bus)) : lasting;
        write_lines(&trip, id++, is_free ? NULL : &session);
        if (!measured(&trip)) {
            die("a round trip");
        }
        if (is_new) {
            client_close(trip.client, "done");
            bus_bury_dead(trip.bus);
        }
    }
    printf("{\"messages\": %llu, \"sessions\": %zu}\n", (unsigned long long)(2 * trips),
           trip.bus->router.session_total);
    stdio_bus_destroy(trip.bus);
    return 0;
}
