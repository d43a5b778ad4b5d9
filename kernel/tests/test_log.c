/* SPDX-License-Identifier: Apache-2.0 */
#include "../src/log.h"
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_SIZE 200000

/* What reached the sink last. */
struct seen {
    int level;
    int count;
    char line[2000];
};

static void remember(void *context, int level, const char *line)
{
    struct seen *seen = context;

    seen->level = level;
    seen->count++;
    snprintf(seen->line, sizeof seen->line, "%s", line);
}

static struct log log_into(struct seen *seen, int level)
{
    struct log log;

    *seen = (struct seen){.level = -1};
    log_open(&log, level);
    log.sink = remember;
    log.context = seen;
    return log;
}

/* Runs `act` in a child whose stderr is `fd` (-1: closed). Its exit status, 100 where a signal ended it. */
static int run_with_stderr(int fd, int (*act)(int fd), int argument)
{
    const pid_t child = fork();
    int status;

    if (child < 0) {
        abort();
    }
    if (child == 0) {
        signal(SIGPIPE, SIG_DFL);
        alarm(20);
        if (fd >= 0 ? dup2(fd, STDERR_FILENO) < 0 : close(STDERR_FILENO) != 0) {
            _exit(101);
        }
        _exit(act(argument));
    }
    if (waitpid(child, &status, 0) != child) {
        abort();
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
}

static void make_pipe(int ends[2])
{
    if (pipe(ends) != 0) {
        abort();
    }
}

/* Everything that is there now; the caller is done before the next call. */
static const char *drain(int fd)
{
    static char text[TEXT_SIZE];
    const int flags = fcntl(fd, F_GETFL);
    size_t len = 0;
    ssize_t n;

    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    while (len < sizeof text - 1 && (n = read(fd, text + len, sizeof text - 1 - len)) > 0) {
        len += (size_t)n;
    }
    fcntl(fd, F_SETFL, flags);
    text[len] = '\0';
    return text;
}

static void fill(int fd)
{
    const int flags = fcntl(fd, F_GETFL);

    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    while (write(fd, "................", 16) > 0 || write(fd, ".", 1) > 0) {
        continue;
    }
    fcntl(fd, F_SETFL, flags);
}

static bool ends_with(const char *text, const char *end)
{
    return strlen(text) >= strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

static void the_sink_gets_lines_of_the_level_and_above(void)
{
    struct seen seen;
    struct log log = log_into(&seen, LOG_LEVEL_INFO);

    log_line(&log, LOG_LEVEL_DEBUG, "%d", 1);
    CHECK(seen.count == 0);
    log_line(&log, LOG_LEVEL_INFO, "worker %d: %s", 7, "started");
    CHECK(seen.count == 1 && seen.level == LOG_LEVEL_INFO);
    CHECK_STR(seen.line, "worker 7: started");
    log_line(&log, LOG_LEVEL_ERROR, "%s", "");
    CHECK(seen.count == 2 && seen.level == LOG_LEVEL_ERROR);
    CHECK_STR(seen.line, "");
    CHECK(!log.opened);
    log_close(&log);
}

static void a_line_is_cut_between_characters(void)
{
    struct seen seen;
    struct log log = log_into(&seen, LOG_LEVEL_DEBUG);
    char text[3000];

    memset(text, 'x', sizeof text);
    text[1000] = '\0';
    log_line(&log, LOG_LEVEL_INFO, "%s", text);
    CHECK_STR(seen.line, text);
    text[1000] = 'y';
    text[2999] = '\0';
    log_line(&log, LOG_LEVEL_INFO, "%s", text);
    CHECK(strlen(seen.line) == 1000 && seen.line[999] == 'x');
    memcpy(text + 998, "€", 3);
    log_line(&log, LOG_LEVEL_INFO, "%s", text);
    CHECK(strlen(seen.line) == 998 && seen.line[997] == 'x');
    log_close(&log);
}

static void a_line_stays_one_line(void)
{
    struct seen seen;
    struct log log = log_into(&seen, LOG_LEVEL_DEBUG);

    log_line(&log, LOG_LEVEL_INFO, "%s", "a\nb\tc\x1b[1m\x7f é\r\n");
    CHECK_STR(seen.line, "a b c [1m  é  ");
    log_close(&log);
}

static void errno_is_kept(void)
{
    struct seen seen;
    struct log log = log_into(&seen, LOG_LEVEL_DEBUG);

    errno = E2BIG;
    log_line(&log, LOG_LEVEL_INFO, "%f", 1.5);
    CHECK(errno == E2BIG);
    log_close(&log);
}

/* Actions of the child. They return 0, or what went wrong. */

static int write_each_level(int unused)
{
    struct log log;

    (void)unused;
    log_open(&log, LOG_LEVEL_DEBUG);
    log_line(&log, LOG_LEVEL_DEBUG, "one");
    log_line(&log, LOG_LEVEL_INFO, "two %d", 2);
    log_line(&log, LOG_LEVEL_WARN, "three");
    log_line(&log, LOG_LEVEL_ERROR, "four");
    if (log.dropped != 0 || !(fcntl(log.out.fd, F_GETFD) & FD_CLOEXEC) || log.out.fd <= 2) {
        return 1;
    }
    log_close(&log);
    return fcntl(STDERR_FILENO, F_GETFD) == 0 ? 0 : 2; /* still there, for the workers */
}

static const char EACH_LEVEL[] = "stdio_bus: debug: one\n"
                                 "stdio_bus: info: two 2\n"
                                 "stdio_bus: warning: three\n"
                                 "stdio_bus: error: four\n";

static int lose_two_lines(int unused)
{
    struct log log;

    (void)unused;
    log_open(&log, LOG_LEVEL_DEBUG);
    log_line(&log, LOG_LEVEL_INFO, "one");
    log_line(&log, LOG_LEVEL_INFO, "two");
    if (log.dropped != 2) {
        return 1;
    }
    log_close(&log);
    return 0;
}

/* Fills stderr with lines up to its brim, then empties it through its other end. */
static int overrun_and_recover(int reader)
{
    struct log log;

    log_open(&log, LOG_LEVEL_DEBUG);
    for (int i = 0; i < 5000 && log.dropped < 3; i++) {
        log_line(&log, LOG_LEVEL_INFO, "a line of some length that fills up whatever it is written to, number %d", i);
    }
    if (log.dropped != 3) {
        return 1;
    }
    (void)drain(reader);
    log_line(&log, LOG_LEVEL_INFO, "after");
    if (log.dropped != 0) {
        return 2;
    }
    log_line(&log, LOG_LEVEL_INFO, "and on");
    log_close(&log);
    return 0;
}

static void every_level_has_its_name(void)
{
    int ends[2];

    make_pipe(ends);
    CHECK(run_with_stderr(ends[1], write_each_level, 0) == 0);
    CHECK_STR(drain(ends[0]), EACH_LEVEL);
    close(ends[0]);
    close(ends[1]);
}

static void an_unread_pipe_costs_lines_and_no_time(void)
{
    int ends[2];
    int before;

    make_pipe(ends);
    fill(ends[1]);
    before = fcntl(ends[1], F_GETFL);
    CHECK(run_with_stderr(ends[1], lose_two_lines, 0) == 0);
    CHECK(fcntl(ends[1], F_GETFL) == before && !(before & O_NONBLOCK));
    (void)drain(ends[0]);
    close(ends[0]);
    close(ends[1]);
}

static void lost_lines_are_told_when_a_pipe_is_read_again(void)
{
    int ends[2];

    make_pipe(ends);
    CHECK(run_with_stderr(ends[1], overrun_and_recover, ends[0]) == 0);
    CHECK_STR(drain(ends[0]), "stdio_bus: warning: 3 log lines were lost\n"
                              "stdio_bus: info: after\n"
                              "stdio_bus: info: and on\n");
    close(ends[0]);
    close(ends[1]);
}

static void a_pipe_without_a_reader_ends_nothing(void)
{
    int ends[2];

    make_pipe(ends);
    close(ends[0]);
    CHECK(run_with_stderr(ends[1], lose_two_lines, 0) == 0);
    close(ends[1]);
}

static void a_closed_stderr_costs_lines_only(void)
{
    CHECK(run_with_stderr(-1, lose_two_lines, 0) == 0);
}

/* Something else gets the number 2 after the first line. */
static int reuse_the_number(int stranger)
{
    struct log log;

    log_open(&log, LOG_LEVEL_DEBUG);
    log_line(&log, LOG_LEVEL_INFO, "lost");
    if (dup2(stranger, STDERR_FILENO) < 0) {
        return 1;
    }
    log_line(&log, LOG_LEVEL_INFO, "lost");
    return log.dropped == 2 ? 0 : 2;
}

static void a_later_descriptor_2_is_not_written_to(void)
{
    int ends[2];

    make_pipe(ends);
    CHECK(run_with_stderr(-1, reuse_the_number, ends[1]) == 0);
    CHECK_STR(drain(ends[0]), "");
    close(ends[0]);
    close(ends[1]);
}

static void a_socket_is_written_to_without_waiting(void)
{
    int ends[2];
    const char *text;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
        abort();
    }
    CHECK(run_with_stderr(ends[1], write_each_level, 0) == 0);
    CHECK_STR(drain(ends[0]), EACH_LEVEL);
    CHECK(run_with_stderr(ends[1], overrun_and_recover, ends[0]) == 0);
    text = drain(ends[0]);
    CHECK(ends_with(text, "stdio_bus: warning: 3 log lines were lost\n"
                          "stdio_bus: info: after\n"
                          "stdio_bus: info: and on\n"));
    CHECK(!(fcntl(ends[1], F_GETFL) & O_NONBLOCK));
    close(ends[0]);
    CHECK(run_with_stderr(ends[1], lose_two_lines, 0) == 0);
    close(ends[1]);
}

static void a_file_is_appended_to_where_its_sharer_stands(void)
{
    char path[] = "/tmp/test_log.XXXXXX";
    const int fd = mkstemp(path);
    char expected[300];

    if (fd < 0 || unlink(path) != 0 || write(fd, "before\n", 7) != 7) {
        abort();
    }
    CHECK(run_with_stderr(fd, write_each_level, 0) == 0);
    CHECK(write(fd, "after\n", 6) == 6);
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    snprintf(expected, sizeof expected, "before\n%safter\n", EACH_LEVEL);
    CHECK_STR(drain(fd), expected);
    close(fd);
}

/* A limit on the size of files makes the system take only the first 30 bytes. */
static int tear_a_line(int unused)
{
    struct rlimit limit;
    struct log log;

    (void)unused;
    signal(SIGXFSZ, SIG_IGN);
    log_open(&log, LOG_LEVEL_DEBUG);
    if (getrlimit(RLIMIT_FSIZE, &limit) != 0) {
        return 1;
    }
    limit.rlim_cur = 30;
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) {
        return 2;
    }
    log_line(&log, LOG_LEVEL_INFO, "torn after some bytes");
    log_line(&log, LOG_LEVEL_INFO, "lost");
    if (!log.torn || log.dropped != 2) {
        return 3;
    }
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) {
        return 4;
    }
    log_line(&log, LOG_LEVEL_INFO, "whole");
    return log.torn || log.dropped ? 5 : 0;
}

static void a_torn_line_is_ended_first(void)
{
    char path[] = "/tmp/test_log.XXXXXX";
    const int fd = mkstemp(path);

    if (fd < 0 || unlink(path) != 0) {
        abort();
    }
    CHECK(run_with_stderr(fd, tear_a_line, 0) == 0);
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    CHECK_STR(drain(fd), "stdio_bus: info: torn after so\n"
                         "stdio_bus: warning: 2 log lines were lost\n"
                         "stdio_bus: info: whole\n");
    close(fd);
}

static void an_excerpt_is_safe_to_print(void)
{
    char out[LOG_EXCERPT_SIZE];

    CHECK_STR(log_excerpt("", 0, out), "");
    CHECK_STR(log_excerpt("{\"a\\n\":1}", 9, out), "{\"a\\n\":1}");
    CHECK_STR(log_excerpt("a\0b\x1b\x7f~ é\n", 10, out), "a\\x00b\\x1b\\x7f~ \\xc3\\xa9\\x0a");
}

static void an_excerpt_is_cut(void)
{
    char out[LOG_EXCERPT_SIZE];
    char text[200];
    char expected[200] = "";

    memset(text, 'x', sizeof text);
    memset(expected, 'x', 128);
    CHECK_STR(log_excerpt(text, 128, out), expected);
    strcpy(expected + 128, "...");
    CHECK_STR(log_excerpt(text, 129, out), expected);
    CHECK_STR(log_excerpt(text, 200, out), expected);
    text[126] = '\n';
    strcpy(expected + 126, "...");
    CHECK_STR(log_excerpt(text, 127, out), expected);
    memset(text, '\n', sizeof text);
    CHECK(strlen(log_excerpt(text, 32, out)) == 128);
    CHECK(strlen(log_excerpt(text, 33, out)) == 131);
}

int main(void)
{
    the_sink_gets_lines_of_the_level_and_above();
    a_line_is_cut_between_characters();
    a_line_stays_one_line();
    errno_is_kept();
    every_level_has_its_name();
    an_unread_pipe_costs_lines_and_no_time();
    lost_lines_are_told_when_a_pipe_is_read_again();
    a_pipe_without_a_reader_ends_nothing();
    a_closed_stderr_costs_lines_only();
    a_later_descriptor_2_is_not_written_to();
    a_socket_is_written_to_without_waiting();
    a_file_is_appended_to_where_its_sharer_stands();
    a_torn_line_is_ended_first();
    an_excerpt_is_safe_to_print();
    an_excerpt_is_cut();
    return check_report();
}
