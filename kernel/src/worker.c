/* SPDX-License-Identifier: Apache-2.0 */
/* One worker from its start to its reaping (KRN-WRK, KRN-ERR-04). */
#include "bus.h"
#include "flow.h"
#include "place.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A process that ends closes its pipes first: so long may its exit take to show before it counts as alive. */
#define EXIT_GRACE (50 * NANOSECONDS_PER_MILLISECOND)
/* Without a pidfd the process has to be looked at. */
#define LOOK_INTERVAL (20 * NANOSECONDS_PER_MILLISECOND)
/* A worker that was replaced gets this long between SIGTERM and SIGKILL (KRN-WRK-08). */
#define LEAVE_TIME (5 * NANOSECONDS_PER_SECOND)

static struct stdio_bus *bus_of(const struct worker *worker)
{
    return router_bus(worker->pool->router);
}

static void look_in(struct worker *worker, uint64_t delay)
{
    struct router *router = worker->pool->router;
    uint64_t when = router->clock() + delay;
    if (!timer_is_set(&worker->timer) || worker->timer.when > when) {
        timer_set(router->timers, &worker->timer, when);
    }
}

/* The end -------------------------------------------------------------------------------------------- */

/* The router is done with it; what remains is to be reaped, or to be freed. */
static void say_dead(struct worker *worker)
{
    if (worker->buried) {
        return;
    }
    worker->buried = true;
    router_worker_dead(worker->pool->router, worker);
    channel_close(&worker->peer.channel);
}

static void bury(struct worker *worker)
{
    struct stdio_bus *bus = bus_of(worker);
    say_dead(worker);
    timer_cancel(&worker->timer);
    worker->state = WORKER_DEAD;
    list_remove(&worker->all);
    list_push(&bus->dead_workers, &worker->all);
    if (worker->embedded || bus->state == STDIO_BUS_STATE_STOPPING) {
        bus_worker_event(bus, worker, "stopped");
    }
    if (!pool_has_future(worker->pool) && bus->state == STDIO_BUS_STATE_RUNNING) {
        router_pool_retired(&bus->router, worker->pool);
    }
    bus->freed = true;
}

/* What an exited worker has written is delivered before its requests fail, also while a client is slow to take
 * it; a grandchild that holds the pipe open adds nothing to it. */
static void read_last_words(struct worker *worker)
{
    struct channel *channel = &worker->peer.channel;
    while (worker->unread > 0 && !channel->paused && !channel->in_ended) {
        size_t got = channel_read(channel, worker->unread);
        if (got == 0) {
            break;
        }
        worker->unread -= got;
    }
    if (!channel->paused && !worker->buried) {
        channel_end_input(channel);
    }
    if (!channel->paused) {
        bury(worker);
    }
}

static void leave_slot(struct worker *worker)
{
    struct slot *slot = worker->slot;
    worker->slot = NULL;
    router_worker_left(worker->pool->router, worker);
    if (slot != NULL) {
        slot->lost(slot, worker);
    }
}

static void on_exited(struct worker *worker, enum process_fate fate, int status)
{
    struct stdio_bus *bus = bus_of(worker);
    char ending[64] = "was reaped by the host, its status is unknown";
    if (fate == PROCESS_ENDED) {
        spawn_describe(status, ending, sizeof ending);
    }
    double life = (double)(bus->router.clock() - worker->started) / (double)NANOSECONDS_PER_SECOND;
    snprintf(worker->epitaph, sizeof worker->epitaph, "\"%.60s\" ended: %s after %.2f s",
             worker->pool->config->command, ending, life);
    bool expected = bus->state == STDIO_BUS_STATE_STOPPING;
    log_line(&bus->log, expected ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN, "worker %s#%d: %s", worker->pool->config->id,
             worker->id, worker->epitaph);
    if (worker->exit_watch.fd >= 0) {
        loop_remove(bus->loop, &worker->exit_watch);
    }
    process_forget(&worker->process);
    worker->process.pid = 0;
    worker->state = WORKER_EXITED;
    worker->unread = channel_unread(&worker->peer.channel);
    leave_slot(worker);
    read_last_words(worker);
}

static bool check_exit(struct worker *worker)
{
    if (worker->state == WORKER_EXITED || worker->state == WORKER_DEAD) {
        return true;
    }
    int status = 0;
    enum process_fate fate = process_check(&worker->process, &status);
    if (fate == PROCESS_ALIVE) {
        return false;
    }
    on_exited(worker, fate, status);
    return true;
}

static void on_exit_event(struct watch *watch, unsigned events)
{
    (void)events;
    struct worker *worker = OWNER(watch, struct worker, exit_watch);
    check_exit(worker);
}

/* It lives, but one of its ends is closed: another takes its place (KRN-WRK-08). */
static void replace(struct worker *worker)
{
    struct stdio_bus *bus = bus_of(worker);
    const char *end = worker->output_ended ? "stdout" : "stdin";
    snprintf(worker->epitaph, sizeof worker->epitaph, "\"%.60s\" closed its %s", worker->pool->config->command, end);
    log_line(&bus->log, LOG_LEVEL_WARN, "worker %s#%d: %s but lives: it is ended", worker->pool->config->id,
             worker->id, worker->epitaph);
    worker->state = WORKER_LEAVING;
    leave_slot(worker);
    if (worker->output_ended) {
        say_dead(worker);
    }
    process_signal(&worker->process, SIGTERM);
    worker->kill_at = bus->router.clock() + LEAVE_TIME;
    look_in(worker, LEAVE_TIME);
}

static void on_timer(struct timer *timer)
{
    struct worker *worker = OWNER(timer, struct worker, timer);
    struct stdio_bus *bus = bus_of(worker);
    if (worker->embedded) {
        bury(worker);
        return;
    }
    if (check_exit(worker)) {
        return;
    }
    uint64_t now = bus->router.clock();
    bool closed = worker->output_ended || worker->peer.channel.out_broken;
    if (worker->state == WORKER_LIVE && closed && bus->state == STDIO_BUS_STATE_RUNNING) {
        if (now < worker->suspect_at) {
            look_in(worker, worker->suspect_at - now);
            return;
        }
        replace(worker);
    } else if (worker->kill_at != 0 && now >= worker->kill_at) {
        process_signal(&worker->process, SIGKILL);
        worker->kill_at = 0;
    }
    if (worker->process.pidfd < 0) {
        look_in(worker, LOOK_INTERVAL);
    } else if (worker->kill_at != 0) {
        look_in(worker, worker->kill_at - now);
    }
}

/* One of its ends is closed: it has exited, is about to, or has to be replaced. */
static void suspect(struct worker *worker)
{
    if (worker->state == WORKER_DEAD || worker->buried) {
        return;
    }
    worker->suspect_at = worker->pool->router->clock() + (worker->embedded ? 0 : EXIT_GRACE);
    look_in(worker, worker->process.pidfd < 0 ? 0 : worker->embedded ? 0 : EXIT_GRACE);
}

/* Its channel ---------------------------------------------------------------------------------------- */

static struct worker *channel_worker(struct channel *channel)
{
    return peer_worker(OWNER(channel, struct peer, channel));
}

static enum line_fate on_line(struct channel *channel, const char *line, size_t len, bool cut)
{
    struct worker *worker = channel_worker(channel);
    return router_worker_line(worker->pool->router, worker, line, len, cut);
}

static void on_ended(struct channel *channel)
{
    struct worker *worker = channel_worker(channel);
    worker->output_ended = true;
    if (worker->state != WORKER_EXITED) {
        suspect(worker);
    }
}

static void on_broken(struct channel *channel)
{
    suspect(channel_worker(channel));
}

static void on_drained(struct channel *channel)
{
    struct worker *worker = channel_worker(channel);
    if (worker->state == WORKER_LIVE || worker->state == WORKER_LEAVING) {
        flow_worker_drained(worker->pool->router, worker);
    }
}

static void on_caught_up(struct channel *channel)
{
    struct worker *worker = channel_worker(channel);
    if (worker->state == WORKER_EXITED) {
        read_last_words(worker);
    }
}

static const struct channel_ops worker_ops = {
    .line = on_line,
    .ended = on_ended,
    .broken = on_broken,
    .drained = on_drained,
    .caught_up = on_caught_up,
};

/* The start ------------------------------------------------------------------------------------------ */

static struct worker *worker_new(struct stdio_bus *bus, struct pool *pool, int id)
{
    struct worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL) {
        return NULL;
    }
    peer_init(&worker->peer, PEER_WORKER, &bus->router);
    channel_init(&worker->peer.channel, &bus->channels, &worker_ops);
    worker->id = id;
    worker->pool = pool;
    worker->process.pidfd = -1;
    worker->exit_watch = (struct watch){.ready = on_exit_event, .fd = -1};
    worker->started = bus->router.clock();
    list_init(&worker->of_pool);
    list_init(&worker->sessions);
    list_init(&worker->learned);
    list_init(&worker->pause);
    timer_init(&worker->timer, on_timer);
    list_push(&bus->workers, &worker->all);
    return worker;
}

static int connect_channel(struct worker *worker, int to_worker, int from_worker)
{
    struct fdio in = {.fd = -1};
    struct fdio out = {.fd = -1};
    int error = fdio_own(&in, from_worker);
    if (error == 0 && to_worker != from_worker) {
        error = fdio_own(&out, to_worker);
    } else {
        out = in;
    }
    if (error == 0) {
        return channel_open(&worker->peer.channel, in, out);
    }
    close(from_worker);
    if (to_worker != from_worker) {
        close(to_worker);
    }
    return error;
}

static void abandon(struct worker *worker)
{
    list_remove(&worker->all);
    worker_destroy(worker, false);
    worker_free(worker);
}

static char **command_line(const struct pool_config *config)
{
    size_t count = 0;
    while (config->args[count] != NULL) {
        count++;
    }
    char **argv = calloc(count + 2, sizeof *argv);
    if (argv != NULL) {
        argv[0] = config->command;
        memcpy(argv + 1, config->args, count * sizeof *argv);
    }
    return argv;
}

static int launch(struct worker *worker)
{
    const struct pool_config *config = worker->pool->config;
    char **argv = command_line(config);
    if (argv == NULL) {
        return -ENOMEM;
    }
    int to_worker = -1;
    int from_worker = -1;
    const struct spawn_plan plan = {argv, worker->pool->environment, config->cwd};
    int error = spawn_start(&plan, &worker->process, &to_worker, &from_worker);
    free(argv);
    return error != 0 ? error : connect_channel(worker, to_worker, from_worker);
}

struct worker *worker_start(struct stdio_bus *bus, struct slot *slot, int *error)
{
    struct worker *worker = worker_new(bus, slot->pool, slot->id);
    if (worker == NULL) {
        *error = -ENOMEM;
        return NULL;
    }
    *error = launch(worker);
    if (*error == 0) {
        *error = loop_add_process(bus->loop, &worker->exit_watch, worker->process.pid, worker->process.pidfd);
        if (*error == -ENOSYS) {
            *error = 0;
            look_in(worker, LOOK_INTERVAL);
        }
    }
    if (*error != 0) {
        abandon(worker);
        return NULL;
    }
    worker->slot = slot;
    slot->worker = worker;
    log_line(&bus->log, LOG_LEVEL_DEBUG, "worker %s#%d: started, pid %d", slot->pool->config->id, worker->id,
             (int)worker->process.pid);
    router_worker_joined(&bus->router, worker);
    bus_worker_event(bus, worker, "started");
    return worker;
}

struct worker *worker_adopt(struct stdio_bus *bus, struct pool *pool, int to_worker, int from_worker, int *error)
{
    struct worker *worker = worker_new(bus, pool, bus->next_worker++);
    if (worker == NULL) {
        *error = -ENOMEM;
        return NULL;
    }
    worker->embedded = true;
    *error = connect_channel(worker, to_worker, from_worker);
    if (*error != 0) {
        abandon(worker);
        return NULL;
    }
    router_worker_joined(&bus->router, worker);
    bus_worker_event(bus, worker, "started");
    return worker;
}

struct worker *worker_in_memory(struct stdio_bus *bus, struct pool *pool)
{
    struct worker *worker = worker_new(bus, pool, bus->next_worker++);
    if (worker != NULL) {
        worker->embedded = true;
        router_worker_joined(&bus->router, worker);
    }
    return worker;
}

/* From outside ----------------------------------------------------------------------------------------- */

void worker_end_input(struct worker *worker)
{
    if (worker->embedded) {
        bury(worker);
    } else {
        channel_close_out(&worker->peer.channel);
    }
}

void worker_signal(struct worker *worker, int signal)
{
    if (worker->process.pid > 0) {
        process_signal(&worker->process, signal);
    }
}

void worker_retire(struct worker *worker)
{
    bury(worker);
}

void worker_destroy(struct worker *worker, bool in_child)
{
    worker->buried = true;
    struct channel *channel = &worker->peer.channel;
    if (in_child) {
        /* Taking a descriptor out of the loop would silence the parent's. */
        channel_abandon(channel);
        process_forget(&worker->process);
        return;
    }
    timer_cancel(&worker->timer);
    if (worker->exit_watch.fd >= 0) {
        loop_remove(worker->pool->router->channels->loop, &worker->exit_watch);
    }
    channel_close(channel);
    int status;
    if (worker->process.pid > 0) {
        process_signal(&worker->process, SIGKILL);
        /* SIGKILL takes effect within microseconds, but for a process in uninterruptible sleep. */
        for (int i = 0; i < 2000 && process_check(&worker->process, &status) == PROCESS_ALIVE; i++) {
            nanosleep(&(struct timespec){.tv_nsec = i < 20 ? 50000 : 1000000}, NULL);
        }
    }
    process_forget(&worker->process);
}

void worker_free(struct worker *worker)
{
    free(worker);
}
