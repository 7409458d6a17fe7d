/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_ROUTE_H
#define CHATSESSION_ROUTE_H
/*
 * One dispatcher for the end users' and the operators' tables. A row says all policy: method, path, who may, how large
 * a body and with which members. The dispatcher checks it in this order and a handler runs only when all holds: path
 * (404), method (405), login (401, 403), cross-site (403), body (415, 413, 400). Who becomes a guest by asking does so
 * last of all.
 */
#include <httpd.h>
#include "config.h"
#include "core/address.h"
#include "core/json.h"
#include "request.h"

#define CHATSESSION_MAX_MEMBERS 11

typedef struct chatsession_route chatsession_route_t;

/** What of its address a request hands to our handlers. */
typedef struct {
    const char *below; /* the path under the mount, without its slash */
    const char *query; /* the query string, or NULL */
} chatsession_address_t;

/** What a handler gets. */
typedef struct {
    request_rec *r;
    chatsession_server_t *conf;
    const chatsession_route_t *route;
    const chatsession_session_t *session;            /* NULL when the row says CHATSESSION_NO_SESSION */
    bool console;                                    /* under the operators' mount, which has limits of its own */
    const char *ids[CS_PATH_IDS];                    /* the {id}s of the path, as lower-case UUIDs */
    const char *word;                                /* the {word} of the path, decoded UTF-8 */
    cs_json_field_t fields[CHATSESSION_MAX_MEMBERS]; /* the body's members, in the order of route->members */
    json_t *body;                                    /* whole, where the row takes any members */
    apr_table_t *query;                              /* the query string's names and values, decoded UTF-8 */
} chatsession_call_t;

typedef int chatsession_handler_fn(chatsession_call_t *call);

struct chatsession_route {
    const char *method;
    const char *path; /* segments; {id} is a UUID, {word} any percent-encoded text */
    chatsession_access_e access;
    apr_size_t body_limit; /* octets; 0: no body is read */
    const cs_json_member_t *members;
    int member_count;
    chatsession_handler_fn *handle;
};

/**
 * Take the query string out of what access logs print (%r, %q, %U stays): what people search for and why operators look
 * is no business of a log (ASVS 5.0 14.2.1, 16.2.5). Returns it, NULL when there is none.
 */
const char *chatsession_hide_query(request_rec *r);

/** Answer the request by table. */
int chatsession_dispatch(request_rec *r, chatsession_server_t *conf, const chatsession_route_t *table, int count,
                         const chatsession_address_t *address);

/** A query parameter, or NULL. */
const char *chatsession_query(const chatsession_call_t *call, const char *name);

/** A whole number of the query within bounds, fallback when absent; false when it is none (then an error was answered:
 * return *answer). */
bool chatsession_query_int(int *value, chatsession_call_t *call, const char *name, int fallback, int min, int max,
                           int *answer);

/** 400 invalid_request with a sentence. */
int chatsession_bad_request(chatsession_call_t *call, const char *detail);

#define CHATSESSION_ROUTE_COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
/* A table that is longer than a call's fields does not compile. */
#define CHATSESSION_MEMBERS(table)                                                                                     \
    (table), (int)(sizeof(table) / sizeof((table)[0]) +                                                                \
                   0 * sizeof(struct {                                                                                 \
                       _Static_assert(sizeof(table) / sizeof((table)[0]) <= CHATSESSION_MAX_MEMBERS, "too many");      \
                       char unused;                                                                                    \
                   }))
#define CHATSESSION_NO_BODY 0, NULL, 0
/** A body whose members somebody else judges: an object, in call->body. */
#define CHATSESSION_ANY_MEMBERS NULL, 0

#endif
