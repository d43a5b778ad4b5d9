/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "../src/envelope.h"

#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What was read of a line. The line had its exact size, so that the sanitizer sees a read beyond it. */
struct read {
    struct envelope e; /* its spans dangle: the line is freed */
    char id[200], method[200], session[200], pool[200], inner[200];
};

typedef void read_function(const char *line, size_t len, struct envelope *out);

static void copy_span(struct span span, char *out)
{
    size_t len = span.at ? span.len : 0;

    if (len) {
        memcpy(out, span.at, len);
    }
    out[len] = '\0';
}

static struct read read_bytes(read_function *reader, const char *text, size_t len)
{
    char *line = malloc(len ? len : 1);
    struct read r;

    if (!line) {
        abort();
    }
    memcpy(line, text, len);
    reader(len ? line : line + 1, len, &r.e);
    copy_span(r.e.id, r.id);
    copy_span(r.e.method, r.method);
    copy_span(r.e.session, r.session);
    copy_span(r.e.pool, r.pool);
    copy_span(r.e.inner, r.inner);
    free(line);
    return r;
}

static struct read read_text(const char *text)
{
    return read_bytes(envelope_read, text, strlen(text));
}

static struct read salvage(const char *text)
{
    return read_bytes(envelope_salvage, text, strlen(text));
}

static void a_request_shows_its_routing_members(void)
{
    struct read r = read_text(" { \"jsonrpc\" : \"2.0\" , \"id\" : 7 , \"method\" : \"a/b\" , \"sessionId\" : \"s\" ,"
                              " \"pool\" : \"p\" , \"params\" : { \"x\" : [ ] , \"sessionId\" : \"i\" } } \r");

    CHECK(r.e.kind == ENVELOPE_REQUEST && r.e.fault == FAULT_NONE && !r.e.culprit);
    CHECK_STR(r.id, "7");
    CHECK_STR(r.method, "\"a/b\"");
    CHECK_STR(r.session, "\"s\"");
    CHECK_STR(r.pool, "\"p\"");
    CHECK_STR(r.inner, "\"i\"");
    CHECK(!r.e.has_result && !r.e.has_error);
}

static void messages_are_classified(void)
{
    static const struct {
        const char *text;
        enum envelope_kind kind;
        enum envelope_fault fault;
        const char *culprit, *id;
    } cases[] = {
        {"{\"id\":1,\"method\":\"m\"}", ENVELOPE_REQUEST, FAULT_NONE, NULL, "1"},
        {"{\"method\":\"m\",\"id\":\"x\"}", ENVELOPE_REQUEST, FAULT_NONE, NULL, "\"x\""},
        {"{\"method\":\"m\",\"id\":null}", ENVELOPE_REQUEST, FAULT_NONE, NULL, "null"},
        {"{\"method\":\"m\",\"id\":-1.5e3}", ENVELOPE_REQUEST, FAULT_NONE, NULL, "-1.5e3"},
        {"{\"method\":\"m\",\"id\":1,\"result\":1,\"error\":{}}", ENVELOPE_REQUEST, FAULT_NONE, NULL, "1"},
        {"{\"\\u006dethod\":\"m\",\"\\u0069\\u0064\":1}", ENVELOPE_REQUEST, FAULT_NONE, NULL, "1"},
        {"{\"method\":\"m\",\"ID\":1,\"i\":2,\"idx\":3,\"\":4}", ENVELOPE_NOTIFICATION, FAULT_NONE, NULL, ""},
        {"{\"method\":\"m\"}", ENVELOPE_NOTIFICATION, FAULT_NONE, NULL, ""},
        {"{\"method\":\"m\",\"result\":1}", ENVELOPE_NOTIFICATION, FAULT_NONE, NULL, ""},
        {"{\"method\":\"m\",\"params\":{\"id\":1}}", ENVELOPE_NOTIFICATION, FAULT_NONE, NULL, ""},
        {"{\"method\":\"{\\\"id\\\":1}\"}", ENVELOPE_NOTIFICATION, FAULT_NONE, NULL, ""},
        {"{\"id\":1,\"result\":null}", ENVELOPE_RESPONSE, FAULT_NONE, NULL, "1"},
        {"{\"id\":1,\"error\":{\"code\":1}}", ENVELOPE_RESPONSE, FAULT_NONE, NULL, "1"},
        {"{\"id\":null,\"error\":{}}", ENVELOPE_RESPONSE, FAULT_NONE, NULL, "null"},
        {"{\"id\":1,\"\\u0072esult\":0}", ENVELOPE_RESPONSE, FAULT_NONE, NULL, "1"},
        {"{\"id\":1,\"result\":1,\"params\":[],\"sessionId\":null,\"pool\":null}", ENVELOPE_RESPONSE, FAULT_NONE,
         NULL, "1"},
        {"{}", ENVELOPE_FAULTY, FAULT_SHAPE, NULL, ""},
        {"{\"id\":1}", ENVELOPE_FAULTY, FAULT_SHAPE, NULL, "1"},
        {"{\"result\":1}", ENVELOPE_FAULTY, FAULT_SHAPE, NULL, ""},
        {"{\"id\":1,\"result\":1,\"error\":null}", ENVELOPE_FAULTY, FAULT_SHAPE, NULL, "1"},
        {"{\"id\":true,\"method\":\"m\"}", ENVELOPE_FAULTY, FAULT_TYPE, "id", ""},
        {"{\"id\":[1],\"method\":\"m\"}", ENVELOPE_FAULTY, FAULT_TYPE, "id", ""},
        {"{\"id\":{},\"result\":1}", ENVELOPE_FAULTY, FAULT_TYPE, "id", ""},
        {"{\"id\":1,\"method\":null}", ENVELOPE_FAULTY, FAULT_TYPE, "method", "1"},
        {"{\"id\":1,\"method\":5}", ENVELOPE_FAULTY, FAULT_TYPE, "method", "1"},
        {"{\"id\":1,\"method\":\"m\",\"sessionId\":5}", ENVELOPE_FAULTY, FAULT_TYPE, "sessionId", "1"},
        {"{\"id\":1,\"method\":\"m\",\"pool\":[\"p\"]}", ENVELOPE_FAULTY, FAULT_TYPE, "pool", "1"},
        {"{\"id\":1,\"id\":1,\"method\":\"m\"}", ENVELOPE_FAULTY, FAULT_DUPLICATE, "id", ""},
        {"{\"id\":1,\"\\u0069d\":2,\"method\":\"m\"}", ENVELOPE_FAULTY, FAULT_DUPLICATE, "id", ""},
        {"{\"id\":1,\"method\":\"m\",\"method\":\"m\"}", ENVELOPE_FAULTY, FAULT_DUPLICATE, "method", "1"},
        {"{\"id\":1,\"method\":\"m\",\"sessionId\":\"s\",\"sessionId\":null}", ENVELOPE_FAULTY, FAULT_DUPLICATE,
         "sessionId", "1"},
        {"{\"id\":1,\"method\":\"m\",\"pool\":null,\"pool\":null}", ENVELOPE_FAULTY, FAULT_DUPLICATE, "pool", "1"},
        {"{\"id\":true,\"pool\":null,\"pool\":null}", ENVELOPE_FAULTY, FAULT_DUPLICATE, "pool", ""},
        {"{\"id\":1,\"pool\":5}", ENVELOPE_FAULTY, FAULT_TYPE, "pool", "1"},
        {"[]", ENVELOPE_FAULTY, FAULT_NOT_OBJECT, NULL, ""},
        {" [{\"id\":1,\"method\":\"m\"}] ", ENVELOPE_FAULTY, FAULT_NOT_OBJECT, NULL, ""},
        {"1", ENVELOPE_FAULTY, FAULT_NOT_OBJECT, NULL, ""},
        {"\"x\"", ENVELOPE_FAULTY, FAULT_NOT_OBJECT, NULL, ""},
        {"null\t", ENVELOPE_FAULTY, FAULT_NOT_OBJECT, NULL, ""},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct read r = read_text(cases[i].text);

        if (r.e.kind != cases[i].kind || r.e.fault != cases[i].fault) {
            check_failed(cases[i].text, (int)i, "kind and fault");
        }
        CHECK_STR(r.e.culprit, cases[i].culprit);
        CHECK_STR(r.id, cases[i].id);
    }
}

static void what_is_not_json_has_no_other_fault(void)
{
    static const char *const texts[] = {
        "",
        " ",
        "\t \r",
        "\xEF\xBB\xBF{\"id\":1,\"method\":\"m\"}",
        "garbage",
        "{",
        "{\"id\":1,\"method\":\"m\"",
        "{]}",
        "[1,]",
        "01",
        "{\"id\":1,\"method\":\"m\"}x",
        "{\"id\":1,\"method\":\"m\"}{}",
        "{\"id\":1,\"method\":\"m\",}",
        "{\"id\":NaN,\"method\":\"m\"}",
        "{\"id\":1,\"id\":2,\"method\":\"m\"",
        "{\"id\":01,\"method\":\"m\"}",
        "{\"method\":\"m\",\"x\":\"\xFF\xFE\"}",
        "{\"method\":\"m}",
        "{\"method\":\"m\",\"params\":{\"a\":1,}}",
        "{\"method\":\"m\",\"params\":{\"a\":1]}",
        "{\"method\":\"m\",\"params\":{a:1}}",
        "{\"method\":\"m\",\"params\":{\"a\"",
        "{\"method\":\"m\",\"params\":{",
        "{\"method\":\"m\",\"params\":",
        "{\"method\":\"m\",\"params\"",
        "{\"method\":\"m\n\"}",
        "{,\"id\":1}",
        "{\"id\" 1}",
        "{\"id\":1 \"method\":\"m\"}",
        "{\"id\":1}}",
        "nul",
        "[] []",
        "{\"\":0,\"\"}",
        "{\"\xC3\":1}",
        "{\"id\":1,\"method\":\"m\",\"params\":{}},",
        "{\"id\":1,\"result\":{\"sessionId\":}}",
    };

    for (size_t i = 0; i < COUNT(texts); i++) {
        struct read r = read_text(texts[i]);

        if (r.e.kind != ENVELOPE_FAULTY || r.e.fault != FAULT_NOT_JSON || r.e.culprit || r.e.id.at ||
            r.e.session.at || r.e.inner.at) {
            check_failed(texts[i], (int)i, "not JSON");
        }
    }
}

static void a_nul_byte_is_not_json(void)
{
    static const char text[] = "{\"id\":1,\"method\":\"m\"}\0", zero[] = "\0";

    CHECK(read_bytes(envelope_read, text, sizeof text - 1).e.fault == FAULT_NOT_JSON);
    CHECK(read_bytes(envelope_read, zero, 1).e.fault == FAULT_NOT_JSON);
}

static void every_truncation_is_not_json(void)
{
    static const char text[] =
        "{\"id\":1.5e2,\"method\":\"m\\u00e9\",\"params\":{\"sessionId\":\"s\",\"a\":[{},\"会\"]},\"pool\":null}";

    CHECK(read_text(text).e.kind == ENVELOPE_REQUEST);
    for (size_t len = 0; len < sizeof text - 1; len++) {
        CHECK(read_bytes(envelope_read, text, len).e.fault == FAULT_NOT_JSON);
    }
}

static void nesting_is_counted_from_the_message(void)
{
    static const char *const heads[] = {"{\"method\":\"m\",\"x\":", "{\"method\":\"m\",\"params\":{\"x\":"};
    static const size_t deepest[] = {JSON_MAX_DEPTH - 1, JSON_MAX_DEPTH - 2};

    for (size_t h = 0; h < COUNT(heads); h++) {
        for (size_t extra = 0; extra < 2; extra++) {
            size_t levels = deepest[h] + extra, head = strlen(heads[h]), len = head + 2 * levels + 1 + h;
            char *text = malloc(len);
            struct envelope e;

            if (!text) {
                abort();
            }
            memcpy(text, heads[h], head);
            memset(text + head, '[', levels);
            memset(text + head + levels, ']', levels);
            memset(text + head + 2 * levels, '}', 1 + h);
            envelope_read(text, len, &e);
            CHECK(e.fault == (extra ? FAULT_NOT_JSON : FAULT_NONE));
            free(text);
        }
    }
}

static void the_inner_session_is_the_last_string_of_the_right_member(void)
{
    static const char *const pairs[][2] = {
        {"{\"method\":\"m\",\"params\":{\"sessionId\":\"i\"}}", "\"i\""},
        {"{\"method\":\"m\",\"params\":{\"\\u0073essionId\":\"i\"}}", "\"i\""},
        {"{\"method\":\"m\",\"params\":{\"\\u0073\\u0065\\u0073\\u0073\\u0069\\u006f\\u006e\\u0049\\u0064\":\"i\"}}",
         "\"i\""},
        {"{\"method\":\"m\",\"params\":{\"sessionId\":\"i\",\"sessionId\":\"j\"}}", "\"j\""},
        {"{\"method\":\"m\",\"params\":{\"sessionId\":\"i\",\"sessionId\":7}}", ""},
        {"{\"method\":\"m\",\"params\":{\"sessionId\":\"i\"},\"params\":{}}", ""},
        {"{\"method\":\"m\",\"params\":{\"sessionId\":\"i\"},\"params\":[]}", ""},
        {"{\"method\":\"m\",\"params\":{\"sessionId\":null}}", ""},
        {"{\"method\":\"m\",\"params\":{\"a\":{\"sessionId\":\"i\"}}}", ""},
        {"{\"method\":\"m\",\"params\":[{\"sessionId\":\"i\"}]}", ""},
        {"{\"method\":\"m\",\"params\":\"sessionId\"}", ""},
        {"{\"method\":\"m\",\"result\":{\"sessionId\":\"r\"}}", ""},
        {"{\"id\":1,\"method\":\"m\",\"result\":{\"sessionId\":\"r\"},\"params\":{\"sessionId\":\"i\"}}", "\"i\""},
        {"{\"id\":1,\"result\":{\"sessionId\":\"r\"},\"params\":{\"sessionId\":\"i\"}}", "\"r\""},
        {"{\"id\":1,\"result\":{ \"a\" : 1 , \"sessionId\" : \"r\" }}", "\"r\""},
        {"{\"id\":1,\"error\":{\"sessionId\":\"r\"},\"params\":{\"sessionId\":\"i\"}}", ""},
    };

    for (size_t i = 0; i < COUNT(pairs); i++) {
        struct read r = read_text(pairs[i][0]);

        CHECK(r.e.fault == FAULT_NONE);
        CHECK_STR(r.inner, pairs[i][1]);
        CHECK_STR(r.session, "");
    }
}

static void the_outcome_of_a_response_is_noted(void)
{
    CHECK(read_text("{\"id\":1,\"result\":{}}").e.has_result);
    CHECK(!read_text("{\"id\":1,\"result\":{}}").e.has_error);
    CHECK(read_text("{\"id\":1,\"error\":{}}").e.has_error);
    CHECK(!read_text("{\"id\":1,\"error\":{}}").e.has_result);
}

static void salvage_finds_what_a_broken_line_shows(void)
{
    static const struct {
        const char *text, *id, *session, *method;
    } cases[] = {
        {"{\"id\":1,\"sessionId\":\"s\",\"method\":\"m\",\"params\":{", "1", "\"s\"", "\"m\""},
        {"{\"id\":1,\"result\":NaN}", "1", "", ""},
        {"{\"result\":{\"text\":\"cut off", "", "", ""},
        {"{\"id\":\"a\",\"result\":{\"text\":\"cut off \\", "\"a\"", "", ""},
        {"{\"result\":{\"id\":5},\"id\":6,}", "6", "", ""},
        {"{\"result\":[{\"id\":5}],\"x\":\"\\\",\\\"id\\\":9\",\"id\":6", "", "", ""},
        {"{\"result\":[{\"id\":5}],\"x\":\"\\\",\\\"id\\\":9\",\"id\":6 ", "6", "", ""},
        {"{\"x\":'quoted',\"id\":6,", "6", "", ""},
        {"{\"x\":\"\xFF\xFE\x01\",\"id\":6}", "6", "", ""},
        {"{\"id\":12", "", "", ""},
        {"{\"id\":nul", "", "", ""},
        {"{\"id\":null", "", "", ""},
        {"{\"id\":null,", "null", "", ""},
        {"{\"id\":\"ab", "", "", ""},
        {"{\"id\":\"ab\"", "\"ab\"", "", ""},
        {"{\"id\":\"a\xFF\",", "", "", ""},
        {"{\"id\":01,\"result\":1}", "", "", ""},
        {"{\"id\":1x,\"result\":1}", "", "", ""},
        {"{\"id\":", "", "", ""},
        {"{\"id\"", "", "", ""},
        {"{\"id\":true,\"sessionId\":5,", "", "", ""},
        {"{\"id\":{\"id\":1},", "", "", ""},
        {"{\"id\":1,\"id\":1,", "", "", ""},
        {"{\"id\":1,\"\\u0069d\":2,", "", "", ""},
        {"{\"id\":1,\"result\":1,\"id\":2", "", "", ""},
        {"{\"\\u0069d\" : \"x\" , \"sessionId\" : null ,", "\"x\"", "", ""},
        {"\xEF\xBB\xBF {\"id\":1,\"result\":1}", "1", "", ""},
        {"{\"id\":1,\"result\":1}{\"id\":2,\"result\":1}", "1", "", ""},
        {"{\"id\":1,\"result\":1} trailing", "1", "", ""},
        {"{\"a\":]}, \"id\":1}", "", "", ""},
        {"{\"a\":],\"id\":1}", "1", "", ""},
        {"{\"a\":\"id\",\"id\":1,", "1", "", ""},
        {"[{\"id\":1,\"result\":1}]", "", "", ""},
        {"log: {\"id\":1,\"result\":1}", "", "", ""},
        {"\"id\":1,", "", "", ""},
        {"", "", "", ""},
        {"{", "", "", ""},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct read r = salvage(cases[i].text);

        CHECK_STR(r.id, cases[i].id);
        CHECK_STR(r.session, cases[i].session);
        CHECK_STR(r.method, cases[i].method);
        CHECK_STR(r.pool, "");
    }
}

static void salvage_of_a_truncated_message_never_shows_another_id(void)
{
    static const char text[] = "{\"x\":{\"id\":3},\"id\":123.5,\"method\":\"m\",\"y\":\"\\\"id\\\":4\"}";

    for (size_t len = 0; len < sizeof text; len++) {
        struct read r = read_bytes(envelope_salvage, text, len);

        CHECK(!r.e.id.at || strcmp(r.id, "123.5") == 0);
        CHECK((r.e.id.at != NULL) == (len >= strlen("{\"x\":{\"id\":3},\"id\":123.5,")));
    }
}

static void salvage_follows_any_nesting(void)
{
    size_t levels = 100000, len = levels + 20;
    char *text = malloc(len);
    struct envelope e;

    if (!text) {
        abort();
    }
    memset(text, '[', len);
    memcpy(text, "{\"id\":1,\"result\":", 17);
    envelope_salvage(text, len, &e);
    CHECK(e.id.at == text + 6 && e.id.len == 1);
    free(text);
}

static void strip_removes_the_bus_members_only(void)
{
    static const char *const pairs[][2] = {
        {"{\"sessionId\":\"s\"}", "{}"},
        {"{\"sessionId\":\"s\",\"agentId\":1,\"_ext\":{\"a\":[]},\"pool\":null}", "{}"},
        {" { \"pool\" : \"p\" } ", " {} "},
        {"{}", "{}"},
        {" { \t} ", " { \t} "},
        {"{\"id\":1,\"sessionId\":\"s\",\"method\":\"m\"}", "{\"id\":1,\"method\":\"m\"}"},
        {"{\"sessionId\":\"s\",\"id\":1,\"method\":\"m\"}", "{\"id\":1,\"method\":\"m\"}"},
        {"{\"id\":1,\"method\":\"m\",\"sessionId\":\"s\"}", "{\"id\":1,\"method\":\"m\"}"},
        {"{\"pool\":\"p\",\"id\":1,\"agentId\":\"a\",\"agentId\":\"b\",\"method\":\"m\",\"_ext\":{}}",
         "{\"id\":1,\"method\":\"m\"}"},
        {"{\"\\u0070ool\":\"p\",\"\\u005fext\":0,\"\\u0061gentId\":1,\"x\":1e5}", "{\"x\":1e5}"},
        {"{ \"id\" : 1 , \"pool\" : \"p\" , \"x\" : [ 1 , 2 ] }", "{ \"id\" : 1 , \"x\" : [ 1 , 2 ] }"},
        {"{ \"id\" : 1 ,\n\"pool\" : \"p\" }\r", "{ \"id\" : 1 }\r"},
        {"{\"params\":{\"sessionId\":\"s\",\"_ext\":1},\"text\":\"\\\"pool\\\":1,\"}",
         "{\"params\":{\"sessionId\":\"s\",\"_ext\":1},\"text\":\"\\\"pool\\\":1,\"}"},
        {"{\"Pool\":1,\"sessionid\":2,\"ext\":3,\"agentid\":4}",
         "{\"Pool\":1,\"sessionid\":2,\"ext\":3,\"agentid\":4}"},
        {"{\"a\":\"{\",\"_ext\":\"}\",\"b\":\",\"}", "{\"a\":\"{\",\"b\":\",\"}"},
    };

    for (size_t i = 0; i < COUNT(pairs); i++) {
        size_t len = strlen(pairs[i][0]), kept;
        char *line = malloc(len), *out = malloc(len), *result = calloc(1, len + 1);

        if (!line || !out || !result) {
            abort();
        }
        memcpy(line, pairs[i][0], len);
        kept = envelope_strip(line, len, out);
        memcpy(result, out, kept);
        CHECK_STR(result, pairs[i][1]);
        free(line);
        free(out);
        free(result);
    }
}

int main(void)
{
    a_request_shows_its_routing_members();
    messages_are_classified();
    what_is_not_json_has_no_other_fault();
    a_nul_byte_is_not_json();
    every_truncation_is_not_json();
    nesting_is_counted_from_the_message();
    the_inner_session_is_the_last_string_of_the_right_member();
    the_outcome_of_a_response_is_noted();
    salvage_finds_what_a_broken_line_shows();
    salvage_of_a_truncated_message_never_shows_another_id();
    salvage_follows_any_nesting();
    strip_removes_the_bus_members_only();
    return check_report();
}
