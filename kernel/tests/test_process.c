/* SPDX-License-Identifier: Apache-2.0 */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#include "check.h"

enum { BOUND_MS = 10000, TEXT_SIZE = 4096 };

static char directory[PATH_MAX];

struct worker {
    struct process process;
    int to;
    int from;
};

static int start(struct worker *worker, const char *cwd, char *const *argv)
{
    char **environment = spawn_environment(true, NULL, NULL);
    struct spawn_plan plan = {.argv = argv, .envp = environment, .cwd = cwd};
    int rc = spawn_start(&plan, &worker->process, &worker->to, &worker->from);

    free(environment);
    return rc;
}

static struct worker start_shell(const char *script)
{
    char *argv[] = {"sh", "-c", (char *)(uintptr_t)script, NULL};
    struct worker worker = {.to = -1, .from = -1};

    CHECK(start(&worker, NULL, argv) == 0);
    return worker;
}

static void drop(struct worker *worker)
{
    process_forget(&worker->process);
    close(worker->to);
    close(worker->from);
}

/* Everything until the end, at most BOUND_MS between two pieces. */
static const char *output(int fd, char text[TEXT_SIZE])
{
    struct pollfd look = {.fd = fd, .events = POLLIN};
    size_t len = 0;
    ssize_t n = 1;

    while (n > 0 && len < TEXT_SIZE - 1 && poll(&look, 1, BOUND_MS) == 1) {
        n = read(fd, text + len, TEXT_SIZE - 1 - len);
        len += n > 0 ? (size_t)n : 0;
    }
    text[len] = '\0';
    return text;
}

static enum process_fate outcome(struct worker *worker, int *status)
{
    enum process_fate fate = PROCESS_ALIVE;

    for (int i = 0; i < BOUND_MS && (fate = process_check(&worker->process, status)) == PROCESS_ALIVE; i++) {
        (void)nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    return fate;
}

static int finish(struct worker *worker)
{
    int status = -1;

    CHECK(outcome(worker, &status) == PROCESS_ENDED);
    drop(worker);
    return status;
}

static void pipes_lead_to_the_worker_and_back(void)
{
    struct worker worker = start_shell("read line; echo \"got $line\"; exit 3");
    char text[TEXT_SIZE];
    int status;

    CHECK(worker.to > 2 && worker.from > 2);
    CHECK((fcntl(worker.to, F_GETFD) & FD_CLOEXEC) && (fcntl(worker.from, F_GETFD) & FD_CLOEXEC));
    CHECK(process_check(&worker.process, &status) == PROCESS_ALIVE);
    CHECK(write(worker.to, "hello\n", 6) == 6);
    CHECK_STR(output(worker.from, text), "got hello\n");
    CHECK_STR(spawn_describe(finish(&worker), text, sizeof text), "exit status 3");
}

static void a_worker_has_three_descriptors_that_block(void)
{
#ifdef __linux__
    struct worker worker;
    char text[TEXT_SIZE];
    int leaked = dup(0);
    int high = dup2(0, 200);

    worker = start_shell("ls /proc/self/fd | tr '\\n' ' '; grep flags /proc/self/fdinfo/0");
    CHECK(strncmp(output(worker.from, text), "0 1 2 3 flags:", 14) == 0); /* 3 is what ls reads */
    CHECK(strstr(text, "04000") == NULL);
    CHECK(finish(&worker) == 0);
    close(leaked);
    close(high);
#endif
}

static void a_closed_stderr_becomes_the_null_device(void)
{
#ifdef __linux__
    struct worker worker;
    char text[TEXT_SIZE];
    int saved = fcntl(2, F_DUPFD_CLOEXEC, 100);

    close(2);
    worker = start_shell("readlink /proc/self/fd/2");
    CHECK(dup2(saved, 2) == 2);
    CHECK_STR(output(worker.from, text), "/dev/null\n");
    CHECK(finish(&worker) == 0);
    close(saved);
#endif
}

static void free_standard_numbers_are_not_used(void)
{
    struct worker worker;
    char text[TEXT_SIZE];
    int saved[2] = {fcntl(0, F_DUPFD_CLOEXEC, 100), fcntl(1, F_DUPFD_CLOEXEC, 100)};

    close(0);
    close(1);
    worker = start_shell("cat");
    CHECK(worker.to > 2 && worker.from > 2 && (worker.process.pidfd == -1 || worker.process.pidfd > 2));
    CHECK(dup2(saved[0], 0) == 0 && dup2(saved[1], 1) == 1);
    CHECK(write(worker.to, "hi", 2) == 2);
    close(worker.to);
    worker.to = -1;
    CHECK_STR(output(worker.from, text), "hi");
    CHECK(finish(&worker) == 0);
    close(saved[0]);
    close(saved[1]);
}

static void signals_are_as_in_a_fresh_process(void)
{
#ifdef __linux__
    struct worker worker;
    char text[TEXT_SIZE];
    sigset_t all;
    sigset_t before;
    sigset_t now;

    CHECK(signal(SIGUSR1, SIG_IGN) != SIG_ERR && signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    sigfillset(&all);
    CHECK(pthread_sigmask(SIG_BLOCK, &all, &before) == 0);
    worker = start_shell("exec cat /proc/self/status");
    CHECK(pthread_sigmask(SIG_SETMASK, &before, &now) == 0 && sigismember(&now, SIGTERM) == 1);
    (void)output(worker.from, text);
    CHECK(strstr(text, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nSigCgt:\t0000000000000000\n") != NULL);
    CHECK(finish(&worker) == 0);
    CHECK(signal(SIGUSR1, SIG_DFL) == SIG_IGN && signal(SIGPIPE, SIG_DFL) == SIG_IGN);
#endif
}

static void a_worker_leads_its_own_group(void)
{
    struct worker worker = start_shell("cat");

    CHECK(getpgid(worker.process.pid) == worker.process.pid);
    process_signal(&worker.process, SIGTERM);
    CHECK(finish(&worker) == SIGTERM);
}

static void whoever_is_left_in_the_group_is_ended(void)
{
    struct worker worker;
    char text[TEXT_SIZE];
    int status = -1;

    /* The grandchild holds the pipe open until it is killed. */
    worker = start_shell("sleep 100 & exit 0");
    CHECK(outcome(&worker, &status) == PROCESS_ENDED && status == 0);
    CHECK_STR(output(worker.from, text), "");
    drop(&worker);
}

static void a_child_reaped_by_the_host_is_lost(void)
{
    struct worker worker = start_shell("exit 0");
    int status = 7;

    CHECK(waitpid(worker.process.pid, NULL, 0) == worker.process.pid);
    CHECK(outcome(&worker, &status) == PROCESS_LOST && worker.process.reaped && status == 7);
    process_signal(&worker.process, SIGKILL);
    CHECK(process_check(&worker.process, &status) == PROCESS_LOST);
    drop(&worker);
}

static void a_host_that_ignores_children_costs_only_the_status(void)
{
    struct worker worker;
    int status;

    CHECK(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
    worker = start_shell("cat");
    CHECK(process_check(&worker.process, &status) == PROCESS_ALIVE);
    process_signal(&worker.process, SIGKILL);
    CHECK(outcome(&worker, &status) == PROCESS_LOST);
    CHECK(signal(SIGCHLD, SIG_DFL) == SIG_IGN);
    drop(&worker);
}

static void other_children_are_left_alone(void)
{
    struct worker worker;
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        _exit(5);
    }
    worker = start_shell("exit 0");
    CHECK(finish(&worker) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 5);
}

static void a_command_that_cannot_run_says_why(void)
{
    char path[PATH_MAX + 64];
    struct worker worker;

    CHECK(start(&worker, NULL, (char *[]){"no-such-command", NULL}) == -ENOENT);
    CHECK(worker.process.pid == 0 && worker.process.pidfd == -1);
    CHECK(start(&worker, NULL, (char *[]){"", NULL}) == -ENOENT);
    CHECK(start(&worker, NULL, (char *[]){"/etc/passwd", NULL}) == -EACCES);
    CHECK(start(&worker, "/no/such/directory", (char *[]){"true", NULL}) == -ENOENT);
    (void)snprintf(path, sizeof path, "%s/script", directory);
    close(open(path, O_WRONLY | O_CREAT, 0700));
    CHECK(start(&worker, NULL, (char *[]){path, NULL}) == -ENOEXEC);
    CHECK(start(&worker, directory, (char *[]){"./script", NULL}) == -ENOEXEC);
    CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
    (void)unlink(path);
    CHECK(spawn_is_shortage(-EMFILE) && spawn_is_shortage(EAGAIN) && !spawn_is_shortage(-ENOENT));
}

/* For what cannot be undone in a process. */
static void in_a_process_of_its_own(void (*check)(void))
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        check();
        _exit(check_report());
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void lower_the_limit_until_nothing_starts(void)
{
    struct rlimit limit;
    struct worker worker;
    int lowest = fcntl(0, F_DUPFD_CLOEXEC, 3);
    int rc = -EMFILE;

    close(lowest);
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    for (int free_numbers = 0; free_numbers < 12 && rc != 0; free_numbers++) {
        limit.rlim_cur = (rlim_t)(lowest + free_numbers);
        CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
        rc = start(&worker, NULL, (char *[]){"true", NULL});
        CHECK(rc == 0 || spawn_is_shortage(rc));
    }
    CHECK(rc == 0);
    CHECK(finish(&worker) == 0);
    CHECK(fcntl(0, F_DUPFD_CLOEXEC, 3) == lowest);
}

static void want_of_descriptors_is_a_shortage_and_leaks_nothing(void)
{
    const char *preloaded = getenv("LD_PRELOAD");

    if (preloaded != NULL && strstr(preloaded, "vgpreload") != NULL) {
        return; /* valgrind 3.19 gives up where a clone() is refused */
    }
    in_a_process_of_its_own(lower_the_limit_until_nothing_starts);
}

#ifdef __linux__
/* What a container's filter may do: the calls exist, but not for us. */
static bool forbid_newer_calls(void)
{
    static const unsigned calls[] = {424 /* pidfd_send_signal */, 434 /* pidfd_open */, 435 /* clone3 */,
                                     436 /* close_range */};
    struct sock_filter filter[16] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
    unsigned short n = 1;

    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i], 0, 1);
        filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
    }
    /* waitid(P_PIDFD, ...) too */
    filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_waitid, 0, 3);
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]));
    filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 3, 0, 1);
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {.len = n, .filter = filter};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void do_without_newer_calls(void)
{
    if (!forbid_newer_calls()) {
        return; /* valgrind */
    }
    a_worker_has_three_descriptors_that_block();
    a_worker_leads_its_own_group();
    whoever_is_left_in_the_group_is_ended();
    a_command_that_cannot_run_says_why();
}

#endif

static void it_works_without_newer_system_calls(void)
{
#ifdef __linux__
    in_a_process_of_its_own(do_without_newer_calls);
#endif
}

/* Killed, the kernel cannot clean up; its worker would sleep on. */
static void no_worker_outlives_a_killed_parent(void)
{
#ifdef __linux__
    char text[TEXT_SIZE];
    int alive[2];
    pid_t pid;

    CHECK(pipe(alive) == 0);
    pid = fork();
    if (pid == 0) {
        struct worker worker;

        CHECK(dup2(alive[1], 2) == 2);
        close(alive[0]);
        close(alive[1]);
        worker = start_shell("echo started >&2; exec sleep 100");
        (void)poll(NULL, 0, BOUND_MS);
        _exit(worker.to);
    }
    close(alive[1]);
    CHECK(read(alive[0], text, 8) == 8);
    CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
    CHECK_STR(output(alive[0], text), ""); /* ends when the last holder of stderr has */
    close(alive[0]);
#endif
}

static void *start_in_thread(void *argument)
{
    *(struct worker *)argument = start_shell("cat");
    return NULL;
}

static void a_worker_outlives_the_thread_that_started_it(void)
{
    struct worker worker = {.to = -1};
    char text[TEXT_SIZE];
    pthread_t thread;

    CHECK(pthread_create(&thread, NULL, start_in_thread, &worker) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(write(worker.to, "alive", 5) == 5);
    close(worker.to);
    worker.to = -1;
    CHECK_STR(output(worker.from, text), "alive");
    CHECK(finish(&worker) == 0);
}

static const char *joined(char **list, char text[TEXT_SIZE])
{
    size_t len = 0;

    text[0] = '\0';
    for (char **entry = list; entry != NULL && *entry != NULL; entry++) {
        len += (size_t)snprintf(text + len, TEXT_SIZE - len, "%s%s", len > 0 ? " " : "", *entry);
    }
    free(list);
    return text;
}

static void the_environment_is_chosen_by_name(void)
{
    char text[TEXT_SIZE];

    CHECK(setenv("SPAWN_A", "1", 1) == 0 && setenv("SPAWN_B", "2", 1) == 0);
    CHECK_STR(joined(spawn_environment(false, NULL, NULL), text), "");
    CHECK_STR(joined(spawn_environment(false, (char *[]){"SPAWN_A", "SPAWN_NONE", NULL}, NULL), text), "SPAWN_A=1");
    CHECK_STR(joined(spawn_environment(false, (char *[]){"SPAWN_A", "SPAWN_B", NULL},
                                       (char *[]){"SPAWN_A=x=y", "SPAWN_C=", NULL}),
                     text),
              "SPAWN_B=2 SPAWN_A=x=y SPAWN_C=");
    CHECK(strstr(joined(spawn_environment(true, NULL, (char *[]){"SPAWN_B=new", NULL}), text), "SPAWN_B=2") == NULL);
    CHECK(strstr(text, "SPAWN_A=1") != NULL && strstr(text, "SPAWN_B=new") != NULL);
    CHECK(unsetenv("SPAWN_A") == 0 && unsetenv("SPAWN_B") == 0);
}

static void the_command_is_looked_up_in_the_path_of_the_worker(void)
{
    struct spawn_plan plan = {.argv = (char *[]){"tool", NULL}, .envp = (char *[]){"A=1", "PATH=/a::/b/", NULL}};
    char text[TEXT_SIZE];

    CHECK_STR(joined(spawn_candidates(&plan), text), "/a/tool ./tool /b//tool");
    plan.argv = (char *[]){"./tool", NULL};
    CHECK_STR(joined(spawn_candidates(&plan), text), "./tool");
    plan.argv = (char *[]){"tool", NULL};
    plan.envp = (char *[]){NULL};
    char *saved = strdup(getenv("PATH"));
    CHECK(setenv("PATH", "/ours", 1) == 0);
    CHECK_STR(joined(spawn_candidates(&plan), text), "/ours/tool");
    CHECK(unsetenv("PATH") == 0);
    CHECK_STR(joined(spawn_candidates(&plan), text), "/usr/local/bin/tool /usr/bin/tool /bin/tool");
    CHECK(setenv("PATH", saved, 1) == 0);
    free(saved);
}

static void the_working_directory_comes_before_the_lookup(void)
{
    char path[PATH_MAX + 64];
    char text[TEXT_SIZE];
    struct worker worker;
    FILE *script;

    (void)snprintf(path, sizeof path, "%s/tool", directory);
    script = fopen(path, "w");
    CHECK(script != NULL && fputs("#!/bin/sh\npwd\n", script) >= 0 && fclose(script) == 0 && chmod(path, 0700) == 0);
    CHECK(start(&worker, directory, (char *[]){"./tool", NULL}) == 0);
    CHECK(strstr(output(worker.from, text), strrchr(directory, '/')) != NULL);
    CHECK(finish(&worker) == 0);
    (void)unlink(path);
}

static void an_end_is_described(void)
{
    char text[64];

    CHECK_STR(spawn_describe(3 << 8, text, sizeof text), "exit status 3");
    CHECK_STR(spawn_describe(SIGKILL, text, sizeof text), "signal 9 (Killed)");
}

int main(void)
{
    const char *base = getenv("TMPDIR");

    (void)snprintf(directory, sizeof directory, "%s/spawnXXXXXX", base != NULL ? base : "/tmp");
    CHECK(mkdtemp(directory) != NULL);
    (void)alarm(120);
    pipes_lead_to_the_worker_and_back();
    a_worker_has_three_descriptors_that_block();
    a_closed_stderr_becomes_the_null_device();
    free_standard_numbers_are_not_used();
    signals_are_as_in_a_fresh_process();
    a_worker_leads_its_own_group();
    whoever_is_left_in_the_group_is_ended();
    a_child_reaped_by_the_host_is_lost();
    a_host_that_ignores_children_costs_only_the_status();
    other_children_are_left_alone();
    a_command_that_cannot_run_says_why();
    want_of_descriptors_is_a_shortage_and_leaks_nothing();
    it_works_without_newer_system_calls();
    no_worker_outlives_a_killed_parent();
    a_worker_outlives_the_thread_that_started_it();
    the_environment_is_chosen_by_name();
    the_command_is_looked_up_in_the_path_of_the_worker();
    the_working_directory_comes_before_the_lookup();
    an_end_is_described();
    CHECK(rmdir(directory) == 0);
    return check_report();
}
