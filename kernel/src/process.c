/* SPDX-License-Identifier: Apache-2.0 */
#include "process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif
#ifdef __APPLE__
#include <crt_externs.h>
#else
extern char **environ;
#endif

/* Names and numbers that older C libraries and headers lack; the same on every architecture. */
enum {
    WAIT_PIDFD = 3,         /* P_PIDFD */
    SIGNAL_TO_GROUP = 4,    /* PIDFD_SIGNAL_PROCESS_GROUP */
    CALL_SEND_SIGNAL = 424, /* pidfd_send_signal */
};

static const char *const default_path = "/usr/local/bin:/usr/bin:/bin";

bool spawn_is_shortage(int error)
{
    if (error < 0) {
        error = -error;
    }
    return error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE;
}

/* Environment */

static char **host_environment(void)
{
#ifdef __APPLE__
    return *_NSGetEnviron();
#else
    return environ;
#endif
}

static size_t name_length(const char *entry)
{
    return strcspn(entry, "=");
}

static bool same_name(const char *entry, const char *name)
{
    size_t len = name_length(entry);

    return len == name_length(name) && strncmp(entry, name, len) == 0;
}

static bool names(char *const *list, const char *entry)
{
    for (; list != NULL && *list != NULL; list++) {
        if (same_name(*list, entry)) {
            return true;
        }
    }
    return false;
}

/* A list of strings in one block: counted first, then filled by the same calls. */
struct block {
    char **list; /* NULL while counting */
    char *text;
    size_t count;
    size_t bytes;
};

/* `text`, or where there is a directory, `directory/text`. */
static void put(struct block *block, const char *directory, size_t directory_len, const char *text)
{
    size_t len = strlen(text) + 1;
    size_t before = directory_len > 0 ? directory_len + 1 : 0;

    if (block->list != NULL) {
        char *to = block->text + block->bytes;

        block->list[block->count] = to;
        if (before > 0) {
            memcpy(to, directory, directory_len);
            to[directory_len] = '/';
        }
        memcpy(to + before, text, len);
    }
    block->count++;
    block->bytes += before + len;
}

static bool allocate(struct block *block)
{
    size_t pointers = (block->count + 1) * sizeof *block->list;

    block->list = malloc(pointers + block->bytes);
    if (block->list == NULL) {
        return false;
    }
    block->text = (char *)block->list + pointers;
    block->list[block->count] = NULL;
    block->count = 0;
    block->bytes = 0;
    return true;
}

static void put_environment(struct block *block, bool inherit_all, char *const *inherit, char *const *extra)
{
    char **own = host_environment();

    for (; own != NULL && *own != NULL; own++) {
        if ((inherit_all || names(inherit, *own)) && !names(extra, *own)) {
            put(block, "", 0, *own);
        }
    }
    for (; extra != NULL && *extra != NULL; extra++) {
        if (!names(extra + 1, *extra)) {
            put(block, "", 0, *extra);
        }
    }
}

char **spawn_environment(bool inherit_all, char *const *inherit, char *const *extra)
{
    struct block block = {.list = NULL};

    put_environment(&block, inherit_all, inherit, extra);
    if (!allocate(&block)) {
        return NULL;
    }
    put_environment(&block, inherit_all, inherit, extra);
    return block.list;
}

/* Command */

static const char *search_path(char *const *envp)
{
    const char *own;

    for (; envp != NULL && *envp != NULL; envp++) {
        if (strncmp(*envp, "PATH=", 5) == 0) {
            return *envp + 5;
        }
    }
    own = getenv("PATH");
    return own != NULL ? own : default_path;
}

static void put_candidates(struct block *block, const char *path, const char *command)
{
    if (strchr(command, '/') != NULL) {
        put(block, "", 0, command);
        return;
    }
    while (command[0] != '\0') {
        size_t len = strcspn(path, ":");

        /* An empty element of PATH is the current directory. */
        put(block, len > 0 ? path : ".", len > 0 ? len : 1, command);
        if (path[len] == '\0') {
            return;
        }
        path += len + 1;
    }
}

char **spawn_candidates(const struct spawn_plan *plan)
{
    const char *path = search_path(plan->envp);
    struct block block = {.list = NULL};

    put_candidates(&block, path, plan->argv[0]);
    if (!allocate(&block)) {
        return NULL;
    }
    put_candidates(&block, path, plan->argv[0]);
    return block.list;
}

/* Processes */

/* Asks by the descriptor where that is possible, because a number may meanwhile belong to somebody else. */
static int look(const struct process *process, siginfo_t *about, int options)
{
    int rc = -1;

    memset(about, 0, sizeof *about);
    errno = ENOSYS;
#ifdef __linux__
    if (process->pidfd >= 0) {
        rc = waitid((idtype_t)WAIT_PIDFD, (id_t)process->pidfd, about, options);
    }
#endif
    if (rc != 0 && (errno == ENOSYS || errno == EINVAL)) {
        rc = waitid(P_PID, (id_t)process->pid, about, options);
    }
    return rc == 0 ? 0 : -errno;
}

static int send_by_descriptor(const struct process *process, int signal, unsigned flags)
{
#ifdef __linux__
    if (process->pidfd >= 0) {
        return syscall(CALL_SEND_SIGNAL, process->pidfd, signal, NULL, flags) == 0 ? 0 : -errno;
    }
#else
    (void)process;
    (void)signal;
    (void)flags;
#endif
    return -ENOSYS;
}

/* Only while nobody has reaped the leader its number is certainly not somebody else's. */
static void send_by_number(const struct process *process, int signal)
{
    siginfo_t about;

    if (process->reaped || look(process, &about, WEXITED | WNOHANG | WNOWAIT) != 0) {
        return;
    }
    if (kill(-process->pid, signal) != 0 && errno == ESRCH) {
        (void)kill(process->pid, signal);
    }
}

void process_signal(const struct process *process, int signal)
{
    int rc;

    if (process->pid <= 0) {
        return;
    }
    rc = send_by_descriptor(process, signal, SIGNAL_TO_GROUP);
    if (rc == -ESRCH) {
        (void)send_by_descriptor(process, signal, 0);
    } else if (rc == -EINVAL || rc == -ENOSYS || rc == -EPERM) {
        send_by_number(process, signal);
    }
}

static int to_status(const siginfo_t *about)
{
    if (about->si_code == CLD_EXITED) {
        return (about->si_status & 0xff) << 8;
    }
    return about->si_status | (about->si_code == CLD_DUMPED ? 0x80 : 0);
}

enum process_fate process_check(struct process *process, int *status)
{
    siginfo_t about;
    siginfo_t reaped;
    int rc;

    if (process->pid <= 0 || process->reaped) {
        return PROCESS_LOST;
    }
    rc = look(process, &about, WEXITED | WNOHANG | WNOWAIT);
    if (rc == -ECHILD) {
        process->reaped = true;
        process_signal(process, SIGKILL);
        return PROCESS_LOST;
    }
    if (rc != 0 || about.si_pid == 0) {
        return PROCESS_ALIVE;
    }
    /* While the zombie still holds the number, the group cannot be a foreign one. */
    process_signal(process, SIGKILL);
    (void)look(process, &reaped, WEXITED | WNOHANG);
    process->reaped = true;
    *status = to_status(&about);
    return PROCESS_ENDED;
}

void process_forget(struct process *process)
{
    if (process->pidfd >= 0) {
        close(process->pidfd);
    }
    process->pidfd = -1;
}

const char *spawn_describe(int status, char *out, size_t size)
{
    if (WIFEXITED(status)) {
        (void)snprintf(out, size, "exit status %d", WEXITSTATUS(status));
    } else if (WIFSIGNALED(status)) {
        (void)snprintf(out, size, "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    } else {
        (void)snprintf(out, size, "status %d", status);
    }
    return out;
}
