/* SPDX-License-Identifier: Apache-2.0 */
/* What the two ways of a channel share. */
#ifndef KERNEL_CHANNEL_PARTS_H
#define KERNEL_CHANNEL_PARTS_H

#include "channel.h"

#define SCRATCH_SIZE ((size_t)256 * 1024)

/* channel.c */
/* Brings what the loop watches in line with what the channel wants. */
void channel_watch_reading(struct channel *channel);
/* Nothing can be written any more: tells the owner, once. */
void channel_break(struct channel *channel);

/* channel_in.c */
void channel_drop_kept(struct channel *channel);
/* Takes the lines that were kept while the channel was paused. */
void channel_look_again(struct channel *channel);

static inline bool channel_wants_read(const struct channel *channel)
{
    return !channel->paused && !channel->in_ended;
}

#endif
