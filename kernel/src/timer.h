/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines, in nanoseconds of the monotonic clock, as one list in order of time. Nearly every timer of a
 * bus is later than those already set, so that setting one looks at one or two others. */
#ifndef KERNEL_TIMER_H
#define KERNEL_TIMER_H

#include "list.h"

#include <stdint.h>

#define NANOSECONDS_PER_SECOND      ((uint64_t)1000000000)
#define NANOSECONDS_PER_MILLISECOND ((uint64_t)1000000)

struct timer {
    struct link link;
    uint64_t when;
    void (*fire)(struct timer *timer);
};

static inline void timer_init(struct timer *timer, void (*fire)(struct timer *timer))
{
    list_init(&timer->link);
    timer->fire = fire;
}

static inline bool timer_is_set(const struct timer *timer)
{
    return !list_empty(&timer->link);
}

static inline void timer_cancel(struct timer *timer)
{
    list_remove(&timer->link);
}

static inline void timer_set(struct link *timers, struct timer *timer, uint64_t when)
{
    timer_cancel(timer);
    timer->when = when;
    struct link *after = timers->prev;
    while (after != timers && OWNER(after, struct timer, link)->when > when) {
        after = after->prev;
    }
    list_add_before(after->next, &timer->link);
}

/* UINT64_MAX: none is set. */
static inline uint64_t timers_next(const struct link *timers)
{
    return list_empty(timers) ? UINT64_MAX : OWNER(timers->next, struct timer, link)->when;
}

/* Fires what is due, each timer once: it may set itself again. Returns how many. */
static inline int timers_run(struct link *timers, uint64_t now)
{
    int fired = 0;
    while (timers_next(timers) <= now) {
        struct timer *timer = OWNER(timers->next, struct timer, link);
        timer_cancel(timer);
        timer->fire(timer);
        fired++;
    }
    return fired;
}

#endif
