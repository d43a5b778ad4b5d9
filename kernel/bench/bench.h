/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs of the benchmark share. */
#ifndef KERNEL_BENCH_H
#define KERNEL_BENCH_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

/* One read asks for this much, as the kernel's do. */
#define READ_SIZE ((size_t)256 * 1024)

static inline _Noreturn void die(const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, errno != 0 ? strerror(errno) : "no further reason");
    exit(1);
}

static inline void *need(void *memory)
{
    if (memory == NULL) {
        die("memory");
    }
    return memory;
}

static inline uint64_t nanoseconds(clockid_t clock)
{
    struct timespec t;
    if (clock_gettime(clock, &t) != 0) {
        die("clock_gettime");
    }
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline struct sockaddr_un unix_address(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        die("--unix: the path is too long");
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    return address;
}

#endif
