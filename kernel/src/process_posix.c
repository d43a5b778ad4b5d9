/* SPDX-License-Identifier: Apache-2.0 */
#include "process.h"
#include "pipe.h"

#ifdef __APPLE__

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <unistd.h>

/* Everything that is not named here is closed: POSIX_SPAWN_CLOEXEC_DEFAULT. */
static int describe_files(posix_spawn_file_actions_t *actions, const char *cwd, int input, int output)
{
    int rc = posix_spawn_file_actions_adddup2(actions, input, 0);

    if (rc == 0) {
        rc = posix_spawn_file_actions_adddup2(actions, output, 1);
    }
    if (rc == 0 && fcntl(2, F_GETFD) >= 0) {
        rc = posix_spawn_file_actions_addinherit_np(actions, 2);
    } else if (rc == 0) {
        rc = posix_spawn_file_actions_addopen(actions, 2, "/dev/null", O_RDWR, 0);
    }
    if (rc == 0 && cwd != NULL) {
        rc = posix_spawn_file_actions_addchdir_np(actions, cwd);
    }
    return rc;
}

static int describe_process(posix_spawnattr_t *attributes)
{
    const int flags =
        POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_CLOEXEC_DEFAULT;
    sigset_t all;
    sigset_t none;
    int rc;

    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    rc = posix_spawnattr_setpgroup(attributes, 0);
    if (rc == 0) {
        rc = posix_spawnattr_setsigdefault(attributes, &all);
    }
    if (rc == 0) {
        rc = posix_spawnattr_setsigmask(attributes, &none);
    }
    return rc == 0 ? posix_spawnattr_setflags(attributes, (short)flags) : rc;
}

static int try_candidates(const struct spawn_plan *plan, char **candidates, const posix_spawn_file_actions_t *actions,
                          const posix_spawnattr_t *attributes, pid_t *pid)
{
    int error = ENOENT;

    for (; *candidates != NULL; candidates++) {
        int rc = posix_spawn(pid, *candidates, actions, attributes, plan->argv, plan->envp);

        if (rc == EACCES) {
            error = EACCES;
        } else if (rc != ENOENT && rc != ENOTDIR) {
            return rc;
        }
    }
    return error;
}

static int start(const struct spawn_plan *plan, char **candidates, int input, int output, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int rc = posix_spawn_file_actions_init(&actions);

    if (rc != 0) {
        return -rc;
    }
    rc = posix_spawnattr_init(&attributes);
    if (rc != 0) {
        goto without_attributes;
    }
    rc = describe_files(&actions, plan->cwd, input, output);
    if (rc == 0) {
        rc = describe_process(&attributes);
    }
    if (rc == 0) {
        rc = try_candidates(plan, candidates, &actions, &attributes, pid);
    }
    (void)posix_spawnattr_destroy(&attributes);

without_attributes:
    (void)posix_spawn_file_actions_destroy(&actions);
    return -rc;
}

int spawn_start(const struct spawn_plan *plan, struct process *process, int *to_worker, int *from_worker)
{
    char **candidates = spawn_candidates(plan);
    int down[2] = {-1, -1};
    int up[2] = {-1, -1};
    int rc = candidates == NULL ? -ENOMEM : 0;

    *process = (struct process){.pidfd = -1};
    if (rc != 0 || (rc = pipe_open(down)) != 0 || (rc = pipe_open(up)) != 0) {
        goto done;
    }
    rc = start(plan, candidates, down[0], up[1], &process->pid);
    if (rc != 0) {
        process->pid = 0;
        goto done;
    }
    *to_worker = down[1];
    *from_worker = up[0];
    down[1] = up[0] = -1;

done:
    pipe_close(down);
    pipe_close(up);
    free(candidates);
    return rc;
}

#else
typedef int process_posix_unused;
#endif
