/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * model PORT TOKENS INTERVAL_MS: a model's server for measurements, on the loopback. It answers every POST with a
 * stream of so many tokens so far apart, in OpenAI's form; an interval of 0 sends the whole answer at once. Each token
 * is the time at which it was sent, " @" and nanoseconds of CLOCK_MONOTONIC, so that whoever receives it knows how old
 * it is.
 *
 * One thread and one epoll: thousands of streams must cost so little here that what is measured is what lies between.
 * All tokens are equally far apart, so the streams stand in one queue in the order in which they are due.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEAD_MAX 16384
#define NS_PER_MS 1000000

typedef struct peer peer_t;

struct peer {
    int fd;
    char head[HEAD_MAX]; /* of the request, until its empty line */
    size_t head_len;
    size_t body_left; /* octets of the request's body that are still to come */
    bool in_body;
    bool dead;      /* closed by the other side while it stood in the queue */
    bool answering; /* stands in the queue */
    int sent;
    int64_t due;
    peer_t *next;
};

static int tokens;
static int64_t interval;
static int poller;
static peer_t *first, *last; /* the queue */

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void enqueue(peer_t *peer, int64_t due)
{
    peer->due = due;
    peer->next = NULL;
    peer->answering = true;
    if (last) {
        last->next = peer;
    } else {
        first = peer;
    }
    last = peer;
}

static void drop(peer_t *peer)
{
    close(peer->fd);
    if (peer->answering) {
        peer->dead = true;
    } else {
        free(peer);
    }
}

/* --- the answer --- */

/* A piece as HTTP sends it in chunks. */
static size_t chunk(char *out, size_t size, const char *data)
{
    return (size_t)snprintf(out, size, "%zx\r\n%s\r\n", strlen(data), data);
}

static size_t token(char *out, size_t size)
{
    char data[320];

    snprintf(data, sizeof(data),
             "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"
             "\"model\":\"bench\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" @%lld\"},"
             "\"finish_reason\":null}]}\n\n",
             (long long)now_ns());
    return chunk(out, size, data);
}

static size_t head(char *out, size_t size)
{
    return (size_t)snprintf(out, size,
                            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                            "Transfer-Encoding: chunked\r\n\r\n");
}

static size_t end(char *out, size_t size)
{
    size_t len = chunk(out, size,
                       "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"
                       "\"model\":\"bench\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
                       "data: [DONE]\n\n");

    return len + (size_t)snprintf(out + len, size - len, "0\r\n\r\n");
}

/* False: the other side is gone, or does not read. */
static bool send_all(const peer_t *peer, const char *bytes, size_t len)
{
    return send(peer->fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* What is due of a stream; it goes on or leaves the queue. */
static void advance(peer_t *peer)
{
    static char out[1 << 20];
    size_t len = peer->sent ? 0 : head(out, sizeof(out));

    do {
        len += token(out + len, sizeof(out) - len);
        peer->sent++;
    } while (!interval && peer->sent < tokens && len < sizeof(out) / 2);
    if (peer->sent >= tokens) {
        len += end(out + len, sizeof(out) - len);
    }
    if (!send_all(peer, out, len)) {
        drop(peer);
    } else if (peer->sent < tokens) {
        enqueue(peer, peer->due + interval);
    }
}

static void advance_due(void)
{
    const int64_t now = now_ns();

    while (first && first->due <= now) {
        peer_t *peer = first;
        first = peer->next;
        last = first ? last : NULL;
        peer->answering = false;
        if (peer->dead) {
            free(peer);
        } else {
            advance(peer);
        }
    }
}

/* The first token goes at once: behind the others it would wait until the first of them is due, and all that came
 * meanwhile would go on in step. Whoever stands in the queue after this is due no later than the new one. */
static void begin(peer_t *peer)
{
    advance_due();
    peer->sent = 0;
    peer->due = now_ns();
    advance(peer);
}

/* --- the request --- */

static size_t content_length(const char *text)
{
    const char *field = strcasestr(text, "\r\nContent-Length:");

    return field ? (size_t)strtoul(field + 17, NULL, 10) : 0;
}

/* Some octets of a request; the answer begins when it is whole. The head's rest is the body's beginning. */
static void take(peer_t *peer, const char *bytes, size_t len)
{
    if (!peer->in_body) {
        const size_t room = HEAD_MAX - 1 - peer->head_len;
        const size_t part = len < room ? len : room;
        const char *stop;

        memcpy(peer->head + peer->head_len, bytes, part);
        peer->head_len += part;
        peer->head[peer->head_len] = '\0';
        stop = strstr(peer->head, "\r\n\r\n");
        if (!stop) {
            return;
        }
        peer->in_body = true;
        peer->body_left = content_length(peer->head);
        len = len - part + peer->head_len - (size_t)(stop + 4 - peer->head);
    }
    peer->body_left -= len < peer->body_left ? len : peer->body_left;
    if (!peer->body_left) {
        peer->in_body = false;
        peer->head_len = 0;
        begin(peer);
    }
}

static void receive(peer_t *peer)
{
    char bytes[65536];
    const ssize_t len = recv(peer->fd, bytes, sizeof(bytes), 0);

    if (len > 0) {
        take(peer, bytes, (size_t)len);
    } else if (len == 0 || errno != EAGAIN) {
        drop(peer);
    }
}

static void welcome(int listener)
{
    const int one = 1;
    const int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    peer_t *peer = fd < 0 ? NULL : calloc(1, sizeof(*peer));

    if (peer) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
        peer->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
    }
}

static int listen_on(int port)
{
    const int one = 1;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) || listen(fd, 4096) ||
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event)) {
        perror("model: listen");
        exit(1);
    }
    return fd;
}

static int until_due(void)
{
    const int64_t left = first ? first->due - now_ns() : -1;

    return !first ? -1 : left <= 0 ? 0 : (int)((left + NS_PER_MS - 1) / NS_PER_MS);
}

int main(int argc, char **argv)
{
    struct epoll_event events[256];
    int listener;

    if (argc != 4) {
        fprintf(stderr, "usage: model PORT TOKENS INTERVAL_MS\n");
        return 2;
    }
    tokens = atoi(argv[2]);
    interval = (int64_t)atoi(argv[3]) * NS_PER_MS;
    poller = epoll_create1(EPOLL_CLOEXEC);
    listener = listen_on(atoi(argv[1]));
    for (;;) {
        const int count = epoll_wait(poller, events, 256, until_due());
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr) {
                receive(events[i].data.ptr);
            } else {
                welcome(listener);
            }
        }
        advance_due();
    }
}
