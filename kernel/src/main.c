/* SPDX-License-Identifier: Apache-2.0 */
/* The executable (PROTOCOL section 9). */
#include "bus.h"
#include "pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_OK = 0, EXIT_CONFIG = 1, EXIT_USAGE = 2 };

static const char usage[] =
    "usage: stdiobus-kernel (--config PATH | --config-fd N) [--stdio | --unix PATH | --tcp HOST:PORT]\n"
    "\n"
    "Routes newline-delimited JSON-RPC between clients and the worker processes of its configuration.\n"
    "\n"
    "  --config PATH       read the configuration from a file\n"
    "  --config-fd N       read it from an open descriptor, up to its end\n"
    "  --stdio             serve one client on stdin and stdout (default)\n"
    "  --unix PATH         serve clients on a unix socket with mode 0600\n"
    "  --tcp HOST:PORT     serve clients on TCP; port 0 picks a free one, which is logged\n"
    "  --check             only check the configuration\n"
    "  --log-level LEVEL   debug, info (default), warning or error; the log goes to stderr\n"
    "  --version           print the version\n"
    "  --help              print this text\n"
    "\n"
    "The smallest configuration:\n"
    "  {\"pools\": [{\"id\": \"echo\", \"command\": \"python3\", \"args\": [\"echo.py\"], \"instances\": 1}]}\n"
    "\n"
    "SIGTERM and SIGINT let work in flight finish (limits.drain_timeout_sec); a second one ends at once.\n"
    "Exit status: 0 done, 1 the configuration, a command or an address is bad, 2 wrong usage.\n";

struct arguments {
    const char *config_path;
    int config_fd;
    bool check;
    bool stdio;
    int log_level;
    stdio_bus_listener_config_t listener;
    char host[NET_ADDRESS_SIZE];
};

static int wrong(const char *what, const char *value)
{
    fprintf(stderr, "stdiobus-kernel: %s%s%s (see --help)\n", what, value != NULL ? ": " : "",
            value != NULL ? value : "");
    return EXIT_USAGE;
}

static int parse_fd(const char *text)
{
    char *end;
    errno = 0;
    long fd = strtol(text, &end, 10);
    return errno == 0 && *end == '\0' && end != text && fd >= 0 && fd <= INT_MAX ? (int)fd : -1;
}

static int parse_level(const char *text)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(text, names[i]) == 0) {
            return i;
        }
    }
    return -1;
}

/* One option that takes a value. 0, or the exit status. */
static int take_value(struct arguments *arguments, const char *name, const char *value)
{
    char error[NET_ERROR_SIZE];
    if (strcmp(name, "--config") == 0) {
        if (arguments->config_path != NULL) {
            return wrong("--config is given twice", NULL);
        }
        arguments->config_path = value;
    } else if (strcmp(name, "--config-fd") == 0) {
        if (arguments->config_fd >= 0) {
            return wrong("--config-fd is given twice", NULL);
        }
        arguments->config_fd = parse_fd(value);
        return arguments->config_fd >= 0 ? 0 : wrong("--config-fd expects the number of a descriptor, got", value);
    } else if (strcmp(name, "--log-level") == 0) {
        arguments->log_level = parse_level(value);
        return arguments->log_level >= 0 ? 0 : wrong("--log-level expects debug, info, warning or error, got", value);
    } else if (arguments->stdio || arguments->listener.mode != STDIO_BUS_LISTEN_NONE) {
        return wrong("only one of --stdio, --unix and --tcp can be given", NULL);
    } else if (strcmp(name, "--unix") == 0) {
        if (*value == '\0') {
            return wrong("--unix expects a path", NULL);
        }
        arguments->listener.mode = STDIO_BUS_LISTEN_UNIX;
        arguments->listener.unix_path = value;
    } else {
        arguments->listener.mode = STDIO_BUS_LISTEN_TCP;
        if (!net_parse(value, arguments->host, sizeof arguments->host, &arguments->listener.tcp_port, error)) {
            return wrong("--tcp", error);
        }
        arguments->listener.tcp_host = arguments->host;
    }
    return 0;
}

static bool takes_value(const char *name)
{
    static const char *const names[] = {"--config", "--config-fd", "--unix", "--tcp", "--log-level"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* -1: go on; otherwise the exit status. */
static int parse(int argc, char **argv, struct arguments *arguments)
{
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
            fputs(usage, stdout);
            return EXIT_OK;
        }
        if (strcmp(name, "--version") == 0) {
            printf("stdiobus-kernel %s\n", stdio_bus_version());
            return EXIT_OK;
        }
        if (strcmp(name, "--check") == 0) {
            arguments->check = true;
        } else if (strcmp(name, "--stdio") == 0) {
            if (arguments->listener.mode != STDIO_BUS_LISTEN_NONE) {
                return wrong("only one of --stdio, --unix and --tcp can be given", NULL);
            }
            arguments->stdio = true;
        } else if (!takes_value(name)) {
            return wrong("unknown option", name);
        } else if (i + 1 == argc) {
            return wrong("a value is missing after", name);
        } else {
            int status = take_value(arguments, name, argv[++i]);
            if (status != 0) {
                return status;
            }
        }
    }
    if ((arguments->config_path != NULL) == (arguments->config_fd >= 0)) {
        return wrong(arguments->config_path == NULL ? "--config or --config-fd is required"
                                                    : "only one of --config and --config-fd can be given",
                     NULL);
    }
    return -1;
}

static bool load(const struct arguments *arguments, struct bus_config *config)
{
    char *faults = NULL;
    bool good;
    if (arguments->config_path != NULL) {
        good = config_load(arguments->config_path, config, &faults);
    } else {
        good = config_load_fd(arguments->config_fd, config, &faults);
        close(arguments->config_fd);
    }
    if (!good) {
        fprintf(stderr, "%s\n", faults != NULL ? faults : "out of memory");
    }
    free(faults);
    return good;
}

/* Signals arrive as bytes in a pipe that the bus's loop watches. */

static int signal_pipe[2];

static void on_signal(int signal)
{
    (void)signal;
    int saved = errno;
    ssize_t ignored = write(signal_pipe[1], "", 1);
    (void)ignored;
    errno = saved;
}

struct signal_watch {
    struct watch watch;
    struct stdio_bus *bus;
};

static void on_signal_byte(struct watch *watch, unsigned events)
{
    (void)events;
    struct stdio_bus *bus = OWNER(watch, struct signal_watch, watch)->bus;
    char byte;
    while (read(signal_pipe[0], &byte, 1) == 1) {
        if (bus->state == STDIO_BUS_STATE_STOPPING) {
            shutdown_force(bus);
        } else if (bus->state == STDIO_BUS_STATE_RUNNING) {
            shutdown_begin(bus, bus->config.limits.drain_timeout_sec * NANOSECONDS_PER_SECOND);
        }
    }
}

static bool catch_signals(struct signal_watch *signals)
{
    if (pipe_open(signal_pipe) != 0) {
        return false;
    }
    for (int i = 0; i < 2; i++) {
        fcntl(signal_pipe[i], F_SETFL, O_NONBLOCK);
    }
    signals->watch = (struct watch){.ready = on_signal_byte, .fd = -1};
    if (loop_add(signals->bus->loop, &signals->watch, signal_pipe[0], LOOP_READ) != 0) {
        return false;
    }
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    return sigaction(SIGTERM, &action, NULL) == 0 && sigaction(SIGINT, &action, NULL) == 0 &&
           signal(SIGPIPE, SIG_IGN) != SIG_ERR;
}

/* The numbers 0 to 2 must not become those of a pipe or a socket of ours. */
static void fill_standard_descriptors(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= 2);
    if (fd > 2) {
        close(fd);
    }
}

static void no_message(stdio_bus_t *bus, const char *msg, size_t len, void *user_data)
{
    (void)bus;
    (void)msg;
    (void)len;
    (void)user_data;
}

static void release_signals(struct signal_watch *signals)
{
    loop_remove(signals->bus->loop, &signals->watch);
    close(signal_pipe[0]);
    close(signal_pipe[1]);
}

static int serve(struct stdio_bus *bus, bool stdio)
{
    if (stdio) {
        int error = client_open_stdio(bus);
        if (error != 0) {
            fprintf(stderr, "stdiobus-kernel: stdin and stdout: %s\n", strerror(-error));
            return EXIT_CONFIG;
        }
    }
    if (stdio_bus_start(bus) != STDIO_BUS_OK) {
        return EXIT_CONFIG;
    }
    while (bus->state != STDIO_BUS_STATE_STOPPED) {
        if (stdio_bus_step(bus, -1) < 0) {
            return EXIT_CONFIG;
        }
    }
    return EXIT_OK;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.config_fd = -1, .log_level = LOG_LEVEL_INFO};
    int status = parse(argc, argv, &arguments);
    if (status >= 0) {
        return status;
    }
    fill_standard_descriptors();
    struct bus_config config;
    if (!load(&arguments, &config)) {
        return EXIT_CONFIG;
    }
    if (arguments.check) {
        config_free(&config);
        return EXIT_OK;
    }
    const stdio_bus_options_t options = {
        .listener = arguments.listener, .on_message = no_message, .log_level = arguments.log_level};
    struct stdio_bus *bus = bus_new(&options, &config);
    if (bus == NULL) {
        fputs("stdiobus-kernel: out of memory or descriptors\n", stderr);
        return EXIT_CONFIG;
    }
    struct signal_watch signals = {.bus = bus};
    status = EXIT_CONFIG;
    if (catch_signals(&signals)) {
        status = serve(bus, arguments.listener.mode == STDIO_BUS_LISTEN_NONE);
        release_signals(&signals);
    } else {
        perror("stdiobus-kernel");
    }
    stdio_bus_destroy(bus);
    return status;
}
