/* SPDX-License-Identifier: Apache-2.0 */
/* Timers, and the lists they are made of. */
#include "timer.h"

#include "check.h"

struct item {
    int number;
    struct link link;
};

static struct link timers;
static struct timer alarms[4];
static char fired[64];
static uint64_t again_at; /* the first alarm sets itself again at this time; 0: it does not */

static void on_fire(struct timer *timer)
{
    size_t len = strlen(fired);
    CHECK(!timer_is_set(timer));
    fired[len] = (char)('a' + (timer - alarms));
    fired[len + 1] = '\0';
    if (timer == &alarms[0] && again_at != 0) {
        timer_set(&timers, timer, again_at);
        again_at = 0;
    } else if (timer == &alarms[3]) {
        timer_cancel(&alarms[2]);
    }
}

static void reset(void)
{
    list_init(&timers);
    fired[0] = '\0';
    again_at = 0;
    for (int i = 0; i < 4; i++) {
        timer_init(&alarms[i], on_fire);
    }
}

static void a_list_keeps_its_order(void)
{
    struct link list;
    struct item items[4];
    list_init(&list);
    CHECK(list_empty(&list));
    for (int i = 0; i < 4; i++) {
        items[i].number = i;
    }
    list_push(&list, &items[1].link);
    list_push(&list, &items[3].link);
    list_push_front(&list, &items[0].link);
    list_add_before(&items[3].link, &items[2].link);
    int expected = 0;
    LIST_EACH (link, &list) {
        CHECK(OWNER(link, struct item, link)->number == expected++);
    }
    CHECK(expected == 4);
}

static void an_item_may_leave_while_the_list_is_walked(void)
{
    struct link list;
    struct item items[3];
    list_init(&list);
    for (int i = 0; i < 3; i++) {
        list_push(&list, &items[i].link);
    }
    int seen = 0;
    LIST_EACH (link, &list) {
        list_remove(link);
        CHECK(list_empty(link));
        seen++;
    }
    CHECK(seen == 3);
    CHECK(list_empty(&list));
    list_remove(&items[0].link);
    CHECK(list_empty(&items[0].link));
}

static void timers_fire_in_order_of_time(void)
{
    reset();
    CHECK(timers_next(&timers) == UINT64_MAX);
    timer_set(&timers, &alarms[0], 30);
    timer_set(&timers, &alarms[1], 10);
    timer_set(&timers, &alarms[2], 20);
    CHECK(timers_next(&timers) == 10);
    CHECK(timers_run(&timers, 9) == 0);
    CHECK(timers_run(&timers, 20) == 2);
    CHECK_STR(fired, "bc");
    CHECK(timer_is_set(&alarms[0]) && !timer_is_set(&alarms[1]));
    CHECK(timers_run(&timers, UINT64_MAX - 1) == 1);
    CHECK_STR(fired, "bca");
}

static void equal_times_fire_in_the_order_in_which_they_were_set(void)
{
    reset();
    timer_set(&timers, &alarms[2], 10);
    timer_set(&timers, &alarms[0], 10);
    timer_set(&timers, &alarms[1], 10);
    CHECK(timers_run(&timers, 10) == 3);
    CHECK_STR(fired, "cab");
}

static void a_timer_set_again_moves(void)
{
    reset();
    timer_set(&timers, &alarms[0], 10);
    timer_set(&timers, &alarms[1], 20);
    timer_set(&timers, &alarms[0], 30);
    CHECK(timers_next(&timers) == 20);
    timer_set(&timers, &alarms[0], 5);
    CHECK(timers_next(&timers) == 5);
    CHECK(timers_run(&timers, 100) == 2);
    CHECK_STR(fired, "ab");
}

static void a_cancelled_timer_does_not_fire(void)
{
    reset();
    timer_set(&timers, &alarms[0], 10);
    timer_cancel(&alarms[0]);
    timer_cancel(&alarms[0]);
    timer_cancel(&alarms[1]);
    CHECK(timers_run(&timers, 100) == 0);
    CHECK_STR(fired, "");
}

static void a_timer_may_set_itself_and_cancel_others(void)
{
    reset();
    again_at = 15;
    timer_set(&timers, &alarms[0], 10);
    timer_set(&timers, &alarms[3], 11);
    timer_set(&timers, &alarms[2], 12);
    CHECK(timers_run(&timers, 14) == 2);
    CHECK_STR(fired, "ad");
    CHECK(timers_next(&timers) == 15);
    CHECK(timers_run(&timers, 15) == 1);
    CHECK_STR(fired, "ada");
}

int main(void)
{
    a_list_keeps_its_order();
    an_item_may_leave_while_the_list_is_walked();
    timers_fire_in_order_of_time();
    equal_times_fire_in_the_order_in_which_they_were_set();
    a_timer_set_again_moves();
    a_cancelled_timer_does_not_fire();
    a_timer_may_set_itself_and_cancel_others();
    return check_report();
}
