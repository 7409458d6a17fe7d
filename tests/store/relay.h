/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_TEST_RELAY_H
#define CS_TEST_RELAY_H
/*
 * A unix socket in a folder with a space in its name that passes everything on to the real PostgreSQL, until a test
 * wants the network to misbehave: a connect that is never answered, a connection that dies unseen, an answer that gets
 * lost. What has happened is told by events, so no test has to guess a time.
 *
 * Included by one test program each; everything is static.
 */
#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

typedef enum {
    RELAY_PASS,        /* pass on */
    RELAY_CUT,         /* close when the client sends something */
    RELAY_SWALLOW,     /* keep what the client sends, answer nothing */
    RELAY_LOSE_COMMIT, /* pass COMMIT on, and close instead of passing its answer */
} relay_mode_e;

typedef struct relay {
    struct relay *older; /* all stay reachable: a link's thread may look at its relay after the test */
    char folder[64];
    char port[16];
    struct sockaddr_un front, back;
    socklen_t back_len;
    int listener;
    pthread_t accepting;
    atomic_int mode;   /* what happens to links that exist when it is set */
    atomic_int misled; /* links with a lower number are those */
    atomic_int links;  /* made so far */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool hang; /* new links wait */
    int hanging;
} relay_t;

typedef struct {
    relay_t *relay;
    int client, server, number;
    bool committing;
} relay_link_t;

static inline void *relay_memory(size_t size)
{
    void *memory = calloc(1, size);

    if (!memory) {
        abort();
    }
    return memory;
}

static inline void relay_back_address(relay_t *relay, const char *conninfo)
{
    PQconninfoOption *options = PQconninfoParse(conninfo, NULL), *option;
    const char *host = "/var/run/postgresql", *port = "5432";

    for (option = options; option && option->keyword; option++) {
        if (option->val && strcmp(option->keyword, "host") == 0) {
            host = option->val;
        } else if (option->val && strcmp(option->keyword, "port") == 0) {
            port = option->val;
        }
    }
    relay->back.sun_family = AF_UNIX;
    snprintf(relay->back.sun_path, sizeof(relay->back.sun_path), "%s/.s.PGSQL.%s", host, port);
    relay->back_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(relay->back.sun_path));
    if (*host == '@') {
        relay->back.sun_path[0] = '\0';
    } else {
        relay->back_len = sizeof(relay->back);
    }
    snprintf(relay->port, sizeof(relay->port), "%s", port);
    PQconninfoFree(options);
}

static inline void relay_listen(relay_t *relay)
{
    relay->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(relay->listener, (struct sockaddr *)&relay->front, sizeof(relay->front)) != 0 ||
        listen(relay->listener, 64) != 0) {
        perror("relay: listen");
        abort();
    }
}

/* False ends the link. */
static inline bool relay_from_client(relay_link_t *link, const char *bytes, size_t len)
{
    relay_t *relay = link->relay;
    const int mode = link->number < atomic_load(&relay->misled) ? atomic_load(&relay->mode) : RELAY_PASS;

    if (mode == RELAY_CUT) {
        return false;
    }
    if (mode == RELAY_SWALLOW) {
        return true;
    }
    link->committing = mode == RELAY_LOSE_COMMIT && memmem(bytes, len, "COMMIT", 6) != NULL;
    return send(link->server, bytes, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static inline bool relay_step(relay_link_t *link)
{
    struct pollfd fds[2] = {{link->client, POLLIN, 0}, {link->server, POLLIN, 0}};
    char bytes[65536];
    ssize_t len;

    if (poll(fds, 2, -1) < 0) {
        return errno == EINTR;
    }
    if (fds[0].revents) {
        len = read(link->client, bytes, sizeof(bytes));
        if (len <= 0 || !relay_from_client(link, bytes, (size_t)len)) {
            return false;
        }
    }
    if (fds[1].revents) {
        len = read(link->server, bytes, sizeof(bytes));
        return len > 0 && !link->committing && send(link->client, bytes, (size_t)len, MSG_NOSIGNAL) == len;
    }
    return true;
}

static inline void relay_hang(relay_t *relay)
{
    pthread_mutex_lock(&relay->lock);
    relay->hanging++;
    pthread_cond_broadcast(&relay->changed);
    while (relay->hang) {
        pthread_cond_wait(&relay->changed, &relay->lock);
    }
    relay->hanging--;
    pthread_mutex_unlock(&relay->lock);
}

static inline void *relay_serve(void *data)
{
    relay_link_t *link = data;
    bool hang;

    pthread_mutex_lock(&link->relay->lock);
    hang = link->relay->hang;
    pthread_mutex_unlock(&link->relay->lock);
    if (hang) {
        relay_hang(link->relay);
    }
    link->server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!hang && connect(link->server, (struct sockaddr *)&link->relay->back, link->relay->back_len) == 0) {
        while (relay_step(link)) {
        }
    }
    close(link->server);
    close(link->client);
    free(link);
    return NULL;
}

static inline void *relay_accept(void *data)
{
    relay_t *relay = data;
    int client;

    while ((client = accept4(relay->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        relay_link_t *link = relay_memory(sizeof(*link));
        pthread_t thread;

        link->relay = relay;
        link->client = client;
        link->number = atomic_fetch_add(&relay->links, 1);
        pthread_create(&thread, NULL, relay_serve, link);
        pthread_detach(thread);
    }
    return NULL;
}

static inline void relay_open(relay_t *relay)
{
    relay_listen(relay);
    pthread_create(&relay->accepting, NULL, relay_accept, relay);
}

/* No file, no listener: a connect is refused at once. */
static inline void relay_close(relay_t *relay)
{
    unlink(relay->front.sun_path);
    shutdown(relay->listener, SHUT_RDWR);
    pthread_join(relay->accepting, NULL);
    close(relay->listener);
}

static inline relay_t *relay_start(const char *conninfo)
{
    static relay_t *newest;
    relay_t *relay = relay_memory(sizeof(*relay));

    snprintf(relay->folder, sizeof(relay->folder), "/tmp/chatsession relay XXXXXX");
    if (!mkdtemp(relay->folder)) {
        perror("relay: mkdtemp");
        abort();
    }
    pthread_mutex_init(&relay->lock, NULL);
    pthread_cond_init(&relay->changed, NULL);
    relay_back_address(relay, conninfo);
    relay->front.sun_family = AF_UNIX;
    snprintf(relay->front.sun_path, sizeof(relay->front.sun_path), "%s/.s.PGSQL.%s", relay->folder, relay->port);
    relay->older = newest;
    newest = relay;
    relay_open(relay);
    return relay;
}

/* Links that exist now behave in this way from their client's next octet on; later ones pass. */
static inline void relay_mislead(relay_t *relay, relay_mode_e mode)
{
    atomic_store(&relay->mode, (int)mode);
    atomic_store(&relay->misled, atomic_load(&relay->links));
}

static inline void relay_hang_new(relay_t *relay, bool hang)
{
    pthread_mutex_lock(&relay->lock);
    relay->hang = hang;
    pthread_cond_broadcast(&relay->changed);
    pthread_mutex_unlock(&relay->lock);
}

static inline void relay_wait_hanging(relay_t *relay)
{
    pthread_mutex_lock(&relay->lock);
    while (relay->hanging == 0) {
        pthread_cond_wait(&relay->changed, &relay->lock);
    }
    pthread_mutex_unlock(&relay->lock);
}

static inline void relay_stop(relay_t *relay)
{
    relay_hang_new(relay, false);
    relay_close(relay);
    rmdir(relay->folder);
}

#endif
