/* SPDX-License-Identifier: Apache-2.0 */
/* What the bus reads of a message: one pass that validates the line and finds its routing members. */
#ifndef KERNEL_ENVELOPE_H
#define KERNEL_ENVELOPE_H

#include "json.h"

enum envelope_kind {
    ENVELOPE_REQUEST,
    ENVELOPE_NOTIFICATION,
    ENVELOPE_RESPONSE,
    ENVELOPE_FAULTY,
};

enum envelope_fault {
    FAULT_NONE,
    FAULT_NOT_JSON,   /* -32700 parse_error */
    FAULT_NOT_OBJECT, /* -32600 not_an_object: JSON, but no object */
    FAULT_DUPLICATE,  /* -32600 duplicate_member: id, method, sessionId or pool twice (KRN-FRM-12) */
    FAULT_TYPE,       /* -32600 invalid_member: a routing member of a wrong type */
    FAULT_SHAPE,      /* -32600 invalid_message: neither request, notification nor response (KRN-FRM-11) */
};

struct envelope {
    enum envelope_kind kind;
    enum envelope_fault fault;
    const char *culprit; /* for DUPLICATE and TYPE: the name of the member; else NULL */
    /* As spelled; at == NULL where absent or not usable (wrong type, duplicate). */
    struct span id;
    struct span method;     /* a string */
    struct span session;    /* top-level sessionId, a string; null counts as absent */
    struct span pool;       /* a string; null counts as absent */
    struct span no_session; /* the null of a top-level sessionId that is null */
    struct span inner;      /* string params.sessionId, or for a response result.sessionId */
    bool has_result;
    bool has_error;
};

/* Reads a line without its LF (and CR). Never fails: faults stand in the result. */
void envelope_read(const char *line, size_t len, struct envelope *out);

/* Finds what a broken or truncated line still shows of its top-level id, sessionId and method (KRN-FRM-10):
 * strings and nesting are followed, everything else is forgiven, but the line has to start with the brace (after
 * white space or a byte order mark), and a number or null at its very end may be cut short and does not count.
 * Sets id, session and method only; id.at == NULL where no usable id was seen, or where it stands there twice. */
void envelope_salvage(const char *line, size_t len, struct envelope *out);

/* Writes the valid message without its top-level sessionId, agentId, _ext and pool to out (room for len
 * bytes), every other byte unchanged, and returns the length (KRN-RTE-13). */
size_t envelope_strip(const char *line, size_t len, char *out);

#endif
