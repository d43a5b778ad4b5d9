/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a program as if under an old Linux: pidfds, clone3 and close_range are refused, so that what stands in for
 * them is exercised.
 *
 *     without_pidfd PROGRAM [ARGUMENT ...] */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The same on every architecture; older headers lack them. */
#define PIDFD_SEND_SIGNAL 424
#define PIDFD_OPEN        434
#define CLONE3            435
#define CLOSE_RANGE       436
#define WITH_PIDFD        0x1000 /* CLONE_PIDFD */

#define REFUSE(number)                                                                                                \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1),                                                              \
        BPF_STMT(BPF_RET | BPF_K, (uint32_t)SECCOMP_RET_ERRNO | (uint32_t)ENOSYS)

int main(int argc, char **argv)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        REFUSE(PIDFD_SEND_SIGNAL),
        REFUSE(PIDFD_OPEN),
        REFUSE(CLONE3),
        REFUSE(CLOSE_RANGE),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, WITH_PIDFD, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, (uint32_t)SECCOMP_RET_ERRNO | (uint32_t)EINVAL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
    if (argc < 2) {
        fputs("usage: without_pidfd PROGRAM [ARGUMENT ...]\n", stderr);
        return 2;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        perror("without_pidfd: seccomp");
        return 1;
    }
    execvp(argv[1], argv + 1);
    perror(argv[1]);
    return 1;
}
