/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

static int failures;

void check_failed(const char *file, int line, const char *what)
{
    failures++;
    fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
}

void check_equal(const char *file, int line, const char *what, const char *a, const char *b)
{
    if (a == b || (a && b && strcmp(a, b) == 0)) {
        return;
    }
    failures++;
    fprintf(stderr, "%s:%d: %s is `%s`, not `%s`\n", file, line, what, a ? a : "(null)", b ? b : "(null)");
}

int check_report(void)
{
    if (failures) {
        fprintf(stderr, "%d failed\n", failures);
    }
    return failures != 0;
}
