/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_THROTTLE_H
#define CS_STORE_THROTTLE_H
/*
 * How often somebody may try to log in: counted in PostgreSQL, so that children, hosts and restarts share the count.
 * The rules stand in schema/006_logins.sql. An attempt is admitted before anything is hashed and counts as failed until
 * it is said to have succeeded. Statuses as in db.h.
 */
#include "store/db.h"

typedef struct {
    int most;                        /* failures in an hour, and in a row */
    apr_interval_time_t first_delay; /* after the third failure in a row; doubles with each one after it */
} cs_throttle_limits_t;

typedef struct {
    const char *name;        /* as typed; such an account need not exist */
    const char *network;     /* text of an inet */
    const char *device;      /* a browser that logged in before, and as whom; NULL: none */
    const char *device_user; /* UUID */
    const char *admitted_at; /* set by cs_throttle_admit */
} cs_throttle_attempt_t;

/** *wait is 0: the attempt may go on; else: not before so many seconds. */
apr_status_t cs_throttle_admit(int *wait, cs_throttle_attempt_t *attempt, cs_db_t *db,
                               const cs_throttle_limits_t *limits, apr_pool_t *pool) CS_MUSTCHECK;

/** The admitted attempt had the right password. */
apr_status_t cs_throttle_succeeded(const cs_throttle_attempt_t *attempt, cs_db_t *db, apr_pool_t *pool) CS_MUSTCHECK;

/** The admitted attempt had the right password, and more is asked for: it is as if it had not been made. */
apr_status_t cs_throttle_withdraw(const cs_throttle_attempt_t *attempt, cs_db_t *db, apr_pool_t *pool) CS_MUSTCHECK;

/** Delete what is too old to count, at most batch subjects; *deleted says how many. */
apr_status_t cs_throttle_expire(apr_int64_t *deleted, cs_db_t *db, int batch, apr_pool_t *pool) CS_MUSTCHECK;

#endif
