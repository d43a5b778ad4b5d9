/* SPDX-License-Identifier: Apache-2.0 */
#include "steady.h"

#ifndef __linux__

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/event.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    BATCH = 64,
    TIMER = 1, /* the only one, so any number does */
};

#define NEVER  UINT64_MAX
#define SECOND UINT64_C(1000000000)

struct loop {
    int queue;
    pid_t owner;     /* a forked child has no queue: the number may be somebody else's there */
    uint64_t armed;  /* when the timer fires */
    uint64_t wanted; /* the deadline; never before `armed` */
    struct steady steady;
    struct kevent batch[BATCH];
    int count;
};

uint64_t loop_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

struct loop *loop_open(void)
{
    struct loop *loop = calloc(1, sizeof *loop);

    if (loop == NULL) {
        return NULL;
    }
    loop->armed = NEVER;
    loop->wanted = NEVER;
    loop->owner = getpid();
    loop->queue = kqueue();
    if (loop->queue < 0) {
        free(loop);
        return NULL;
    }
    return loop;
}

void loop_close(struct loop *loop)
{
    if (loop == NULL) {
        return;
    }
    if (loop->owner == getpid()) {
        close(loop->queue);
    }
    free(loop);
}

int loop_fd(const struct loop *loop)
{
    return loop->queue;
}

static int submit(struct loop *loop, struct kevent *change)
{
    return kevent(loop->queue, change, 1, NULL, 0, NULL) == 0 ? 0 : -errno;
}

static int set_filter(struct loop *loop, struct watch *watch, int16_t filter, uint16_t flags, uint32_t options)
{
    struct kevent change;

    EV_SET(&change, (uintptr_t)watch->fd, filter, flags, options, 0, watch);
    return submit(loop, &change);
}

/* Not for NEVER: the timer is gone once it has fired. */
static void arm(struct loop *loop, uint64_t when)
{
    uint64_t now = loop_now();
    intptr_t delay = when > now ? (intptr_t)(when - now) : 1;
    struct kevent change;

    EV_SET(&change, TIMER, EVFILT_TIMER, EV_ADD | EV_ONESHOT, NOTE_NSECONDS, delay, loop);
    (void)submit(loop, &change);
    loop->armed = when;
}

void loop_deadline(struct loop *loop, uint64_t when)
{
    loop->wanted = when;
    if (when < loop->armed) {
        arm(loop, when);
    }
}

/* A host that watches loop_fd has to be told of a steady watch too. */
static void set_steady(struct loop *loop, struct watch *watch, unsigned interest)
{
    watch->interest = interest;
    if (interest != 0 && loop->armed != 0) {
        arm(loop, 0);
    }
}

static void add_steady(struct loop *loop, struct watch *watch, unsigned interest)
{
    steady_add(&loop->steady, watch);
    set_steady(loop, watch, interest);
}

static bool never_waits(int fd)
{
    struct stat about;

    if (fstat(fd, &about) != 0) {
        return false;
    }
    return S_ISREG(about.st_mode) || S_ISDIR(about.st_mode) || S_ISBLK(about.st_mode) ||
           (S_ISCHR(about.st_mode) && !isatty(fd));
}

/* The write filter is what tells that the peer is gone. Where nothing is to be written it reports changes only,
 * and what cannot be written to at all has none. A filter keeps the flags it was made with. */
static int set_write_filter(struct loop *loop, struct watch *watch, bool wanted)
{
    int rc;

    (void)set_filter(loop, watch, EVFILT_WRITE, EV_DELETE, 0);
    rc = set_filter(loop, watch, EVFILT_WRITE, wanted ? EV_ADD : EV_ADD | EV_CLEAR, 0);
    return wanted ? rc : 0;
}

int loop_add(struct loop *loop, struct watch *watch, int fd, unsigned interest)
{
    int rc = fcntl(fd, F_GETFD) < 0 ? -errno : 0;

    watch->fd = fd;
    watch->interest = interest;
    watch->steady = false;
    if (rc == 0 && never_waits(fd)) {
        add_steady(loop, watch, interest);
        return 0;
    }
    if (rc == 0 && (interest & LOOP_READ)) {
        rc = set_filter(loop, watch, EVFILT_READ, EV_ADD, 0);
    }
    if (rc == 0) {
        rc = set_write_filter(loop, watch, interest & LOOP_WRITE);
    }
    if (rc == -EPIPE) {
        /* The reader has gone already: a write will say so. */
        add_steady(loop, watch, interest);
        return 0;
    }
    if (rc != 0) {
        loop_remove(loop, watch);
    }
    return rc;
}

int loop_add_process(struct loop *loop, struct watch *watch, pid_t pid, int pidfd)
{
    int rc;

    (void)pidfd;
    watch->fd = pid;
    watch->interest = LOOP_EXIT;
    watch->steady = false;
    rc = set_filter(loop, watch, EVFILT_PROC, EV_ADD, NOTE_EXIT);
    if (rc == -ESRCH) {
        /* It has ended already. */
        add_steady(loop, watch, LOOP_EXIT);
        return 0;
    }
    if (rc != 0) {
        watch->fd = -1;
    }
    return rc;
}

void loop_change(struct loop *loop, struct watch *watch, unsigned interest)
{
    unsigned changed = watch->interest ^ interest;

    if (watch->fd < 0 || changed == 0) {
        return;
    }
    if (watch->steady) {
        set_steady(loop, watch, interest);
        return;
    }
    watch->interest = interest;
    if (changed & LOOP_READ) {
        (void)set_filter(loop, watch, EVFILT_READ, (interest & LOOP_READ) ? EV_ADD : EV_DELETE, 0);
    }
    if ((changed & LOOP_WRITE) && set_write_filter(loop, watch, interest & LOOP_WRITE) == -EPIPE) {
        add_steady(loop, watch, interest);
    }
}

/* A steady watch may have filters too, from before its reader went. */
void loop_remove(struct loop *loop, struct watch *watch)
{
    if (watch->fd < 0) {
        return;
    }
    if (watch->steady) {
        steady_remove(&loop->steady, watch);
    }
    if (watch->interest == LOOP_EXIT) {
        (void)set_filter(loop, watch, EVFILT_PROC, EV_DELETE, 0);
    } else {
        (void)set_filter(loop, watch, EVFILT_READ, EV_DELETE, 0);
        (void)set_filter(loop, watch, EVFILT_WRITE, EV_DELETE, 0);
    }
    for (int i = 0; i < loop->count; i++) {
        if (loop->batch[i].udata == watch) {
            loop->batch[i].udata = NULL;
        }
    }
    watch->fd = -1;
}

/* Early, where a later deadline has replaced the one the timer was set for. */
static int timer_fired(struct loop *loop)
{
    bool passed = loop->wanted != NEVER && loop->wanted <= loop_now();

    if (passed) {
        loop->wanted = NEVER;
    }
    loop->armed = NEVER;
    if (steady_wants(&loop->steady)) {
        arm(loop, 0);
    } else if (loop->wanted != NEVER) {
        arm(loop, loop->wanted);
    }
    return passed;
}

/* The end of input is told by reading; on a write filter it means that nobody will read. */
static unsigned from_kqueue(const struct kevent *event, unsigned interest)
{
    if (event->filter == EVFILT_PROC) {
        return LOOP_EXIT;
    }
    if ((event->flags & EV_EOF) && (event->filter == EVFILT_WRITE || event->fflags != 0)) {
        return LOOP_HANGUP | interest;
    }
    return interest & (event->filter == EVFILT_READ ? LOOP_READ : LOOP_WRITE);
}

static int call_polled(struct loop *loop)
{
    int called = 0;

    for (int i = 0; i < loop->count; i++) {
        struct watch *watch = loop->batch[i].udata;
        unsigned events;

        if (watch == NULL || loop->batch[i].udata == loop) {
            continue;
        }
        events = from_kqueue(&loop->batch[i], watch->interest);
        if (events != 0) {
            called++;
            watch->ready(watch, events);
        }
    }
    loop->count = 0;
    return called;
}

int loop_wait(struct loop *loop, int timeout_ms)
{
    int limit = steady_wants(&loop->steady) ? 0 : timeout_ms;
    struct timespec timeout = {limit / 1000, (limit % 1000) * 1000000L};
    int found = kevent(loop->queue, NULL, 0, loop->batch, BATCH, limit < 0 ? NULL : &timeout);
    int called = 0;

    if (found < 0) {
        return errno == EINTR ? 0 : -errno;
    }
    loop->count = found;
    for (int i = 0; i < found; i++) {
        if (loop->batch[i].udata == loop) {
            called += timer_fired(loop);
        }
    }
    called += call_polled(loop);
    return called + steady_call(&loop->steady);
}

#else
typedef int loop_kqueue_unused;
#endif
