/* SPDX-License-Identifier: Apache-2.0 */
/* What validating and decoding share. */
#ifndef KERNEL_JSON_PARTS_H
#define KERNEL_JSON_PARTS_H

#include "json.h"

static inline bool json_is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* The value of four hexadecimal digits, or -1. */
static inline int json_hex4(const char *p, const char *end)
{
    int value = 0;

    if (end - p < 4) {
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        int letter = (p[i] | 0x20) - 'a';

        if (!json_is_digit(p[i]) && (letter < 0 || letter > 5)) {
            return -1;
        }
        value = value * 16 + (json_is_digit(p[i]) ? p[i] - '0' : letter + 10);
    }
    return value;
}

#endif
