/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include <stdlib.h>
#include <string.h>

/* Beyond this many the least recently used one is forgotten (KRN-RTE-12). */
#define SESSIONS_MOST ((size_t)1000000)
#define LEARNED_MOST  ((size_t)1000000)
/* How many sessions in use are passed over in the search for one to forget. */
#define FORGET_LOOKS 64

/* The value of a JSON string: in place where it is plain, else in `buffer`, or malloc'ed where it is long. */
struct decoded {
    struct span value;
    char *heap;
    char buffer[256];
};

static bool decode(struct decoded *decoded, struct span raw)
{
    decoded->heap = NULL;
    if (json_is_plain(raw)) {
        decoded->value = (struct span){raw.at + 1, raw.len - 2};
        return true;
    }
    char *out = decoded->buffer;
    if (raw.len > sizeof decoded->buffer) {
        out = decoded->heap = malloc(raw.len);
        if (out == NULL) {
            return false;
        }
    }
    decoded->value = (struct span){out, json_decode(raw, out)};
    return true;
}

static struct session *find_named(struct router *router, struct span name, uint64_t hash)
{
    for (struct node *node = table_bucket(&router->sessions, hash); node != NULL; node = node->chain) {
        struct session *session = OWNER(node, struct session, node);
        if (node->hash == hash && session->name_len == name.len && memcmp(session->text, name.at, name.len) == 0) {
            return session;
        }
    }
    return NULL;
}

struct session *session_find(struct router *router, struct span spelled)
{
    struct decoded name;
    if (!decode(&name, spelled)) {
        return NULL;
    }
    uint64_t hash = hash_bytes(&router->secret, 0, name.value.at, name.value.len);
    struct session *session = find_named(router, name.value, hash);
    free(name.heap);
    return session;
}

static void session_end(struct router *router, struct session *session);

static void forget_oldest(struct router *router)
{
    unsigned looks = 0;
    LIST_EACH (link, &router->session_order) {
        struct session *session = OWNER(link, struct session, order);
        if (session->calls == 0) {
            char excerpt[LOG_EXCERPT_SIZE];
            log_line(router->log, LOG_LEVEL_WARN, "more than %zu sessions: forgot the least recently used, \"%s\"",
                     SESSIONS_MOST, log_excerpt(session->text, session->name_len, excerpt));
            LIST_EACH (item, &session->members) {
                struct member *member = OWNER(item, struct member, of_session);
                table_remove(&router->members, &member->node);
                list_remove(&member->of_session);
                list_remove(&member->of_client);
                free(member);
            }
            session_end(router, session);
            return;
        }
        if (++looks == FORGET_LOOKS) {
            return;
        }
    }
}

struct session *session_new(struct router *router, struct span spelled)
{
    struct decoded name;
    if (!decode(&name, spelled)) {
        return NULL;
    }
    struct session *session = malloc(sizeof *session + name.value.len + spelled.len);
    if (session != NULL) {
        *session = (struct session){.name_len = name.value.len, .spelled_len = spelled.len};
        memcpy(session->text, name.value.at, name.value.len);
        memcpy(session->text + name.value.len, spelled.at, spelled.len);
        list_init(&session->of_worker);
        list_init(&session->members);
        list_init(&session->learned);
        list_push(&router->session_order, &session->order);
        uint64_t hash = hash_bytes(&router->secret, 0, name.value.at, name.value.len);
        table_add(&router->sessions, &session->node, hash, NULL);
        router->channels->store.bytes += session->name_len + session->spelled_len;
        if (++router->session_total > SESSIONS_MOST) {
            forget_oldest(router);
        }
    }
    free(name.heap);
    return session;
}

struct span session_spelled(const struct session *session)
{
    return (struct span){session->text + session->name_len, session->spelled_len};
}

void session_unbind(struct router *router, struct session *session)
{
    session->owner = NULL;
    learned_forget_all(router, &session->learned);
    if (session->worker == NULL) {
        return;
    }
    session->worker->session_count--;
    session->worker = NULL;
    router->session_bound--;
    list_remove(&session->of_worker);
}

void session_bind(struct router *router, struct session *session, struct worker *worker)
{
    struct worker *before = session->worker;
    struct client *owner = session->owner;
    session_unbind(router, session);
    if (before == NULL) {
        session->owner = owner;
    } else {
        session->former = before->peer.serial;
    }
    session->worker = worker;
    session->pool = worker->pool;
    worker->session_count++;
    router->session_bound++;
    list_push(&worker->sessions, &session->of_worker);
}

void session_release(struct router *router, struct session *session)
{
    if (!list_empty(&session->members) || session->calls > 0) {
        return;
    }
    session_unbind(router, session);
    router->session_total--;
    router->channels->store.bytes -= session->name_len + session->spelled_len;
    list_remove(&session->order);
    table_remove(&router->sessions, &session->node);
    free(session);
}

/* Its last client has left (KRN-RTE-11). Calls that are still open keep the name, so that nobody who uses it later
 * gets their answers. */
static void session_end(struct router *router, struct session *session)
{
    session_unbind(router, session);
    session->pool = NULL;
    session->former = 0;
    session_release(router, session);
}

/* Members ----------------------------------------------------------------------------------------- */

static uint64_t member_hash(const struct session *session, const struct client *client)
{
    return hash_in_scope((uint64_t)(uintptr_t)session, client->peer.serial);
}

static struct member *member_find(struct router *router, const struct session *session, const struct client *client,
                                  uint64_t hash)
{
    for (struct node *node = table_bucket(&router->members, hash); node != NULL; node = node->chain) {
        struct member *member = OWNER(node, struct member, node);
        if (member->session == session && member->client == client) {
            return member;
        }
    }
    return NULL;
}

struct client *session_last_sender(const struct session *session)
{
    return OWNER(session->members.next, struct member, of_session)->client;
}

bool session_join(struct router *router, struct session *session, struct client *client)
{
    list_remove(&session->order);
    list_push(&router->session_order, &session->order);
    if (session->owner == NULL) {
        session->owner = client;
    }
    if (!list_empty(&session->members) && session_last_sender(session) == client) {
        return true;
    }
    uint64_t hash = member_hash(session, client);
    struct member *member = member_find(router, session, client, hash);
    if (member == NULL) {
        member = malloc(sizeof *member);
        if (member == NULL) {
            return false;
        }
        member->session = session;
        member->client = client;
        list_init(&member->of_session);
        list_push(&client->members, &member->of_client);
        table_add(&router->members, &member->node, hash, NULL);
    }
    list_remove(&member->of_session);
    list_push_front(&session->members, &member->of_session);
    return true;
}

void session_leave_all(struct router *router, struct client *client)
{
    while (!list_empty(&client->members)) {
        struct member *member = OWNER(client->members.next, struct member, of_client);
        struct session *session = member->session;
        table_remove(&router->members, &member->node);
        list_remove(&member->of_session);
        list_remove(&member->of_client);
        free(member);
        if (list_empty(&session->members)) {
            session_end(router, session);
        } else if (session->owner == client) {
            session->owner = session_last_sender(session);
        }
    }
}

/* Learned values ---------------------------------------------------------------------------------- */

static void learned_drop(struct router *router, struct learned *learned)
{
    router->learned_total--;
    router->channels->store.bytes -= learned->len;
    table_remove(&router->learned, &learned->node);
    list_remove(&learned->order);
    list_remove(&learned->of_holder);
    list_remove(&learned->of_worker);
    free(learned);
}

void learned_forget_all(struct router *router, struct link *holder)
{
    while (!list_empty(holder)) {
        learned_drop(router, OWNER(holder->next, struct learned, of_holder));
    }
}

void learned_forget_worker(struct router *router, struct worker *worker)
{
    while (!list_empty(&worker->learned)) {
        learned_drop(router, OWNER(worker->learned.next, struct learned, of_worker));
    }
}

static struct learned *learned_get(struct router *router, const struct worker *worker, struct span value,
                                   uint64_t hash)
{
    for (struct node *node = table_bucket(&router->learned, hash); node != NULL; node = node->chain) {
        struct learned *learned = OWNER(node, struct learned, node);
        if (node->hash == hash && learned->worker == worker && learned->len == value.len &&
            memcmp(learned->value, value.at, value.len) == 0) {
            return learned;
        }
    }
    return NULL;
}

struct learned *learned_find(struct router *router, const struct worker *worker, struct span value)
{
    struct decoded name;
    if (!decode(&name, value)) {
        return NULL;
    }
    uint64_t hash = hash_bytes(&router->secret, worker->peer.serial, name.value.at, name.value.len);
    struct learned *learned = learned_get(router, worker, name.value, hash);
    free(name.heap);
    return learned;
}

static void learned_assign(struct learned *learned, struct session *session, struct client *client)
{
    learned->session = session;
    learned->client = session == NULL ? client : NULL;
    list_remove(&learned->of_holder);
    list_push(session != NULL ? &session->learned : &client->learned, &learned->of_holder);
}

static void learned_add(struct router *router, struct worker *worker, struct span value, struct session *session,
                        struct client *client, bool from_result)
{
    uint64_t hash = hash_bytes(&router->secret, worker->peer.serial, value.at, value.len);
    struct learned *learned = learned_get(router, worker, value, hash);
    if (learned != NULL) {
        if (from_result) {
            learned->from_result = true;
            learned_assign(learned, session, client);
        }
        list_remove(&learned->order);
        list_push(&router->learned_order, &learned->order);
        return;
    }
    learned = malloc(sizeof *learned + value.len);
    if (learned == NULL) {
        return;
    }
    *learned = (struct learned){.worker = worker, .from_result = from_result, .len = value.len};
    memcpy(learned->value, value.at, value.len);
    list_init(&learned->of_holder);
    learned_assign(learned, session, client);
    list_push(&worker->learned, &learned->of_worker);
    list_push(&router->learned_order, &learned->order);
    table_add(&router->learned, &learned->node, hash, NULL);
    router->channels->store.bytes += value.len;
    if (++router->learned_total > LEARNED_MOST) {
        learned_drop(router, OWNER(router->learned_order.next, struct learned, order));
        log_line(router->log, LOG_LEVEL_WARN, "more than %zu values of params.sessionId: forgot the oldest",
                 LEARNED_MOST);
    }
}

void learn(struct router *router, struct worker *worker, struct span value, struct session *session,
           struct client *client, bool from_result)
{
    struct decoded name;
    if (value.at != NULL && (session != NULL || client != NULL) && decode(&name, value)) {
        learned_add(router, worker, name.value, session, client, from_result);
        free(name.heap);
    }
}
