/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing that never waits, never raises SIGPIPE and never changes the status flags of a
 * descriptor that somebody else shares (KRN-LIM-10, KRN-EMB-05). */
#ifndef KERNEL_FDIO_H
#define KERNEL_FDIO_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

enum fdio_kind {
    FDIO_NONE,    /* no descriptor */
    FDIO_OWN,     /* an open file description of our own, O_NONBLOCK */
    FDIO_SOCKET,  /* a socket: MSG_DONTWAIT on every call (macOS: like a pipe, FDIO_OWN or FDIO_CAREFUL) */
    FDIO_STEADY,  /* a regular file or a device that never makes one wait and cannot be polled */
    FDIO_CAREFUL, /* shared and not reopenable: asked with poll() first, written in PIPE_BUF pieces */
};

struct fdio {
    int fd;
    enum fdio_kind kind;
    bool signals; /* this system cannot write to it without SIGPIPE: the signal is masked around the write */
};

/* Takes over a descriptor that this process inherited (stdin, stdout): finds a way to use it without
 * changing it, by reopening it where that is possible. The result owns its fd: `inherited` itself is
 * closed or kept inside. 0, or -errno. */
int fdio_inherit(struct fdio *io, int inherited, bool for_reading);

/* Takes over a descriptor that belongs to us alone (a pipe we made, an accepted socket, one that a host gave
 * away): sets FD_CLOEXEC, and O_NONBLOCK unless it is FDIO_SOCKET. 0, or -errno: then it is still the caller's. */
int fdio_own(struct fdio *io, int fd);

void fdio_close(struct fdio *io);

/* The number of bytes, 0 at end of input, or -errno (-EAGAIN: not now). EINTR is handled inside. */
ssize_t fdio_read(struct fdio *io, void *buffer, size_t len);
ssize_t fdio_writev(struct fdio *io, const struct iovec *vec, int count);

#endif
