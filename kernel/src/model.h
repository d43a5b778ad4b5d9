/* SPDX-License-Identifier: Apache-2.0 */
/* Who is there: clients, workers, the sessions between them and the calls that wait for an answer. */
#ifndef KERNEL_MODEL_H
#define KERNEL_MODEL_H

#include "channel.h"
#include "config.h"
#include "envelope.h"
#include "list.h"
#include "log.h"
#include "process.h"
#include "stdio_bus.h"
#include "table.h"
#include "timer.h"

struct router;

enum peer_kind { PEER_CLIENT, PEER_WORKER };

/* One end that speaks lines. */
struct peer {
    struct channel channel;
    enum peer_kind kind;
    struct router *router;
    uint64_t serial;   /* never used twice, so that it can stand for a peer that may be gone */
    struct link made;  /* calls whose answer it waits for */
    struct link taken; /* calls it has to answer */
    struct link held;  /* calls for it whose id is taken there */
    /* Who is not read because this peer's queue is full, in order (KRN-LIM-02, 04). */
    struct link stalled;
};

struct recent {
    uint64_t worker; /* serials */
    uint64_t call;
};

/* What a client that is not read waits for. */
enum stall_cause { STALL_NONE, STALL_SELF, STALL_WORKER, STALL_POOL };

struct client {
    struct peer peer;
    int id;
    bool half_closed;   /* sends no more, still receives (KRN-NET-04) */
    bool host;          /* the embedding program */
    bool gone;          /* waits to be freed */
    bool connected;     /* came through the listener, and was reported */
    struct link broken; /* in the bus's list of clients to be closed */
    bool omits_session; /* has once answered without sessionId (KRN-COR-07) */
    struct link all;
    struct link members;   /* its sessions */
    struct link learned;   /* values of params.sessionId it used outside a session */
    struct recent *recent; /* for each pool, who got its latest request without a session (KRN-RTE-03) */

    enum stall_cause stall_cause;
    struct worker *stall_worker;
    struct pool *stall_pool;
    struct link stall;       /* in the list of what it waits for */
    struct link stall_order; /* in the router's list of all stalls */
    uint64_t stall_deadline;

    /* How it delays others (KRN-LIM-04). */
    struct timer slow_timer;
    uint64_t last_taken;
    uint64_t pause_began; /* since when a worker that serves others is paused for it; 0: none is */
    uint64_t pause_total;
    unsigned pauses;
};

enum worker_state {
    WORKER_LIVE,
    WORKER_LEAVING, /* replaced; it may still answer what it has (KRN-WRK-08) */
    WORKER_EXITED,  /* its process is gone; what it wrote is still being read (KRN-ERR-04) */
    WORKER_DEAD,    /* waits to be freed */
};

struct worker {
    struct peer peer;
    int id;
    struct pool *pool;
    struct slot *slot; /* NULL: registered by the host, or replaced */
    enum worker_state state;
    bool embedded;
    bool echoes_session;  /* has repeated a sessionId on a response (KRN-COR-03) */
    bool overloaded;      /* refused until its queue is half empty (KRN-LIM-02) */
    uint64_t sole_client; /* serial of the only client it serves, as far as known */
    bool shared;          /* it has served another one too */
    struct link all;
    struct link of_pool;
    struct link sessions;
    size_t session_count;
    struct link learned;

    struct client *paused_for; /* whose full queue keeps it from being read */
    bool pause_counts;
    struct link pause;

    struct process process;
    struct watch exit_watch;
    struct timer timer; /* what comes next: a look at the process, SIGTERM, SIGKILL */
    uint64_t started;
    uint64_t suspect_at;  /* a closed end counts as a fault from then on */
    uint64_t kill_at;     /* 0: not to be killed */
    size_t unread;        /* after its exit: bytes of its output still to be read */
    bool buried;          /* the router is done with it */
    bool blocked_on_self; /* its own queue is full, and what it wrote would need an answer */
    bool output_ended;
    char epitaph[160];
};

/* One instance of a pool: the place in which workers succeed each other. */
struct slot {
    struct pool *pool;
    unsigned index;
    int id;                                                       /* what on_worker and the log call its workers */
    struct worker *worker;                                        /* the live one, or NULL */
    void (*lost)(struct slot *slot, const struct worker *worker); /* its worker is gone */
    bool retired;
    struct timer timer; /* the next attempt to start one */
    unsigned failures;  /* restarts since one has lived for long */
    uint64_t *restarts; /* when the latest restarts took place */
    size_t restart_count;
    size_t restart_size;
};

struct pool {
    struct router *router;
    const struct pool_config *config;
    uint64_t serial;
    size_t index;
    struct slot *slots;
    size_t slot_count;
    struct link workers; /* live ones, those the host registered included; the next in turn first */
    size_t worker_count;
    struct link waiting; /* calls for which no worker is there now */
    size_t waiting_bytes;
    struct link held;    /* calls without a session whose id is taken at every instance */
    struct link stalled; /* clients that wait for room at any of its workers */
    bool overloaded;
    struct node node;
    char **environment;
};

struct member {
    struct node node;
    struct link of_session;
    struct link of_client;
    struct session *session;
    struct client *client;
};

struct session {
    struct node node;
    struct link order;     /* least recently used first */
    struct pool *pool;     /* NULL: free to be bound to any */
    struct worker *worker; /* NULL: not bound */
    uint64_t former;       /* serial of the worker it was bound to before: its last words still count */
    struct client *owner;
    struct link of_worker;
    struct link members; /* who sent on it, the latest first */
    struct link learned;
    size_t calls;
    size_t name_len;
    size_t spelled_len;
    char text[]; /* the decoded name, then the name as it was spelled */
};

/* A value of params.sessionId or result.sessionId that stands for a session or a client at one worker. */
struct learned {
    struct node node;
    struct link order;
    struct link of_holder;
    struct link of_worker;
    struct worker *worker;
    struct session *session; /* or: */
    struct client *client;
    bool from_result;
    size_t len;
    char value[];
};

/* An id in the form in which ids are compared (KRN-COR-04), hashed once for every table it is looked up in. */
struct id_key {
    const char *at;
    size_t len;
    uint64_t hash;
};

enum call_state {
    CALL_NEW,
    CALL_PLACED,  /* in its callee's queue, or written */
    CALL_HELD,    /* its id is taken (KRN-COR-03, 07) */
    CALL_WAITING, /* no worker is there now (KRN-WRK-04) */
};

/* A request on its way to an answer; or, while it waits for a worker, a notification. */
struct call {
    struct node by_id;    /* placed: (callee, id); held: (where, id) */
    struct node by_scope; /* (session or caller, id) */
    struct link made;
    struct link taken;
    struct link wait;    /* in the list where it is held or waits */
    struct link order;   /* held: in the order of deadlines */
    uint64_t serial;     /* in the order in which calls came */
    struct peer *caller; /* NULL: has left */
    struct peer *callee;
    enum peer_kind from;
    enum call_state state;
    bool notification;
    struct session *session;
    struct pool *pool;
    uint64_t mark; /* placed: where its line starts in the callee's output */
    size_t line_len;
    char *line; /* held or waiting: the line itself */
    uint64_t deadline;
    uint64_t held_at;    /* serial of the peer, or of the pool, whose answer it is held for */
    struct span id;      /* as spelled; at == NULL: none */
    struct span spelled; /* its sessionId as spelled */
    struct span inner;   /* its params.sessionId as spelled */
    struct id_key key;   /* its bytes stand in text */
    char text[];
};

#endif
