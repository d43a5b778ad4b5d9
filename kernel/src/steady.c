/* SPDX-License-Identifier: Apache-2.0 */
#include "steady.h"

#include <stddef.h>

void steady_add(struct steady *list, struct watch *watch)
{
    watch->steady = true;
    watch->next_steady = list->first;
    list->first = watch;
}

void steady_remove(struct steady *list, struct watch *watch)
{
    struct watch **link = &list->first;

    while (*link != NULL && *link != watch) {
        link = &(*link)->next_steady;
    }
    if (*link != NULL) {
        *link = watch->next_steady;
    }
    if (list->next == watch) {
        list->next = watch->next_steady;
    }
}

bool steady_wants(const struct steady *list)
{
    for (const struct watch *watch = list->first; watch != NULL; watch = watch->next_steady) {
        if (watch->interest != 0) {
            return true;
        }
    }
    return false;
}

int steady_call(struct steady *list)
{
    int called = 0;

    for (struct watch *watch = list->first; watch != NULL; watch = list->next) {
        list->next = watch->next_steady;
        if (watch->interest != 0) {
            called++;
            watch->ready(watch, watch->interest);
        }
    }
    return called;
}
