/* SPDX-License-Identifier: Apache-2.0 */
/* The load generator: keeps a number of requests in flight over one unix socket, writes whatever may be sent in one go,
 * and checks that every response comes exactly once. One JSON object on stdout.
 *
 *     load --unix PATH [--size BYTES] [--in-flight N] [--seconds S | --count N] [--warmup S]
 *          [--wait S] [--shape ascii|small|dense] [--answer echo|ack] [--clients N] [--pid PID]
 *          [--start COMMAND ARGUMENT...]
 *
 * --answer    what the worker gives as the result: the params, or {}
 * --clients   that many further connections stay open, each of which has had one request answered
 * --pid       whose CPU time and resident set are reported
 * --wait      how long to wait without a response before what is in flight counts as lost
 * --start     starts the command, and reports the time up to the first response; it gets SIGTERM at the end */
#include "bench.h"

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define ID_DIGITS   10
#define VECTORS     1024
#define HEAD_CHECK  64
#define TAIL_CHECK  24
#define SECOND      1e9
#define CONNECT_FOR 10.0
#define STOP_FOR    2.0

static const char request_head[] = "{\"jsonrpc\":\"2.0\",\"id\":\"0000000000\",\"method\":\"echo\","
                                   "\"sessionId\":\"bench\",\"params\":";
static const char answer_head[] = "{\"jsonrpc\":\"2.0\",\"id\":\"0000000000\",\"sessionId\":\"bench\",\"result\":";
enum { ID_AT = sizeof "{\"jsonrpc\":\"2.0\",\"id\":\"" - 1 };

extern char **environ;

struct options {
    const char *path;
    const char *shape;
    char **start;
    size_t size;
    size_t in_flight;
    uint64_t count;
    double seconds;
    double warmup;
    double wait;
    bool ack;
    size_t clients;
    pid_t pid;
};

/* A request that is to be sent, or in flight. */
struct slot {
    char *line;
    uint64_t id;
    uint64_t uses;
    uint64_t sent_at;
    bool open;
};

struct samples {
    uint32_t *at;
    size_t count;
    size_t size;
};

struct load {
    const struct options *options;
    int fd;
    struct slot *slots;
    size_t *unsent; /* a ring of slots whose line waits to be written */
    size_t unsent_first;
    size_t unsent_count;
    size_t partly; /* bytes of the first of them that are written */
    uint64_t asked;
    char *in;
    size_t in_len;
    size_t in_size;
    size_t in_looked;

    uint64_t sent;
    uint64_t answered;
    uint64_t refused;    /* error responses */
    uint64_t unexpected; /* answered twice, never asked, or not as sent */
    uint64_t lost;
    size_t open;
    bool closed;
    bool stop; /* nothing new is sent */
    uint64_t last_answer;
    struct samples samples;
};

/* Lines ------------------------------------------------------------------------------------------------------------ */

/* Repeats the shape's members up to exactly `room` bytes, filled up with one string. */
static void fill(char *out, size_t room, const char *shape)
{
    static const char small[] = "\"n\":12345,\"ok\":true,\"name\":\"read\",\"path\":\"/tmp/a\",";
    static const char dense[] = "\"x\":-12.75,\"имя\":[1,2,33,null],\"y\":{\"a\":\"мир\",\"b\":false},\"会\":\"消息\",";
    static const char text[] = "\"text\":\"";
    const char *repeated = strcmp(shape, "small") == 0 ? small : strcmp(shape, "dense") == 0 ? dense : "";
    size_t len = strlen(repeated);
    size_t frame = sizeof text - 1 + sizeof "\"}" - 1;
    *out++ = '{';
    room--;
    while (len > 0 && room >= frame + len) {
        memcpy(out, repeated, len);
        out += len;
        room -= len;
    }
    if (room < frame) {
        die("--size: too small");
    }
    memcpy(out, text, sizeof text - 1);
    out += sizeof text - 1;
    memset(out, 'a', room - frame);
    memcpy(out + room - frame, "\"}", 2);
}

static char *new_line(const struct options *options)
{
    size_t head = sizeof request_head - 1;
    char *line = need(malloc(options->size));
    if (options->size < head + sizeof "{\"text\":\"\"}}\n" - 1) {
        die("--size: too small");
    }
    memcpy(line, request_head, head);
    fill(line + head, options->size - head - 2, options->shape);
    memcpy(line + options->size - 2, "}\n", 2);
    return line;
}

static void write_id(char *line, uint64_t id)
{
    for (int i = ID_DIGITS - 1; i >= 0; i--) {
        line[ID_AT + i] = (char)('0' + id % 10);
        id /= 10;
    }
}

static bool read_id(const char *line, size_t len, uint64_t *id)
{
    static const char name[] = "\"id\":\"";
    const char *at = memmem(line, len < 2 * HEAD_CHECK ? len : 2 * HEAD_CHECK, name, sizeof name - 1);
    if (at == NULL || line + len - at < (ptrdiff_t)(sizeof name + ID_DIGITS)) {
        return false;
    }
    *id = 0;
    for (int i = 0; i < ID_DIGITS; i++) {
        *id = 10 * *id + (uint64_t)(at[sizeof name - 1 + (size_t)i] - '0');
    }
    return true;
}

/* Length, head and tail: comparing the whole would cost more than some of what is measured. */
static bool is_echo(const struct options *options, const struct slot *slot, const char *line, size_t len)
{
    size_t head = sizeof answer_head - 1 - ID_AT - ID_DIGITS;
    size_t params = options->ack ? 2 : options->size - sizeof request_head - 1;
    size_t tail = params < TAIL_CHECK ? params : TAIL_CHECK;
    const char *end = options->ack ? &"{}}"[3] : slot->line + options->size - 1;
    return len == sizeof answer_head - 1 + params + 1 &&
           memcmp(line + ID_AT + ID_DIGITS, answer_head + ID_AT + ID_DIGITS, head) == 0 &&
           memcmp(line + len - 1 - tail, end - 1 - tail, tail + 1) == 0;
}

/* Sending ---------------------------------------------------------------------------------------------------------- */

static void release_slot(struct load *load, size_t index)
{
    const struct options *options = load->options;
    if (load->stop || (options->count > 0 && load->asked >= options->count)) {
        return;
    }
    struct slot *slot = &load->slots[index];
    load->asked++;
    slot->id = slot->uses++ * options->in_flight + index;
    slot->open = true;
    write_id(slot->line, slot->id);
    load->open++;
    load->unsent[(load->unsent_first + load->unsent_count) % options->in_flight] = index;
    load->unsent_count++;
}

static int vectors(struct load *load, struct iovec *vec)
{
    const struct options *options = load->options;
    uint64_t now = nanoseconds(CLOCK_MONOTONIC);
    int count = 0;
    for (size_t i = 0; i < load->unsent_count && count < VECTORS; i++) {
        struct slot *slot = &load->slots[load->unsent[(load->unsent_first + i) % options->in_flight]];
        size_t skip = i == 0 ? load->partly : 0;
        if (skip == 0) {
            slot->sent_at = now;
        }
        vec[count++] = (struct iovec){slot->line + skip, options->size - skip};
    }
    return count;
}

static void send_free(struct load *load)
{
    const struct options *options = load->options;
    while (load->unsent_count > 0) {
        struct iovec vec[VECTORS];
        int count = vectors(load, vec);
        struct msghdr message = {.msg_iov = vec, .msg_iovlen = (size_t)count};
        ssize_t wrote = sendmsg(load->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (wrote < 0) {
            load->closed = errno != EAGAIN && errno != EINTR;
            return;
        }
        size_t done = load->partly + (size_t)wrote;
        while (done >= options->size) {
            done -= options->size;
            load->unsent_first = (load->unsent_first + 1) % options->in_flight;
            load->unsent_count--;
            load->sent++;
        }
        load->partly = done;
        if (done > 0) {
            return;
        }
    }
}

/* Receiving -------------------------------------------------------------------------------------------------------- */

static void sample(struct samples *samples, uint64_t value)
{
    if (samples->count == samples->size) {
        samples->size = samples->size == 0 ? 65536 : 2 * samples->size;
        samples->at = need(realloc(samples->at, samples->size * sizeof *samples->at));
    }
    samples->at[samples->count++] = value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

static void take_answer(struct load *load, const char *line, size_t len, uint64_t now)
{
    uint64_t id;
    if (!read_id(line, len, &id)) {
        load->unexpected++;
        return;
    }
    size_t index = (size_t)(id % load->options->in_flight);
    struct slot *slot = &load->slots[index];
    if (!slot->open || slot->id != id) {
        load->unexpected++;
        return;
    }
    if (!is_echo(load->options, slot, line, len)) {
        bool error = memmem(line, len < 512 ? len : 512, "\"error\":", 8) != NULL;
        load->refused += error;
        load->unexpected += !error;
    }
    slot->open = false;
    load->open--;
    load->answered++;
    load->last_answer = now;
    sample(&load->samples, now - slot->sent_at);
    release_slot(load, index);
}

static void take_lines(struct load *load, uint64_t now)
{
    size_t done = 0;
    size_t looked = load->in_looked;
    for (;;) {
        const char *start = load->in + done;
        const char *end = memchr(start + looked, '\n', load->in_len - done - looked);
        looked = 0;
        if (end == NULL) {
            break;
        }
        take_answer(load, start, (size_t)(end - start), now);
        done = (size_t)(end - load->in) + 1;
    }
    load->in_len -= done;
    memmove(load->in, load->in + done, load->in_len);
    load->in_looked = load->in_len;
}

/* Waits at most 100 ms; false where nothing came. */
static bool receive(struct load *load)
{
    if (load->unsent_count > 0) {
        struct pollfd look = {.fd = load->fd, .events = POLLIN | POLLOUT};
        poll(&look, 1, 100);
        if ((look.revents & ~POLLOUT) == 0) {
            return (look.revents & POLLOUT) != 0;
        }
    }
    ssize_t got = recv(load->fd, load->in + load->in_len, load->in_size - load->in_len, 0);
    if (got <= 0) {
        load->closed = got == 0 || (errno != EAGAIN && errno != EINTR);
        return false;
    }
    load->in_len += (size_t)got;
    take_lines(load, nanoseconds(CLOCK_MONOTONIC));
    return true;
}

/* Everything in flight counts as lost; its slots may be used again. */
static void give_up(struct load *load)
{
    load->lost += load->open;
    load->open = 0;
    load->unsent_count = 0;
    load->partly = 0;
    for (size_t i = 0; i < load->options->in_flight; i++) {
        load->slots[i].open = false;
    }
}

/* Runs until `until`, or until nothing is in flight any more. */
static void run(struct load *load, uint64_t until)
{
    uint64_t heard = nanoseconds(CLOCK_MONOTONIC);
    while (load->open > 0 && !load->closed) {
        send_free(load);
        bool came = receive(load);
        uint64_t now = nanoseconds(CLOCK_MONOTONIC);
        heard = came ? now : heard;
        if (now >= until) {
            return;
        }
        if ((double)(now - heard) > load->options->wait * SECOND) {
            break;
        }
    }
    give_up(load);
}

/* Connections and processes ---------------------------------------------------------------------------------------- */

static int connect_to(const char *path, double seconds)
{
    struct sockaddr_un address = unix_address(path);
    struct timeval wait = {.tv_usec = 100000};
    uint64_t begun = nanoseconds(CLOCK_MONOTONIC);
    for (;;) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0) {
            die("socket");
        }
        if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
            setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
            return fd;
        }
        int error = errno;
        close(fd);
        if ((double)(nanoseconds(CLOCK_MONOTONIC) - begun) > seconds * SECOND) {
            errno = error;
            die(path);
        }
        struct timespec pause = {.tv_nsec = 20000};
        nanosleep(&pause, NULL);
    }
}

/* A connection that has had one request answered, if it was within the wait. */
static size_t visit(int fd, const struct options *options, size_t number)
{
    char line[256];
    int len = snprintf(line, sizeof line,
                       "{\"jsonrpc\":\"2.0\",\"id\":\"v%zu\",\"method\":\"echo\",\"sessionId\":\"visitor-%zu\","
                       "\"params\":{}}\n",
                       number, number);
    uint64_t begun = nanoseconds(CLOCK_MONOTONIC);
    if (send(fd, line, (size_t)len, MSG_NOSIGNAL) != len) {
        return 0;
    }
    while ((double)(nanoseconds(CLOCK_MONOTONIC) - begun) < options->wait * SECOND) {
        ssize_t got = recv(fd, line, sizeof line, 0);
        if (got >= 0) {
            return got > 0 && line[got - 1] == '\n';
        }
    }
    return 0;
}

static size_t open_clients(const struct options *options)
{
    struct rlimit files;
    size_t answered = 0;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    for (size_t i = 0; i < options->clients; i++) {
        answered += visit(connect_to(options->path, CONNECT_FOR), options, i);
    }
    return answered;
}

static long resident_kb(pid_t pid)
{
    char path[64];
    char line[256];
    long kb = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            kb = strtol(line + 6, NULL, 10);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return kb;
}

/* The CPU time of the process with its threads, but without its children. */
static uint64_t cpu_of(pid_t pid)
{
    clockid_t clock;
    if (pid == 0 || clock_getcpuclockid(pid, &clock) != 0) {
        return 0;
    }
    return nanoseconds(clock);
}

static pid_t start(char **command)
{
    pid_t pid;
    errno = posix_spawnp(&pid, command[0], NULL, NULL, command, environ);
    if (errno != 0) {
        die(command[0]);
    }
    return pid;
}

static void stop(pid_t pid)
{
    uint64_t begun = nanoseconds(CLOCK_MONOTONIC);
    kill(pid, SIGTERM);
    while (waitpid(pid, NULL, WNOHANG) == 0) {
        struct timespec pause = {.tv_nsec = 1000000};
        if ((double)(nanoseconds(CLOCK_MONOTONIC) - begun) > STOP_FOR * SECOND) {
            kill(pid, SIGKILL);
        }
        nanosleep(&pause, NULL);
    }
}

/* Results ---------------------------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double percentile(const struct samples *samples, double part)
{
    return samples->count == 0 ? 0 : (double)samples->at[(size_t)(part * (double)(samples->count - 1))] / 1000;
}

/* Powers of two of a microsecond. */
static void print_histogram(const struct samples *samples)
{
    size_t next = 0;
    printf("\"histogram_us\": {");
    for (uint64_t limit = 1000; next < samples->count; limit *= 2) {
        size_t first = next;
        while (next < samples->count && samples->at[next] < limit) {
            next++;
        }
        if (next > first) {
            printf("%s\"%llu\": %zu", first > 0 ? ", " : "", (unsigned long long)(limit / 1000), next - first);
        }
    }
    printf("}, ");
}

static void measure(struct load *load)
{
    const struct options *options = load->options;
    uint64_t begun = nanoseconds(CLOCK_MONOTONIC);
    uint64_t until = options->count > 0 ? UINT64_MAX : begun + (uint64_t)(options->seconds * SECOND);
    uint64_t before = load->answered;
    uint64_t cpu = cpu_of(options->pid);
    load->samples.count = 0;
    run(load, until);
    double spent = (double)((load->last_answer > begun ? load->last_answer : begun + 1) - begun);
    double messages = (double)(load->answered - before);
    cpu = cpu_of(options->pid) - cpu;
    load->stop = true;
    run(load, UINT64_MAX);
    qsort(load->samples.at, load->samples.count, sizeof *load->samples.at, compare);
    printf("\"messages_s\": %.1f, \"mb_s\": %.3f, ", messages / spent * SECOND,
           messages * (double)options->size / spent * 1000);
    printf("\"cpu_us\": %.4f, ", messages > 0 ? (double)cpu / messages / 1000 : 0.0);
    printf("\"p50_us\": %.3f, \"p99_us\": %.3f, ", percentile(&load->samples, 0.5), percentile(&load->samples, 0.99));
    print_histogram(&load->samples);
}

static void prepare(struct load *load, const struct options *options)
{
    *load = (struct load){.options = options, .in_size = 2 * (options->size + READ_SIZE)};
    load->in = need(malloc(load->in_size));
    load->slots = need(calloc(options->in_flight, sizeof *load->slots));
    load->unsent = need(calloc(options->in_flight, sizeof *load->unsent));
    for (size_t i = 0; i < options->in_flight; i++) {
        load->slots[i].line = new_line(options);
    }
}

static bool read_option(struct options *options, const char *name, char *value)
{
    if (strcmp(name, "--unix") == 0) {
        options->path = value;
    } else if (strcmp(name, "--answer") == 0) {
        options->ack = strcmp(value, "ack") == 0;
    } else if (strcmp(name, "--shape") == 0) {
        options->shape = value;
    } else if (strcmp(name, "--size") == 0) {
        options->size = strtoul(value, NULL, 10);
    } else if (strcmp(name, "--in-flight") == 0) {
        options->in_flight = strtoul(value, NULL, 10);
    } else if (strcmp(name, "--count") == 0) {
        options->count = strtoul(value, NULL, 10);
    } else if (strcmp(name, "--seconds") == 0) {
        options->seconds = strtod(value, NULL);
    } else if (strcmp(name, "--warmup") == 0) {
        options->warmup = strtod(value, NULL);
    } else if (strcmp(name, "--wait") == 0) {
        options->wait = strtod(value, NULL);
    } else if (strcmp(name, "--clients") == 0) {
        options->clients = strtoul(value, NULL, 10);
    } else if (strcmp(name, "--pid") == 0) {
        options->pid = (pid_t)strtol(value, NULL, 10);
    } else {
        return false;
    }
    return true;
}

static bool read_options(struct options *options, int argc, char **argv)
{
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc) {
            return false;
        }
        if (strcmp(argv[i], "--start") == 0) {
            options->start = argv + i + 1;
            break;
        }
        if (!read_option(options, argv[i], argv[i + 1])) {
            return false;
        }
    }
    return options->path != NULL && options->in_flight > 0;
}

int main(int argc, char **argv)
{
    struct options options = {
        .shape = "ascii", .size = 100, .in_flight = 1, .seconds = 1, .warmup = 0.2, .wait = 2};
    struct load load;
    if (!read_options(&options, argc, argv)) {
        fputs("usage: load --unix PATH [--size BYTES] [--in-flight N] [--seconds S | --count N] [--warmup S]\n"
              "            [--wait S] [--shape ascii|small|dense] [--answer echo|ack] [--clients N] [--pid PID]\n"
              "            [--start COMMAND ARGUMENT...]\n",
              stderr);
        return 2;
    }
    prepare(&load, &options);
    uint64_t begun = nanoseconds(CLOCK_MONOTONIC);
    if (options.start != NULL) {
        options.pid = start(options.start);
    }
    load.fd = connect_to(options.path, CONNECT_FOR);
    printf("{");
    if (options.start != NULL) {
        bool answered = visit(load.fd, &options, 0) == 1;
        double spent = (double)(nanoseconds(CLOCK_MONOTONIC) - begun) / 1e6;
        printf("\"start_ms\": %.3f, ", answered ? spent : -1.0);
    }
    if (options.clients > 0) {
        printf("\"clients_answered\": %zu, ", open_clients(&options));
    }
    for (size_t i = 0; i < options.in_flight; i++) {
        release_slot(&load, i);
    }
    if (options.count == 0) {
        run(&load, nanoseconds(CLOCK_MONOTONIC) + (uint64_t)(options.warmup * SECOND));
    }
    measure(&load);
    if (options.pid != 0) {
        printf("\"rss_kb\": %ld, ", resident_kb(options.pid));
    }
    printf("\"sent\": %llu, \"answered\": %llu, \"refused\": %llu, ", (unsigned long long)load.sent,
           (unsigned long long)load.answered, (unsigned long long)load.refused);
    printf("\"unexpected\": %llu, \"lost\": %llu, \"closed\": %s}\n", (unsigned long long)load.unexpected,
           (unsigned long long)load.lost, load.closed ? "true" : "false");
    if (options.start != NULL) {
        stop(options.pid);
    }
    for (size_t i = 0; i < options.in_flight; i++) {
        free(load.slots[i].line);
    }
    free(load.slots);
    free(load.unsent);
    free(load.in);
    free(load.samples.at);
    return 0;
}
