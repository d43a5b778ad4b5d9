/* SPDX-License-Identifier: Apache-2.0 */
#include "loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

#include "check.h"

enum { BOUND_MS = 5000 };

#define MILLISECOND UINT64_C(1000000)

/* A watch that counts its calls, remembers the last events and may remove another one. */
struct probe {
    struct watch watch;
    struct loop *loop;
    struct watch *victim;
    unsigned events;
    int calls;
};

static void count(struct watch *watch, unsigned events)
{
    struct probe *probe = (struct probe *)(void *)watch;

    probe->calls++;
    probe->events = events;
    if (probe->victim != NULL) {
        loop_remove(probe->loop, probe->victim);
    }
}

static struct probe make_probe(struct loop *loop)
{
    return (struct probe){.watch = {.ready = count, .fd = -1}, .loop = loop};
}

static bool readable(const struct loop *loop, int timeout_ms)
{
    struct pollfd look = {.fd = loop_fd(loop), .events = POLLIN};

    return poll(&look, 1, timeout_ms) == 1;
}

static void input_is_reported_until_it_is_read(void)
{
    struct loop *loop = loop_open();
    struct probe probe = make_probe(loop);
    int pair[2];
    char byte;

    CHECK(pipe(pair) == 0);
    CHECK(loop_add(loop, &probe.watch, pair[0], LOOP_READ) == 0);
    CHECK(loop_wait(loop, 0) == 0 && !readable(loop, 0));
    CHECK(write(pair[1], "x", 1) == 1);
    CHECK(readable(loop, 0));
    CHECK(loop_wait(loop, BOUND_MS) == 1 && probe.events == LOOP_READ);
    CHECK(loop_wait(loop, 0) == 1);
    CHECK(read(pair[0], &byte, 1) == 1);
    CHECK(loop_wait(loop, 0) == 0 && probe.calls == 2);
    loop_close(loop);
    close(pair[0]);
    close(pair[1]);
}

static void only_the_interest_is_reported(void)
{
    struct loop *loop = loop_open();
    struct probe probe = make_probe(loop);
    int pair[2];

    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    CHECK(write(pair[1], "x", 1) == 1);
    CHECK(loop_add(loop, &probe.watch, pair[0], LOOP_WRITE) == 0);
    CHECK(loop_wait(loop, BOUND_MS) == 1 && probe.events == LOOP_WRITE);
    loop_change(loop, &probe.watch, 0);
    CHECK(loop_wait(loop, 0) == 0);
    loop_change(loop, &probe.watch, LOOP_READ);
    CHECK(loop_wait(loop, BOUND_MS) == 1 && probe.events == LOOP_READ);
    loop_remove(loop, &probe.watch);
    CHECK(loop_wait(loop, 0) == 0 && probe.watch.fd == -1);
    loop_remove(loop, &probe.watch);
    loop_close(loop);
    close(pair[0]);
    close(pair[1]);
}

static void end_of_input_is_reported_as_something_to_read(void)
{
    struct loop *loop = loop_open();
    struct probe probe = make_probe(loop);
    int pair[2];

    CHECK(pipe(pair) == 0);
    CHECK(loop_add(loop, &probe.watch, pair[0], LOOP_READ) == 0);
    close(pair[1]);
    CHECK(loop_wait(loop, BOUND_MS) == 1 && (probe.events & LOOP_READ));
    loop_close(loop);
    close(pair[0]);
}

static void a_gone_reader_is_reported_without_interest(void)
{
    struct loop *loop = loop_open();
    struct probe probe = make_probe(loop);
    int pair[2];

    CHECK(pipe(pair) == 0);
    CHECK(loop_add(loop, &probe.watch, pair[1], 0) == 0);
    CHECK(loop_wait(loop, 0) == 0);
    close(pair[0]);
    CHECK(loop_wait(loop, BOUND_MS) == 1 && probe.events == LOOP_HANGUP);
    loop_remove(loop, &probe.watch);
    CHECK(loop_wait(loop, 0) == 0);
    loop_close(loop);
    close(pair[1]);
}

static void a_removed_watch_is_not_called_for_a_fetched_event(void)
{
    struct loop *loop = loop_open();
    struct probe first = make_probe(loop);
    struct probe second = make_probe(loop);
    int pair[2];
    int other[2];

    CHECK(pipe(pair) == 0 && pipe(other) == 0);
    CHECK(write(pair[1], "x", 1) == 1 && write(other[1], "x", 1) == 1);
    first.victim = &second.watch;
    second.victim = &first.watch;
    CHECK(loop_add(loop, &first.watch, pair[0], LOOP_READ) == 0);
    CHECK(loop_add(loop, &second.watch, other[0], LOOP_READ) == 0);
    CHECK(loop_wait(loop, BOUND_MS) == 1);
    CHECK(first.calls + second.calls == 1);
    loop_close(loop);
    for (int i = 0; i < 2; i++) {
        close(pair[i]);
        close(other[i]);
    }
}

static void a_file_is_always_ready_and_seen_by_the_host(void)
{
    struct loop *loop = loop_open();
    struct probe first = make_probe(loop);
    struct probe second = make_probe(loop);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int self = open("/etc/passwd", O_RDONLY | O_CLOEXEC);

    CHECK(loop_add(loop, &first.watch, null, LOOP_READ) == 0 && first.watch.steady);
    CHECK(loop_add(loop, &second.watch, self, 0) == 0 && second.watch.steady);
    CHECK(readable(loop, 0));
    CHECK(loop_wait(loop, -1) == 1 && first.events == LOOP_READ);
    CHECK(readable(loop, BOUND_MS) && loop_wait(loop, -1) == 1 && second.calls == 0);
    loop_change(loop, &second.watch, LOOP_WRITE);
    first.victim = &second.watch;
    second.victim = &first.watch;
    CHECK(loop_wait(loop, -1) == 1);
    loop_remove(loop, &first.watch);
    loop_remove(loop, &second.watch);
    (void)loop_wait(loop, 0);
    CHECK(!readable(loop, 0));
    loop_close(loop);
    close(null);
    close(self);
}

static void a_deadline_wakes_the_host_and_counts(void)
{
    struct loop *loop = loop_open();
    uint64_t start = loop_now();

    loop_deadline(loop, start + 20 * MILLISECOND);
    CHECK(!readable(loop, 0));
    CHECK(readable(loop, BOUND_MS));
    CHECK(loop_wait(loop, BOUND_MS) == 1);
    CHECK(loop_now() - start >= 20 * MILLISECOND);
    CHECK(loop_wait(loop, 0) == 0 && !readable(loop, 0));
    loop_deadline(loop, 0);
    CHECK(readable(loop, 0) && loop_wait(loop, BOUND_MS) == 1);
    loop_close(loop);
}

/* Bounded by the number of wake-ups, one of which may be early. */
static void a_later_deadline_replaces_an_earlier_one(void)
{
    struct loop *loop = loop_open();
    uint64_t start = loop_now();
    int passed = 0;

    loop_deadline(loop, start + 10 * MILLISECOND);
    loop_deadline(loop, start + 40 * MILLISECOND);
    for (int i = 0; i < 3 && passed == 0; i++) {
        passed = loop_wait(loop, BOUND_MS);
    }
    CHECK(passed == 1 && loop_now() - start >= 40 * MILLISECOND);
    loop_deadline(loop, loop_now() + 10 * MILLISECOND);
    loop_deadline(loop, UINT64_MAX);
    CHECK(loop_wait(loop, 30) == 0);
    CHECK(!readable(loop, 0));
    loop_close(loop);
}

static void the_exit_of_a_process_is_reported(void)
{
    struct loop *loop = loop_open();
    struct probe probe = make_probe(loop);
    int pidfd = 0; /* kqueue needs none */
    int added;
    int hold[2];
    pid_t pid;

    CHECK(pipe(hold) == 0);
    pid = fork();
    if (pid == 0) {
        char byte;

        close(hold[1]);
        _exit((int)read(hold[0], &byte, 1));
    }
#ifdef __linux__
    pidfd = (int)syscall(SYS_pidfd_open, (long)pid, 0L);
#endif
    /* valgrind knows no pidfd_open. */
    added = loop_add_process(loop, &probe.watch, pid, pidfd);
    CHECK(added == (pidfd < 0 ? -ENOSYS : 0));
    CHECK(loop_wait(loop, 0) == 0);
    close(hold[1]);
    if (added == 0) {
        CHECK(loop_wait(loop, BOUND_MS) == 1 && probe.events == LOOP_EXIT);
    }
    loop_remove(loop, &probe.watch);
    CHECK(waitpid(pid, NULL, 0) == pid);
    CHECK(loop_wait(loop, 0) == 0);
    if (pidfd > 0) {
        close(pidfd);
    }
    close(hold[0]);
    loop_close(loop);
}

static void a_process_without_descriptor_is_refused_on_linux(void)
{
#ifdef __linux__
    struct loop *loop = loop_open();
    struct probe probe = make_probe(loop);

    CHECK(loop_add_process(loop, &probe.watch, getpid(), -1) == -ENOSYS);
    CHECK(probe.watch.fd == -1);
    loop_close(loop);
#endif
}

static void closing_in_a_forked_child_leaves_the_parent_alone(void)
{
    struct loop *loop = loop_open();
    struct probe probe = make_probe(loop);
    int pair[2];
    int status = -1;
    pid_t pid;

    CHECK(pipe(pair) == 0);
    CHECK(loop_add(loop, &probe.watch, pair[0], LOOP_READ) == 0);
    pid = fork();
    if (pid == 0) {
        loop_close(loop);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(write(pair[1], "x", 1) == 1);
    CHECK(loop_wait(loop, BOUND_MS) == 1);
    loop_close(loop);
    close(pair[0]);
    close(pair[1]);
}

static void a_bad_descriptor_is_refused(void)
{
    struct loop *loop = loop_open();
    struct probe probe = make_probe(loop);

    CHECK(loop_add(loop, &probe.watch, 987, LOOP_READ) == -EBADF);
    CHECK(probe.watch.fd == -1);
    loop_close(loop);
}

int main(void)
{
    (void)alarm(60);
    input_is_reported_until_it_is_read();
    only_the_interest_is_reported();
    end_of_input_is_reported_as_something_to_read();
    a_gone_reader_is_reported_without_interest();
    a_removed_watch_is_not_called_for_a_fetched_event();
    a_file_is_always_ready_and_seen_by_the_host();
    a_deadline_wakes_the_host_and_counts();
    a_later_deadline_replaces_an_earlier_one();
    the_exit_of_a_process_is_reported();
    a_process_without_descriptor_is_refused_on_linux();
    closing_in_a_forked_child_leaves_the_parent_alone();
    a_bad_descriptor_is_refused();
    return check_report();
}
