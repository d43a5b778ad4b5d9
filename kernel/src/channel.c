/* SPDX-License-Identifier: Apache-2.0 */
#include "channel_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define VECTORS 16

bool channel_set_open(struct channel_set *set, struct loop *loop, size_t max_line, uint64_t max_total)
{
    *set = (struct channel_set){
        .loop = loop, .max_line = max_line, .max_total = max_total, .scratch = malloc(SCRATCH_SIZE)};
    list_init(&set->dirty);
    list_init(&set->resumed);
    return set->scratch != NULL;
}

void channel_set_close(struct channel_set *set)
{
    free(set->scratch);
    set->scratch = NULL;
    queue_store_free(&set->store);
}

void channel_init(struct channel *channel, struct channel_set *set, const struct channel_ops *ops)
{
    *channel = (struct channel){.set = set, .ops = ops, .in = {.fd = -1}, .out = {.fd = -1}};
    channel->rd.fd = -1;
    channel->wr.fd = -1;
    queue_init(&channel->queue, &set->store);
    list_init(&channel->dirty);
    list_init(&channel->resumed);
}

/* Watching ---------------------------------------------------------------------------------------- */

/* A hang-up cannot be masked: a descriptor that nothing is wanted of is taken out, or it would spin (KRN-LIM-08). */
void channel_watch_reading(struct channel *channel)
{
    bool keep_for_hangup = channel->shared && !channel->paused;
    unsigned interest = channel_wants_read(channel) ? LOOP_READ : 0;
    if (channel->shared && channel->stuck) {
        interest |= LOOP_WRITE;
    }
    if (interest == 0 && !keep_for_hangup) {
        if (channel->watched) {
            loop_remove(channel->set->loop, &channel->rd);
            channel->watched = false;
        }
    } else if (!channel->watched) {
        channel->watched = loop_add(channel->set->loop, &channel->rd, channel->in.fd, interest) == 0;
    } else if (channel->rd.interest != interest) {
        loop_change(channel->set->loop, &channel->rd, interest);
    }
}

static void watch_writing(struct channel *channel)
{
    if (channel->shared) {
        if (channel->in.fd >= 0) {
            channel_watch_reading(channel);
        }
    } else if (channel->wr.fd >= 0) {
        loop_change(channel->set->loop, &channel->wr, channel->stuck ? LOOP_WRITE : 0);
    }
}

static void set_stuck(struct channel *channel, bool stuck)
{
    if (channel->stuck != stuck) {
        channel->stuck = stuck;
        watch_writing(channel);
    }
}

void channel_break(struct channel *channel)
{
    if (channel->out_broken) {
        return;
    }
    channel->out_broken = true;
    list_remove(&channel->dirty);
    set_stuck(channel, false);
    if (channel->wr.fd >= 0) {
        loop_remove(channel->set->loop, &channel->wr);
    }
    channel->ops->broken(channel);
}

static void on_readable(struct watch *watch, unsigned events)
{
    struct channel *channel = OWNER(watch, struct channel, rd);
    if ((events & LOOP_WRITE) != 0) {
        channel_flush(channel);
    }
    if (channel_wants_read(channel) && channel->in.fd >= 0) {
        channel_read(channel, SIZE_MAX);
    }
    /* With the input ended or nobody reading, a hang-up says that answers can reach nobody. */
    if ((events & LOOP_HANGUP) != 0 && channel->shared && channel->in.fd >= 0 && !channel_wants_read(channel)) {
        if (channel->watched) {
            loop_remove(channel->set->loop, &channel->rd);
            channel->watched = false;
        }
        if (channel->in_ended) {
            channel_break(channel);
        }
    }
}

static void on_writable(struct watch *watch, unsigned events)
{
    struct channel *channel = OWNER(watch, struct channel, wr);
    if ((events & LOOP_HANGUP) != 0) {
        channel_break(channel);
    } else {
        channel_flush(channel);
    }
}

int channel_open(struct channel *channel, struct fdio in, struct fdio out)
{
    channel->in = in;
    channel->out = out;
    channel->shared = in.fd == out.fd;
    channel->rd.ready = on_readable;
    channel->wr.ready = on_writable;
    int error = loop_add(channel->set->loop, &channel->rd, in.fd, LOOP_READ);
    channel->watched = error == 0;
    if (error == 0 && !channel->shared) {
        error = loop_add(channel->set->loop, &channel->wr, out.fd, 0);
    }
    if (error != 0) {
        channel_close(channel);
    }
    return error;
}

void channel_close_out(struct channel *channel)
{
    channel->out_broken = true;
    list_remove(&channel->dirty);
    queue_clear(&channel->queue);
    set_stuck(channel, false);
    if (!channel->shared && channel->out.fd >= 0) {
        if (channel->wr.fd >= 0) {
            loop_remove(channel->set->loop, &channel->wr);
        }
        fdio_close(&channel->out);
    }
}

void channel_close(struct channel *channel)
{
    list_remove(&channel->resumed);
    if (channel->watched) {
        loop_remove(channel->set->loop, &channel->rd);
        channel->watched = false;
    }
    struct fdio in = channel->in;
    channel->in.fd = -1;
    channel_close_out(channel);
    if (in.fd >= 0) {
        fdio_close(&in);
    }
    channel->in_ended = true;
    channel_drop_kept(channel);
}

void channel_abandon(struct channel *channel)
{
    channel->watched = false;
    channel->rd.fd = -1;
    channel->wr.fd = -1;
    channel_close(channel);
}

/* Output ------------------------------------------------------------------------------------------ */

char *channel_room(struct channel *channel, size_t len)
{
    char *room = channel->out_broken ? NULL : queue_room(&channel->queue, len);
    if (room == NULL) {
        channel_break(channel);
    }
    return room;
}

void channel_commit(struct channel *channel, size_t len)
{
    queue_commit(&channel->queue, len, '\n');
    channel->queued += len + 1;
    if (!channel->stuck && list_empty(&channel->dirty)) {
        list_push(&channel->set->dirty, &channel->dirty);
    }
}

bool channel_send(struct channel *channel, const char *line, size_t len)
{
    char *room = channel_room(channel, len);
    if (room == NULL) {
        return false;
    }
    memcpy(room, line, len);
    channel_commit(channel, len);
    return true;
}

void channel_flush(struct channel *channel)
{
    list_remove(&channel->dirty);
    bool moved = false;
    bool stuck = false;
    while (channel->queue.bytes > 0 && channel->out.fd >= 0 && !stuck) {
        struct iovec vec[VECTORS];
        int count = queue_vectors(&channel->queue, vec, VECTORS);
        size_t offered = 0;
        for (int i = 0; i < count; i++) {
            offered += vec[i].iov_len;
        }
        ssize_t wrote = fdio_writev(&channel->out, vec, count);
        if (wrote == -EAGAIN) {
            stuck = true;
        } else if (wrote < 0) {
            channel_break(channel);
            return;
        } else {
            queue_consume(&channel->queue, (size_t)wrote);
            channel->written += (uint64_t)wrote;
            moved = true;
            stuck = (size_t)wrote < offered;
        }
    }
    set_stuck(channel, stuck);
    if (moved) {
        channel->ops->drained(channel);
    }
}

int channel_set_run(struct channel_set *set, bool *more)
{
    int served = 0;
    struct link resumed;
    list_init(&resumed);
    while (!list_empty(&set->resumed)) {
        struct link *link = set->resumed.next;
        list_remove(link);
        list_push(&resumed, link);
    }
    while (!list_empty(&resumed)) {
        struct channel *channel = OWNER(resumed.next, struct channel, resumed);
        list_remove(&channel->resumed);
        channel_look_again(channel);
        served++;
    }
    while (!list_empty(&set->dirty)) {
        struct channel *channel = OWNER(set->dirty.next, struct channel, dirty);
        channel_flush(channel);
        served++;
    }
    *more = !list_empty(&set->resumed);
    return served;
}
