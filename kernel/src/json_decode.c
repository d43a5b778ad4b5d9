/* SPDX-License-Identifier: Apache-2.0 */
/* The values behind the spelling: strings without escapes, ids that can be compared. */
#include "json_parts.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

bool json_is_plain(struct span raw)
{
    return !memchr(raw.at, '\\', raw.len);
}

static size_t put_utf8(char *out, uint32_t c)
{
    static const unsigned char marks[] = {0, 0, 0xC0, 0xE0, 0xF0};
    size_t size = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    for (size_t i = size - 1; i > 0; i--, c >>= 6) {
        out[i] = (char)(0x80 | (c & 0x3F));
    }
    out[0] = (char)(marks[size] | c);
    return size;
}

/* Decodes the valid \u escape at *at, with its second half where it is a pair, and moves behind it. */
static size_t decode_unicode(const char **at, const char *end, char *out)
{
    const char *p = *at + 6;
    uint32_t c = (uint32_t)json_hex4(*at + 2, end);

    if (c >> 10 == 0xD800 >> 10 && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
        uint32_t low = (uint32_t)json_hex4(p + 2, end);

        if (low >> 10 == 0xDC00 >> 10) {
            c = 0x10000 + ((c & 0x3FF) << 10) + (low & 0x3FF);
            p += 6;
        }
    }
    *at = p;
    return put_utf8(out, c);
}

size_t json_decode(struct span raw, char *out)
{
    static const char letters[] = "bfnrt", values[] = "\b\f\n\r\t";
    const char *p = raw.at + 1, *end = raw.at + raw.len - 1;
    char *w = out;

    while (p < end) {
        const char *slash = memchr(p, '\\', (size_t)(end - p));
        size_t run = (size_t)((slash ? slash : end) - p);

        memcpy(w, p, run);
        w += run;
        p += run;
        if (p == end) {
            break;
        }
        if (p[1] == 'u') {
            w += decode_unicode(&p, end, w);
        } else {
            const char *letter = strchr(letters, p[1]);

            *w++ = letter ? values[letter - letters] : p[1];
            p += 2;
        }
    }
    return (size_t)(w - out);
}

/* Adds the exponent whose 'e' is at p to *scale and returns NULL, or, where it does not fit, its first digit. */
static const char *add_exponent(const char *p, const char *end, int64_t *scale)
{
    bool negative = p[1] == '-';
    int64_t value = 0;

    do {
        p++;
    } while (p < end && (*p < '1' || *p > '9'));
    if (end - p > 18) {
        return p;
    }
    for (; p < end; p++) {
        value = value * 10 + (*p - '0');
    }
    *scale += negative ? -value : value;
    return NULL;
}

/* Adds a small number to a large one that is spelled out, in place; returns how many digits it has then. */
static size_t add_to_digits(char *digits, size_t len, int64_t carry)
{
    for (size_t i = len; i > 0 && carry != 0; i--) {
        int64_t sum = (digits[i - 1] - '0') + carry;
        int64_t rest = ((sum % 10) + 10) % 10;

        digits[i - 1] = (char)('0' + rest);
        carry = (sum - rest) / 10;
    }
    if (carry > 0) {
        memmove(digits + 1, digits, len);
        digits[0] = (char)('0' + carry);
        return len + 1;
    }
    if (digits[0] == '0') {
        memmove(digits, digits + 1, len - 1);
        return len - 1;
    }
    return len;
}

/* 'n', the sign, the digits without zeros at either end and, unless it is 0, 'e' with the power of ten of the
 * last digit. */
static size_t number_key(struct span raw, char *out)
{
    const char *p = raw.at, *end = raw.at + raw.len, *far = NULL;
    bool fraction = false;
    int64_t scale = 0;
    char *w = out, *first;

    *w++ = 'n';
    if (*p == '-') {
        *w++ = *p++;
    }
    for (first = w; p < end && (*p | 0x20) != 'e'; p++) {
        if (*p == '.') {
            fraction = true;
            continue;
        }
        scale -= fraction;
        if (*p != '0' || w != first) {
            *w++ = *p;
        }
    }
    if (w == first) {
        out[1] = '0';
        return 2;
    }
    for (; w[-1] == '0'; w--) {
        scale++;
    }
    if (p < end) {
        far = add_exponent(p, end, &scale);
    }
    if (far) {
        bool negative = p[1] == '-';
        size_t len = (size_t)(end - far);

        *w++ = 'e';
        if (negative) {
            *w++ = '-';
        }
        memmove(w, far, len);
        w += add_to_digits(w, len, negative ? -scale : scale);
    } else if (scale != 0) {
        w += snprintf(w, sizeof "e-9223372036854775808", "e%lld", (long long)scale);
    }
    return (size_t)(w - out);
}

size_t json_key(struct span raw, char *out)
{
    out[0] = raw.at[0] == '"' ? 's' : 'z';
    if (raw.at[0] == '"') {
        return 1 + json_decode(raw, out + 1);
    }
    return raw.at[0] == 'n' ? 1 : number_key(raw, out);
}
