/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stdio_bus embedding API, version 2.
 *
 * Names, constants and struct layouts are those of the public header, so that a binding
 * built for it can load this library (PROTOCOL section 11, KRN-EMB). Additions stand at the end.
 *
 * One thread owns a bus: it alone may call these functions on it. Nothing here starts a thread,
 * installs a signal handler or keeps global state. Callbacks run inside stdio_bus_step(); they
 * may call stdio_bus_ingest(), stdio_bus_stop() and stdio_bus_destroy(), but not step.
 */
#ifndef STDIO_BUS_H
#define STDIO_BUS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(STDIO_BUS_SHARED)
#define STDIO_BUS_API __attribute__((visibility("default")))
#else
#define STDIO_BUS_API
#endif

#define STDIO_BUS_EMBED_API_VERSION 2

/* Return codes. */
#define STDIO_BUS_OK 0
#define STDIO_BUS_ERR (-1)
#define STDIO_BUS_EAGAIN (-2)
#define STDIO_BUS_EOF (-3)
#define STDIO_BUS_EFULL (-4)
#define STDIO_BUS_ENOTFOUND (-5)
#define STDIO_BUS_EINVAL (-6)
#define STDIO_BUS_ERR_CONFIG (-10)
#define STDIO_BUS_ERR_WORKER (-11)
#define STDIO_BUS_ERR_ROUTING (-12)
#define STDIO_BUS_ERR_BUFFER (-13)
#define STDIO_BUS_ERR_INVALID (-14)
#define STDIO_BUS_ERR_STATE (-15)

typedef enum {
    STDIO_BUS_STATE_CREATED = 0,
    STDIO_BUS_STATE_STARTING = 1,
    STDIO_BUS_STATE_RUNNING = 2,
    STDIO_BUS_STATE_STOPPING = 3,
    STDIO_BUS_STATE_STOPPED = 4
} stdio_bus_state_t;

typedef enum {
    STDIO_BUS_LISTEN_NONE = 0,
    STDIO_BUS_LISTEN_TCP = 1,
    STDIO_BUS_LISTEN_UNIX = 2
} stdio_bus_listen_mode_t;

typedef struct stdio_bus stdio_bus_t;

/* All counters start at 0 and only grow. "in" is what clients and the host sent, "out" what they got. */
typedef struct stdio_bus_stats {
    uint64_t messages_in;
    uint64_t messages_out;
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t worker_restarts;
    uint64_t routing_errors;
    uint64_t client_connects;
    uint64_t client_disconnects;
} stdio_bus_stats_t;

/* A message for the host: `len` bytes of JSON without its LF, followed by a NUL. Valid during the call. */
typedef void (*stdio_bus_message_cb)(stdio_bus_t *bus, const char *msg, size_t len, void *user_data);
/* A fault of a call or of the configuration; `code` is one of STDIO_BUS_ERR_*. */
typedef void (*stdio_bus_error_cb)(stdio_bus_t *bus, int code, const char *message, void *user_data);
/* A log line; level 0 debug, 1 info, 2 warning, 3 error. */
typedef void (*stdio_bus_log_cb)(stdio_bus_t *bus, int level, const char *message, void *user_data);
/* `event` is "started", "stopped", "restarting" or "failed". */
typedef void (*stdio_bus_worker_cb)(stdio_bus_t *bus, int worker_id, const char *event, void *user_data);
typedef void (*stdio_bus_client_connect_cb)(stdio_bus_t *bus, int client_id, const char *peer_info,
                                            void *user_data);
typedef void (*stdio_bus_client_disconnect_cb)(stdio_bus_t *bus, int client_id, const char *reason,
                                               void *user_data);

typedef struct stdio_bus_listener_config {
    stdio_bus_listen_mode_t mode;
    const char *tcp_host;
    uint16_t tcp_port; /* 0 lets the system choose: see stdio_bus_get_listen_port() */
    const char *unix_path;
} stdio_bus_listener_config_t;

typedef struct stdio_bus_options {
    const char *config_path; /* one of these two is given */
    const char *config_json;
    stdio_bus_listener_config_t listener;
    stdio_bus_message_cb on_message; /* required */
    stdio_bus_error_cb on_error;
    stdio_bus_log_cb on_log; /* NULL: log lines go to stderr */
    stdio_bus_worker_cb on_worker;
    stdio_bus_client_connect_cb on_client_connect;
    stdio_bus_client_disconnect_cb on_client_disconnect;
    void *user_data;
    int log_level; /* the least level that is logged, 0 to 3 */
} stdio_bus_options_t;

/* Reads the configuration. NULL where it is faulty: on_error has then been called with every fault,
 * each with its JSON path. No worker runs yet. */
STDIO_BUS_API stdio_bus_t *stdio_bus_create(const stdio_bus_options_t *options);

/* Ends and reaps every worker at once and frees the bus; NULL is allowed. Inside a callback it takes
 * effect when the outermost call returns. In a forked child it only closes and frees. */
STDIO_BUS_API void stdio_bus_destroy(stdio_bus_t *bus);

/* Starts every worker and the listener. STDIO_BUS_ERR_WORKER where a command cannot be executed. */
STDIO_BUS_API int stdio_bus_start(stdio_bus_t *bus);

/* Begins the shutdown; call step until the state is STOPPED. A negative timeout means the
 * configuration's drain_timeout_sec. Repeating it is allowed and changes nothing. */
STDIO_BUS_API int stdio_bus_stop(stdio_bus_t *bus, int timeout_sec);

/* Waits at most timeout_ms (0 not at all, -1 until there is something) and does what is due.
 * Returns the number of events, or a negative code. A signal of the host ends the wait too, with 0,
 * so that the host can look at what its handler noted. */
STDIO_BUS_API int stdio_bus_step(stdio_bus_t *bus, int timeout_ms);

/* Hands one message of the host, without LF, to the bus. STDIO_BUS_OK, STDIO_BUS_ERR_INVALID (not a
 * JSON object, or an LF inside), STDIO_BUS_EFULL (try again after a step), STDIO_BUS_ERR_STATE. */
STDIO_BUS_API int stdio_bus_ingest(stdio_bus_t *bus, const char *msg, size_t len);

STDIO_BUS_API stdio_bus_state_t stdio_bus_get_state(const stdio_bus_t *bus);
STDIO_BUS_API int stdio_bus_worker_count(const stdio_bus_t *bus);
STDIO_BUS_API int stdio_bus_session_count(const stdio_bus_t *bus);
STDIO_BUS_API int stdio_bus_pending_count(const stdio_bus_t *bus);
STDIO_BUS_API int stdio_bus_client_count(const stdio_bus_t *bus);

/* A descriptor that is readable whenever there is a reason to call step. It is owned by the bus. */
STDIO_BUS_API int stdio_bus_get_poll_fd(const stdio_bus_t *bus);

/* Adds a worker that the host runs itself, behind descriptors which the bus from now on owns (one
 * number may serve both ways). Returns its worker id, or a negative code. */
STDIO_BUS_API int stdio_bus_register_embedded_worker(stdio_bus_t *bus, int fd_to_worker, int fd_from_worker,
                                                     const char *pool_id);
STDIO_BUS_API int stdio_bus_unregister_embedded_worker(stdio_bus_t *bus, int worker_id);

STDIO_BUS_API void stdio_bus_get_stats(const stdio_bus_t *bus, stdio_bus_stats_t *stats);

/* Additions to version 2. */

/* The port of the TCP listener, or -1. */
STDIO_BUS_API int stdio_bus_get_listen_port(const stdio_bus_t *bus);
/* This library's own version, such as "0.1.0". */
STDIO_BUS_API const char *stdio_bus_version(void);

#ifdef __cplusplus
}
#endif
#endif
