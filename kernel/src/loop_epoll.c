/* SPDX-License-Identifier: Apache-2.0 */
#include "steady.h"

#ifdef __linux__

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64 };

#define NEVER  UINT64_MAX
#define SECOND UINT64_C(1000000000)

struct loop {
    int epoll;
    int timer;       /* inside the epoll set, known there by the address of the loop */
    uint64_t armed;  /* when the timer fires; stays until the timer is set again */
    uint64_t wanted; /* the deadline; never before `armed` */
    struct steady steady;
    struct epoll_event batch[BATCH];
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
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = loop};

    if (loop == NULL) {
        return NULL;
    }
    loop->armed = NEVER;
    loop->wanted = NEVER;
    loop->timer = -1;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0) {
        goto failed;
    }
    loop->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (loop->timer < 0 || epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->timer, &event) != 0) {
        goto failed;
    }
    return loop;

failed:
    loop_close(loop);
    return NULL;
}

void loop_close(struct loop *loop)
{
    if (loop == NULL) {
        return;
    }
    if (loop->timer >= 0) {
        close(loop->timer);
    }
    if (loop->epoll >= 0) {
        close(loop->epoll);
    }
    free(loop);
}

int loop_fd(const struct loop *loop)
{
    return loop->epoll;
}

/* Setting the timer also forgets an expiry that nobody has read. */
static void arm(struct loop *loop, uint64_t when)
{
    struct itimerspec setting = {.it_interval = {0, 0}};

    if (when != NEVER) {
        setting.it_value.tv_sec = (time_t)(when / SECOND);
        setting.it_value.tv_nsec = (long)(when % SECOND);
        if (when == 0) {
            setting.it_value.tv_nsec = 1; /* 0 would disarm */
        }
    }
    (void)timerfd_settime(loop->timer, TFD_TIMER_ABSTIME, &setting, NULL);
    loop->armed = when;
}

void loop_deadline(struct loop *loop, uint64_t when)
{
    loop->wanted = when;
    if (when < loop->armed) {
        arm(loop, when);
    }
}

static uint32_t to_epoll(unsigned interest)
{
    return ((interest & LOOP_READ) ? (uint32_t)EPOLLIN : 0) | ((interest & LOOP_WRITE) ? (uint32_t)EPOLLOUT : 0);
}

/* A host that watches loop_fd has to be told of a steady watch too: the timer stays expired meanwhile. */
static void set_steady(struct loop *loop, struct watch *watch, unsigned interest)
{
    watch->interest = interest;
    if (interest != 0 && loop->armed != 0) {
        arm(loop, 0);
    }
}

int loop_add(struct loop *loop, struct watch *watch, int fd, unsigned interest)
{
    struct epoll_event event = {.events = to_epoll(interest), .data.ptr = watch};
    int refused = epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : errno;

    if (refused != 0 && refused != EPERM) {
        watch->fd = -1;
        return -refused;
    }
    watch->fd = fd;
    watch->interest = interest;
    watch->steady = false;
    if (refused == EPERM) {
        steady_add(&loop->steady, watch);
        set_steady(loop, watch, interest);
    }
    return 0;
}

int loop_add_process(struct loop *loop, struct watch *watch, pid_t pid, int pidfd)
{
    int rc;

    (void)pid;
    if (pidfd < 0) {
        watch->fd = -1;
        return -ENOSYS;
    }
    rc = loop_add(loop, watch, pidfd, LOOP_READ);
    if (rc == 0) {
        watch->interest = LOOP_EXIT;
    }
    return rc;
}

void loop_change(struct loop *loop, struct watch *watch, unsigned interest)
{
    struct epoll_event event = {.events = to_epoll(interest), .data.ptr = watch};

    if (watch->fd < 0 || watch->interest == interest) {
        return;
    }
    if (watch->steady) {
        set_steady(loop, watch, interest);
        return;
    }
    watch->interest = interest;
    (void)epoll_ctl(loop->epoll, EPOLL_CTL_MOD, watch->fd, &event);
}

void loop_remove(struct loop *loop, struct watch *watch)
{
    if (watch->fd < 0) {
        return;
    }
    if (watch->steady) {
        steady_remove(&loop->steady, watch);
    } else {
        (void)epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
        for (int i = 0; i < loop->count; i++) {
            if (loop->batch[i].data.ptr == watch) {
                loop->batch[i].data.ptr = NULL;
            }
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
    if (!steady_wants(&loop->steady)) {
        arm(loop, loop->wanted);
    }
    return passed;
}

static unsigned from_epoll(uint32_t events, unsigned interest)
{
    unsigned found = 0;

    if (interest == LOOP_EXIT) {
        return LOOP_EXIT;
    }
    if (events & EPOLLIN) {
        found |= LOOP_READ;
    }
    if (events & EPOLLOUT) {
        found |= LOOP_WRITE;
    }
    /* What there is to say of the end or the error is said by the next read or write. */
    if (events & (EPOLLHUP | EPOLLERR)) {
        found |= LOOP_HANGUP | LOOP_READ | LOOP_WRITE;
    }
    return found & (interest | LOOP_HANGUP);
}

static int call_polled(struct loop *loop)
{
    int called = 0;

    for (int i = 0; i < loop->count; i++) {
        struct watch *watch = loop->batch[i].data.ptr;
        unsigned events;

        if (watch == NULL || loop->batch[i].data.ptr == loop) {
            continue;
        }
        events = from_epoll(loop->batch[i].events, watch->interest);
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
    int found = epoll_wait(loop->epoll, loop->batch, BATCH, steady_wants(&loop->steady) ? 0 : timeout_ms);
    int called = 0;

    if (found < 0) {
        return errno == EINTR ? 0 : -errno;
    }
    loop->count = found;
    for (int i = 0; i < found; i++) {
        if (loop->batch[i].data.ptr == loop) {
            called += timer_fired(loop);
        }
    }
    called += call_polled(loop);
    return called + steady_call(&loop->steady);
}

#else
typedef int loop_epoll_unused;
#endif
