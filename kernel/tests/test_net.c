/* SPDX-License-Identifier: Apache-2.0 */
#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { BOUND_MS = 5000, PATH_SIZE = PATH_MAX + 256 };

static char directory[PATH_MAX];

static const char *in_directory(const char *name, char out[PATH_SIZE])
{
    (void)snprintf(out, PATH_SIZE, "%s/%s", directory, name);
    return out;
}

static bool parses(const char *text, const char *host, int port)
{
    char found[64];
    char error[NET_ERROR_SIZE];
    uint16_t number;

    return net_parse(text, found, sizeof found, &number, error) && strcmp(found, host) == 0 && number == port;
}

static const char *parse_error(const char *text)
{
    static char error[NET_ERROR_SIZE];
    char host[64];
    uint16_t port;

    return net_parse(text, host, sizeof host, &port, error) ? "none" : error;
}

static int connect_tcp(const struct net_listener *listener)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)listener->port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(connect(fd, (struct sockaddr *)(void *)&address, sizeof address) == 0);
    return fd;
}

static int connect_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    memcpy(address.sun_path, path, strlen(path) + 1);
    if (connect(fd, (struct sockaddr *)(void *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool waits_for_accept(const struct net_listener *listener)
{
    struct pollfd look = {.fd = listener->fd, .events = POLLIN};

    return poll(&look, 1, BOUND_MS) == 1;
}

/* A socket file that nobody listens at any more. */
static void leave_dead_socket(const char *path)
{
    struct net_listener listener;
    char error[NET_ERROR_SIZE];

    CHECK(net_listen_unix(&listener, path, error));
    net_close(&listener, false);
}

static void host_and_port_are_split(void)
{
    CHECK(parses("127.0.0.1:8000", "127.0.0.1", 8000));
    CHECK(parses("localhost:0", "localhost", 0));
    CHECK(parses("[::1]:65535", "::1", 65535));
    CHECK_STR(parse_error("8000"), "'8000' is not HOST:PORT");
    CHECK_STR(parse_error("[::1]"), "'[::1]' is not HOST:PORT");
    CHECK_STR(parse_error("[::1"), "'[::1' is not HOST:PORT");
    CHECK_STR(parse_error(":80"), "':80' has an empty host");
    CHECK_STR(parse_error("[]:80"), "'[]:80' has an empty host");
    CHECK_STR(parse_error("::1:80"), "'::1:80' needs brackets around the IPv6 address: [ADDRESS]:PORT");
    CHECK_STR(parse_error("a:65536"), "'a:65536' has a port outside 0-65535");
    CHECK_STR(parse_error("a:"), "'a:' has a port outside 0-65535");
    CHECK_STR(parse_error("a:-1"), "'a:-1' has a port outside 0-65535");
    CHECK_STR(parse_error("a:+1"), "'a:+1' has a port outside 0-65535");
    CHECK(strstr(parse_error("0123456789012345678901234567890123456789012345678901234567890123456789:1"),
                 "longer than 63 bytes") != NULL);
}

static void port_zero_picks_a_port(void)
{
    struct net_listener listener;
    char error[NET_ERROR_SIZE];
    char expected[NET_ADDRESS_SIZE];

    CHECK(net_listen_tcp(&listener, "127.0.0.1", 0, error));
    CHECK(listener.port > 0);
    (void)snprintf(expected, sizeof expected, "127.0.0.1:%d", listener.port);
    CHECK_STR(listener.address, expected);
    CHECK((fcntl(listener.fd, F_GETFD) & FD_CLOEXEC) && (fcntl(listener.fd, F_GETFL) & O_NONBLOCK));
    net_close(&listener, true);
    CHECK(listener.fd == -1);
}

static void a_connection_has_no_delay_and_a_name(void)
{
    struct net_listener listener;
    char error[NET_ERROR_SIZE];
    char peer[NET_ADDRESS_SIZE];
    char expected[NET_ADDRESS_SIZE];
    struct sockaddr_in own;
    socklen_t len = sizeof own;
    int on = 0;
    int client;
    int fd;

    CHECK(net_listen_tcp(&listener, "localhost", 0, error));
    CHECK(net_accept(&listener, peer) == -EAGAIN);
    client = connect_tcp(&listener);
    CHECK(waits_for_accept(&listener));
    fd = net_accept(&listener, peer);
    CHECK(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC));
    CHECK(getsockname(client, (struct sockaddr *)(void *)&own, &len) == 0);
    (void)snprintf(expected, sizeof expected, "127.0.0.1:%d", ntohs(own.sin_port));
    CHECK_STR(peer, expected);
    len = sizeof on;
    CHECK(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len) == 0 && on != 0);
    close(fd);
    close(client);
    net_close(&listener, true);
}

static void an_ipv6_address_is_shown_in_brackets(void)
{
    struct net_listener listener;
    char error[NET_ERROR_SIZE];

    if (!net_listen_tcp(&listener, "::1", 0, error)) {
        CHECK(strncmp(error, "cannot listen on ::1:0: ", 24) == 0); /* a machine without IPv6 */
        return;
    }
    CHECK(strncmp(listener.address, "[::1]:", 6) == 0);
    net_close(&listener, true);
}

static void an_address_in_use_is_an_error(void)
{
    struct net_listener first;
    struct net_listener second;
    char error[NET_ERROR_SIZE];

    CHECK(net_listen_tcp(&first, "127.0.0.1", 0, error));
    CHECK(!net_listen_tcp(&second, "127.0.0.1", (uint16_t)first.port, error));
    CHECK(strstr(error, "cannot listen on 127.0.0.1:") != NULL && strstr(error, "in use") != NULL);
    CHECK(second.fd == -1);
    net_close(&first, true);
    CHECK(!net_listen_tcp(&second, "no such host", 0, error));
    CHECK(strncmp(error, "cannot resolve 'no such host': ", 31) == 0);
}

static void a_unix_socket_is_private_and_removed_at_the_end(void)
{
    struct net_listener listener;
    struct stat about;
    char error[NET_ERROR_SIZE];
    char peer[NET_ADDRESS_SIZE];
    char path[PATH_SIZE];
    mode_t mask = umask(0);
    int client;
    int fd;

    CHECK(net_listen_unix(&listener, in_directory("private", path), error));
    (void)umask(mask);
    CHECK(lstat(path, &about) == 0 && (about.st_mode & 0777) == 0600);
    CHECK_STR(listener.address, path);
    CHECK(listener.port == -1);
    client = connect_unix(path);
    CHECK(client >= 0 && waits_for_accept(&listener));
    fd = net_accept(&listener, peer);
    CHECK(fd >= 0);
    CHECK_STR(peer, "unix");
    close(client);
    close(fd);
    net_close(&listener, true);
    CHECK(lstat(path, &about) != 0 && errno == ENOENT);
}

static void a_dead_socket_is_replaced(void)
{
    struct net_listener listener;
    char error[NET_ERROR_SIZE];
    char path[PATH_SIZE];
    int client;

    leave_dead_socket(in_directory("dead", path));
    CHECK(net_listen_unix(&listener, path, error));
    client = connect_unix(path);
    CHECK(client >= 0);
    close(client);
    net_close(&listener, true);
}

static void a_live_listener_is_not_replaced(void)
{
    struct net_listener live;
    struct net_listener second;
    struct stat about;
    char error[NET_ERROR_SIZE];
    char path[PATH_SIZE];

    CHECK(net_listen_unix(&live, in_directory("live", path), error));
    CHECK(!net_listen_unix(&second, path, error));
    CHECK(strstr(error, "/live is in use by a live listener") != NULL);
    CHECK(second.fd == -1 && second.path == NULL && lstat(path, &about) == 0);
    net_close(&live, true);
}

static void a_file_is_not_replaced(void)
{
    struct net_listener listener;
    struct stat about;
    char error[NET_ERROR_SIZE];
    char path[PATH_SIZE];

    close(open(in_directory("file", path), O_WRONLY | O_CREAT, 0600));
    CHECK(!net_listen_unix(&listener, path, error));
    CHECK(strstr(error, "/file exists and is not a socket") != NULL);
    CHECK(lstat(path, &about) == 0 && S_ISREG(about.st_mode));
    (void)unlink(path);
}

static void a_socket_of_somebody_else_is_not_removed(void)
{
    struct net_listener old;
    struct net_listener new;
    struct stat about;
    char error[NET_ERROR_SIZE];
    char path[PATH_SIZE];

    CHECK(net_listen_unix(&old, in_directory("shared", path), error));
    CHECK(unlink(path) == 0);
    CHECK(net_listen_unix(&new, path, error));
    net_close(&old, true);
    CHECK(lstat(path, &about) == 0);
    net_close(&new, true);
    CHECK(lstat(path, &about) != 0);
}

static void a_path_that_cannot_hold_a_socket_is_refused(void)
{
    struct net_listener listener;
    char error[NET_ERROR_SIZE];
    char path[PATH_SIZE];
    char name[200];

    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    CHECK(!net_listen_unix(&listener, in_directory(name, path), error));
    CHECK(strstr(error, " is longer than ") != NULL && strstr(error, " bytes") != NULL);
    CHECK(!net_listen_unix(&listener, in_directory("no/such", path), error));
    CHECK(strstr(error, "No such file or directory") != NULL);
    CHECK(!net_listen_unix(&listener, "", error));
    CHECK(listener.fd == -1 && listener.path == NULL);
    net_close(&listener, true);
}

/* Each of them finds the dead socket; without the lock two could replace it. */
static void of_kernels_that_start_at_once_one_listens(void)
{
    enum { KERNELS = 8 };
    char path[PATH_SIZE];
    int gate[2];
    int hold[2];
    int winners = 0;
    char result;

    leave_dead_socket(in_directory("race", path));
    CHECK(pipe(gate) == 0 && pipe(hold) == 0);
    for (int i = 0; i < KERNELS; i++) {
        if (fork() == 0) {
            struct net_listener listener;
            char error[NET_ERROR_SIZE];
            bool won = net_listen_unix(&listener, path, error);

            close(hold[1]);
            if (write(gate[1], won ? "1" : "0", 1) == 1) {
                (void)!read(hold[0], &result, 1);
            }
            net_close(&listener, true);
            _exit(0);
        }
    }
    for (int i = 0; i < KERNELS; i++) {
        CHECK(read(gate[0], &result, 1) == 1);
        winners += result == '1';
    }
    CHECK(winners == 1);
    for (int i = 0; i < 2; i++) {
        close(gate[i]);
        close(hold[1 - i]);
    }
    for (int i = 0; i < KERNELS; i++) {
        CHECK(wait(NULL) > 0);
    }
}

int main(void)
{
    const char *base = getenv("TMPDIR");

    (void)snprintf(directory, sizeof directory, "%s/netXXXXXX", base != NULL ? base : "/tmp");
    CHECK(mkdtemp(directory) != NULL);
    (void)alarm(60);
    host_and_port_are_split();
    port_zero_picks_a_port();
    a_connection_has_no_delay_and_a_name();
    an_ipv6_address_is_shown_in_brackets();
    an_address_in_use_is_an_error();
    a_unix_socket_is_private_and_removed_at_the_end();
    a_dead_socket_is_replaced();
    a_live_listener_is_not_replaced();
    a_file_is_not_replaced();
    a_socket_of_somebody_else_is_not_removed();
    a_path_that_cannot_hold_a_socket_is_refused();
    of_kernels_that_start_at_once_one_listens();
    CHECK(rmdir(directory) == 0);
    return check_report();
}
