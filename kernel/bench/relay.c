/* SPDX-License-Identifier: Apache-2.0 */
/* The blind relay: a loop like the kernel's, for one client and one worker, that does not look at what it moves. What
 * it costs is what moving bytes costs.
 *
 *     relay --unix PATH -- WORKER [ARGUMENT...] */
#include "bench.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#define QUEUE_MOST ((size_t)40 * 1024 * 1024)
#define EVENTS     8

extern char **environ;

/* One descriptor in the loop; a socket serves both ways. */
struct end {
    int fd;
    uint32_t interest;
    bool open;
};

/* From one end to the other; what the other does not take at once is queued. */
struct way {
    struct end *from;
    struct end *to;
    char *queue;
    size_t start;
    size_t len;
    size_t size;
};

struct relay {
    int epoll;
    struct end client;
    struct end to_worker;
    struct end from_worker;
    struct way up;
    struct way down;
    char *scratch;
};

static void watch(struct relay *relay, struct end *end, uint32_t interest)
{
    struct epoll_event event = {.events = interest, .data.ptr = end};
    if (end->open && end->interest == interest) {
        return;
    }
    if (epoll_ctl(relay->epoll, end->open ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, end->fd, &event) != 0) {
        die("epoll_ctl");
    }
    end->open = true;
    end->interest = interest;
}

static void set(struct relay *relay, struct end *end, uint32_t flag, bool on)
{
    watch(relay, end, on ? end->interest | flag : end->interest & ~flag);
}

static size_t put(const struct end *end, const char *data, size_t len)
{
    ssize_t wrote = write(end->fd, data, len);
    if (wrote < 0 && errno != EAGAIN) {
        die("write");
    }
    return wrote < 0 ? 0 : (size_t)wrote;
}

/* Bytes are moved to the front only where that frees half of the buffer. */
static void enqueue(struct way *way, const char *data, size_t len)
{
    size_t wanted = way->len + len;
    if (way->start + wanted > way->size) {
        if (2 * wanted > way->size) {
            way->size = 4 * wanted;
            way->queue = need(realloc(way->queue, way->size));
        }
        memmove(way->queue, way->queue + way->start, way->len);
        way->start = 0;
    }
    memcpy(way->queue + way->start + way->len, data, len);
    way->len = wanted;
}

static void flush(struct relay *relay, struct way *way)
{
    size_t wrote = put(way->to, way->queue + way->start, way->len);
    way->start += wrote;
    way->len -= wrote;
    way->start = way->len == 0 ? 0 : way->start;
    set(relay, way->to, EPOLLOUT, way->len > 0);
    set(relay, way->from, EPOLLIN, way->len < QUEUE_MOST);
}

/* False at the end of input. */
static bool move(struct relay *relay, struct way *way)
{
    ssize_t got = read(way->from->fd, relay->scratch, READ_SIZE);
    if (got <= 0) {
        return got < 0 && errno == EAGAIN;
    }
    size_t wrote = way->len == 0 ? put(way->to, relay->scratch, (size_t)got) : 0;
    if (wrote < (size_t)got) {
        enqueue(way, relay->scratch + wrote, (size_t)got - wrote);
        set(relay, way->to, EPOLLOUT, true);
        set(relay, way->from, EPOLLIN, way->len < QUEUE_MOST);
    }
    return true;
}

static bool serve(struct relay *relay, const struct epoll_event *event)
{
    struct end *end = event->data.ptr;
    struct way *in = end == &relay->client ? &relay->up : &relay->down;
    struct way *out = end == &relay->client ? &relay->down : &relay->up;
    if ((event->events & EPOLLOUT) != 0 && out->len > 0) {
        flush(relay, out);
    }
    if ((event->events & (EPOLLIN | EPOLLHUP)) != 0 && end != &relay->to_worker) {
        return move(relay, in);
    }
    return (event->events & EPOLLERR) == 0;
}

static void run(struct relay *relay)
{
    for (;;) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(relay->epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            if (!serve(relay, &events[i])) {
                return;
            }
        }
    }
}

static void unblock(int fd)
{
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0) {
        die("fcntl");
    }
}

static void start_worker(struct relay *relay, char **command)
{
    int in[2];
    int out[2];
    pid_t pid;
    posix_spawn_file_actions_t actions;
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) {
        die("pipe2");
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    errno = posix_spawnp(&pid, command[0], &actions, NULL, command, environ);
    if (errno != 0) {
        die(command[0]);
    }
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    relay->to_worker.fd = in[1];
    relay->from_worker.fd = out[0];
    unblock(in[1]);
    unblock(out[0]);
}

static int accept_one(const char *path)
{
    struct sockaddr_un address = unix_address(path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unlink(path);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 16) != 0) {
        die(path);
    }
    int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0) {
        die("accept4");
    }
    close(listener);
    unlink(path);
    return client;
}

int main(int argc, char **argv)
{
    struct relay relay = {.epoll = epoll_create1(EPOLL_CLOEXEC), .scratch = need(malloc(READ_SIZE))};
    if (argc < 5 || strcmp(argv[1], "--unix") != 0 || strcmp(argv[3], "--") != 0) {
        fputs("usage: relay --unix PATH -- WORKER [ARGUMENT...]\n", stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    relay.up = (struct way){.from = &relay.client, .to = &relay.to_worker};
    relay.down = (struct way){.from = &relay.from_worker, .to = &relay.client};
    start_worker(&relay, argv + 4);
    relay.client.fd = accept_one(argv[2]);
    watch(&relay, &relay.client, EPOLLIN);
    watch(&relay, &relay.to_worker, 0);
    watch(&relay, &relay.from_worker, EPOLLIN);
    run(&relay);
    close(relay.client.fd);
    close(relay.to_worker.fd);
    close(relay.from_worker.fd);
    free(relay.up.queue);
    free(relay.down.queue);
    free(relay.scratch);
    return 0;
}
