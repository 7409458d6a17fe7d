/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_DB_LISTEN_H
#define CS_DB_LISTEN_H
/*
 * Hearing what PostgreSQL is told by NOTIFY. Part of the door (db.h): a thread that has nothing else to do gives itself
 * to cs_db_listen, which holds one connection of db for as long as it lives.
 */
#include <apr_file_io.h>
#include <apr_thread_proc.h>
#include "store/db.h"

/** What is heard, told in the listening thread. */
typedef struct {
    const char *name;            /* the connection's application_name, by which others may count listeners */
    const char *const *channels; /* lower-case identifiers of ours, NULL at the end */
    int wake_fd;                 /* readable when it is time to look at is_over */
    /** From now on everything is heard; before this, anything may have been missed. */
    void (*begin)(void *baton);
    /** One notification. NULL, or a payload to be sent on *reply_channel. */
    const char *(*hear)(void *baton, const char *channel, const char *payload, const char **reply_channel);
    bool (*is_over)(void *baton);
    void *baton;
} cs_db_listen_t;

/**
 * Listen until is_over says so (APR_SUCCESS) or the connection is lost or cannot be had (CS_EUNAVAILABLE,
 * CS_EDATABASE). A connection whose other end vanished without a word is found out within four seconds.
 */
apr_status_t cs_db_listen(cs_db_t *db, const cs_db_listen_t *listen) CS_MUSTCHECK;

/** A thread for it, with a door of one connection and a pipe that ends its waits. */
typedef struct {
    cs_db_t *db;
    int wake_fd;
    apr_file_t *wake_read, *wake_write;
    apr_thread_t *thread;
} cs_db_listener_t;

/** Start work(baton) as *listener's thread. stop(baton) is called before pool's sub-pools go (the connection is one of
 * them): it makes work end, by cs_db_listener_join. */
apr_status_t cs_db_listener_start(cs_db_listener_t *listener, const cs_db_config_t *config, apr_thread_start_t work,
                                  apr_status_t (*stop)(void *baton), void *baton, apr_pool_t *pool) CS_MUSTCHECK;
/** In the thread: wait so long, or until it is joined. */
void cs_db_listener_pause(const cs_db_listener_t *listener, apr_interval_time_t time);
/** Wake the thread, which has been told to end, and wait for its end. */
apr_status_t cs_db_listener_join(cs_db_listener_t *listener);

#endif
