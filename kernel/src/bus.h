/* SPDX-License-Identifier: Apache-2.0 */
/* The bus: everything that belongs to one instance, and how its parts are driven. */
#ifndef KERNEL_BUS_H
#define KERNEL_BUS_H

#include "net.h"
#include "router.h"

enum stop_phase {
    STOP_NOT,
    STOP_DRAIN, /* work in flight may finish */
    STOP_END,   /* workers are ended */
    STOP_FLUSH, /* clients get what is queued for them */
};

struct stdio_bus {
    struct bus_config config;
    struct loop *loop;
    struct link timers;
    struct channel_set channels;
    struct router router;
    struct log log;
    stdio_bus_stats_t stats;
    stdio_bus_options_t options; /* callbacks and the listener's address; its strings are our copies */
    stdio_bus_state_t state;
    pid_t pid;      /* who created it: a forked child may only destroy */
    unsigned depth; /* calls in progress */
    bool stepping;
    bool destroy_wanted;
    bool corked; /* a message was written by ingest since the last step: further ones wait for it */

    struct link workers; /* every process that is not reaped, and every registered worker */
    struct link clients; /* the host included */
    struct link dead_workers;
    struct link dead_clients;
    struct link broken_clients; /* to be closed by the step */
    struct client *host;
    struct client *stdio;
    size_t client_count; /* of the listener */
    int next_client;
    int next_worker;

    struct net_listener listener;
    struct watch accept_watch;
    struct timer accept_timer;
    bool accept_paused;
    bool accept_told; /* the pause was logged */
    bool freed;       /* a descriptor was closed: accepting may go on */

    enum stop_phase phase;
    bool stop_asked; /* by a client that has ended */
    uint64_t stop_timeout;
    bool stop_forced;
    uint64_t stop_deadline;
    uint64_t term_at;
    uint64_t kill_at;
    struct timer stop_timer;
};

static inline struct stdio_bus *router_bus(struct router *router)
{
    return OWNER(router, struct stdio_bus, router);
}

/* What the lower parts want of the bus is noted and done by the step. */
static inline void bus_ask_stop(struct stdio_bus *bus, uint64_t timeout)
{
    if (!bus->stop_asked || timeout < bus->stop_timeout) {
        bus->stop_timeout = timeout;
    }
    bus->stop_asked = true;
}

static inline void bus_worker_event(struct stdio_bus *bus, const struct worker *worker, const char *event)
{
    if (bus->options.on_worker != NULL) {
        bus->options.on_worker(bus, worker->id, event, bus->options.user_data);
    }
}

/* bus.c */
struct stdio_bus *bus_new(const stdio_bus_options_t *options, const struct bus_config *config);
void bus_say_error(const stdio_bus_options_t *options, stdio_bus_t *bus, int code, const char *message);
/* True in a forked child, which shares every descriptor with its parent (KRN-EMB-05). */
bool bus_is_foreign(const struct stdio_bus *bus);
/* Around every call during which a callback may run: a destroy inside waits for the outermost one. */
void bus_enter(struct stdio_bus *bus);
void bus_leave(struct stdio_bus *bus);
void bus_drop_peers(struct stdio_bus *bus, bool in_child);
void bus_bury_dead(struct stdio_bus *bus);

/* Something is left that no descriptor would report. */
bool bus_has_work(const struct stdio_bus *bus);
/* The poll descriptor turns readable when the next thing is due. */
void bus_set_deadline(struct stdio_bus *bus);

/* pool.c: slots and their restarts. */
bool pools_open(struct stdio_bus *bus);
int pools_start(struct stdio_bus *bus);
void pools_close(struct stdio_bus *bus);

/* worker.c */
/* Starts a process for the slot. NULL: *error is -errno. */
struct worker *worker_start(struct stdio_bus *bus, struct slot *slot, int *error);
/* A worker behind descriptors that the host gave away. NULL: *error is -errno. */
struct worker *worker_adopt(struct stdio_bus *bus, struct pool *pool, int to_worker, int from_worker, int *error);
/* A worker without descriptors, for tests. */
struct worker *worker_in_memory(struct stdio_bus *bus, struct pool *pool);
/* Its end of input, then SIGTERM (`now`: at once). */
void worker_end_input(struct worker *worker);
void worker_signal(struct worker *worker, int signal);
/* A registered worker is dropped; its calls fail. */
void worker_retire(struct worker *worker);
/* Kills, reaps and drops it without a word to anybody. In a forked child: only closes. */
void worker_destroy(struct worker *worker, bool in_child);
void worker_free(struct worker *worker);

/* client.c */
struct client *client_new(struct stdio_bus *bus);
void client_close(struct client *client, const char *reason);
void client_free(struct client *client);
/* Serves the process's stdin and stdout as a client (KRN-SHD-05). 0, or -errno. */
int client_open_stdio(struct stdio_bus *bus);
/* Hands the host what is queued for it. Returns the number of messages. */
int client_serve_host(struct stdio_bus *bus);
void clients_close_broken(struct stdio_bus *bus);

/* accept.c: the listener */
bool listener_open(struct stdio_bus *bus, char error[NET_ERROR_SIZE]);
void listener_close(struct stdio_bus *bus, bool unlink_path);
/* Accepting goes on where it was paused. */
void listener_retry(struct stdio_bus *bus);

/* shutdown.c */
void shutdown_begin(struct stdio_bus *bus, uint64_t timeout);
/* The end without waiting for anybody (a second signal). */
void shutdown_force(struct stdio_bus *bus);
/* Called after every round of work. */
void shutdown_advance(struct stdio_bus *bus);
void shutdown_timer(struct timer *timer);

#endif
