/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * streams PORT COUNT RAMP FILE: open COUNT streams, RAMP new ones a second, and read each to its end. FILE has a line
 * for each request, PATH TAB COOKIE TAB BODY, taken in turn (COOKIE may be empty). The tokens are those of model.c.
 * Prints one JSON object: how many ended whole, and in milliseconds the median and the 99th percentile of the first
 * token (from the moment of connecting), of the time between two tokens, and of a token's age when it came.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define GIVE_UP_S 120
#define TAIL 32 /* octets kept of a piece, for words that are cut by its end */

typedef struct {
    int fd; /* -1: over */
    char *request;
    size_t request_len, request_sent;
    int64_t began, last_token;
    int tokens;
    bool whole; /* its last event came */
    char tail[TAIL];
    size_t tail_len;
    int64_t stamp; /* the digits of a token so far */
    bool in_stamp;
} stream_t;

typedef struct {
    double *values;
    size_t count, room;
} samples_t;

static int poller;
static samples_t first_token, gap, age;

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* --- samples --- */

static void add(samples_t *samples, int64_t ns)
{
    if (samples->count == samples->room) {
        samples->room = samples->room ? 2 * samples->room : 4096;
        samples->values = realloc(samples->values, samples->room * sizeof(double));
        if (!samples->values) {
            exit(1);
        }
    }
    samples->values[samples->count++] = (double)ns / 1e6;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void print_samples(const char *name, samples_t *samples)
{
    const size_t n = samples->count;

    if (n) {
        qsort(samples->values, n, sizeof(double), compare);
    }
    printf(",\"%s\":{\"p50\":%.3f,\"p99\":%.3f}", name, n ? samples->values[n / 2] : 0.0,
           n ? samples->values[n * 99 / 100] : 0.0);
}

/* --- reading --- */

static void take_token(stream_t *stream, int64_t now)
{
    add(&age, now - stream->stamp);
    if (stream->tokens++) {
        add(&gap, now - stream->last_token);
    } else {
        add(&first_token, now - stream->began);
    }
    stream->last_token = now;
}

/* Tokens are "@" and digits, wherever the pieces are cut. */
static void find_tokens(stream_t *stream, const char *bytes, size_t len, int64_t now)
{
    for (size_t i = 0; i < len; i++) {
        const char c = bytes[i];

        if (stream->in_stamp && c >= '0' && c <= '9') {
            stream->stamp = stream->stamp * 10 + (c - '0');
        } else {
            if (stream->in_stamp && stream->stamp) {
                take_token(stream, now);
            }
            stream->in_stamp = c == '@';
            stream->stamp = 0;
        }
    }
}

static bool holds(const char *bytes, size_t len, const char *word)
{
    return memmem(bytes, len, word, strlen(word)) != NULL;
}

static void look_for_end(stream_t *stream, const char *bytes, size_t len)
{
    static char both[TAIL + 65536];

    memcpy(both, stream->tail, stream->tail_len);
    memcpy(both + stream->tail_len, bytes, len);
    len += stream->tail_len;
    stream->whole = stream->whole || holds(both, len, "[DONE]") || holds(both, len, "\"status\":\"complete\"");
    stream->tail_len = len < TAIL ? len : TAIL;
    memcpy(stream->tail, both + len - stream->tail_len, stream->tail_len);
}

static void finish(stream_t *stream)
{
    close(stream->fd);
    stream->fd = -1;
}

/* True: the stream is over. */
static bool receive(stream_t *stream)
{
    char bytes[65536];
    const ssize_t len = recv(stream->fd, bytes, sizeof(bytes), 0);

    if (len < 0 && errno == EAGAIN) {
        return false;
    }
    if (len > 0) {
        find_tokens(stream, bytes, (size_t)len, now_ns());
        look_for_end(stream, bytes, (size_t)len);
    }
    if (len <= 0 ||
        (stream->whole && stream->tail_len >= 5 && !memcmp(stream->tail + stream->tail_len - 5, "0\r\n\r\n", 5))) {
        finish(stream);
        return true;
    }
    return false;
}

/* --- opening --- */

/* True: the stream is over. */
static bool send_request(stream_t *stream)
{
    const ssize_t sent = send(stream->fd, stream->request + stream->request_sent,
                              stream->request_len - stream->request_sent, MSG_NOSIGNAL);

    if (sent < 0 && errno != EAGAIN && errno != EINPROGRESS && errno != ENOTCONN) {
        finish(stream);
        return true;
    }
    stream->request_sent += sent > 0 ? (size_t)sent : 0;
    if (stream->request_sent == stream->request_len) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = stream};
        epoll_ctl(poller, EPOLL_CTL_MOD, stream->fd, &event);
    }
    return false;
}

static void open_stream(stream_t *stream, int port)
{
    const int one = 1;
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = stream};

    stream->began = now_ns();
    stream->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(stream->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    connect(stream->fd, (const struct sockaddr *)&address, sizeof(address));
    epoll_ctl(poller, EPOLL_CTL_ADD, stream->fd, &event);
}

static char *make_request(size_t *len, const char *path, const char *cookie, const char *body)
{
    char *text = NULL;
    const int made = asprintf(&text,
                              "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                              "Sec-Fetch-Site: same-origin\r\n%s%s%sConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
                              path, *cookie ? "Cookie: " : "", cookie, *cookie ? "\r\n" : "", strlen(body), body);

    *len = made < 0 ? 0 : (size_t)made;
    return made < 0 ? NULL : text;
}

/* The requests of the file, over and over until each stream has one. */
static bool read_requests(stream_t *streams, int count, const char *path)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t size = 0;
    int at = 0;

    while (file && at < count) {
        char *rest, *words[3] = {"", "", ""};
        ssize_t len = getline(&line, &size, file);

        if (len <= 0) {
            if (!at) {
                break;
            }
            rewind(file);
            continue;
        }
        line[strcspn(line, "\n")] = '\0';
        rest = line;
        for (int i = 0; i < 3 && rest; i++) {
            words[i] = strsep(&rest, "\t");
        }
        streams[at].request = make_request(&streams[at].request_len, words[0], words[1], words[2]);
        at++;
    }
    free(line);
    if (file) {
        fclose(file);
    }
    return at == count;
}

static void print_result(const stream_t *streams, int count, int64_t began)
{
    struct rusage used;
    long tokens = 0;
    int whole = 0;

    for (int i = 0; i < count; i++) {
        whole += streams[i].whole;
        tokens += streams[i].tokens;
    }
    getrusage(RUSAGE_SELF, &used);
    printf("{\"whole\":%d,\"failed\":%d,\"tokens\":%ld,\"seconds\":%.3f", whole, count - whole, tokens,
           (double)(now_ns() - began) / 1e9);
    print_samples("first", &first_token);
    print_samples("gap", &gap);
    print_samples("age", &age);
    printf("}\n");
}

int main(int argc, char **argv)
{
    struct epoll_event events[256];
    const int count = argc == 5 ? atoi(argv[2]) : 0;
    stream_t *streams = calloc((size_t)count + 1, sizeof(*streams));
    const int64_t began = now_ns();
    int64_t pause;
    int opened = 0, over = 0;

    if (!count || !streams || !read_requests(streams, count, argv[4])) {
        fprintf(stderr, "usage: streams PORT COUNT RAMP FILE\n");
        return 2;
    }
    pause = 1000000000 / atoi(argv[3]);
    poller = epoll_create1(EPOLL_CLOEXEC);
    while (over < count && now_ns() - began < (int64_t)GIVE_UP_S * 1000000000) {
        int ready;

        while (opened < count && now_ns() - began >= opened * pause) {
            open_stream(&streams[opened++], atoi(argv[1]));
        }
        ready = epoll_wait(poller, events, 256, opened < count ? 1 : 100);
        for (int i = 0; i < ready; i++) {
            stream_t *stream = events[i].data.ptr;
            if (stream->request_sent < stream->request_len && (events[i].events & EPOLLOUT)) {
                over += send_request(stream);
            } else if (stream->fd >= 0) {
                over += receive(stream);
            }
        }
    }
    print_result(streams, count, began);
    return 0;
}
