/* SPDX-License-Identifier: Apache-2.0 */
/* The scanner's source once more, without SIMD, as portable_*: one program can hold the two against each other. */
#ifndef KERNEL_JSON_PORTABLE_H
#define KERNEL_JSON_PORTABLE_H

#include "../src/json.h"

#define JSON_PORTABLE
#define json_rune     portable_rune
#define json_space    portable_space
#define json_string   portable_string
#define json_value    portable_value
#define json_is_plain portable_is_plain
#define json_decode   portable_decode
#define json_key      portable_key
#include "../src/json.c"
#include "../src/json_decode.c"
#undef json_rune
#undef json_space
#undef json_string
#undef json_value
#undef json_is_plain
#undef json_decode
#undef json_key

#endif
