/* SPDX-License-Identifier: Apache-2.0 */
/* One peer's descriptors: lines in, a queue out, and marks that tell how far the queue was written. */
#ifndef KERNEL_CHANNEL_H
#define KERNEL_CHANNEL_H

#include "fdio.h"
#include "list.h"
#include "loop.h"
#include "queue.h"

struct channel;

/* What became of a line. */
enum line_fate {
    LINE_TAKEN,
    LINE_BLOCKED, /* not now: it stays in front, and nothing is read until channel_resume */
    LINE_CLOSED,  /* the channel was closed meanwhile */
    LINE_INVALID, /* no message at all, and its sender is told by a return value (KRN-EMB-06) */
};

/* What a channel asks of its owner. */
struct channel_ops {
    /* A line without its LF and CR, never empty. `cut`: it was longer than max_line, or than there is room for;
     * its first bytes are given and the rest is skipped. */
    enum line_fate (*line)(struct channel *channel, const char *line, size_t len, bool cut);
    /* Its input has ended; every line was delivered. */
    void (*ended)(struct channel *channel);
    /* It cannot be written any more, or its peer has hung up. */
    void (*broken)(struct channel *channel);
    /* It has taken bytes. */
    void (*drained)(struct channel *channel);
    /* After a pause every line that had been kept was taken. May be NULL. */
    void (*caught_up)(struct channel *channel);
};

/* What all channels of a bus share. */
struct channel_set {
    struct loop *loop;
    struct queue_store store;
    size_t max_line;
    uint64_t max_total;  /* bytes that all queues and kept input may hold together */
    char *scratch;       /* input is read here first: an idle channel holds no buffer */
    struct link dirty;   /* channels with output that nobody has tried to write yet */
    struct link resumed; /* channels with input that waits to be looked at again */
};

struct channel {
    struct channel_set *set;
    const struct channel_ops *ops;
    struct fdio in;
    struct fdio out;
    struct watch rd;
    struct watch wr; /* unused where one descriptor serves both ways */
    bool shared;     /* in.fd == out.fd */
    bool watched;    /* rd is in the loop */

    char *kept; /* input of which no line was taken yet */
    size_t kept_len;
    size_t kept_size;
    size_t looked; /* how much of it is known to contain no LF */
    bool skipping; /* inside the rest of a line that was too long */
    bool paused;
    bool in_ended;

    struct queue queue;
    uint64_t queued;  /* bytes ever queued */
    uint64_t written; /* bytes ever written: a message whose first byte is below it has left */
    bool stuck;       /* the descriptor took less than it was given */
    bool out_broken;
    struct link dirty;
    struct link resumed;
};

bool channel_set_open(struct channel_set *set, struct loop *loop, size_t max_line, uint64_t max_total);
void channel_set_close(struct channel_set *set);

/* A channel without descriptors: what is sent stays in its queue (the host of an embedded bus, tests). */
void channel_init(struct channel *channel, struct channel_set *set, const struct channel_ops *ops);
/* Gives it its descriptors, which it owns from now on. 0, or -errno. */
int channel_open(struct channel *channel, struct fdio in, struct fdio out);
/* Closes the descriptors and drops what is queued. Allowed at any time, also inside a callback. */
void channel_close(struct channel *channel);
/* In a forked child: closes the descriptors without a word to the loop that is shared with the parent. */
void channel_abandon(struct channel *channel);
/* Closes the way out only, once: end of input for the peer. */
void channel_close_out(struct channel *channel);

/* Room for a message; channel_send_room + channel_commit send it with its LF. Out of memory: NULL. */
char *channel_room(struct channel *channel, size_t len);
void channel_commit(struct channel *channel, size_t len);
bool channel_send(struct channel *channel, const char *line, size_t len);
/* Writes what is queued, as far as it goes. */
void channel_flush(struct channel *channel);

void channel_pause(struct channel *channel);
/* Reading goes on; input that was kept is looked at by the next channel_set_run. */
void channel_resume(struct channel *channel);

/* Reads what is there now, at most `limit` bytes. Returns their number; 0: nothing, or the input has ended. */
size_t channel_read(struct channel *channel, size_t limit);
/* Takes the input as ended though somebody may still hold its other end. */
void channel_end_input(struct channel *channel);
/* Bytes that wait unread in the descriptor, as far as the system tells. */
size_t channel_unread(const struct channel *channel);

/* One round: kept input of resumed channels, then writing. Returns the number of channels served; `more`
 * tells whether something is left. */
int channel_set_run(struct channel_set *set, bool *more);

static inline bool channel_has_kept(const struct channel *channel)
{
    return channel->kept_len > 0;
}

#endif
