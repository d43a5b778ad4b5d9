/* SPDX-License-Identifier: Apache-2.0 */
#include "net.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    HOST_SIZE = 256,
    PORT_SIZE = 8,
    LOCK_TRIES = 50, /* of 20 ms: anybody may hold a lock on a shared directory for ever */
};

/* An address of any family, without a cast that the compiler could misjudge. */
union any_address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
    struct sockaddr_un local;
    struct sockaddr_storage storage;
};

__attribute__((format(printf, 2, 3))) static bool refuse(char error[NET_ERROR_SIZE], const char *format, ...)
{
    va_list values;

    va_start(values, format);
    (void)vsnprintf(error, NET_ERROR_SIZE, format, values);
    va_end(values);
    return false;
}

/* Parsing */

static bool parse_port(const char *text, uint16_t *port)
{
    unsigned long value = 0;

    if (*text == '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9') {
            return false;
        }
        value = value * 10 + (unsigned long)(*text - '0');
        if (value > UINT16_MAX) {
            return false;
        }
    }
    *port = (uint16_t)value;
    return true;
}

bool net_parse(const char *text, char *host, size_t host_size, uint16_t *port, char error[NET_ERROR_SIZE])
{
    bool bracketed = text[0] == '[';
    const char *start = bracketed ? text + 1 : text;
    const char *end = bracketed ? strchr(start, ']') : strrchr(start, ':');
    const char *colon = bracketed && end != NULL ? end + 1 : end;
    size_t len;

    if (end == NULL || *colon != ':') {
        return refuse(error, "'%.120s' is not HOST:PORT", text);
    }
    len = (size_t)(end - start);
    if (len == 0) {
        return refuse(error, "'%.120s' has an empty host", text);
    }
    if (!bracketed && memchr(start, ':', len) != NULL) {
        return refuse(error, "'%.120s' needs brackets around the IPv6 address: [ADDRESS]:PORT", text);
    }
    if (len >= host_size) {
        return refuse(error, "'%.120s...' has a host longer than %zu bytes", text, host_size - 1);
    }
    if (!parse_port(colon + 1, port)) {
        return refuse(error, "'%.120s' has a port outside 0-65535", text);
    }
    memcpy(host, start, len);
    host[len] = '\0';
    return true;
}

/* Sockets */

/* Both give a descriptor that is non-blocking and close-on-exec, or -errno. */
#ifdef SOCK_CLOEXEC
static int open_socket(int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    return fd >= 0 ? fd : -errno;
}

static int accept_socket(int listener, union any_address *address, socklen_t *len)
{
    int fd = accept4(listener, &address->any, len, SOCK_CLOEXEC | SOCK_NONBLOCK);

    return fd >= 0 ? fd : -errno;
}
#else
static int with_flags(int fd)
{
    int rc;

    if (fd >= 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0) {
        return fd;
    }
    rc = -errno;
    if (fd >= 0) {
        close(fd);
    }
    return rc;
}

static int open_socket(int family)
{
    return with_flags(socket(family, SOCK_STREAM, 0));
}

static int accept_socket(int listener, union any_address *address, socklen_t *len)
{
    return with_flags(accept(listener, &address->any, len));
}
#endif

static void switch_on(int fd, int level, int option)
{
    int on = 1;

    (void)setsockopt(fd, level, option, &on, sizeof on);
}

/* Returns the port, or -1 where there is none. */
static int describe(const union any_address *address, socklen_t len, char out[NET_ADDRESS_SIZE])
{
    bool is_ipv6 = address->any.sa_family == AF_INET6;
    char host[HOST_SIZE];
    char port[PORT_SIZE];

    if (getnameinfo(&address->any, len, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        (void)snprintf(out, NET_ADDRESS_SIZE, "unknown");
        return -1;
    }
    (void)snprintf(out, NET_ADDRESS_SIZE, is_ipv6 ? "[%s]:%s" : "%s:%s", host, port);
    return (int)strtol(port, NULL, 10);
}

int net_accept(struct net_listener *listener, char peer[NET_ADDRESS_SIZE])
{
    union any_address address;
    socklen_t len;
    int fd;

    do {
        len = sizeof address;
        fd = accept_socket(listener->fd, &address, &len);
    } while (fd == -EINTR || fd == -ECONNABORTED);
    if (fd < 0) {
        return fd == -EWOULDBLOCK ? -EAGAIN : fd;
    }
    if (listener->port < 0) {
        (void)snprintf(peer, NET_ADDRESS_SIZE, "unix");
        return fd;
    }
    switch_on(fd, IPPROTO_TCP, TCP_NODELAY);
    (void)describe(&address, len, peer);
    return fd;
}

void net_close(struct net_listener *listener, bool unlink_path)
{
    struct stat about;

    if (listener->fd >= 0) {
        close(listener->fd);
    }
    listener->fd = -1;
    if (listener->path == NULL) {
        return;
    }
    if (unlink_path && lstat(listener->path, &about) == 0 && S_ISSOCK(about.st_mode) &&
        about.st_dev == listener->device && about.st_ino == listener->inode) {
        (void)unlink(listener->path);
    }
    free(listener->path);
    listener->path = NULL;
}

/* TCP */

static int listen_at(union any_address *address, socklen_t len)
{
    int fd = open_socket(address->any.sa_family);
    int rc;

    if (fd < 0) {
        return fd;
    }
    switch_on(fd, SOL_SOCKET, SO_REUSEADDR);
    if (address->any.sa_family == AF_INET6) {
        switch_on(fd, IPPROTO_IPV6, IPV6_V6ONLY);
    }
    if (bind(fd, &address->any, len) == 0 && listen(fd, SOMAXCONN) == 0) {
        return fd;
    }
    rc = -errno;
    close(fd);
    return rc;
}

/* The IPv4 address of a name that has both: "localhost" is 127.0.0.1 then. */
static bool resolve(const char *host, union any_address *address, socklen_t *len, char error[NET_ERROR_SIZE])
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    struct addrinfo *chosen;
    int rc = getaddrinfo(host, NULL, &hints, &list);

    if (rc != 0) {
        return refuse(error, "cannot resolve '%.120s': %s", host,
                      rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
    }
    chosen = list;
    for (struct addrinfo *next = list; next != NULL; next = next->ai_next) {
        if (next->ai_family == AF_INET) {
            chosen = next;
            break;
        }
    }
    *len = chosen->ai_addrlen;
    memcpy(address, chosen->ai_addr, chosen->ai_addrlen);
    freeaddrinfo(list);
    return true;
}

bool net_listen_tcp(struct net_listener *out, const char *host, uint16_t port, char error[NET_ERROR_SIZE])
{
    union any_address address;
    socklen_t len;
    int fd;

    *out = (struct net_listener){.fd = -1, .port = -1};
    memset(&address, 0, sizeof address);
    if (!resolve(host, &address, &len, error)) {
        return false;
    }
    if (address.any.sa_family == AF_INET6) {
        address.ipv6.sin6_port = htons(port);
    } else {
        address.ipv4.sin_port = htons(port);
    }
    fd = listen_at(&address, len);
    if (fd < 0) {
        return refuse(error, "cannot listen on %.120s:%u: %s", host, (unsigned)port, strerror(-fd));
    }
    len = sizeof address;
    (void)getsockname(fd, &address.any, &len);
    out->fd = fd;
    out->port = describe(&address, len, out->address);
    return true;
}

/* Unix */

/* Two kernels that start at once must not take each other's new socket for a dead one. Without the lock, where
 * the directory cannot be read, that is all that is lost. Closing the descriptor unlocks. */
static int lock_directory(const char *path)
{
    const struct timespec pause = {0, 20 * 1000 * 1000};
    const char *slash = strrchr(path, '/');
    char directory[sizeof((struct sockaddr_un *)NULL)->sun_path + 1] = ".";
    int fd;

    if (slash != NULL) {
        size_t len = slash == path ? 1 : (size_t)(slash - path);

        memcpy(directory, path, len);
        directory[len] = '\0';
    }
    fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; fd >= 0 && i < LOCK_TRIES && flock(fd, LOCK_EX | LOCK_NB) != 0; i++) {
        (void)nanosleep(&pause, NULL);
    }
    return fd;
}

/* Removes what a listener that has died left behind. */
static bool clear_path(const struct sockaddr_un *address, char error[NET_ERROR_SIZE])
{
    const char *path = address->sun_path;
    struct stat about;
    int probe;
    int rc;

    if (lstat(path, &about) != 0) {
        return errno == ENOENT || refuse(error, "cannot listen on %s: %s", path, strerror(errno));
    }
    if (!S_ISSOCK(about.st_mode)) {
        return refuse(error, "%s exists and is not a socket", path);
    }
    probe = open_socket(AF_UNIX);
    if (probe < 0) {
        return refuse(error, "cannot listen on %s: %s", path, strerror(-probe));
    }
    rc = connect(probe, (const struct sockaddr *)(const void *)address, sizeof *address) == 0 ? 0 : errno;
    close(probe);
    if (rc == 0 || rc == EAGAIN || rc == EINPROGRESS) {
        return refuse(error, "%s is in use by a live listener", path);
    }
    if (rc == ENOENT) {
        return true;
    }
    if (rc != ECONNREFUSED) {
        return refuse(error, "cannot tell whether %s is in use: %s", path, strerror(rc));
    }
    if (unlink(path) != 0 && errno != ENOENT) {
        return refuse(error, "cannot remove the dead socket %s: %s", path, strerror(errno));
    }
    return true;
}

/* Nobody else may connect, not even for a moment: on Linux the file is made with the mode of the socket; elsewhere
 * a connection is refused until listen(). */
static int bind_privately(int fd, const struct sockaddr_un *address)
{
#ifdef __linux__
    (void)fchmod(fd, S_IRUSR | S_IWUSR);
#endif
    if (bind(fd, (const struct sockaddr *)(const void *)address, sizeof *address) != 0) {
        return -errno;
    }
    /* On Linux the umask has taken its part of the mode, elsewhere fchmod had no effect: nobody can connect
     * before the listen() that follows. */
    if (chmod(address->sun_path, S_IRUSR | S_IWUSR) != 0) {
        return -errno;
    }
    return 0;
}

static bool listen_unix(struct net_listener *out, const struct sockaddr_un *address, char error[NET_ERROR_SIZE])
{
    struct stat about = {.st_ino = 0};
    int rc;

    out->fd = open_socket(AF_UNIX);
    if (out->fd < 0) {
        return refuse(error, "cannot listen on %s: %s", address->sun_path, strerror(-out->fd));
    }
    rc = bind_privately(out->fd, address);
    if (rc != 0) {
        return refuse(error, "cannot listen on %s: %s", address->sun_path, strerror(-rc));
    }
    if (lstat(address->sun_path, &about) == 0) {
        out->device = about.st_dev;
        out->inode = about.st_ino;
    }
    if (listen(out->fd, SOMAXCONN) != 0) {
        return refuse(error, "cannot listen on %s: %s", address->sun_path, strerror(errno));
    }
    return true;
}

bool net_listen_unix(struct net_listener *out, const char *path, char error[NET_ERROR_SIZE])
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    bool ok;
    int lock;

    *out = (struct net_listener){.fd = -1, .port = -1};
    if (len == 0) {
        return refuse(error, "the path of the socket is empty");
    }
    if (len >= sizeof address.sun_path) {
        return refuse(error, "%.120s is longer than %zu bytes", path, sizeof address.sun_path - 1);
    }
    memcpy(address.sun_path, path, len + 1);
    (void)snprintf(out->address, sizeof out->address, "%s", path);
    out->path = strdup(path);
    if (out->path == NULL) {
        return refuse(error, "out of memory");
    }
    lock = lock_directory(path);
    ok = clear_path(&address, error) && listen_unix(out, &address, error);
    if (!ok) {
        net_close(out, true);
    }
    if (lock >= 0) {
        close(lock);
    }
    return ok;
}
