/* SPDX-License-Identifier: Apache-2.0 */
/* Channels over real sockets and pipes: framing (KRN-FRM-01, 02, 06 to 09), order, marks, ends (KRN-LIM-08). */
#include "channel.h"

#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_LINE = 100000, PIECES = 64, MANY = 20000, ROUNDS = 100000 };

/* What a channel told its owner. */
static struct {
    char *lines; /* every line taken, each with an LF behind it, a cut one with a '!' before it */
    size_t len;
    size_t size;
    unsigned count;
    int blocks_after; /* so many more lines are taken before one is blocked; -1: none is */
    bool closes;      /* the next line closes the channel */
    unsigned ended, broken, drained, caught_up;
} told;

static struct loop *loop;
static struct channel_set set;
static struct channel channel;
static int far_in;  /* what is written here is read by the channel */
static int far_out; /* what the channel writes is read here */

static void keep(const char *bytes, size_t len)
{
    if (told.len + len + 1 > told.size) {
        told.size = 2 * (told.len + len + 1);
        told.lines = realloc(told.lines, told.size);
    }
    memcpy(told.lines + told.len, bytes, len);
    told.len += len;
    told.lines[told.len] = '\0';
}

static enum line_fate on_line(struct channel *from, const char *line, size_t len, bool cut)
{
    if (told.closes) {
        channel_close(from);
        return LINE_CLOSED;
    }
    if (told.blocks_after == 0) {
        return LINE_BLOCKED;
    }
    told.blocks_after -= told.blocks_after > 0;
    told.count++;
    keep("!", cut ? 1 : 0);
    keep(line, cut ? 5 : len);
    keep("\n", 1);
    return LINE_TAKEN;
}

static void on_ended(struct channel *from)
{
    (void)from;
    told.ended++;
}

static void on_broken(struct channel *from)
{
    (void)from;
    told.broken++;
}

static void on_drained(struct channel *from)
{
    (void)from;
    told.drained++;
}

static void on_caught_up(struct channel *from)
{
    (void)from;
    told.caught_up++;
}

static const struct channel_ops ops = {on_line, on_ended, on_broken, on_drained, on_caught_up};

/* Fixtures ------------------------------------------------------------------------------------------ */

static void open_set(uint64_t max_total)
{
    free(told.lines);
    memset(&told, 0, sizeof told);
    keep("", 0);
    told.blocks_after = -1;
    loop = loop_open();
    CHECK(loop != NULL);
    CHECK(channel_set_open(&set, loop, MAX_LINE, max_total));
    channel_init(&channel, &set, &ops);
}

/* One descriptor for both directions, as of a client. */
static void open_socket(void)
{
    int pair[2];
    struct fdio io;
    open_set(UINT64_MAX);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    CHECK(fdio_own(&io, pair[0]) == 0);
    CHECK(channel_open(&channel, io, io) == 0);
    far_in = far_out = pair[1];
    CHECK(fcntl(pair[1], F_SETFL, O_NONBLOCK) == 0);
}

/* A pipe for each direction, as of a worker. */
static void open_pipes(void)
{
    int to[2];
    int from[2];
    struct fdio in;
    struct fdio out;
    open_set(UINT64_MAX);
    CHECK(pipe(to) == 0 && pipe(from) == 0);
    CHECK(fdio_own(&in, to[0]) == 0);
    CHECK(fdio_own(&out, from[1]) == 0);
    CHECK(channel_open(&channel, in, out) == 0);
    far_in = to[1];
    far_out = from[0];
    CHECK(fcntl(far_in, F_SETFL, O_NONBLOCK) == 0);
    CHECK(fcntl(far_out, F_SETFL, O_NONBLOCK) == 0);
}

static void close_all(void)
{
    channel_close(&channel);
    CHECK(set.store.bytes == 0);
    channel_set_close(&set);
    loop_close(loop);
    if (far_in >= 0) {
        close(far_in);
    }
    if (far_out >= 0 && far_out != far_in) {
        close(far_out);
    }
    free(told.lines);
    told.lines = NULL;
    told.size = 0;
}

/* Works until nothing more happens. Returns the number of rounds in which something did. */
static int work(void)
{
    for (int rounds = 0; rounds < ROUNDS; rounds++) {
        bool more = false;
        int events = loop_wait(loop, 0);
        CHECK(events >= 0);
        if (events + channel_set_run(&set, &more) == 0) {
            return rounds;
        }
    }
    check_failed(__FILE__, __LINE__, "the channel comes to rest");
    return ROUNDS;
}

/* Writes it all, letting the channel read in between. */
static void send_far(const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t wrote = write(far_in, bytes, len);
        if (wrote > 0) {
            bytes += wrote;
            len -= (size_t)wrote;
        } else {
            CHECK(errno == EAGAIN);
        }
        work();
    }
}

static void send_text(const char *text)
{
    send_far(text, strlen(text));
}

/* Reads what has been written; the number of bytes. */
static size_t receive(char *into, size_t size)
{
    ssize_t got = read(far_out, into, size);
    return got > 0 ? (size_t)got : 0;
}

static char *filled(size_t len, char with)
{
    char *text = malloc(len + 1);
    memset(text, with, len);
    text[len] = '\0';
    return text;
}

/* Framing ------------------------------------------------------------------------------------------- */

static const char batch[] = "{\"a\":1}\n\n\r\n{\"b\":2}\r\n  \n{\"c\":\r3}\nx\n";
static const char batch_lines[] = "{\"a\":1}\n{\"b\":2}\n  \n{\"c\":\r3}\nx\n";

static void many_lines_come_in_one_write(void)
{
    open_socket();
    send_text(batch);
    CHECK_STR(told.lines, batch_lines);
    CHECK(set.store.bytes == 0);
    close_all();
}

static void lines_come_in_any_split(void)
{
    size_t len = sizeof batch - 1;
    for (size_t size = 1; size < len; size++) {
        open_pipes();
        for (size_t at = 0; at < len; at += size) {
            send_far(batch + at, at + size < len ? size : len - at);
        }
        CHECK_STR(told.lines, batch_lines);
        close_all();
    }
}

static void a_last_line_without_lf_counts(void)
{
    open_pipes();
    send_text("{\"a\":1}\n{\"b\"");
    send_text(":2}");
    CHECK_STR(told.lines, "{\"a\":1}\n");
    close(far_in);
    far_in = -1;
    work();
    CHECK_STR(told.lines, "{\"a\":1}\n{\"b\":2}\n");
    CHECK(told.ended == 1);
    close_all();
}

static void a_last_line_of_cr_is_empty(void)
{
    open_pipes();
    send_text("{\"a\":1}\n\r");
    close(far_in);
    far_in = -1;
    work();
    CHECK_STR(told.lines, "{\"a\":1}\n");
    CHECK(told.ended == 1 && told.broken == 0);
    close_all();
}

static void the_longest_line_passes_and_one_byte_more_is_cut(void)
{
    static const char *const ends[] = {"\n", "\r\n"};
    for (int i = 0; i < 2; i++) {
        open_socket();
        char *line = filled(MAX_LINE, 'x');
        send_far(line, MAX_LINE);
        send_text(ends[i]);
        CHECK(told.count == 1 && told.len == MAX_LINE + 1 && told.lines[0] == 'x');
        send_far(line, MAX_LINE);
        send_text("y");
        send_text(ends[i]);
        send_text("next\n");
        CHECK(told.count == 3);
        CHECK_STR(told.lines + MAX_LINE + 1, "!xxxxx\nnext\n");
        free(line);
        close_all();
    }
}

static void a_line_far_too_long_is_told_once_and_skipped(void)
{
    open_pipes();
    char *part = filled(60000, 'x');
    for (int i = 0; i < 20; i++) {
        send_far(part, 60000);
    }
    CHECK_STR(told.lines, "!xxxxx\n");
    CHECK(set.store.bytes == 0);
    send_text("\nnext\n");
    CHECK_STR(told.lines, "!xxxxx\nnext\n");
    send_far(part, 60000);
    send_far(part, 60000);
    close(far_in);
    far_in = -1;
    work();
    CHECK_STR(told.lines, "!xxxxx\nnext\n!xxxxx\n");
    CHECK(told.ended == 1);
    free(part);
    close_all();
}

static void a_long_line_beyond_the_sum_of_buffers_is_refused(void)
{
    open_socket();
    set.max_total = 70000;
    char *line = filled(MAX_LINE - 1, 'x');
    send_far(line, MAX_LINE - 1);
    send_text("\nnext\n");
    CHECK_STR(told.lines, "!xxxxx\nnext\n");
    free(line);
    close_all();
}

/* Blocking ------------------------------------------------------------------------------------------ */

/* Every line is taken once and in order, wherever reading is stopped. */
static void blocking_loses_and_doubles_nothing(void)
{
    static char expected[16 * PIECES];
    size_t len = 0;
    for (int i = 0; i < PIECES; i++) {
        len += (size_t)snprintf(expected + len, sizeof expected - len, "line %d\n", i);
    }
    for (int stop = 0; stop < 7; stop++) {
        open_socket();
        told.blocks_after = stop;
        send_far(expected, len - 1);
        for (int i = 0; i < 2 * PIECES; i++) {
            told.blocks_after = stop + i % 2;
            channel_resume(&channel);
            work();
        }
        told.blocks_after = -1;
        channel_resume(&channel);
        send_text("\n");
        CHECK_STR(told.lines, expected);
        CHECK(told.caught_up >= 1);
        CHECK(set.store.bytes <= 4096);
        close_all();
    }
}

static void a_blocked_channel_is_not_read(void)
{
    open_pipes();
    told.blocks_after = 0;
    send_text("one\n");
    CHECK(channel.paused);
    char *more = filled(3000, '\n');
    CHECK(write(far_in, more, 3000) == 3000);
    CHECK(work() == 0);
    CHECK(channel_unread(&channel) == 3000);
    told.blocks_after = -1;
    channel_resume(&channel);
    work();
    CHECK_STR(told.lines, "one\n");
    CHECK(channel_unread(&channel) == 0);
    free(more);
    close_all();
}

static void a_blocked_last_line_is_kept(void)
{
    open_pipes();
    told.blocks_after = 1;
    send_text("one\ntwo");
    close(far_in);
    far_in = -1;
    work();
    CHECK_STR(told.lines, "one\n");
    CHECK(told.ended == 0);
    CHECK(work() == 0);
    told.blocks_after = -1;
    channel_resume(&channel);
    work();
    CHECK_STR(told.lines, "one\ntwo\n");
    CHECK(told.ended == 1);
    close_all();
}

static void a_blocked_long_line_is_told_again(void)
{
    open_socket();
    told.blocks_after = 0;
    char *line = filled(MAX_LINE + 100, 'x');
    CHECK(write(far_in, line, MAX_LINE + 100) == MAX_LINE + 100);
    work();
    CHECK(told.count == 0 && channel.paused);
    told.blocks_after = -1;
    channel_resume(&channel);
    send_text("x\nnext\n");
    CHECK_STR(told.lines, "!xxxxx\nnext\n");
    free(line);
    close_all();
}

static void a_line_may_close_its_channel(void)
{
    open_socket();
    told.closes = true;
    CHECK(write(far_in, "one\ntwo\n", 8) == 8);
    work();
    CHECK_STR(told.lines, "");
    CHECK(channel.in.fd < 0 && told.ended == 0 && told.broken == 0);
    close_all();
}

static void a_resumed_channel_may_be_closed(void)
{
    open_socket();
    told.blocks_after = 0;
    send_text("one\ntwo\n");
    channel_resume(&channel);
    channel_close(&channel);
    CHECK(work() == 0);
    close_all();
}

/* Writing ------------------------------------------------------------------------------------------- */

static void what_is_sent_arrives_in_order(void)
{
    open_pipes();
    char line[32];
    char got[4096];
    char expected[32];
    unsigned seen = 0;
    size_t partial = 0;
    for (unsigned i = 0; i < MANY; i++) {
        int len = snprintf(line, sizeof line, "message %u", i);
        CHECK(channel_send(&channel, line, (size_t)len));
    }
    CHECK(channel.queue.bytes == channel.queued);
    work();
    CHECK(channel.stuck);
    CHECK(channel.written + channel.queue.bytes == channel.queued);
    CHECK(work() == 0);
    size_t here;
    while ((here = receive(got, sizeof got)) > 0) {
        for (size_t i = 0; i < here; i++) {
            line[partial++] = got[i];
            if (got[i] == '\n') {
                line[partial] = '\0';
                snprintf(expected, sizeof expected, "message %u\n", seen++);
                CHECK_STR(line, expected);
                partial = 0;
            }
        }
        work();
    }
    CHECK(seen == MANY && partial == 0);
    CHECK(channel.queue.bytes == 0 && channel.written == channel.queued && !channel.stuck);
    CHECK(told.drained >= 2);
    CHECK(set.store.bytes == 0);
    close_all();
}

static void a_message_larger_than_the_pipe_arrives_whole(void)
{
    enum { SIZE = 5000000 };
    open_socket();
    char *line = filled(SIZE, 'm');
    char *got = malloc(SIZE + 1);
    size_t len = 0;
    CHECK(channel_send(&channel, line, SIZE));
    for (int i = 0; i < ROUNDS && len < SIZE + 1; i++) {
        work();
        len += receive(got + len, SIZE + 1 - len);
    }
    CHECK(len == SIZE + 1 && got[SIZE] == '\n' && memcmp(got, line, SIZE) == 0);
    free(line);
    free(got);
    close_all();
}

static void marks_tell_what_has_left(void)
{
    open_socket();
    char got[64];
    CHECK(channel.queued == 0 && channel.written == 0);
    channel_send(&channel, "12345", 5);
    CHECK(channel.queued == 6 && channel.written == 0);
    channel_flush(&channel);
    CHECK(channel.queued == 6 && channel.written == 6);
    CHECK(receive(got, sizeof got) == 6 && memcmp(got, "12345\n", 6) == 0);
    memcpy(channel_room(&channel, 10), "ab", 2);
    channel_commit(&channel, 2);
    CHECK(channel.queued == 9);
    work();
    CHECK(channel.written == 9);
    CHECK(receive(got, sizeof got) == 3 && memcmp(got, "ab\n", 3) == 0);
    close_all();
}

static void reading_goes_on_while_writing_is_stuck(void)
{
    open_socket();
    char *line = filled(1000000, 'x');
    channel_send(&channel, line, 1000000);
    work();
    CHECK(channel.stuck);
    send_text("one\ntwo\n");
    CHECK_STR(told.lines, "one\ntwo\n");
    CHECK(work() == 0);
    free(line);
    close_all();
}

/* Ends ---------------------------------------------------------------------------------------------- */

static void a_half_closed_socket_is_still_written(void)
{
    open_socket();
    char got[16];
    send_text("one\n");
    CHECK(shutdown(far_in, SHUT_WR) == 0);
    work();
    CHECK(told.ended == 1 && told.broken == 0);
    CHECK(work() == 0);
    channel_send(&channel, "answer", 6);
    work();
    CHECK(receive(got, sizeof got) == 7);
    CHECK(told.broken == 0);
    close(far_in);
    far_in = far_out = -1;
    work();
    CHECK(told.broken == 1);
    CHECK(work() == 0);
    close_all();
}

static void a_peer_that_closes_is_read_to_its_end(void)
{
    open_socket();
    CHECK(write(far_in, "one\ntwo", 7) == 7);
    close(far_in);
    far_in = far_out = -1;
    work();
    CHECK_STR(told.lines, "one\ntwo\n");
    CHECK(told.ended == 1 && told.broken == 1);
    close_all();
}

static void a_paused_channel_whose_peer_hangs_up_does_not_spin(void)
{
    for (int pipes = 0; pipes < 2; pipes++) {
        if (pipes) {
            open_pipes();
        } else {
            open_socket();
        }
        told.blocks_after = 0;
        send_text("one\n");
        CHECK(write(far_in, "two", 3) == 3);
        close(far_in);
        far_out = far_in == far_out ? -1 : far_out;
        far_in = -1;
        work();
        CHECK(loop_wait(loop, 0) == 0);
        CHECK(loop_wait(loop, 20) == 0);
        CHECK(told.ended == 0);
        told.blocks_after = -1;
        channel_resume(&channel);
        work();
        CHECK_STR(told.lines, "one\ntwo\n");
        CHECK(told.ended == 1);
        CHECK(loop_wait(loop, 0) == 0);
        close_all();
    }
}

static void a_paused_and_stuck_channel_whose_peer_hangs_up_breaks_once(void)
{
    open_socket();
    char *line = filled(1000000, 'x');
    told.blocks_after = 0;
    send_text("one\n");
    channel_send(&channel, line, 1000000);
    work();
    close(far_in);
    far_in = far_out = -1;
    work();
    CHECK(told.broken == 1);
    CHECK(loop_wait(loop, 0) == 0);
    channel_send(&channel, line, 10);
    work();
    CHECK(told.broken == 1);
    free(line);
    close_all();
}

static void a_pipe_without_reader_breaks_the_way_out_only(void)
{
    open_pipes();
    close(far_out);
    far_out = -1;
    work();
    CHECK(told.broken == 1);
    CHECK(loop_wait(loop, 0) == 0);
    CHECK(!channel_send(&channel, "lost", 4));
    send_text("one\n");
    CHECK_STR(told.lines, "one\n");
    CHECK(told.ended == 0);
    close_all();
}

static void a_failed_write_counts_nothing_as_written(void)
{
    open_pipes();
    channel_send(&channel, "lost", 4);
    close(far_out);
    far_out = -1;
    work();
    CHECK(told.broken == 1 && channel.written == 0 && channel.queued == 5);
    close_all();
}

static void closing_the_way_out_ends_the_peers_input(void)
{
    open_pipes();
    char got[8];
    channel_send(&channel, "dropped", 7);
    channel_close_out(&channel);
    CHECK(read(far_out, got, sizeof got) == 0);
    CHECK(!channel_send(&channel, "x", 1));
    send_text("one\n");
    CHECK_STR(told.lines, "one\n");
    channel_close_out(&channel);
    CHECK(told.broken == 0);
    close_all();
}

static void reading_stops_at_the_limit_it_is_given(void)
{
    open_pipes();
    CHECK(write(far_in, "one\ntwo\nthree\n", 14) == 14);
    CHECK(channel_unread(&channel) == 14);
    CHECK(channel_read(&channel, 6) == 6);
    CHECK_STR(told.lines, "one\n");
    CHECK(channel_has_kept(&channel));
    CHECK(channel_read(&channel, 2) == 2);
    CHECK_STR(told.lines, "one\ntwo\n");
    CHECK(channel_unread(&channel) == 6);
    CHECK(told.ended == 0);
    channel_end_input(&channel);
    CHECK(told.ended == 1);
    CHECK(channel_unread(&channel) == 0);
    CHECK(work() == 0);
    close_all();
}

static void a_channel_without_descriptors_keeps_what_is_sent(void)
{
    open_set(UINT64_MAX);
    far_in = far_out = -1;
    channel_send(&channel, "one", 3);
    work();
    CHECK(channel.queue.bytes == 4 && channel.written == 0);
    close_all();
}

int main(void)
{
    many_lines_come_in_one_write();
    lines_come_in_any_split();
    a_last_line_without_lf_counts();
    a_last_line_of_cr_is_empty();
    the_longest_line_passes_and_one_byte_more_is_cut();
    a_line_far_too_long_is_told_once_and_skipped();
    a_long_line_beyond_the_sum_of_buffers_is_refused();
    blocking_loses_and_doubles_nothing();
    a_blocked_channel_is_not_read();
    a_blocked_last_line_is_kept();
    a_blocked_long_line_is_told_again();
    a_line_may_close_its_channel();
    a_resumed_channel_may_be_closed();
    what_is_sent_arrives_in_order();
    a_message_larger_than_the_pipe_arrives_whole();
    marks_tell_what_has_left();
    reading_goes_on_while_writing_is_stuck();
    a_half_closed_socket_is_still_written();
    a_peer_that_closes_is_read_to_its_end();
    a_paused_channel_whose_peer_hangs_up_does_not_spin();
    a_paused_and_stuck_channel_whose_peer_hangs_up_breaks_once();
    a_pipe_without_reader_breaks_the_way_out_only();
    a_failed_write_counts_nothing_as_written();
    closing_the_way_out_ends_the_peers_input();
    reading_stops_at_the_limit_it_is_given();
    a_channel_without_descriptors_keeps_what_is_sent();
    return check_report();
}
