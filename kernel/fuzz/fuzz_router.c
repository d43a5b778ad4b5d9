/* SPDX-License-Identifier: Apache-2.0 */
/* The input is a program: clients and workers come, speak, read, leave, and time passes. Beside the bus runs a
 * model of what everybody has sent, and every line that the bus queues for anybody has to agree with it: each
 * request is answered exactly once, nobody gets what is not meant for him, and nothing is left at the end. */
#include "router_model.h"

#include <stdio.h>
#include <stdlib.h>

/* The program. */
static const unsigned char *code;
static size_t code_left;

unsigned take(void)
{
    if (code_left == 0) {
        return 0;
    }
    code_left--;
    return *code++;
}

/* Coming and going --------------------------------------------------------------------------------------- */

static void client_comes_or_goes(void)
{
    unsigned what = take();
    struct guest *guest = &guests[what % CLIENTS];
    if (guest->client == NULL) {
        *guest = (struct guest){.client = memory_client(bus)};
    } else if (what / CLIENTS % 2 == 0) {
        client_leaves(guest->client);
    } else {
        client_ends(guest->client);
    }
}

/* Requests that no byte was written of are free to go elsewhere (KRN-ERR-04). */
static void note_unwritten(int who)
{
    for (size_t i = 0; i < asked_count; i++) {
        struct asked *request = &asked[i];
        if (request->done || request->at != who || request->session->text != NULL ||
            request->mark < staff[who].worker->peer.channel.written || bus->router.draining) {
            continue;
        }
        request->at = -1;
        request->done = request->guest < 0;
    }
}

static void kill_worker(int who)
{
    if (!staff[who].leaving) {
        note_unwritten(who);
    }
    struct worker *worker = staff[who].worker;
    staff[who].worker = NULL;
    for (size_t i = 0; i < question_count; i++) {
        questions[i].staff = questions[i].staff == who ? -1 : questions[i].staff;
    }
    worker_dies(worker);
    look_at_queues();
    for (size_t i = 0; i < asked_count; i++) {
        if (asked[i].at == who) {
            REQUIRE(asked[i].done || asked[i].guest < 0);
            asked[i].done = true;
            asked[i].at = -1;
        }
    }
}

static void worker_comes_or_goes(void)
{
    unsigned what = take();
    int who = (int)(what % WORKERS);
    if (staff[who].worker == NULL) {
        staff[who] = (struct staff){.worker = memory_worker(bus, (size_t)who % bus->router.pool_count)};
    } else if (what / WORKERS % 2 == 0) {
        kill_worker(who);
    } else if (!staff[who].leaving) {
        note_unwritten(who);
        worker_leaves(staff[who].worker);
        staff[who].leaving = true;
    }
}

static void somebody_reads(void)
{
    unsigned what = take();
    size_t bytes = what / 16 == 0 ? SIZE_MAX : (size_t)(what / 16) * 20;
    if (what % 2 == 0 && guests[what / 2 % CLIENTS].client != NULL) {
        peer_takes(&guests[what / 2 % CLIENTS].client->peer, bytes);
    } else if (what % 2 == 1) {
        const struct staff *reader = &staff[what / 2 % WORKERS];
        if (reader->worker != NULL && !reader->leaving) {
            peer_takes(&reader->worker->peer, bytes);
        }
    }
}

static void operate(void)
{
    switch (take() % 16) {
    case 0:
    case 1:
    case 2:
        client_speaks(true);
        break;
    case 3:
        client_speaks(false);
        break;
    case 4:
    case 5:
        worker_answers_properly();
        break;
    case 6:
        worker_answers_anything();
        break;
    case 7:
        worker_notifies();
        break;
    case 8:
        worker_asks();
        break;
    case 9:
        client_answers();
        break;
    case 10:
        client_comes_or_goes();
        break;
    case 11:
        worker_comes_or_goes();
        break;
    case 12:
        advance(bus, 100u * take());
        break;
    case 13:
        somebody_reads();
        break;
    case 14:
        says_garbage(take() % 2 == 0);
        break;
    default:
        if (take() == 0xff) {
            router_drain(&bus->router);
        }
        break;
    }
    settle();
}

/* The end ------------------------------------------------------------------------------------------------ */

/* Everybody reads everything: then nobody waits for room any more. */
static void let_all_read(void)
{
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < WORKERS; i++) {
            if (staff[i].worker != NULL && !staff[i].leaving) {
                peer_takes(&staff[i].worker->peer, SIZE_MAX);
                settle();
            }
        }
        for (int i = 0; i < CLIENTS; i++) {
            if (guests[i].client != NULL) {
                peer_takes(&guests[i].client->peer, SIZE_MAX);
                settle();
            }
        }
    }
    for (int i = 0; i < WORKERS; i++) {
        REQUIRE(staff[i].worker == NULL || staff[i].leaving || peer_is_read(&staff[i].worker->peer));
        if (staff[i].worker != NULL && !staff[i].leaving) {
            REQUIRE(list_empty(&staff[i].worker->pool->waiting));
            REQUIRE(list_empty(&staff[i].worker->pool->stalled));
        }
    }
    for (int i = 0; i < CLIENTS; i++) {
        const struct client *client = guests[i].client;
        if (client != NULL && client->stall_cause != STALL_POOL) {
            REQUIRE(client->half_closed || peer_is_read(&client->peer));
        }
    }
}

/* The workers answer whatever they have; then only what waits for a worker is open. */
static void let_all_answer(void)
{
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < asked_count; i++) {
            int who = asked[i].at;
            if (asked[i].done || who < 0 || staff[who].leaving) {
                continue;
            }
            bool strip = staff[who].worker->pool->config->strip;
            worker_responds(who, asked[i].id, strip ? &sessions[0] : asked[i].session, 0);
            REQUIRE(asked[i].done);
            settle();
            let_all_read();
            again = true;
        }
    }
    for (int i = 0; i < WORKERS; i++) {
        REQUIRE(staff[i].worker == NULL || staff[i].leaving || list_empty(&staff[i].worker->peer.held));
    }
}

static void all_workers_die(void)
{
    for (int i = 0; i < WORKERS; i++) {
        if (staff[i].worker != NULL) {
            kill_worker(i);
            settle();
        }
    }
    for (size_t i = 0; i < bus->router.pool_count; i++) {
        for (size_t j = 0; j < bus->router.pools[i].slot_count; j++) {
            bus->router.pools[i].slots[j].retired = true;
        }
        router_pool_retired(&bus->router, &bus->router.pools[i]);
        settle();
    }
    for (size_t i = 0; i < asked_count; i++) {
        REQUIRE(asked[i].done || asked[i].guest < 0);
    }
}

static void all_clients_leave(void)
{
    for (int i = 0; i < CLIENTS; i++) {
        if (guests[i].client != NULL) {
            client_leaves(guests[i].client);
            settle();
        }
    }
    for (size_t i = 0; i < question_count; i++) {
        REQUIRE(questions[i].done || questions[i].staff < 0);
    }
}

static void finish(unsigned manner)
{
    if (manner % 2 == 0) {
        let_all_read();
        let_all_answer();
    }
    if (manner / 2 % 2 == 0) {
        all_workers_die();
        all_clients_leave();
    } else {
        all_clients_leave();
        all_workers_die();
    }
    /* The host has heard nothing: nobody was allowed to speak to it. */
    REQUIRE(bus->host->peer.channel.queue.bytes == 0);
    REQUIRE(is_empty(bus));
}

static void begin(unsigned manner)
{
#define FORWARD(id) "{\"id\":\"" id "\",\"command\":\"x\"}"
#define STRIP(id)   "{\"id\":\"" id "\",\"command\":\"x\",\"envelope\":\"strip\"}"
    static const char *const kinds[] = {"[" FORWARD("p") "]", "[" STRIP("p") "]",
                                        "[" FORWARD("p") "," FORWARD("q") "]", "[" FORWARD("p") "," STRIP("q") "]"};
    char config[512];
    snprintf(config, sizeof config,
             "{\"pools\":%s,\"limits\":{\"max_output_queue\":%d,\"max_total_buffer\":%d,"
             "\"backpressure_timeout_sec\":10}}",
             kinds[manner % 4], manner / 4 % 2 == 0 ? 600 : 100000, manner / 8 % 4 == 3 ? 6000 : 10000000);
    bus = memory_bus(config);
    for (int i = 0; i < WORKERS; i++) {
        staff[i] = (struct staff){.worker = i < 3 ? memory_worker(bus, (size_t)i % bus->router.pool_count) : NULL};
    }
    for (int i = 0; i < CLIENTS; i++) {
        guests[i] = (struct guest){.client = i < 3 ? memory_client(bus) : NULL};
    }
    asked_count = question_count = notice_count = update_count = 0;
    settle();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    code = data;
    code_left = size;
    unsigned manner = take();
    begin(manner);
    while (code_left > 0) {
        operate();
    }
    finish(manner / 32);
    stdio_bus_destroy(bus);
    for (size_t i = 0; i < asked_count; i++) {
        free(asked[i].line);
    }
    return 0;
}
