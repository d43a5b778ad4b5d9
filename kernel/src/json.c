/* SPDX-License-Identifier: Apache-2.0 */
#include "json_parts.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#if defined(__SSE2__) && !defined(JSON_PORTABLE)
#define JSON_SSE2 1
#include <emmintrin.h>
#elif defined(__aarch64__) && defined(__ARM_NEON) && !defined(JSON_PORTABLE)
#define JSON_NEON 1
#include <arm_neon.h>
#endif

#define BLOCK 16
#define NEAR  12

/* One call per token would cost more than most tokens do; the rare ways out are kept out of the loop. */
#define HOT  __attribute__((always_inline)) static inline
#define COLD __attribute__((noinline)) static

const char *json_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')) {
        p++;
    }
    return p;
}

HOT const char *skip_space(const char *p, const char *end)
{
    return p < end && (unsigned char)*p <= ' ' ? json_space(p, end) : p;
}

/* The second byte carries the limits of a sequence: no overlong form, no surrogate, nothing above U+10FFFF. */
const char *json_rune(const char *p, const char *end)
{
    const unsigned char *s = (const unsigned char *)p;
    unsigned char lead = s[0];
    unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    ptrdiff_t size = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;

    if (lead < 0xC2 || lead > 0xF4 || end - p < size || s[1] < low || s[1] > high) {
        return NULL;
    }
    for (ptrdiff_t i = 2; i < size; i++) {
        if ((s[i] & 0xC0) != 0x80) {
            return NULL;
        }
    }
    return p + size;
}

/* Skips the text of a string up to a quote, a backslash or a byte that may not stand there (`end` included);
 * NULL where it is not UTF-8. */
static const char *text_bytes(const char *p, const char *end)
{
    while (p && p < end && (unsigned char)*p >= 0x20 && *p != '"' && *p != '\\') {
        p = (unsigned char)*p < 0x80 ? p + 1 : json_rune(p, end);
    }
    return p;
}

#if JSON_SSE2

HOT uint32_t bits(__m128i v)
{
    return (uint32_t)_mm_movemask_epi8(v);
}

HOT uint32_t below(__m128i v, int limit)
{
    return bits(_mm_cmplt_epi8(v, _mm_set1_epi8((char)limit)));
}

HOT uint32_t equals(__m128i v, int byte)
{
    return bits(_mm_cmpeq_epi8(v, _mm_set1_epi8((char)byte)));
}

/* Checks UTF-8 in the bytes of a block that `counted` marks, without a branch per character: the lead bytes
 * say where continuation bytes have to stand. Returns the number of bytes before an incomplete character at
 * the end of the block, or 0 where there is an error. A block starts at the start of a character. */
HOT unsigned utf8_block(__m128i v, uint32_t counted)
{
    /* Signed comparison: bytes from 0x80 up are below all ASCII and keep their order. */
    uint32_t high = bits(v);
    uint32_t follow = below(v, 0xC0 - 256);
    uint32_t lead = high & ~follow;
    uint32_t lead3 = lead & ~below(v, 0xE0 - 256);
    uint32_t lead4 = lead & ~below(v, 0xF0 - 256);
    uint32_t expected = lead << 1 | lead3 << 2 | lead4 << 3;
    uint32_t wrong = expected ^ follow;
    uint32_t below90 = below(v, 0x90 - 256), belowA0 = below(v, 0xA0 - 256);

    wrong |= (lead & below(v, 0xC2 - 256)) | (lead4 & ~below(v, 0xF5 - 256));
    wrong |= (equals(v, 0xE0) << 1 & belowA0) | (equals(v, 0xED) << 1 & ~belowA0);
    wrong |= (equals(v, 0xF0) << 1 & below90) | (equals(v, 0xF4) << 1 & ~below90);
    if (wrong & counted & 0xFFFF) {
        return 0;
    }
    return expected >> BLOCK ? 31 - (unsigned)__builtin_clz(lead) : BLOCK;
}

/* As text_bytes. The end of a short string is found without a loop over its bytes. */
HOT const char *skip_text(const char *p, const char *end)
{
    while (end - p >= BLOCK) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
        __m128i slash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1F)), v);
        uint32_t stop = bits(_mm_or_si128(_mm_or_si128(quote, slash), control));
        uint32_t counted = stop ^ (stop - 1);
        unsigned whole = BLOCK;

        if (bits(v) & counted) {
            whole = utf8_block(v, counted);
            if (!whole) {
                return NULL;
            }
        }
        if (stop) {
            return p + __builtin_ctz(stop);
        }
        p += whole;
    }
    return text_bytes(p, end);
}

#elif JSON_NEON

HOT const char *skip_text(const char *p, const char *end)
{
    while (end - p >= BLOCK) {
        uint8x16_t v = vld1q_u8((const uint8_t *)p);
        uint8x16_t quote = vceqq_u8(v, vdupq_n_u8('"')), slash = vceqq_u8(v, vdupq_n_u8('\\'));
        /* As signed bytes both the control characters and all above ASCII are below the space. */
        uint8x16_t other = vcltq_s8(vreinterpretq_s8_u8(v), vdupq_n_s8(0x20));
        uint16x8_t stop = vreinterpretq_u16_u8(vorrq_u8(vorrq_u8(quote, slash), other));
        uint64_t nibbles = vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(stop, 4)), 0);

        if (nibbles) {
            return text_bytes(p + (__builtin_ctzll(nibbles) >> 2), end);
        }
        p += BLOCK;
    }
    return text_bytes(p, end);
}

#else

HOT const char *skip_text(const char *p, const char *end)
{
    return text_bytes(p, end);
}

#endif

/* The byte after the escape whose backslash is at p, or NULL. */
static const char *skip_escape(const char *p, const char *end)
{
    if (end - p < 2) {
        return NULL;
    }
    if (p[1] == 'u') {
        return json_hex4(p + 2, end) < 0 ? NULL : p + 6;
    }
    return memchr("\"\\/bfnrt", p[1], 8) ? p + 2 : NULL;
}

/* The rest of a string from an escape on. */
COLD const char *escaped_rest(const char *p, const char *end)
{
    while (p && p < end && *p == '\\') {
        p = skip_escape(p, end);
        if (p) {
            p = skip_text(p, end);
        }
    }
    return p && p < end && *p == '"' ? p + 1 : NULL;
}

HOT const char *skip_string(const char *p, const char *end)
{
    p = skip_text(p + 1, end);
    return p && p < end && *p == '"' ? p + 1 : escaped_rest(p, end);
}

const char *json_string(const char *p, const char *end)
{
    return p < end && *p == '"' ? skip_string(p, end) : NULL;
}

HOT const char *digits(const char *p, const char *end)
{
    const char *start = p;

    while (p < end && json_is_digit(*p)) {
        p++;
    }
    return p == start ? NULL : p;
}

/* Byte by byte: a branch per digit costs less than to wait for the length of the number from a block. */
HOT const char *skip_number(const char *p, const char *end)
{
    p += *p == '-';
    p = p < end && *p == '0' ? p + 1 : digits(p, end);
    if (p && p < end && *p == '.') {
        p = digits(p + 1, end);
    }
    if (p && p < end && (*p | 0x20) == 'e') {
        p++;
        p = digits(p + (p < end && (*p == '+' || *p == '-')), end);
    }
    return p;
}

/* true, false or null, without a branch that depends on which. */
HOT const char *skip_word(const char *p, const char *end)
{
    int is_false;

    if (end - p < 4) {
        return NULL;
    }
    is_false = memcmp(p, "fals", 4) == 0;
    if (is_false + (memcmp(p, "true", 4) == 0) + (memcmp(p, "null", 4) == 0) == 0) {
        return NULL;
    }
    p += 4;
    if (is_false && (p == end || *p != 'e')) {
        return NULL;
    }
    return p + is_false;
}

/* Any value but an object or array; NULL for NULL. */
HOT const char *skip_scalar(const char *p, const char *end)
{
    if (!p) {
        return NULL;
    }
    if (*p == '"') {
        return skip_string(p, end);
    }
    if (*p <= '9') {
        return skip_number(p, end);
    }
    return skip_word(p, end);
}

/* The next token, or NULL where there is none or p is NULL. */
HOT const char *token(const char *p, const char *end)
{
    if (p) {
        p = skip_space(p, end);
    }
    return p == end ? NULL : p;
}

/* A name is short and often seen before: a branch per byte is guessed right, where the end found by a block
 * scan has to be waited for. */
HOT const char *skip_short(const char *p, const char *end)
{
    const char *near = end - p > NEAR ? p + NEAR : end, *q = p + 1;

    while (q < near && (signed char)*q >= 0x20 && *q != '"' && *q != '\\') {
        q++;
    }
    return q < near && *q == '"' ? q + 1 : skip_string(p, end);
}

/* The value behind the name of a member, or NULL. */
HOT const char *skip_name(const char *p, const char *end)
{
    if (p == NULL || *p != '"') {
        return NULL;
    }
    p = token(skip_short(p, end), end);
    return p && *p == ':' ? token(p + 1, end) : NULL;
}

HOT bool opens(char c)
{
    return (c | 0x20) == '{'; /* '[' is 0x5B, '{' 0x7B */
}

/* An object or array. Which of the two is open is a place in the code, not a variable, so that each branch
 * has its own history; a bit per level is kept for the way back. */
static const char *skip_nested(const char *p, const char *end, unsigned base)
{
    uint64_t objects[(JSON_MAX_DEPTH + 63) / 64], bit;
    unsigned depth = base;
    bool object;

open:
    if (depth >= JSON_MAX_DEPTH) {
        return NULL;
    }
    object = *p == '{';
    bit = (uint64_t)1 << depth % 64;
    if (depth == base || depth % 64 == 0) {
        objects[depth / 64] = 0;
    }
    objects[depth / 64] = object ? objects[depth / 64] | bit : objects[depth / 64] & ~bit;
    depth++;
    p = token(p + 1, end);
    if (p && *p == (object ? '}' : ']')) {
        goto close;
    }
    if (!object) {
        goto element;
    }
member:
    p = skip_name(p, end);
    if (p && opens(*p)) {
        goto open;
    }
    p = skip_scalar(p, end);
after_member:
    p = token(p, end);
    if (p && *p == ',') {
        p = token(p + 1, end);
        goto member;
    }
    if (!p || *p != '}') {
        return NULL;
    }
    goto close;

element:
    if (p && opens(*p)) {
        goto open;
    }
    p = skip_scalar(p, end);
after_element:
    p = token(p, end);
    if (p && *p == ',') {
        p = token(p + 1, end);
        goto element;
    }
    if (!p || *p != ']') {
        return NULL;
    }

close:
    p++;
    if (--depth == base) {
        return p;
    }
    if (objects[(depth - 1) / 64] >> (depth - 1) % 64 & 1) {
        goto after_member;
    }
    goto after_element;
}

const char *json_value(const char *p, const char *end, unsigned depth)
{
    if (p >= end) {
        return NULL;
    }
    return opens(*p) ? skip_nested(p, end, depth) : skip_scalar(p, end);
}
