/* SPDX-License-Identifier: Apache-2.0 */
#include "channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define SCRATCH_SIZE ((size_t)256 * 1024)
/* Kept input up to here is moved back into the scratch buffer; beyond it the channel's own buffer grows. */
#define KEPT_SMALL ((size_t)64 * 1024)
#define VECTORS    16

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

static bool wants_read(const struct channel *channel)
{
    return !channel->paused && !channel->in_ended;
}

/* A hang-up cannot be masked: a descriptor that nothing is wanted of is taken out, or it would spin (KRN-LIM-08). */
static void watch_reading(struct channel *channel)
{
    bool keep_for_hangup = channel->shared && !channel->paused;
    unsigned interest = wants_read(channel) ? LOOP_READ : 0;
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
            watch_reading(channel);
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

static void break_out(struct channel *channel)
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
    if (wants_read(channel) && channel->in.fd >= 0) {
        channel_read(channel, SIZE_MAX);
    }
    /* With the input ended or nobody reading, a hang-up says that answers can reach nobody. */
    if ((events & LOOP_HANGUP) != 0 && channel->shared && channel->in.fd >= 0 && !wants_read(channel)) {
        if (channel->watched) {
            loop_remove(channel->set->loop, &channel->rd);
            channel->watched = false;
        }
        if (channel->in_ended) {
            break_out(channel);
        }
    }
}

static void on_writable(struct watch *watch, unsigned events)
{
    struct channel *channel = OWNER(watch, struct channel, wr);
    if ((events & LOOP_HANGUP) != 0) {
        break_out(channel);
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

static void drop_kept(struct channel *channel)
{
    channel->set->store.bytes -= channel->kept_size;
    free(channel->kept);
    channel->kept = NULL;
    channel->kept_len = 0;
    channel->kept_size = 0;
    channel->looked = 0;
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
    drop_kept(channel);
}

void channel_abandon(struct channel *channel)
{
    channel->watched = false;
    channel->rd.fd = -1;
    channel->wr.fd = -1;
    channel_close(channel);
}

/* Input ------------------------------------------------------------------------------------------- */

/* Hands over one line, ended by an LF or by the end of input. */
static enum line_fate give_line(struct channel *channel, const char *line, size_t len)
{
    if (len > 0 && line[len - 1] == '\r') {
        len--;
    }
    if (len == 0) {
        return LINE_TAKEN;
    }
    size_t most = channel->set->max_line;
    if (len > most) {
        return channel->ops->line(channel, line, most, true);
    }
    return channel->ops->line(channel, line, len, false);
}

/* The start of a line whose end has not come: is it too long already? One byte more may be its CR. */
static bool too_long(const struct channel *channel, const char *line, size_t len)
{
    size_t most = channel->set->max_line;
    return len > most + 1 || (len == most + 1 && line[most] != '\r');
}

/* Takes lines from the front of `data`; *used tells how many bytes are done with. */
static enum line_fate take_lines(struct channel *channel, const char *data, size_t len, size_t *used)
{
    size_t done = 0;
    size_t looked = channel->looked;
    enum line_fate fate = LINE_TAKEN;
    channel->looked = 0;
    while (done < len) {
        const char *start = data + done;
        const char *lf = memchr(start + looked, '\n', len - done - looked);
        looked = 0;
        if (lf == NULL) {
            if (!channel->skipping && too_long(channel, start, len - done)) {
                fate = channel->ops->line(channel, start, channel->set->max_line, true);
                channel->skipping = fate == LINE_TAKEN;
            }
            if (channel->skipping) {
                done = len;
            } else {
                channel->looked = len - done;
            }
            break;
        }
        size_t line = (size_t)(lf - start);
        fate = channel->skipping ? LINE_TAKEN : give_line(channel, start, line);
        if (fate != LINE_TAKEN) {
            break;
        }
        channel->skipping = false;
        done += line + 1;
    }
    *used = done;
    return fate;
}

static bool keep_room(struct channel *channel, size_t len)
{
    if (channel->kept_size >= len) {
        return true;
    }
    size_t size = channel->kept_size < 1024 ? 1024 : channel->kept_size;
    while (size < len) {
        size *= 2;
    }
    char *kept = realloc(channel->kept, size);
    if (kept == NULL) {
        return false;
    }
    channel->set->store.bytes += size - channel->kept_size;
    channel->kept = kept;
    channel->kept_size = size;
    return true;
}

/* Makes `data`, which may be the end of the kept bytes themselves, all that is kept. */
static void keep(struct channel *channel, const char *data, size_t len)
{
    bool own = channel->kept != NULL && data >= channel->kept && data <= channel->kept + channel->kept_size;
    if (len == 0) {
        if (!own || channel->kept_size > 4096) {
            drop_kept(channel);
        }
        channel->kept_len = 0;
        return;
    }
    if (!own && !keep_room(channel, len)) {
        break_out(channel);
        return;
    }
    memmove(channel->kept, data, len);
    channel->kept_len = len;
}

/* Looks at `data` from its front and keeps the rest. False where the channel was closed. */
static bool consume(struct channel *channel, const char *data, size_t len)
{
    size_t used = 0;
    enum line_fate fate = take_lines(channel, data, len, &used);
    if (fate == LINE_CLOSED || channel->in.fd < 0) {
        return false;
    }
    if (fate == LINE_BLOCKED) {
        channel->paused = true;
    }
    keep(channel, data + used, len - used);
    if (fate == LINE_BLOCKED) {
        watch_reading(channel);
    }
    return channel->in.fd >= 0;
}

/* A long line that the bus has no room for is refused like one above the limit (KRN-LIM-09). */
static void refuse_long_line(struct channel *channel)
{
    enum line_fate fate = channel->ops->line(channel, channel->kept, channel->kept_len, true);
    if (fate == LINE_TAKEN && channel->in.fd >= 0) {
        channel->skipping = true;
        drop_kept(channel);
    } else if (fate == LINE_BLOCKED) {
        channel_pause(channel);
    }
}

/* The last line may lack its LF (KRN-FRM-07). */
void channel_end_input(struct channel *channel)
{
    if (channel->in_ended || channel->paused) {
        return;
    }
    if (channel->kept_len > 0 && !channel->skipping) {
        enum line_fate fate = give_line(channel, channel->kept, channel->kept_len);
        if (fate == LINE_CLOSED || channel->in.fd < 0) {
            return;
        }
        if (fate == LINE_BLOCKED) {
            channel->paused = true;
            watch_reading(channel);
            return;
        }
    }
    drop_kept(channel);
    channel->in_ended = true;
    watch_reading(channel);
    channel->ops->ended(channel);
}

size_t channel_read(struct channel *channel, size_t limit)
{
    struct channel_set *set = channel->set;
    char *into = set->scratch;
    size_t room = SCRATCH_SIZE;
    bool scratch = channel->kept_len < KEPT_SMALL;
    if (!scratch) {
        size_t want = channel->kept_len + SCRATCH_SIZE / 2;
        bool full = want > channel->kept_size && set->store.bytes >= set->max_total;
        if (full || !keep_room(channel, want)) {
            refuse_long_line(channel);
            return 0;
        }
        into = channel->kept;
        room = channel->kept_size;
    } else if (channel->kept_len > 0) {
        memcpy(into, channel->kept, channel->kept_len);
    }
    size_t before = channel->kept_len;
    room -= before;
    ssize_t got = fdio_read(&channel->in, into + before, room < limit ? room : limit);
    if (got > 0) {
        consume(channel, into, before + (size_t)got);
        return (size_t)got;
    }
    if (got != -EAGAIN) {
        channel_end_input(channel);
    }
    return 0;
}

size_t channel_unread(const struct channel *channel)
{
    int waiting = 0;
    if (channel->in.fd < 0 || channel->in_ended || ioctl(channel->in.fd, FIONREAD, &waiting) != 0) {
        return 0;
    }
    return waiting > 0 ? (size_t)waiting : 0;
}

void channel_pause(struct channel *channel)
{
    channel->paused = true;
    if (channel->in.fd >= 0 && !channel->in_ended) {
        watch_reading(channel);
    }
}

void channel_resume(struct channel *channel)
{
    if (!channel->paused) {
        return;
    }
    channel->paused = false;
    if (channel->in.fd < 0) {
        return;
    }
    if (channel->kept_len > 0) {
        list_remove(&channel->resumed);
        list_push(&channel->set->resumed, &channel->resumed);
    } else {
        watch_reading(channel);
    }
}

/* Output ------------------------------------------------------------------------------------------ */

char *channel_room(struct channel *channel, size_t len)
{
    char *room = channel->out_broken ? NULL : queue_room(&channel->queue, len);
    if (room == NULL) {
        break_out(channel);
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
            break_out(channel);
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

static void look_again(struct channel *channel)
{
    size_t len = channel->kept_len;
    channel->looked = 0;
    if (!consume(channel, channel->kept, len) || channel->paused) {
        return;
    }
    watch_reading(channel);
    if (channel->ops->caught_up != NULL) {
        channel->ops->caught_up(channel);
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
        look_again(channel);
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
