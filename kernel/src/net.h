/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets (PROTOCOL section 10). Errors are sentences for the user. */
#ifndef KERNEL_NET_H
#define KERNEL_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define NET_ERROR_SIZE   256
#define NET_ADDRESS_SIZE 320

struct net_listener {
    int fd;                         /* -1: none */
    char address[NET_ADDRESS_SIZE]; /* "127.0.0.1:8000", "[::1]:8000" or the path */
    int port;                       /* TCP: the port; else -1 */
    char *path;                     /* unix: the socket file, with its identity */
    dev_t device;
    ino_t inode;
};

/* Splits "HOST:PORT" ("[IPv6]:PORT" too). False, with a sentence, for an empty host or a port outside 0-65535. */
bool net_parse(const char *text, char *host, size_t host_size, uint16_t *port, char error[NET_ERROR_SIZE]);

/* Non-blocking and close-on-exec, listening. False, with a sentence (KRN-NET-02, 03). */
bool net_listen_tcp(struct net_listener *out, const char *host, uint16_t port, char error[NET_ERROR_SIZE]);
bool net_listen_unix(struct net_listener *out, const char *path, char error[NET_ERROR_SIZE]);

/* Closes, and with `unlink_path` removes the socket file where it is still our own. */
void net_close(struct net_listener *listener, bool unlink_path);

/* A connection, close-on-exec, no-delay on TCP; `peer` is "127.0.0.1:54321" or "unix". The descriptor, or -errno. */
int net_accept(struct net_listener *listener, char peer[NET_ADDRESS_SIZE]);

#endif
