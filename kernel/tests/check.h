/* SPDX-License-Identifier: Apache-2.0 */
/* Checks for the test programs: a failed one is printed and counted, and the program goes on. */
#ifndef KERNEL_CHECK_H
#define KERNEL_CHECK_H

#include <stdio.h>
#include <string.h>

static int check_failures;

#define CHECK(cond)     ((cond) ? (void)0 : check_failed(__FILE__, __LINE__, #cond))
#define CHECK_STR(a, b) check_equal(__FILE__, __LINE__, #a, (a), (b))

static inline void check_failed(const char *file, int line, const char *what)
{
    check_failures++;
    fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
}

static inline void check_equal(const char *file, int line, const char *what, const char *a, const char *b)
{
    if (a == b || (a && b && strcmp(a, b) == 0)) {
        return;
    }
    check_failures++;
    fprintf(stderr, "%s:%d: %s is `%s`, not `%s`\n", file, line, what, a ? a : "(null)", b ? b : "(null)");
}

/* What main returns: 0 where every check held. */
static inline int check_report(void)
{
    if (check_failures) {
        fprintf(stderr, "%d failed\n", check_failures);
    }
    return check_failures != 0;
}

#endif
