/* SPDX-License-Identifier: Apache-2.0 */
/* Watches whose descriptors cannot be polled (files, /dev/null): they are ready for whatever they want. */
#ifndef KERNEL_STEADY_H
#define KERNEL_STEADY_H

#include "loop.h"

struct steady {
    struct watch *first;
    struct watch *next; /* the one that is called next; moved on when that one is removed */
};

void steady_add(struct steady *list, struct watch *watch);
void steady_remove(struct steady *list, struct watch *watch);
/* One of them wants something: nobody may wait. */
bool steady_wants(const struct steady *list);
/* Calls each that wants something; returns how many. */
int steady_call(struct steady *list);

#endif
