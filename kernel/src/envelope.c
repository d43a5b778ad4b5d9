/* SPDX-License-Identifier: Apache-2.0 */
#include "envelope.h"

#include <string.h>

enum name {
    NAME_ID,
    NAME_METHOD,
    NAME_SESSION,
    NAME_POOL,
    ROUTING_NAMES,
    NAME_PARAMS = ROUTING_NAMES,
    NAME_RESULT,
    NAME_ERROR,
    NAME_AGENT,
    NAME_EXTENSION,
    NAME_OTHER,
};

static const char *const routing_name[ROUTING_NAMES] = {"id", "method", "sessionId", "pool"};

/* The shortest and the longest spelling with an escape of a known name, with the quotes: "i\u0064", and every
 * character of "sessionId" as \uXXXX. */
#define SHORTEST_ESCAPED (1 + 6 + 2)
#define LONGEST_ESCAPED  (9 * 6 + 2)

static enum name find_name(const char *s, size_t len)
{
#define IS(text) (memcmp(s, text, sizeof(text) - 1) == 0)
    switch (len) {
    case 2:
        return IS("id") ? NAME_ID : NAME_OTHER;
    case 4:
        return IS("pool") ? NAME_POOL : IS("_ext") ? NAME_EXTENSION : NAME_OTHER;
    case 5:
        return IS("error") ? NAME_ERROR : NAME_OTHER;
    case 6:
        return IS("method") ? NAME_METHOD : IS("params") ? NAME_PARAMS : IS("result") ? NAME_RESULT : NAME_OTHER;
    case 7:
        return IS("agentId") ? NAME_AGENT : NAME_OTHER;
    case 9:
        return IS("sessionId") ? NAME_SESSION : NAME_OTHER;
    default:
        return NAME_OTHER;
    }
#undef IS
}

/* Which member the valid JSON string `raw` names, by its decoded value (KRN-COR-04). */
static enum name name_of(struct span raw)
{
    char decoded[LONGEST_ESCAPED];
    enum name name = find_name(raw.at + 1, raw.len - 2);

    if (name != NAME_OTHER || raw.len < SHORTEST_ESCAPED || raw.len > LONGEST_ESCAPED || json_is_plain(raw)) {
        return name;
    }
    return find_name(decoded, json_decode(raw, decoded));
}

static struct span span_of(const char *from, const char *to)
{
    return (struct span){from, (size_t)(to - from)};
}

/* White space is rare between the tokens of a message; this saves the call. */
static const char *space(const char *p, const char *end)
{
    return p < end && (unsigned char)*p <= ' ' ? json_space(p, end) : p;
}

/* A walk over the members of one object. `at` is behind the last value read, or NULL after an error. */
struct walk {
    const char *at, *end;
    const char *comma; /* what separates the member from what is before it: the opening brace or a comma */
    struct span name;
};

/* `at` stands at the opening brace of an object. */
static struct walk walk_object(const char *at, const char *end)
{
    return (struct walk){.at = at, .end = end};
}

/* Moves to the value of the next member; false behind the closing brace or after an error. */
static bool walk_next(struct walk *walk)
{
    const char *p = walk->at, *end = walk->end, *after;
    bool first = !walk->comma;

    walk->at = NULL;
    if (!p) {
        return false;
    }
    walk->comma = p = first ? p : space(p, end);
    if (first) {
        p = space(p + 1, end);
        if (p < end && *p == '}') {
            goto closed;
        }
    } else {
        if (p < end && *p == '}') {
            goto closed;
        }
        if (p == end || *p != ',') {
            return false;
        }
        p = space(p + 1, end);
    }
    after = json_string(p, end);
    if (!after) {
        return false;
    }
    walk->name = span_of(p, after);
    p = space(after, end);
    if (p == end || *p != ':') {
        return false;
    }
    walk->at = space(p + 1, end);
    return true;
closed:
    walk->at = p + 1;
    return false;
}

/* Reads the object params or result and keeps its string sessionId in *inner; of several the last. */
static const char *read_inner(const char *p, const char *end, struct span *inner)
{
    struct walk walk = walk_object(p, end);

    while (walk_next(&walk)) {
        const char *value = walk.at;

        walk.at = json_value(value, end, 2);
        if (name_of(walk.name) == NAME_SESSION) {
            *inner = walk.at && *value == '"' ? span_of(value, walk.at) : (struct span){0};
        }
    }
    return walk.at;
}

/* What one pass collects before the message is judged. */
struct reading {
    struct span value[ROUTING_NAMES];
    unsigned count[ROUTING_NAMES];
    struct span params_session, result_session;
    bool has_result, has_error;
};

/* Reads the value at p of the member `name`; returns the byte behind it, or NULL. */
static const char *read_value(struct reading *r, enum name name, const char *p, const char *end)
{
    struct span *inner = name == NAME_PARAMS ? &r->params_session : &r->result_session;
    const char *after;

    if (name == NAME_PARAMS || name == NAME_RESULT) {
        r->has_result |= name == NAME_RESULT;
        *inner = (struct span){0};
        return p < end && *p == '{' ? read_inner(p, end, inner) : json_value(p, end, 1);
    }
    r->has_error |= name == NAME_ERROR;
    after = json_value(p, end, 1);
    if (after && name < ROUTING_NAMES) {
        r->value[name] = span_of(p, after);
        r->count[name]++;
    }
    return after;
}

static bool has_type(enum name name, struct span value)
{
    char c = value.at ? *value.at : '?';

    if (c == '"') {
        return true;
    }
    if (name == NAME_METHOD) {
        return false;
    }
    return c == 'n' || (name == NAME_ID && (c == '-' || (c >= '0' && c <= '9')));
}

/* Keeps the usable routing members and notes the worst fault among them. */
static void judge_members(const struct reading *r, struct envelope *out)
{
    struct span *const kept[ROUTING_NAMES] = {&out->id, &out->method, &out->session, &out->pool};

    for (enum name name = 0; name < ROUTING_NAMES; name++) {
        enum envelope_fault fault = FAULT_NONE;

        if (r->count[name] == 0) {
            continue;
        }
        if (r->count[name] > 1) {
            fault = FAULT_DUPLICATE;
        } else if (!has_type(name, r->value[name])) {
            fault = FAULT_TYPE;
        } else if (name == NAME_ID || *r->value[name].at == '"') {
            *kept[name] = r->value[name];
        } else if (name == NAME_SESSION) {
            out->no_session = r->value[name];
        }
        if (fault != FAULT_NONE && (out->fault == FAULT_NONE || fault < out->fault)) {
            out->fault = fault;
            out->culprit = routing_name[name];
        }
    }
}

/* KRN-FRM-11 */
static void judge_kind(struct envelope *out)
{
    if (out->fault != FAULT_NONE) {
        out->kind = ENVELOPE_FAULTY;
    } else if (out->method.at) {
        out->kind = out->id.at ? ENVELOPE_REQUEST : ENVELOPE_NOTIFICATION;
    } else if (out->id.at && out->has_result != out->has_error) {
        out->kind = ENVELOPE_RESPONSE;
    } else {
        out->fault = FAULT_SHAPE;
    }
}

void envelope_read(const char *line, size_t len, struct envelope *out)
{
    const char *end = line + len, *p = space(line, end);
    struct walk walk = walk_object(p, end);
    struct reading r = {0};

    *out = (struct envelope){.kind = ENVELOPE_FAULTY};
    if (p == end || *p != '{') {
        p = json_value(p, end, 0);
        out->fault = p && space(p, end) == end ? FAULT_NOT_OBJECT : FAULT_NOT_JSON;
        return;
    }
    while (walk_next(&walk)) {
        walk.at = read_value(&r, name_of(walk.name), walk.at, end);
    }
    if (!walk.at || space(walk.at, end) != end) {
        out->fault = FAULT_NOT_JSON;
        return;
    }
    out->has_result = r.has_result;
    out->has_error = r.has_error;
    judge_members(&r, out);
    judge_kind(out);
    out->inner = out->kind == ENVELOPE_RESPONSE ? r.result_session : r.params_session;
}

/* The byte behind a string that may be anything but unterminated; else `end`. */
static const char *loose_string(const char *p, const char *end)
{
    for (p++; p < end && *p != '"'; p++) {
        if (*p == '\\' && end - p > 1) {
            p++;
        }
    }
    return p < end ? p + 1 : end;
}

/* Notes the routing value at p if it is whole: a number or word at the end of the line may be cut short. */
static void salvage_value(struct reading *r, enum name name, const char *p, const char *end)
{
    const char *after = p < end && *p != '{' && *p != '[' ? json_value(p, end, 1) : NULL;

    r->count[name]++;
    r->value[name] = (struct span){0};
    if (after && (*p == '"' || (after < end && memchr(" \t\r\n,}", *after, 6)))) {
        r->value[name] = span_of(p, after);
    }
}

/* Moves behind the string at p, which is in the outermost object, and notes what it names. */
static const char *salvage_string(struct reading *r, const char *p, const char *end)
{
    const char *after = loose_string(p, end), *colon = space(after, end);
    enum name name;

    if (colon == end || *colon != ':' || json_string(p, end) != after) {
        return after;
    }
    name = name_of(span_of(p, after));
    if (name < ROUTING_NAMES) {
        salvage_value(r, name, space(colon + 1, end), end);
    }
    return colon + 1;
}

void envelope_salvage(const char *line, size_t len, struct envelope *out)
{
    const char *end = line + len, *p = line;
    struct envelope kept = {0};
    struct reading r = {0};
    size_t depth = 0;

    *out = (struct envelope){.kind = ENVELOPE_FAULTY};
    if (len >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0) {
        p += 3;
    }
    while (p < end && (unsigned char)*p <= ' ') {
        p++;
    }
    if (p == end || *p != '{') {
        return;
    }
    while (p < end) {
        if (*p == '"') {
            p = depth == 1 ? salvage_string(&r, p, end) : loose_string(p, end);
            continue;
        }
        if (*p == '{' || *p == '[') {
            depth++;
        } else if (*p == '}' || (*p == ']' && depth > 1)) {
            depth--;
        }
        p++;
        if (depth == 0) {
            break; /* what follows is another message */
        }
    }
    judge_members(&r, &kept);
    out->id = kept.id;
    out->session = kept.session;
    out->method = kept.method;
}

static bool is_stripped(enum name name)
{
    return name == NAME_SESSION || name == NAME_AGENT || name == NAME_EXTENSION || name == NAME_POOL;
}

static char *put(char *out, const char *from, const char *to)
{
    memcpy(out, from, (size_t)(to - from));
    return out + (to - from);
}

/* A member reaches from behind the brace or comma before it to the comma or brace after it, so that white
 * space goes with its member. */
size_t envelope_strip(const char *line, size_t len, char *out)
{
    const char *end = line + len, *p = space(line, end);
    struct walk walk = walk_object(p, end);
    bool any = false;
    char *w;

    if (p == end || *p != '{') {
        return (size_t)(put(out, line, end) - out);
    }
    w = put(out, line, p + 1);
    while (walk_next(&walk)) {
        const char *after = json_value(walk.at, end, 1);

        walk.at = after ? space(after, end) : NULL;
        if (!after || is_stripped(name_of(walk.name))) {
            continue;
        }
        if (any) {
            *w++ = ',';
        }
        any = true;
        w = put(w, walk.comma + 1, walk.at);
    }
    if (!walk.at || !walk.name.at) {
        return (size_t)(put(out, line, end) - out);
    }
    return (size_t)(put(w, walk.at - 1, end) - out);
}
