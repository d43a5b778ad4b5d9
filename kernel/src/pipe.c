/* SPDX-License-Identifier: Apache-2.0 */
#include "pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int pipe_keep_clear(int *fd)
{
    if (*fd > 2) {
        return 0;
    }
    int moved = fcntl(*fd, F_DUPFD_CLOEXEC, 3);
    if (moved < 0) {
        return -errno;
    }
    close(*fd);
    *fd = moved;
    return 0;
}

/* Close-on-exec from creation, where the system can do that. */
static int open_both(int pair[2])
{
#ifdef __linux__
    return pipe2(pair, O_CLOEXEC);
#else
    if (pipe(pair) != 0) {
        return -1;
    }
    return fcntl(pair[0], F_SETFD, FD_CLOEXEC) == 0 ? fcntl(pair[1], F_SETFD, FD_CLOEXEC) : -1;
#endif
}

int pipe_open(int pair[2])
{
    pair[0] = -1;
    pair[1] = -1;
    if (open_both(pair) != 0) {
        return -errno;
    }
    int error = pipe_keep_clear(&pair[0]);
    return error == 0 ? pipe_keep_clear(&pair[1]) : error;
}

void pipe_close(int pair[2])
{
    for (int i = 0; i < 2; i++) {
        if (pair[i] >= 0) {
            close(pair[i]);
        }
        pair[i] = -1;
    }
}
