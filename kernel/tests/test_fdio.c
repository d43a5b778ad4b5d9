/* SPDX-License-Identifier: Apache-2.0 */
#include "fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

static char directory[PATH_MAX];

static const char *in_directory(const char *name, char out[PATH_MAX + 64])
{
    (void)snprintf(out, PATH_MAX + 64, "%s/%s", directory, name);
    return out;
}

static ssize_t put(struct fdio *io, const char *text)
{
    struct iovec vec = {.iov_base = (char *)(uintptr_t)text, .iov_len = strlen(text)};

    return fdio_writev(io, &vec, 1);
}

static ssize_t fill(struct fdio *io)
{
    static char block[3000];
    struct iovec vec = {.iov_base = block, .iov_len = sizeof block};
    ssize_t n = 0;

    for (int i = 0; i < 100000 && n >= 0; i++) {
        n = fdio_writev(io, &vec, 1);
    }
    return n;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void an_inherited_pipe_keeps_its_flags(void)
{
    int pair[2];
    int shared;
    struct fdio io;
    char byte;

    CHECK(pipe(pair) == 0);
    shared = dup(pair[0]);
    CHECK(fdio_inherit(&io, pair[0], true) == 0);
    CHECK((fcntl(shared, F_GETFL) & O_NONBLOCK) == 0);
    CHECK(fdio_read(&io, &byte, 1) == -EAGAIN);
    CHECK(write(pair[1], "x", 1) == 1);
    CHECK(fdio_read(&io, &byte, 1) == 1 && byte == 'x');
    close(pair[1]);
    CHECK(fdio_read(&io, &byte, 1) == 0);
    fdio_close(&io);
    CHECK(io.kind == FDIO_NONE);
    close(shared);
}

static void an_inherited_pipe_is_reopened_and_closed(void)
{
#ifdef __linux__
    int pair[2];
    struct fdio io;

    CHECK(pipe(pair) == 0);
    CHECK(fdio_inherit(&io, pair[1], false) == 0);
    CHECK(io.kind == FDIO_OWN);
    CHECK(!is_open(pair[1]) || io.fd == pair[1]);
    CHECK((fcntl(io.fd, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(fill(&io) == -EAGAIN);
    fdio_close(&io);
    close(pair[0]);
#endif
}

static void a_standard_number_is_never_set_free(void)
{
    int saved = dup(0);
    int pair[2];
    struct stat about;
    struct fdio io;

    CHECK(pipe(pair) == 0);
    CHECK(dup2(pair[0], 0) == 0);
    close(pair[0]);
    CHECK(fdio_inherit(&io, 0, true) == 0);
    CHECK(is_open(0));
    fdio_close(&io);
    CHECK(fstat(0, &about) == 0 && S_ISCHR(about.st_mode));
    CHECK(dup2(saved, 0) == 0);
    close(saved);
    close(pair[1]);
}

static void a_write_without_reader_raises_no_signal(void)
{
    for (int masked = 0; masked < 2; masked++) {
        int pair[2];
        struct fdio io;
        sigset_t pending;

        CHECK(pipe(pair) == 0);
        CHECK(fdio_own(&io, pair[1]) == 0);
        io.signals = masked != 0;
        CHECK(put(&io, "fits") == 4);
        close(pair[0]);
        CHECK(put(&io, "lost") == -EPIPE);
        CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 0);
        fdio_close(&io);
    }
}

static void a_signal_that_was_pending_before_stays_pending(void)
{
    int pair[2];
    sigset_t only;
    sigset_t before;
    sigset_t pending;
    struct fdio io;
    int got = 0;

    sigemptyset(&only);
    sigaddset(&only, SIGPIPE);
    CHECK(pthread_sigmask(SIG_BLOCK, &only, &before) == 0);
    CHECK(pthread_kill(pthread_self(), SIGPIPE) == 0);
    CHECK(pipe(pair) == 0);
    CHECK(fdio_own(&io, pair[1]) == 0);
    io.signals = true;
    close(pair[0]);
    CHECK(put(&io, "lost") == -EPIPE);
    CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1);
    if (sigismember(&pending, SIGPIPE) == 1) {
        CHECK(sigwait(&only, &got) == 0 && got == SIGPIPE);
    }
    CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    fdio_close(&io);
}

static void a_socket_is_used_without_changing_it(void)
{
    int pair[2];
    int shared;
    char text[8];
    struct fdio io;

    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    shared = dup(pair[0]);
    CHECK(fdio_inherit(&io, pair[0], true) == 0);
    CHECK(fdio_read(&io, text, sizeof text) == -EAGAIN);
    CHECK(put(&io, "hello") == 5);
    CHECK(read(pair[1], text, sizeof text) == 5);
    CHECK(fill(&io) == -EAGAIN);
    CHECK((fcntl(shared, F_GETFL) & O_NONBLOCK) == 0);
    close(pair[1]);
    CHECK(put(&io, "lost") == -EPIPE);
    fdio_close(&io);
    close(shared);
}

static void a_file_is_steady_in_both_directions(void)
{
    char path[PATH_MAX + 64];
    char text[8];
    struct fdio io;
    int fd = open(in_directory("file", path), O_RDWR | O_CREAT, 0600);

    CHECK(fdio_inherit(&io, fd, false) == 0);
    CHECK(io.kind == FDIO_STEADY && io.fd == fd);
    CHECK(put(&io, "text") == 4);
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    CHECK(fdio_read(&io, text, sizeof text) == 4);
    CHECK(fdio_read(&io, text, sizeof text) == 0);
    fdio_close(&io);
    CHECK(!is_open(fd));
    (void)unlink(path);
}

static void the_null_device_ends_at_once_and_takes_everything(void)
{
    char byte;
    struct fdio io;

    CHECK(fdio_inherit(&io, open("/dev/null", O_RDWR), true) == 0);
    CHECK(io.kind == FDIO_STEADY);
    CHECK(fdio_read(&io, &byte, 1) == 0);
    CHECK(put(&io, "gone") == 4);
    fdio_close(&io);
}

static void a_terminal_keeps_its_flags(void)
{
    int host = posix_openpt(O_RDWR | O_NOCTTY);
    char text[8];
    struct fdio io;
    int terminal;
    int shared;

    CHECK(host >= 0 && grantpt(host) == 0 && unlockpt(host) == 0);
    terminal = open(ptsname(host), O_RDWR | O_NOCTTY);
    shared = dup(terminal);
    CHECK(fdio_inherit(&io, terminal, true) == 0);
    CHECK(fdio_read(&io, text, sizeof text) == -EAGAIN);
    CHECK(write(host, "hi\n", 3) == 3);
    for (int i = 0; i < 100; i++) {
        struct pollfd look = {.fd = io.fd, .events = POLLIN};
        if (poll(&look, 1, 100) > 0) {
            break;
        }
    }
    CHECK(fdio_read(&io, text, sizeof text) == 3);
    CHECK((fcntl(shared, F_GETFL) & O_NONBLOCK) == 0);
    fdio_close(&io);
    close(shared);
    close(host);
}

static void a_pipe_that_cannot_be_reopened_is_used_with_care(void)
{
    int pair[2];
    char text[8];
    struct fdio io = {.kind = FDIO_CAREFUL};

    CHECK(pipe(pair) == 0);
    io.fd = pair[0];
    CHECK(fdio_read(&io, text, sizeof text) == -EAGAIN);
    CHECK(write(pair[1], "x", 1) == 1);
    CHECK(fdio_read(&io, text, sizeof text) == 1);
    io.fd = pair[1];
    CHECK(fill(&io) == -EAGAIN);
    close(pair[0]);
    CHECK(put(&io, "lost") == -EPIPE);
    fdio_close(&io);
}

static void a_fifo_whose_writer_has_gone_ends(void)
{
    char path[PATH_MAX + 64];
    char text[8];
    struct pollfd look = {.events = POLLIN};
    struct fdio io;
    int reader;
    int writer;

    CHECK(mkfifo(in_directory("fifo", path), 0600) == 0);
    reader = open(path, O_RDONLY | O_NONBLOCK);
    writer = open(path, O_WRONLY);
    CHECK(fcntl(reader, F_SETFL, 0) == 0);
    CHECK(write(writer, "last", 4) == 4);
    close(writer);
    CHECK(fdio_inherit(&io, reader, true) == 0);
    CHECK(fdio_read(&io, text, sizeof text) == 4);
    look.fd = io.fd;
    CHECK(poll(&look, 1, 1000) == 1);
    CHECK(fdio_read(&io, text, sizeof text) == 0);
    fdio_close(&io);
    (void)unlink(path);
}

static void many_pieces_are_written_in_order(void)
{
    struct iovec vec[2000];
    char text[4000];
    int pair[2];
    struct fdio io;

    for (size_t i = 0; i < 2000; i++) {
        vec[i] = (struct iovec){.iov_base = i % 2 ? "b" : "a", .iov_len = 1};
    }
    CHECK(pipe(pair) == 0);
    CHECK(fdio_own(&io, pair[1]) == 0);
    CHECK(fdio_writev(&io, vec, 2000) == 1024);
    CHECK(read(pair[0], text, sizeof text) == 1024);
    CHECK(memcmp(text, "abab", 4) == 0);
    fdio_close(&io);
    close(pair[0]);
}

static void a_closed_descriptor_is_an_error(void)
{
    struct fdio io;

    CHECK(fdio_inherit(&io, 987, true) == -EBADF);
    CHECK(fdio_own(&io, 987) == -EBADF);
    CHECK(io.fd == -1 && io.kind == FDIO_NONE);
    fdio_close(&io);
}

int main(void)
{
    const char *base = getenv("TMPDIR");

    (void)snprintf(directory, sizeof directory, "%s/fdioXXXXXX", base != NULL ? base : "/tmp");
    CHECK(mkdtemp(directory) != NULL);
    (void)alarm(60);
    an_inherited_pipe_keeps_its_flags();
    an_inherited_pipe_is_reopened_and_closed();
    a_standard_number_is_never_set_free();
    a_write_without_reader_raises_no_signal();
    a_signal_that_was_pending_before_stays_pending();
    a_socket_is_used_without_changing_it();
    a_file_is_steady_in_both_directions();
    the_null_device_ends_at_once_and_takes_everything();
    a_terminal_keeps_its_flags();
    a_pipe_that_cannot_be_reopened_is_used_with_care();
    a_fifo_whose_writer_has_gone_ends();
    many_pieces_are_written_in_order();
    a_closed_descriptor_is_an_error();
    CHECK(rmdir(directory) == 0);
    return check_report();
}
