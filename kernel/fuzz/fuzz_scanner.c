/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a line: what the scanner says of them has to agree with itself. */
#include "../src/envelope.h"

#include <stdint.h>
#include <stdlib.h>

#include "json_portable.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool held)
{
    if (!held) {
        abort();
    }
}

static char *allocate(size_t size)
{
    char *at = malloc(size);

    require(at != NULL);
    return at;
}

static bool same_span(struct span a, struct span b)
{
    return a.at == b.at && (!a.at || a.len == b.len);
}

/* A key keeps to its room and is the same from both builds; that of a plain string holds its bytes. */
static void check_key(struct span raw)
{
    char *key, *again;
    size_t len;

    if (!raw.at) {
        return;
    }
    key = allocate(raw.len + 32);
    again = allocate(raw.len + 32);
    len = json_key(raw, key);
    require(len > 0 && len <= raw.len + 32);
    require(portable_key(raw, again) == len && memcmp(key, again, len) == 0);
    if (*raw.at == '"' && json_is_plain(raw)) {
        require(len == raw.len - 1 && memcmp(key + 1, raw.at + 1, len - 1) == 0);
    }
    free(key);
    free(again);
}

/* One more zero, or the exponent 0, does not change a number. */
static void check_number(struct span raw)
{
    char *text, *key, *other;
    size_t len, room = raw.len + 2;

    if (!raw.at || *raw.at == '"' || *raw.at == 'n') {
        return;
    }
    text = allocate(room);
    key = allocate(raw.len + 32);
    other = allocate(room + 32);
    memcpy(text, raw.at, raw.len);
    if (memchr(raw.at, 'e', raw.len) || memchr(raw.at, 'E', raw.len)) {
        room = raw.len;
    } else {
        memcpy(text + raw.len, memchr(raw.at, '.', raw.len) ? "00" : ".0", 2);
    }
    len = json_key(raw, key);
    require(json_key((struct span){text, room}, other) == len && memcmp(key, other, len) == 0);
    free(text);
    free(key);
    free(other);
}

static void check_builds_agree(const char *line, const char *end)
{
    for (const char *p = line; p < end; p++) {
        if (*p == '"') {
            require(json_string(p, end) == portable_string(p, end));
        }
    }
    require(json_value(line, end, 0) == portable_value(line, end, 0));
    require(json_space(line, end) == portable_space(line, end));
}

static void check_salvage(const char *line, size_t len, const struct envelope *e)
{
    struct envelope s;

    envelope_salvage(line, len, &s);
    check_key(s.id);
    check_key(s.session);
    if (e->fault != FAULT_NOT_JSON && e->fault != FAULT_NOT_OBJECT) {
        require(same_span(s.id, e->id) && same_span(s.session, e->session) && same_span(s.method, e->method));
    }
    if (e->fault != FAULT_NONE || len == 0) {
        return;
    }
    /* What is cut off may hide the id, but never shows another one. */
    envelope_salvage(line, len * 2 / 3, &s);
    require(!s.id.at || same_span(s.id, e->id));
    require(!s.session.at || same_span(s.session, e->session));
}

static void check_strip(const char *line, size_t len, const struct envelope *e)
{
    char *out = allocate(len ? len : 1), *again = allocate(len ? len : 1);
    size_t kept = envelope_strip(line, len, out);
    struct envelope stripped;

    require(kept <= len);
    if (e->fault != FAULT_NOT_JSON) {
        require(envelope_strip(out, kept, again) == kept && memcmp(out, again, kept) == 0);
        envelope_read(out, kept, &stripped);
        require(stripped.fault != FAULT_NOT_JSON && !stripped.session.at && !stripped.pool.at);
        require(stripped.id.len == e->id.len && stripped.method.len == e->method.len);
        require(stripped.fault == e->fault || e->fault == FAULT_DUPLICATE || e->fault == FAULT_TYPE);
    }
    free(out);
    free(again);
}

static void check_verdict(const char *line, const char *end, const struct envelope *e)
{
    const char *p = portable_space(line, end), *after = portable_value(p, end, 0);
    bool valid = after && portable_space(after, end) == end;

    require(valid == (e->fault != FAULT_NOT_JSON));
    require((valid && *p != '{') == (e->fault == FAULT_NOT_OBJECT));
    require((e->kind == ENVELOPE_FAULTY) == (e->fault != FAULT_NONE));
    require((e->culprit != NULL) == (e->fault == FAULT_DUPLICATE || e->fault == FAULT_TYPE));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *line = (const char *)data;
    struct envelope e;

    if (size == 0) {
        return 0;
    }
    envelope_read(line, size, &e);
    check_builds_agree(line, line + size);
    check_verdict(line, line + size, &e);
    check_key(e.id);
    check_number(e.id);
    check_key(e.method);
    check_key(e.inner);
    check_salvage(line, size, &e);
    check_strip(line, size, &e);
    return 0;
}
