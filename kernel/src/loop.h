/* SPDX-License-Identifier: Apache-2.0 */
/* Readiness of descriptors, exits of processes and one deadline, behind one pollable descriptor. */
#ifndef KERNEL_LOOP_H
#define KERNEL_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    LOOP_READ = 1,
    LOOP_WRITE = 2,
    LOOP_HANGUP = 4, /* reported whatever the interest: the peer is gone, or an error is pending; comes together
                        with all of the interest, as reads and writes tell the rest without waiting */
    LOOP_EXIT = 8,   /* the process has ended */
};

/* One watched descriptor, embedded in its owner. `ready` may add, change and remove any watch, its own
 * included; a removed watch is not called again, not even for an event that was already fetched. */
struct watch {
    void (*ready)(struct watch *watch, unsigned events);
    int fd;            /* -1: not watched */
    unsigned interest; /* LOOP_READ | LOOP_WRITE */
    bool steady;       /* cannot be polled: counts as ready for whatever it is interested in */
    struct watch *next_steady;
};

struct loop;

struct loop *loop_open(void);
/* Only closes: no watch is taken out first, so that a forked child can call it (KRN-EMB-05). */
void loop_close(struct loop *loop);

/* Level-triggered. 0, or -errno. With interest 0 only LOOP_HANGUP is reported, again and again while it
 * lasts: a watch that cannot act on it must be removed. */
int loop_add(struct loop *loop, struct watch *watch, int fd, unsigned interest);
void loop_change(struct loop *loop, struct watch *watch, unsigned interest);
void loop_remove(struct loop *loop, struct watch *watch);

/* Reports LOOP_EXIT once the child has ended. `pidfd` is -1 where the system has none; then, on Linux,
 * -ENOSYS: the caller has to look from time to time. */
int loop_add_process(struct loop *loop, struct watch *watch, pid_t pid, int pidfd);

/* The time, in nanoseconds of the monotonic clock, at which the descriptor turns readable and loop_wait
 * returns; 0 for at once, UINT64_MAX for never. Costs a system call only where the wake-up has to come
 * earlier than the one already set. */
void loop_deadline(struct loop *loop, uint64_t when);

/* Waits at most timeout_ms (-1: without limit) and calls `ready` for what happened. Returns the number of
 * events (a passed deadline counts as one), or -errno. */
int loop_wait(struct loop *loop, int timeout_ms);

/* The pollable descriptor. */
int loop_fd(const struct loop *loop);

uint64_t loop_now(void);

#endif
