/* SPDX-License-Identifier: Apache-2.0 */
/* A channel's way in: bytes become lines. */
#include "channel_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

/* Kept input up to here is moved back into the scratch buffer; beyond it the channel's own buffer grows. */
#define KEPT_SMALL ((size_t)64 * 1024)

void channel_drop_kept(struct channel *channel)
{
    channel->set->store.bytes -= channel->kept_size;
    free(channel->kept);
    channel->kept = NULL;
    channel->kept_len = 0;
    channel->kept_size = 0;
    channel->looked = 0;
}

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
            channel_drop_kept(channel);
        }
        channel->kept_len = 0;
        return;
    }
    if (!own && !keep_room(channel, len)) {
        channel_break(channel);
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
        channel_watch_reading(channel);
    }
    return channel->in.fd >= 0;
}

/* A long line that the bus has no room for is refused like one above the limit (KRN-LIM-09). */
static void refuse_long_line(struct channel *channel)
{
    enum line_fate fate = channel->ops->line(channel, channel->kept, channel->kept_len, true);
    if (fate == LINE_TAKEN && channel->in.fd >= 0) {
        channel->skipping = true;
        channel_drop_kept(channel);
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
            channel_watch_reading(channel);
            return;
        }
    }
    channel_drop_kept(channel);
    channel->in_ended = true;
    channel_watch_reading(channel);
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
        channel_watch_reading(channel);
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
        channel_watch_reading(channel);
    }
}

void channel_look_again(struct channel *channel)
{
    size_t len = channel->kept_len;
    channel->looked = 0;
    if (!consume(channel, channel->kept, len) || channel->paused) {
        return;
    }
    channel_watch_reading(channel);
    if (channel->ops->caught_up != NULL) {
        channel->ops->caught_up(channel);
    }
}
