/* SPDX-License-Identifier: Apache-2.0 */
#include "fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/epoll.h>
#include <sys/syscall.h>
#endif

#ifdef __APPLE__
#define SEND_FLAGS 0
#else
#define SEND_FLAGS (MSG_DONTWAIT | MSG_NOSIGNAL)
#endif

enum {
#ifdef __APPLE__
    DONTWAIT_WORKS = 0, /* a send ignores MSG_DONTWAIT there; a socket is treated like a pipe */
#else
    DONTWAIT_WORKS = 1,
#endif
    WRITE_NOSIGNAL = 0x100, /* RWF_NOSIGNAL of Linux 6.18; older C libraries do not name it */
    MOST_PIECES = 1024,     /* IOV_MAX everywhere; more is refused with EINVAL or EMSGSIZE */
};

static void forbid_sigpipe(int fd)
{
#ifdef __APPLE__
    (void)fcntl(fd, F_SETNOSIGPIPE, 1);
#else
    (void)fd;
#endif
}

/* Regular files and devices like /dev/null never make one wait. */
static bool is_steady(int fd, mode_t mode)
{
    if (S_ISREG(mode) || S_ISBLK(mode) || S_ISDIR(mode)) {
        return true;
    }
    if (!S_ISCHR(mode) || isatty(fd)) {
        return false;
    }
#ifdef __linux__
    struct epoll_event none = {.events = 0};
    int probe = epoll_create1(EPOLL_CLOEXEC);
    bool refused = probe >= 0 && epoll_ctl(probe, EPOLL_CTL_ADD, fd, &none) != 0 && errno == EPERM;

    if (probe >= 0) {
        close(probe);
    }
    return refused;
#else
    return true;
#endif
}

/* The standard numbers stay taken: a descriptor that got one would be written to by whoever prints. */
static void release(int fd)
{
    int null = fd <= 2 ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1;

    if (null < 0) {
        close(fd);
        return;
    }
    (void)dup2(null, fd);
    if (null != fd) {
        close(null);
    }
}

#ifdef __linux__
/* A reader of a named fifo that was opened when the last writer had gone is not told of the end, so the
 * inherited descriptor is kept where it already shows one. */
static bool has_hung_up(int fd)
{
    struct pollfd look = {.fd = fd, .events = POLLIN};

    return poll(&look, 1, 0) > 0 && (look.revents & POLLHUP);
}

static int reopen(int inherited, bool for_reading)
{
    char path[32];
    int access = fcntl(inherited, F_GETFL) & O_ACCMODE;
    int fd;

    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", inherited);
    fd = open(path, access | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd >= 0 && for_reading && has_hung_up(inherited)) {
        close(fd);
        fd = -1;
    }
    return fd;
}
#else
/* Opening /dev/fd/N shares the open file description, flags included. */
static int reopen(int inherited, bool for_reading)
{
    (void)inherited;
    (void)for_reading;
    return -1;
}
#endif

/* Only above 2: there the number itself is what a worker inherits. */
static int adopt(struct fdio *io, int fd, enum fdio_kind kind)
{
    if (fd > 2 && fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        return -errno;
    }
    forbid_sigpipe(fd);
    *io = (struct fdio){.fd = fd, .kind = kind};
    return 0;
}

int fdio_inherit(struct fdio *io, int inherited, bool for_reading)
{
    struct stat about;
    int own;

    *io = (struct fdio){.fd = -1};
    if (fstat(inherited, &about) != 0) {
        return -errno;
    }
    if (S_ISSOCK(about.st_mode)) {
        return adopt(io, inherited, DONTWAIT_WORKS ? FDIO_SOCKET : FDIO_CAREFUL);
    }
    if (is_steady(inherited, about.st_mode)) {
        return adopt(io, inherited, FDIO_STEADY);
    }
    own = S_ISFIFO(about.st_mode) || isatty(inherited) ? reopen(inherited, for_reading) : -1;
    if (own < 0) {
        return adopt(io, inherited, FDIO_CAREFUL);
    }
    release(inherited);
    return adopt(io, own, FDIO_OWN);
}

int fdio_own(struct fdio *io, int fd)
{
    struct stat about;
    int flags;

    *io = (struct fdio){.fd = -1};
    if (fstat(fd, &about) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        return -errno;
    }
    if (S_ISSOCK(about.st_mode) && DONTWAIT_WORKS) {
        return adopt(io, fd, FDIO_SOCKET);
    }
    if (is_steady(fd, about.st_mode)) {
        return adopt(io, fd, FDIO_STEADY);
    }
    flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
        return -errno;
    }
    return adopt(io, fd, FDIO_OWN);
}

void fdio_close(struct fdio *io)
{
    if (io->kind != FDIO_NONE) {
        release(io->fd);
    }
    *io = (struct fdio){.fd = -1};
}

static bool would_wait(const struct fdio *io, short events)
{
    struct pollfd look = {.fd = io->fd, .events = events};

    return io->kind == FDIO_CAREFUL && poll(&look, 1, 0) == 0;
}

ssize_t fdio_read(struct fdio *io, void *buffer, size_t len)
{
    ssize_t n;

    do {
        if (would_wait(io, POLLIN)) {
            return -EAGAIN;
        }
        n = io->kind == FDIO_SOCKET ? recv(io->fd, buffer, len, MSG_DONTWAIT) : read(io->fd, buffer, len);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    }
    return n;
}

#ifdef __APPLE__
static ssize_t write_quietly(struct fdio *io, const struct iovec *vec, int count)
{
    return writev(io->fd, vec, count);
}
#else
/* The signal of a failed write goes to the writing thread, so that masking it there is enough. */
static ssize_t write_masked(int fd, const struct iovec *vec, int count)
{
    static const struct timespec at_once = {0, 0};
    sigset_t only, before, pending;
    bool was_pending = false;
    ssize_t n;
    int error;

    sigemptyset(&only);
    sigaddset(&only, SIGPIPE);
    sigemptyset(&pending);
    if (pthread_sigmask(SIG_BLOCK, &only, &before) != 0) {
        return writev(fd, vec, count);
    }
    if (sigismember(&before, SIGPIPE) == 1 && sigpending(&pending) == 0) {
        was_pending = sigismember(&pending, SIGPIPE) == 1;
    }
    n = writev(fd, vec, count);
    error = errno;
    if (n < 0 && error == EPIPE && !was_pending) {
        while (sigtimedwait(&only, NULL, &at_once) < 0 && errno == EINTR) {
            continue;
        }
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return n;
}

static ssize_t write_quietly(struct fdio *io, const struct iovec *vec, int count)
{
#ifdef SYS_pwritev2
    if (!io->signals) {
        /* Both halves of offset -1: at the file's own position. */
        ssize_t n = syscall(SYS_pwritev2, io->fd, vec, count, -1L, -1L, WRITE_NOSIGNAL);

        if (n >= 0 || (errno != EOPNOTSUPP && errno != EINVAL && errno != ENOSYS && errno != EPERM)) {
            return n;
        }
    }
#endif
    io->signals = true;
    return write_masked(io->fd, vec, count);
}
#endif

/* A pipe that poll() calls writable takes PIPE_BUF bytes without waiting. */
static ssize_t write_carefully(struct fdio *io, const struct iovec *vec, int count)
{
    struct iovec piece = {.iov_base = NULL, .iov_len = 0};

    for (int i = 0; i < count && piece.iov_len == 0; i++) {
        piece = vec[i];
    }
    if (piece.iov_len > PIPE_BUF) {
        piece.iov_len = PIPE_BUF;
    }
    if (would_wait(io, POLLOUT)) {
        errno = EAGAIN;
        return -1;
    }
    return write_quietly(io, &piece, 1);
}

static ssize_t write_once(struct fdio *io, const struct iovec *vec, int count)
{
    struct msghdr message = {.msg_name = NULL};

    switch (io->kind) {
    case FDIO_SOCKET:
        message.msg_iov = (struct iovec *)(uintptr_t)vec;
        message.msg_iovlen = (__typeof__(message.msg_iovlen))count;
        return sendmsg(io->fd, &message, SEND_FLAGS);
    case FDIO_CAREFUL:
        return write_carefully(io, vec, count);
    case FDIO_STEADY:
        return writev(io->fd, vec, count);
    case FDIO_OWN:
    case FDIO_NONE:
        break;
    }
    return write_quietly(io, vec, count);
}

ssize_t fdio_writev(struct fdio *io, const struct iovec *vec, int count)
{
    ssize_t n;

    if (count > MOST_PIECES) {
        count = MOST_PIECES;
    }
    do {
        n = write_once(io, vec, count);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    }
    return n;
}
