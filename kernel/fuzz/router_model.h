/* SPDX-License-Identifier: Apache-2.0 */
/* What everybody around a fuzzed bus has sent and received, and what the bus may do with it. */
#ifndef ROUTER_MODEL_H
#define ROUTER_MODEL_H

#include "../tests/memory_bus.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CLIENTS = 4, WORKERS = 4, MOST = 300, LINE_SIZE = 1500 };

#define COUNT(array)   (sizeof(array) / sizeof *(array))
#define REQUIRE(holds) require((holds), #holds, __FILE__, __LINE__)

void require(bool holds, const char *what, const char *file, int line);

/* Spellings; those with the same class are equal values. */
struct spelling {
    const char *text;
    int class;
};

enum { IDS = 8, SESSIONS = 5 };
extern const struct spelling ids[IDS];
extern const struct spelling sessions[SESSIONS];

struct guest {
    struct client *client; /* NULL: not there */
    uint64_t seen;         /* how much of what was queued for it has been looked at */
    unsigned spoke_on;     /* classes of the sessions it has sent on, as bits */
};

struct staff {
    struct worker *worker; /* NULL: not there */
    uint64_t seen;
    bool leaving;
    size_t latest_notice[CLIENTS];
};

/* A request of a client. */
struct asked {
    int guest; /* -1: it has left */
    const struct spelling *id;
    const struct spelling *session;
    int at; /* which worker has it, or -1 */
    uint64_t mark;
    bool done;
    char *line;
};

/* A request of a worker. */
struct question {
    int staff; /* -1: it has died */
    int guest; /* who was asked, or -1 */
    const struct spelling *id;
    const struct spelling *session;
    bool done;
};

struct notice {
    int guest;
    bool heard;
};

extern struct stdio_bus *bus;
extern struct guest guests[CLIENTS];
extern struct staff staff[WORKERS];
extern struct asked asked[MOST];
extern struct question questions[MOST];
extern struct notice notices[MOST]; /* of clients */
extern bool updates[MOST];          /* of workers: was it heard? */
extern size_t asked_count;
extern size_t question_count;
extern size_t notice_count;
extern size_t update_count;

/* The line in progress. */
struct speech {
    int guest; /* -1: no client speaks */
    int staff;
    const char *line;
    int fits; /* how many requests a response fits, and the last of them */
    struct asked *fitting;
};
extern struct speech speech;

/* Holds every line that the bus has queued since against the model. */
void look_at_queues(void);

/* What holds after every operation. */
void settle(void);

/* The next byte of the program. */
unsigned take(void);

/* What clients and workers say (router_speech.c); the program says who, and how. */
void client_speaks(bool request);
void client_answers(void);
void worker_responds(int who, const struct spelling *id, const struct spelling *session, unsigned how);
void worker_answers_properly(void);
void worker_answers_anything(void);
void worker_notifies(void);
void worker_asks(void);
void says_garbage(bool client);

#endif
