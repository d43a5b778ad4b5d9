/* SPDX-License-Identifier: Apache-2.0 */
#include "process.h"
#include "pipe.h"

#ifdef __linux__

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The child runs in the memory of the parent, on a stack of its own. It makes system calls and nothing else: the
 * C library and the sanitizers keep state there, which belongs to the parent. */
#define IN_CHILD __attribute__((no_sanitize("address", "undefined", "thread"), noinline))

enum {
    STACK_SIZE = 64 * 1024,
    LISTING_SIZE = 4096,
    MOST_NUMBERS = 65536, /* descriptors tried one by one where there is no better way */
    KERNEL_SIGSET = 8,
    KERNEL_SIGNALS = 64,
    CALL_PIDFD_OPEN = 434, /* the numbers are the same on every architecture; older headers lack them */
    CALL_CLOSE_RANGE = 436,
    WITH_PIDFD = 0x1000, /* CLONE_PIDFD */
    CANNOT_EXECUTE = 127,
};

struct child {
    const struct spawn_plan *plan;
    char *const *candidates;
    int input;
    int output;
    int report;        /* takes the errno of a failure; closed by a successful exec */
    pid_t dies_with;   /* the parent, or 0 */
    volatile bool ran; /* in the memory of the parent: without it the child has a copy (valgrind, qemu) */
};

/* The parts of linux/dirent64 that are needed; readdir() would allocate. */
struct listed {
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

IN_CHILD static void default_signals(void)
{
    const uint64_t nothing[8] = {0}; /* more than a kernel's struct sigaction; all zero it is SIG_DFL */

    for (long signal = 1; signal <= KERNEL_SIGNALS; signal++) {
        if (signal != SIGKILL && signal != SIGSTOP) {
            (void)syscall(SYS_rt_sigaction, signal, nothing, NULL, (long)KERNEL_SIGSET);
        }
    }
}

IN_CHILD static long number(const char *digits)
{
    long value = 0;

    if (*digits < '0' || *digits > '9') {
        return -1;
    }
    for (; *digits >= '0' && *digits <= '9'; digits++) {
        value = value * 10 + (*digits - '0');
    }
    return value;
}

IN_CHILD static bool close_listed(long first)
{
    _Alignas(uint64_t) char buffer[LISTING_SIZE];
    long listing = syscall(SYS_openat, (long)AT_FDCWD, "/proc/self/fd", (long)(O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    long len = -1;

    if (listing < 0) {
        return false;
    }
    while ((len = syscall(SYS_getdents64, listing, buffer, sizeof buffer)) > 0) {
        for (long at = 0; at < len;) {
            const struct listed *entry = (const void *)(buffer + at);
            long fd = number(entry->name);

            if (fd >= first && fd != listing) {
                (void)syscall(SYS_close, fd);
            }
            at += entry->length;
        }
    }
    (void)syscall(SYS_close, listing);
    return len == 0;
}

IN_CHILD static void close_from(long first)
{
    if (syscall(CALL_CLOSE_RANGE, first, (long)~0U, 0L) == 0 || close_listed(first)) {
        return;
    }
    for (long fd = first; fd < MOST_NUMBERS; fd++) {
        (void)syscall(SYS_close, fd);
    }
}

/* Leaves 0, 1, 2 and the report, which is moved to 3. */
IN_CHILD static bool arrange_descriptors(const struct child *child, int *report)
{

    if (syscall(SYS_dup3, (long)child->input, 0L, 0L) < 0 || syscall(SYS_dup3, (long)child->output, 1L, 0L) < 0) {
        return false;
    }
    if (syscall(SYS_fcntl, 2L, (long)F_SETFD, 0L) < 0 &&
        syscall(SYS_openat, (long)AT_FDCWD, "/dev/null", (long)O_RDWR) != 2) {
        return false;
    }
    if (*report != 3 && syscall(SYS_dup3, (long)*report, 3L, (long)O_CLOEXEC) < 0) {
        return false;
    }
    *report = 3;
    close_from(4);
    return true;
}

IN_CHILD static int execute(const struct child *child)
{
    int error = ENOENT;

    for (char *const *path = child->candidates; *path != NULL; path++) {
        (void)syscall(SYS_execve, *path, child->plan->argv, child->plan->envp);
        if (errno == EACCES) {
            error = EACCES;
        } else if (errno != ENOENT && errno != ENOTDIR) {
            return errno;
        }
    }
    return error;
}

IN_CHILD static int become_worker(const struct child *child, int *report)
{
    const uint64_t no_signals = 0;

    if (syscall(SYS_setpgid, 0L, 0L) < 0) {
        return errno;
    }
    default_signals();
    if (child->dies_with != 0) {
        (void)syscall(SYS_prctl, (long)PR_SET_PDEATHSIG, (long)SIGKILL, 0L, 0L, 0L);
        if (syscall(SYS_getppid) != child->dies_with) {
            return ESRCH;
        }
    }
    if (child->plan->cwd != NULL && syscall(SYS_chdir, child->plan->cwd) < 0) {
        return errno;
    }
    if (!arrange_descriptors(child, report)) {
        return errno;
    }
    (void)syscall(SYS_rt_sigprocmask, (long)SIG_SETMASK, &no_signals, NULL, (long)KERNEL_SIGSET);
    return execute(child);
}

IN_CHILD static int run_child(void *argument)
{
    struct child *child = argument;
    int report = child->report;
    int error;

    child->ran = true;
    error = become_worker(child, &report);
    (void)syscall(SYS_write, (long)report, &error, sizeof error);
    return CANNOT_EXECUTE;
}

static int clone_child(struct child *child, void *stack, int *pidfd)
{
    void *top = (char *)stack + STACK_SIZE;
    int pid;

    *pidfd = -1;
    pid = clone(run_child, top, CLONE_VM | CLONE_VFORK | WITH_PIDFD | SIGCHLD, child, pidfd, NULL, NULL);
    if (pid < 0 && errno == EINVAL) {
        *pidfd = -1;
        pid = clone(run_child, top, CLONE_VM | CLONE_VFORK | SIGCHLD, child, NULL, NULL, NULL);
    }
    return pid < 0 ? -errno : pid;
}

/* A signal handler must not run in the child, and the child must not be delivered one between the two. */
static int clone_without_signals(struct child *child, int *pidfd)
{
    sigset_t all;
    sigset_t before;
    void *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    int pid;

    if (stack == MAP_FAILED) {
        return -errno;
    }
    sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    pid = clone_child(child, stack, pidfd);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)munmap(stack, STACK_SIZE);
    return pid;
}

/* Opened by number, and so only good if our child, not yet reaped, held that number afterwards too. */
static void find_pidfd(struct process *process)
{
    siginfo_t about;

    if (process->pidfd < 0) {
        process->pidfd = (int)syscall(CALL_PIDFD_OPEN, (long)process->pid, 0L);
        if (process->pidfd >= 0 && waitid(P_PID, (id_t)process->pid, &about, WEXITED | WNOHANG | WNOWAIT) != 0) {
            process_forget(process);
        }
    }
    if (process->pidfd >= 0 && pipe_keep_clear(&process->pidfd) != 0) {
        process_forget(process);
    }
}

/* Where the child ran in our memory, it is past its exec by now; a read could wait for a copy of the pipe in a
 * process that another thread has forked. */
static int failure(const struct child *child, int report)
{
    int error = 0;
    ssize_t n;

    if (child->ran) {
        (void)fcntl(report, F_SETFL, O_NONBLOCK);
    }
    do {
        n = read(report, &error, sizeof error);
    } while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof error ? error : 0;
}

static void reap(struct process *process)
{
    siginfo_t about;
    int status;

    while (waitid(P_PID, (id_t)process->pid, &about, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
        continue;
    }
    (void)process_check(process, &status);
    process_forget(process);
    process->pid = 0;
}

static int start(struct child *child, struct process *process, int report[2])
{
    int pid = clone_without_signals(child, &process->pidfd);
    int error;

    close(report[1]);
    report[1] = -1;
    if (pid < 0) {
        return pid;
    }
    process->pid = pid;
    find_pidfd(process);
    error = failure(child, report[0]);
    if (error != 0) {
        reap(process);
    }
    return -error;
}

int spawn_start(const struct spawn_plan *plan, struct process *process, int *to_worker, int *from_worker)
{
    bool is_main_thread = syscall(SYS_gettid) == getpid();
    struct child child = {.plan = plan, .dies_with = is_main_thread ? getpid() : 0};
    char **candidates = spawn_candidates(plan);
    int down[2] = {-1, -1};
    int up[2] = {-1, -1};
    int report[2] = {-1, -1};
    int rc = candidates == NULL ? -ENOMEM : 0;

    *process = (struct process){.pidfd = -1};
    if (rc != 0 || (rc = pipe_open(down)) != 0 || (rc = pipe_open(up)) != 0 || (rc = pipe_open(report)) != 0) {
        goto done;
    }
    child.candidates = candidates;
    child.input = down[0];
    child.output = up[1];
    child.report = report[1];
    rc = start(&child, process, report);
    if (rc != 0) {
        goto done;
    }
    *to_worker = down[1];
    *from_worker = up[0];
    down[1] = up[0] = -1;

done:
    pipe_close(down);
    pipe_close(up);
    pipe_close(report);
    free(candidates);
    return rc;
}

#else
typedef int process_linux_unused;
#endif
