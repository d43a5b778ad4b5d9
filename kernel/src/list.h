/* SPDX-License-Identifier: Apache-2.0 */
/* Intrusive doubly linked lists: the element carries its link, so that joining and leaving cannot fail. */
#ifndef KERNEL_LIST_H
#define KERNEL_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct link {
    struct link *prev;
    struct link *next;
};

/* The element of `type` whose field `member` is at `pointer`. */
#define OWNER(pointer, type, member) ((type *)(void *)((char *)(pointer) - offsetof(type, member)))

/* Walks a list; the current element may leave it. */
#define LIST_EACH(item, list)                                                                                        \
    for (struct link *item = (list)->next, *item##_next = item->next; item != (list);                                \
         item = item##_next, item##_next = item->next)

static inline void list_init(struct link *link)
{
    link->prev = link;
    link->next = link;
}

static inline bool list_empty(const struct link *list)
{
    return list->next == list;
}

static inline void list_add_before(struct link *where, struct link *link)
{
    link->prev = where->prev;
    link->next = where;
    where->prev->next = link;
    where->prev = link;
}

static inline void list_push(struct link *list, struct link *link)
{
    list_add_before(list, link);
}

static inline void list_push_front(struct link *list, struct link *link)
{
    list_add_before(list->next, link);
}

/* Leaves an element that is in no list as it is. */
static inline void list_remove(struct link *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

#endif
