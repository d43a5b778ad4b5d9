/* SPDX-License-Identifier: Apache-2.0 */
#include "room.h"

bool room_is_full(const struct router *router, const struct peer *peer)
{
    return peer->channel.queue.bytes >= router->limits->max_output_queue;
}

bool room_is_exhausted(const struct router *router)
{
    return router->channels->store.bytes >= router->limits->max_total_buffer;
}

bool room_client_is_full(const struct router *router, const struct client *client)
{
    return room_is_full(router, &client->peer) || (client->peer.channel.queue.bytes > 0 && room_is_exhausted(router));
}

void room_worker_serves(struct worker *worker, const struct client *client)
{
    if (worker->sole_client == 0) {
        worker->sole_client = client->peer.serial;
    } else if (worker->sole_client != client->peer.serial) {
        worker->shared = true;
    }
}
