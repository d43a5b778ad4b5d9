/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 8259 in UTF-8, validated in place and without allocation (KRN-FRM-05, KRN-COR-04). */
#ifndef KERNEL_JSON_H
#define KERNEL_JSON_H

#include <stdbool.h>
#include <stddef.h>

/* Nesting beyond this many levels is refused; the protocol asks for at least 512. */
#define JSON_MAX_DEPTH 1024

/* A piece of a line. For a JSON string it includes the quotes. `at` is NULL where there is none. */
struct span {
    const char *at;
    size_t len;
};

/* Skips white space. */
const char *json_space(const char *p, const char *end);

/* The byte after the UTF-8 sequence of several bytes that starts at p, or NULL where it is not valid. */
const char *json_rune(const char *p, const char *end);

/* The byte after the string whose opening quote is at p, or NULL where it is not a valid string. */
const char *json_string(const char *p, const char *end);

/* The byte after the value that starts at p, or NULL where it is not valid. `depth` levels are open. */
const char *json_value(const char *p, const char *end, unsigned depth);

/* True where the JSON string `raw` contains no escape, so that its bytes are its value. */
bool json_is_plain(struct span raw);

/* Writes the decoded bytes of the valid JSON string `raw` to out, which has room for raw.len bytes, and
 * returns their number. A lone surrogate becomes the three bytes that UTF-8 would give it. */
size_t json_decode(struct span raw, char *out);

/* Writes bytes that are equal for two valid JSON strings, numbers or nulls exactly when the values are
 * equal (numbers by exact decimal value). out has room for raw.len + 32 bytes; returns their number. */
size_t json_key(struct span raw, char *out);

#endif
