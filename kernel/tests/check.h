/* SPDX-License-Identifier: Apache-2.0 */
/* Checks for the test programs: a failed one is printed and counted, and the program goes on. */
#ifndef KERNEL_CHECK_H
#define KERNEL_CHECK_H

#include <stdio.h>
#include <string.h>

#define CHECK(cond)     ((cond) ? (void)0 : check_failed(__FILE__, __LINE__, #cond))
#define CHECK_STR(a, b) check_equal(__FILE__, __LINE__, #a, (a), (b))

void check_failed(const char *file, int line, const char *what);
void check_equal(const char *file, int line, const char *what, const char *a, const char *b);

/* What main returns: 0 where every check held. */
int check_report(void);

#endif
