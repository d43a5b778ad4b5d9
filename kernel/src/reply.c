/* SPDX-License-Identifier: Apache-2.0 */
#include "reply.h"

#include "call.h"

#include <stdio.h>
#include <string.h>

static const struct {
    int code;
    const char *name;
    const char *sentence;
} reasons[] = {
    [REASON_PARSE_ERROR] = {-32700, "parse_error", "the line is not valid JSON"},
    [REASON_NOT_AN_OBJECT] = {-32600, "not_an_object", "a message is one JSON object"},
    [REASON_INVALID_MESSAGE] = {-32600, "invalid_message", "neither a request, a notification nor a response"},
    [REASON_INVALID_MEMBER] = {-32600, "invalid_member", "a routing member has the wrong type"},
    [REASON_DUPLICATE_MEMBER] = {-32600, "duplicate_member", "a routing member stands there twice"},
    [REASON_MESSAGE_TOO_LARGE] = {-32600, "message_too_large", "the line is longer than max_input_buffer"},
    [REASON_DUPLICATE_ID] = {-32600, "duplicate_id", "this client has a request with this id open"},
    [REASON_WORKER_EXITED] = {-32090, "worker_exited", "the worker ended before it answered"},
    [REASON_NO_WORKER] = {-32091, "no_worker", "no worker of the pool is left"},
    [REASON_UNKNOWN_POOL] = {-32092, "unknown_pool", "there is no pool with this id"},
    [REASON_POOL_REQUIRED] = {-32092, "pool_required", "there are several pools: name one with \"pool\""},
    [REASON_POOL_MISMATCH] = {-32092, "pool_mismatch", "the session belongs to another pool"},
    [REASON_UNKNOWN_SESSION] = {-32092, "unknown_session", "no client owns this session at this worker"},
    [REASON_OVERLOADED] = {-32093, "overloaded", "the worker does not keep up, or buffers are full"},
    [REASON_SHUTTING_DOWN] = {-32095, "shutting_down", "the bus is shutting down"},
    [REASON_ID_IN_USE] = {-32096, "id_in_use", "another open request with this id could not be told apart"},
    [REASON_INVALID_RESPONSE] = {-32097, "invalid_response", "the worker's response is not a valid message"},
    [REASON_AMBIGUOUS_RESPONSE] = {-32097, "ambiguous_response", "the worker's response fits several requests"},
    [REASON_AMBIGUOUS_ANSWER] = {-32097, "ambiguous_answer", "the client's answer fits several requests"},
    [REASON_CLIENT_GONE] = {-32097, "client_gone", "the client left without an answer"},
};

/* A growing line in a channel's queue. */
struct text {
    char *at;
    size_t len;
};

static void add(struct text *text, const char *bytes, size_t len)
{
    memcpy(text->at + text->len, bytes, len);
    text->len += len;
}

static void add_string(struct text *text, const char *string)
{
    add(text, string, strlen(string));
}

/* Details quote commands and messages of the system: what is not printable UTF-8 is escaped byte by byte. */
static void add_escaped(struct text *text, const char *string)
{
    const char *end = string + strlen(string);
    for (const char *p = string; p < end; p++) {
        unsigned char byte = (unsigned char)*p;
        const char *after = byte < 0x80 ? NULL : json_rune(p, end);
        if (after != NULL) {
            add(text, p, (size_t)(after - p));
            p = after - 1;
        } else if (byte == '"' || byte == '\\') {
            add(text, "\\", 1);
            add(text, p, 1);
        } else if (byte < 0x20 || byte >= 0x7f) {
            char escape[8];
            snprintf(escape, sizeof escape, "\\u%04x", byte);
            add_string(text, escape);
        } else {
            add(text, p, 1);
        }
    }
}

static void count_out(struct router *router, const struct peer *peer, size_t len)
{
    if (peer->kind == PEER_CLIENT) {
        router->stats->messages_out++;
        router->stats->bytes_out += len + 1;
    }
}

void reply_error(struct router *router, struct peer *peer, struct span id, struct span session, enum reason reason,
                 const char *detail)
{
    const char *sentence = detail != NULL ? detail : reasons[reason].sentence;
    struct text text = {channel_room(&peer->channel, id.len + session.len + 6 * strlen(sentence) + 192), 0};
    if (text.at == NULL) {
        return;
    }
    add_string(&text, "{\"jsonrpc\":\"2.0\",\"id\":");
    add(&text, id.at != NULL ? id.at : "null", id.at != NULL ? id.len : 4);
    if (session.at != NULL) {
        add_string(&text, ",\"sessionId\":");
        add(&text, session.at, session.len);
    }
    char code[48];
    snprintf(code, sizeof code, ",\"error\":{\"code\":%d,\"message\":\"", reasons[reason].code);
    add_string(&text, code);
    add_escaped(&text, sentence);
    add_string(&text, "\",\"data\":{\"source\":\"stdio_bus\",\"reason\":\"");
    add_string(&text, reasons[reason].name);
    add_string(&text, "\"}}}");
    channel_commit(&peer->channel, text.len);
    count_out(router, peer, text.len);
}

void call_fail(struct router *router, struct call *call, enum reason reason, const char *detail)
{
    if (call->caller != NULL && !call->notification) {
        reply_error(router, call->caller, call->id, call->spelled, reason, detail);
    }
    call_free(router, call);
}

const char *peer_name(const struct peer *peer, char *out, size_t size)
{
    if (peer == NULL) {
        snprintf(out, size, "a client that has left");
    } else if (peer->kind == PEER_CLIENT) {
        snprintf(out, size, "client %d", ((const struct client *)peer)->id);
    } else {
        const struct worker *worker = (const struct worker *)peer;
        snprintf(out, size, "worker %s#%d", worker->pool->config->id, worker->id);
    }
    return out;
}

void note_unrouted(struct router *router, const struct peer *from, const char *why, const char *line, size_t len)
{
    char name[128];
    char excerpt[LOG_EXCERPT_SIZE];
    router->stats->routing_errors++;
    log_line(router->log, LOG_LEVEL_WARN, "%s: %s: %s", peer_name(from, name, sizeof name), why,
             log_excerpt(line, len, excerpt));
}

void send_to_client(struct router *router, struct client *client, const char *line, size_t len)
{
    if (channel_send(&client->peer.channel, line, len)) {
        count_out(router, &client->peer, len);
    }
}
