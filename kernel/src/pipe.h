/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes that no child inherits and whose numbers never are 0, 1 or 2 (KRN-WRK-09). */
#ifndef KERNEL_PIPE_H
#define KERNEL_PIPE_H

/* 0, or -errno; what was opened before a failure stands in `pair`, the rest of it is -1. */
int pipe_open(int pair[2]);
/* Closes what is open, and leaves -1. */
void pipe_close(int pair[2]);
/* Moves a descriptor above the standard ones. 0, or -errno. */
int pipe_keep_clear(int *fd);

#endif
