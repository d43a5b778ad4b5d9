/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "../src/json.h"

#include <stdlib.h>

#include "json_portable.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *const valid_texts[] = {
    "{}",
    "[]",
    "0",
    "-0",
    "1",
    "-1",
    "10",
    "1.5",
    "-0.0",
    "0.1e1",
    "1E5",
    "1e+5",
    "1e-05",
    "0e0",
    "0E+9",
    "123456789012345",
    "1234567890123456",
    "12345678901234567",
    "123456789012345678901234567890",
    "-1234567890123.5678901234567890",
    "12345678901234.5",
    "123456789012345.6",
    "1.23456789012345678e-300",
    "1234567890.1234e9999999999999999999",
    "true",
    "false",
    "null",
    "\"\"",
    "\"a\"",
    "[1,2,3]",
    "[[],[[]],{}]",
    "{\"a\":1}",
    "{\"a\":{\"b\":[{}]},\"a\":2}",
    "{\"\":0}",
    " [ 1 , 2 ] ",
    "\t{\r\n\"a\" : [ ] , \"b\" : { } }\n",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud800\"",
    "\"\\udc00\\ud800\"",
    "\"\\uD800x\"",
    "\"\\u0000\"",
    "\"\x7f\"",
    "\"é\"",
    "\"\xC2\x80\"",
    "\"\xDF\xBF\"",
    "\"\xE0\xA0\x80\"",
    "\"\xEF\xBF\xBF\"",
    "\"\xED\x9F\xBF\"",
    "\"\xEE\x80\x80\"",
    "\"\xF0\x90\x80\x80\"",
    "\"\xF4\x8F\xBF\xBF\"",
    "\"会话标识会话标识会话标识\"",
    "\"0123456789abcde🚀0123456789abcdef0123456789\"",
    "\"0123456789abcd\\n0123456789abcdef\\\\\"",
    "{\"имя\":\"значение\",\"值\":[\"🙂\",null,true,false,-1.5e3]}",
    "[\"a\",1,\"b\",2.5,{\"c\":[]},[{}],\"d\"]",
    "[1.0,22.22,333.333,4444.4444,55555.55555,0.1,0]",
    "[0,0.5,-0,-0.5e1]",
    "[\"\xE2\x80\xA8\",\"\xE2\x80\xA9\"]",
};

static const char *const invalid_texts[] = {
    "",
    " ",
    "\xEF\xBB\xBF{}",
    "{",
    "}",
    "[",
    "]",
    "{]",
    "[}",
    "{]}",
    "[1,]",
    "[,1]",
    "[1,,2]",
    "[1 2]",
    "[1]]",
    "{}}",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{,}",
    "{\"a\" 1}",
    "{a:1}",
    "{1:1}",
    "{'a':1}",
    "{\"a\":1 \"b\":2}",
    "{\"a\":1,,}",
    "{\"a\"::1}",
    "[:1]",
    "[\"a\":1]",
    "{\"a\",1}",
    "[1}",
    "{\"a\":[1}",
    "[{\"a\":1]",
    "01",
    "-",
    "-01",
    "+1",
    ".5",
    "1.",
    "1.e5",
    "-.5",
    "1e",
    "1e+",
    "1E-",
    "1e5.5",
    "0x10",
    "1_000",
    "- 1",
    "--1",
    "00",
    "1.2.3",
    "1a",
    "[01,2,3,4,5,6,7,8,9,10,11]",
    "[1.,2,3,4,5,6,7,8,9,10,11]",
    "[1e,2,3,4,5,6,7,8,9,10]",
    "[-,2,3,4,5,6,7,8,9,10]",
    "012345678901234567890",
    "123456789012345.",
    "12345678901234567.",
    "[1234567890123456e]",
    "[-a,2,3,4,5,6,7,8,9,0,1,2]",
    "NaN",
    "Infinity",
    "-Infinity",
    "nul",
    "nulL",
    "True",
    "tru",
    "falsy",
    "truee",
    "undefined",
    "//",
    "/**/1",
    "1//",
    "\x0b"
    "1",
    "\xC2\xA0"
    "1",
    "\"",
    "\"a",
    "\"a\\\"",
    "\"\\\"",
    "'a'",
    "\"\\x\"",
    "\"\\a\"",
    "\"\\u\"",
    "\"\\u12\"",
    "\"\\u123\"",
    "\"\\u12g4\"",
    "\"\\u-123\"",
    "\"\\U0041\"",
    "\"\\",
    "\"\\u00e",
    "\"\\\n\"",
    "\"\x01\"",
    "\"\x1f\"",
    "\"\t\"",
    "\"a\nb\"",
    "\"0123456789abcdef\x1f\"",
    "\"\x80\"",
    "\"\xBF\"",
    "\"\xC0\xAF\"",
    "\"\xC1\xBF\"",
    "\"\xC2\"",
    "\"\xC2\x41\"",
    "\"\xE0\x9F\xBF\"",
    "\"\xE0\x80\xAF\"",
    "\"\xE1\x80\"",
    "\"\xE1\x80\x41\"",
    "\"\xED\xA0\x80\"",
    "\"\xED\xBF\xBF\"",
    "\"\xF0\x8F\xBF\xBF\"",
    "\"\xF0\x80\x80\xAF\"",
    "\"\xF4\x90\x80\x80\"",
    "\"\xF5\x80\x80\x80\"",
    "\"\xF8\x88\x80\x80\x80\"",
    "\"\xFE\"",
    "\"\xFF\"",
    "\"\xFF\xFE\"",
    "\xFF\xFE",
    "\"\xC3\xA9\xA9\"",
    "\"\xE2\x82\"",
    "\"\xF0\x9F\x98\"",
    "\"\xC3\xC3\xA9\"",
    "\"\xE2\x82\xE2\x82\xAC\"",
    "\"a\xC3",
    "\"\xE2\x82",
};

typedef const char *value_function(const char *p, const char *end, unsigned depth);

static value_function *const readers[] = {json_value, portable_value};

/* A copy of its exact size, so that the sanitizer sees a read beyond it. */
static char *exact_copy(const char *text, size_t len)
{
    char *copy = malloc(len ? len : 1);

    if (!copy) {
        abort();
    }
    memcpy(copy, text, len);
    return len ? copy : copy + 1;
}

static void release(char *copy, size_t len)
{
    free(len ? copy : copy - 1);
}

static bool accepts(value_function *reader, const char *text, size_t len)
{
    char *copy = exact_copy(text, len);
    const char *end = copy + len, *p = reader(json_space(copy, end), end, 0);
    bool whole = p && json_space(p, end) == end;

    release(copy, len);
    return whole;
}

static bool accepts_anywhere(value_function *reader, const char *text, bool wanted)
{
    char padded[400];
    bool same = accepts(reader, text, strlen(text)) == wanted;

    /* Far from the end of the line the fast paths read the same text. */
    for (size_t front = 0; front < 17; front++) {
        int len = snprintf(padded, sizeof padded, "%*s[%s,\"0123456789abcdefghijklmnop\"]", (int)front, "", text);

        same = same && accepts(reader, padded, (size_t)len) == wanted;
    }
    return same;
}

static void valid_texts_are_accepted(void)
{
    for (size_t r = 0; r < COUNT(readers); r++) {
        for (size_t i = 0; i < COUNT(valid_texts); i++) {
            if (!accepts_anywhere(readers[r], valid_texts[i], true)) {
                check_failed(r ? "portable" : "simd", (int)i, valid_texts[i]);
            }
        }
    }
}

static void invalid_texts_are_refused(void)
{
    for (size_t r = 0; r < COUNT(readers); r++) {
        for (size_t i = 0; i < COUNT(invalid_texts); i++) {
            if (!accepts_anywhere(readers[r], invalid_texts[i], false)) {
                check_failed(r ? "portable" : "simd", (int)i, invalid_texts[i]);
            }
        }
    }
}

static void every_truncation_of_a_container_is_refused(void)
{
    static const char text[] =
        "{\"a\":[1,-2.5e+3,\"\\u00e9\\n\",\"会话🚀\"],\"b\":{\"c\":true,\"d\":false,\"e\":null}}";

    for (size_t r = 0; r < COUNT(readers); r++) {
        CHECK(accepts(readers[r], text, sizeof text - 1));
        for (size_t len = 0; len < sizeof text - 1; len++) {
            CHECK(!accepts(readers[r], text, len));
        }
    }
}

static void every_two_bytes_in_a_string_get_one_verdict(void)
{
    char text[24] = "\"0123456789";

    for (unsigned pair = 0; pair < 0x10000; pair++) {
        for (size_t at = 1; at < 20; at += 9) {
            bool ascii, two, escape;
            unsigned a = pair >> 8, b = pair & 0xFF;

            memset(text + 1, 'x', 21);
            text[22] = '"';
            text[at] = (char)a;
            text[at + 1] = (char)b;
            ascii = a >= 0x20 && a < 0x80 && a != '"' && a != '\\' && b >= 0x20 && b < 0x80 && b != '"' && b != '\\';
            two = a >= 0xC2 && a <= 0xDF && b >= 0x80 && b <= 0xBF;
            escape = a == '\\' && b != 0 && strchr("\"\\/bfnrt", (int)b);
            for (size_t r = 0; r < COUNT(readers); r++) {
                if (accepts(readers[r], text, 23) != (ascii || two || escape)) {
                    check_failed(r ? "portable" : "simd", (int)pair, "a pair of bytes");
                }
            }
        }
    }
}

/* The definition of UTF-8 in terms of code points, as a second opinion. */
static bool is_character(const unsigned char *s, size_t size)
{
    static const unsigned long least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned long c = s[0] & (0xFFu >> (size + 1));

    if ((unsigned char)(s[0] >> (7 - size)) != (unsigned char)(0xFE & (0xFFu >> (7 - size)))) {
        return false;
    }
    for (size_t i = 1; i < size; i++) {
        if (s[i] >> 6 != 2) {
            return false;
        }
        c = c << 6 | (s[i] & 0x3F);
    }
    return c >= least[size] && c <= 0x10FFFF && !(c >= 0xD800 && c <= 0xDFFF);
}

static void long_sequences_follow_the_definition_of_utf8(void)
{
    static const unsigned char edges[] = {0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xFF};
    char text[24] = {0};

    for (unsigned lead = 0xE0; lead < 0x100; lead++) {
        for (unsigned i = 0; i < COUNT(edges) * COUNT(edges) * COUNT(edges) * 20; i++) {
            size_t at = 1 + i % 20 % 17, size = lead < 0xF0 ? 3 : 4;
            unsigned char s[4] = {(unsigned char)lead, edges[i / 20 % 11], edges[i / 220 % 11], edges[i / 2420]};
            bool wanted = lead < 0xF8 && is_character(s, size) && (size == 4 || s[3] < 0x80);

            memset(text, 'x', 22);
            text[0] = text[22] = '"';
            memcpy(text + at, s, 4);
            for (size_t r = 0; r < COUNT(readers); r++) {
                if (accepts(readers[r], text, 23) != wanted) {
                    check_failed(r ? "portable" : "simd", (int)at, "a sequence of bytes");
                }
            }
        }
    }
}

static void strings_of_any_length_are_measured(void)
{
    static const char *const fills[] = {"a", "é", "会", "🚀", "\\n", "\\u00e9"};

    for (size_t f = 0; f < COUNT(fills); f++) {
        for (size_t n = 0; n < 70; n++) {
            for (size_t tail = 0; tail < 20; tail++) {
                size_t len = 2 + n * strlen(fills[f]) + tail;
                char *text = malloc(len), *w = text;

                if (!text) {
                    abort();
                }
                *w++ = '"';
                for (size_t i = 0; i < n; i++, w += strlen(fills[f])) {
                    memcpy(w, fills[f], strlen(fills[f]));
                }
                *w++ = '"';
                memset(w, '"', tail);
                CHECK(json_string(text, text + len) == w);
                CHECK(portable_string(text, text + len) == w);
                CHECK(json_string(text, w - 1) == NULL);
                free(text);
            }
        }
    }
}

static bool accepts_depth(value_function *reader, char open, size_t levels, unsigned depth)
{
    size_t each = open == '{' ? 5 : 1, len = levels * (each + 1);
    char *text = malloc(len + 1), *w = text;
    const char *after;

    if (!text) {
        abort();
    }
    for (size_t i = 0; i < levels; i++, w += each) {
        memcpy(w, open == '{' ? "{\"a\":" : "[", each);
    }
    if (open == '{') {
        *w++ = '0';
        len++;
    }
    memset(w, open == '{' ? '}' : ']', levels);
    after = reader(text, text + len, depth);
    CHECK(!after || after == text + len);
    free(text);
    return after != NULL;
}

static void nesting_is_limited(void)
{
    for (size_t r = 0; r < COUNT(readers); r++) {
        for (const char *open = "{["; *open; open++) {
            CHECK(accepts_depth(readers[r], *open, 512, 0));
            CHECK(accepts_depth(readers[r], *open, JSON_MAX_DEPTH, 0));
            CHECK(!accepts_depth(readers[r], *open, JSON_MAX_DEPTH + 1, 0));
            CHECK(accepts_depth(readers[r], *open, JSON_MAX_DEPTH - 3, 3));
            CHECK(!accepts_depth(readers[r], *open, JSON_MAX_DEPTH - 2, 3));
            CHECK(!accepts_depth(readers[r], *open, 100000, 0));
        }
    }
}

static void a_value_ends_where_it_ends(void)
{
    static const char text[] = "{\"a\":[]} trailing";

    CHECK(json_value(text, text + sizeof text - 1, 0) == text + 8);
    CHECK(json_value(text + 5, text + sizeof text - 1, 1) == text + 7);
}

static struct span key_of(const char *text, char *out)
{
    size_t len = strlen(text);
    char *copy = exact_copy(text, len), *room = malloc(len + 32);
    struct span key = {out, 0};

    if (!room) {
        abort();
    }
    key.len = json_key((struct span){copy, len}, room);
    memcpy(out, room, key.len);
    free(room);
    release(copy, len);
    return key;
}

static bool equal(const char *a, const char *b)
{
    char one[300], other[300];
    struct span x = key_of(a, one), y = key_of(b, other);

    return x.len == y.len && memcmp(x.at, y.at, x.len) == 0;
}

static void equal_values_have_equal_keys(void)
{
    static const char *const pairs[][2] = {
        {"1", "1.0"},
        {"1", "1e0"},
        {"1", "10e-1"},
        {"1", "0.1e1"},
        {"1e3", "1000.0"},
        {"1e3", "1000"},
        {"1E+3", "1e03"},
        {"-0", "0"},
        {"0", "0e9"},
        {"0", "-0.000e-77"},
        {"0", "0e99999999999999999999"},
        {"-1.50", "-15e-1"},
        {"100", "1e2"},
        {"1230", "12.30e2"},
        {"0.001", "1e-3"},
        {"0.0010", "1.0E-003"},
        {"1e-0", "1"},
        {"20", "2e1"},
        {"9007199254740993", "9007199254740993.0"},
        {"1e400", "10e399"},
        {"1e99999999999999999", "1.0e+99999999999999999"},
        {"1e00000000000000000000000003", "1000"},
        {"1e999999999999999999", "10e999999999999999998"},
        {"1e10000000000000000000", "1.00e+10000000000000000000"},
        {"1e-10000000000000000000", "1.0e-010000000000000000000"},
        {"123456789012345678901234567890", "1.2345678901234567890123456789e29"},
        {"\"a\"", "\"\\u0061\""},
        {"\"\\u00e9\"", "\"é\""},
        {"\"\\ud83d\\ude80\"", "\"🚀\""},
        {"\"\\/\"", "\"/\""},
        {"\"\\n\\t\\b\\f\\r\"", "\"\\u000a\\u0009\\u0008\\u000C\\u000d\""},
        {"\"\\\"\\\\\"", "\"\\u0022\\u005c\""},
        {"\"\"", "\"\""},
        {"null", "null"},
        {"\"\\ud800\"", "\"\\uD800\""},
        {"\"\\u4f1a\"", "\"会\""},
    };

    for (size_t i = 0; i < COUNT(pairs); i++) {
        if (!equal(pairs[i][0], pairs[i][1])) {
            check_failed(pairs[i][0], (int)i, pairs[i][1]);
        }
    }
}

static void different_values_have_different_keys(void)
{
    static const char *const texts[] = {
        "0",
        "1",
        "-1",
        "2",
        "10",
        "100",
        "11",
        "101",
        "0.1",
        "0.01",
        "-0.1",
        "1.1",
        "1e21",
        "1e22",
        "1e-21",
        "9007199254740992",
        "9007199254740993",
        "1e999999999999999999",
        "1e9999999999999999999",
        "1e-9999999999999999999",
        "2e9999999999999999999",
        "1e99999999999999999999",
        "\"\"",
        "\"0\"",
        "\"1\"",
        "\"1.0\"",
        "\"n1\"",
        "\"z\"",
        "\"null\"",
        "null",
        "\"a\"",
        "\"A\"",
        "\"a \"",
        "\"e\\u0301\"",
        "\"é\"",
        "\"\\u0000\"",
        "\"\\u0000\\u0000\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\udc00\\ud800\"",
        "\"\\ud800\\udc00\"",
        "\"\\\\n\"",
        "\"\\n\"",
        "\"\\\\u0061\"",
    };

    for (size_t i = 0; i < COUNT(texts); i++) {
        for (size_t j = 0; j < COUNT(texts); j++) {
            if (equal(texts[i], texts[j]) != (i == j)) {
                check_failed(texts[i], (int)i, texts[j]);
            }
        }
    }
}

static void strings_are_decoded(void)
{
    static const char *const pairs[][2] = {
        {"\"\"", ""},
        {"\"plain\"", "plain"},
        {"\"a\\nb\\\"c\\\\d\\/\"", "a\nb\"c\\d/"},
        {"\"\\u0069d\"", "id"},
        {"\"\\u00E9\"", "é"},
        {"\"\\u20ac\"", "€"},
        {"\"\\uD83D\\uDE80!\"", "🚀!"},
        {"\"\\ud800\"", "\xED\xA0\x80"},
        {"\"\\udbffx\"", "\xED\xAF\xBFx"},
        {"\"\\ud800\\ud83d\\ude80\"", "\xED\xA0\x80🚀"},
        {"\"\\ud800\\n\"", "\xED\xA0\x80\n"},
        {"\"\\ud800\\u0041\"", "\xED\xA0\x80"
                               "A"},
        {"\"\\ufffd\\uffff\"", "\xEF\xBF\xBD\xEF\xBF\xBF"},
        {"\"\\ud800\\udc00\\udbff\\udfff\"", "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"},
    };

    for (size_t i = 0; i < COUNT(pairs); i++) {
        size_t len = strlen(pairs[i][0]);
        char *copy = exact_copy(pairs[i][0], len), *room = malloc(len + 1);

        if (!room) {
            abort();
        }
        room[json_decode((struct span){copy, len}, room)] = '\0';
        CHECK_STR(room, pairs[i][1]);
        CHECK(json_is_plain((struct span){copy, len}) == !strchr(pairs[i][0], '\\'));
        free(room);
        release(copy, len);
    }
}

int main(void)
{
    valid_texts_are_accepted();
    invalid_texts_are_refused();
    every_truncation_of_a_container_is_refused();
    every_two_bytes_in_a_string_get_one_verdict();
    long_sequences_follow_the_definition_of_utf8();
    strings_of_any_length_are_measured();
    nesting_is_limited();
    a_value_ends_where_it_ends();
    equal_values_have_equal_keys();
    different_values_have_different_keys();
    strings_are_decoded();
    return check_report();
}
