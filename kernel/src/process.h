/* SPDX-License-Identifier: Apache-2.0 */
/* Starting, signalling and reaping one worker process (PROTOCOL section 7). */
#ifndef KERNEL_PROCESS_H
#define KERNEL_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct spawn_plan {
    char *const *argv; /* NULL-terminated; argv[0] is the command, looked up in PATH */
    char *const *envp; /* NULL-terminated, the whole environment of the worker */
    const char *cwd;   /* or NULL */
};

struct process {
    pid_t pid;   /* also its process group; 0: none */
    int pidfd;   /* -1 where the system has none */
    bool reaped; /* its status was taken, by us or by somebody else: no signal by number any more */
};

/* Starts the command with a pipe on its stdin and stdout and our stderr (KRN-WRK-01, 02, 07, 09). Our ends are
 * close-on-exec and above 2. 0, or -errno: spawn_is_shortage() tells want of resources from a bad command. */
int spawn_start(const struct spawn_plan *plan, struct process *process, int *to_worker, int *from_worker);
bool spawn_is_shortage(int error);

/* The paths at which the command may be, in the order in which they are tried; `.` is the directory of the plan.
 * PATH is that of the plan's environment, else ours, else a built-in one. One malloc'ed block, NULL-terminated;
 * NULL where memory is short. */
char **spawn_candidates(const struct spawn_plan *plan);

enum process_fate { PROCESS_ALIVE, PROCESS_ENDED, PROCESS_LOST };

/* Looks whether the process has ended, without waiting. Ended: what is left of its process group is killed
 * and it is reaped; *status is what waitpid would give. Lost: somebody else reaped it. */
enum process_fate process_check(struct process *process, int *status);

/* Sends a signal to the process group of a process that is not known to have ended. Never reaches a foreign
 * process, even where the host reaps our children (KRN-EMB-05). */
void process_signal(const struct process *process, int signal);

/* Closes the pidfd. */
void process_forget(struct process *process);

/* The environment for a worker: what is inherited (all, or the named variables) and then `extra`, which wins.
 * One malloc'ed block. NULL where memory is short. */
char **spawn_environment(bool inherit_all, char *const *inherit, char *const *extra);

/* "exit status 3", "signal 9 (Killed)". */
const char *spawn_describe(int status, char *out, size_t size);

#endif
