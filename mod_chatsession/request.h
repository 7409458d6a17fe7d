/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_REQUEST_H
#define CHATSESSION_REQUEST_H
/*
 * One request's session: found once, whoever asks. The walk: read the cookie, check its signature (no database is asked
 * for a cookie that is not ours), look the session up, judge its times, touch it at most once a minute. A cookie that a
 * secret of before signed is signed anew, with the same id.
 *
 * A session has a user or is anonymous: nobody is logged in then, and all that is asked for is refused to it as to one
 * who has no session. Anonymous sessions are made only when something is stored in one.
 */
#include <httpd.h>
#include <stdbool.h>
#include "core/session.h"
#include "core/token.h"
#include "store/session_store.h"

/** How far a role reaches: each has all that the one before it may. In the order of the comparison. */
typedef enum {
    CHATSESSION_NO_SESSION = -1, /* the session is not even looked for, so the answer depends on nothing */
    CHATSESSION_ANYONE = 0,      /* no login needed */
    CHATSESSION_NEW_GUEST,       /* only of routes: a guest, or who becomes one by asking, where guests are let in */
    CHATSESSION_GUEST,           /* one who chats without having logged in: not authenticated, but with a user's row */
    CHATSESSION_UNENROLLED,      /* a user, also one who must set up a second factor before anything else */
    CHATSESSION_USER,
    CHATSESSION_VIEWER,
    CHATSESSION_AUDITOR,
    CHATSESSION_OPERATOR,
    CHATSESSION_ADMIN
} chatsession_access_e;

typedef struct {
    apr_status_t status; /* APR_SUCCESS, or why the store could not say (then nobody is logged in) */
    const char *cause;   /* success, new (made in this request), none, skipped, valid_cookie_but_no_store, renew after
                            InvalidSignature, renew after SignatureExpired */
    bool cookie;         /* the request carried a cookie of our name */
    bool skipped;        /* it asked to be served without a session: none is looked for, made or ended */
    bool by_key;         /* an API key, no cookie, says who asks */
    bool authenticated;
    chatsession_access_e access;
    const char *user_id; /* these three: NULL unless authenticated or a guest's */
    const char *user;
    const char *role;
    const char *ref; /* the session's handle for logs and lists; this and the hash: NULL when there is no session */
    const char *id_hash;
    const char *legacy_id; /* of an anonymous session: what the software before called the visitor; NULL: unknown */
    bool second_factor;    /* the user has one */
    const cs_session_store_t *store; /* where it is; NULL as ref */
    cs_purpose_e purpose;            /* what its cookie is signed for: which store that is */
    const char *ended;               /* why nobody is logged in any more, as a sentence; NULL: nothing to say */
    cs_session_times_t times;
    apr_time_t now; /* the database's clock */
} chatsession_session_t;

/** This request's session, never NULL; r may be a subrequest or a redirected one and shares that of the request it came
 * from. Nobody is logged in where everyone must have a second factor and the user has none. */
const chatsession_session_t *chatsession_session(request_rec *r);

/** The same for our own handlers, which let such a user set one up. */
const chatsession_session_t *chatsession_chat_session(request_rec *r);

/** The session that the cookie names, also where ChatSessionTrustUser is on and nobody is authenticated (yet): whose it
 * is proves nothing there, but what is kept in it is kept in it. Never NULL. */
const chatsession_session_t *chatsession_cookie_session(request_rec *r);

/**
 * The same as it counts for the console: nobody, when the session is too old for it or was not used for it for long.
 * Notes the use. Where ChatSessionTrustUser is on, the other module's own limits count alone.
 */
const chatsession_session_t *chatsession_console_session(request_rec *r);

/**
 * Log user in: make a session with a new id, end the one that the request came with (at once, but for the grace of a
 * user's own: core/session.h) and those that the user has too many, send the cookie. user_id NULL: an anonymous
 * session. *session is what chatsession_session returns from now on. CS_EREFUSED: the request is to be served without a
 * session, or anonymous sessions are off.
 */
apr_status_t chatsession_session_begin(const chatsession_session_t **session, request_rec *r, const char *user_id);

/** The same after a deed that ended all sessions of the user who asked for it, and that is done: where no session can
 * begin now, the answer is as good, and the next request asks for a login. Returns the session's handle for the log. */
const char *chatsession_session_go_on(const chatsession_session_t **session, request_rec *r, const char *user_id,
                                      const char *password_revision);

/** The same for a user whose password was verified: APR_ENOENT when the password was changed or the user disabled in
 * the meantime. password_revision is cs_user_t's; NULL: no password was looked at. */
apr_status_t chatsession_session_begin_verified(const chatsession_session_t **session, request_rec *r,
                                                const char *user_id, const char *password_revision);

/**
 * The session to keep something in: this request's, or an anonymous one that is made now. APR_EACCES: nobody is logged
 * in, and there can be no other session (ChatSessionAnonymous is off, the request is to be served without one, another
 * module says who is here, or the answer has begun and can carry no cookie).
 */
apr_status_t chatsession_session_to_write(const chatsession_session_t **session, request_rec *r);

/** This request's session is over, in its store too: take the cookie away. */
void chatsession_session_leave(request_rec *r);

/** End this request's session and take the cookie away. */
apr_status_t chatsession_session_end(request_rec *r, const char *cause);

/** The request that the client sent; subrequests and internal redirects share its session. */
request_rec *chatsession_first_request(request_rec *r);

/** The address that the request came from (mod_remoteip's word counts), as PostgreSQL's inet takes it. */
const char *chatsession_network(request_rec *r);

/** Log in the user of that name whom another module has authenticated in this request, whatever r->user is. CS_EBADSIG:
 * disabled. CS_EREFUSED: the name cannot be a user's here. */
apr_status_t chatsession_adopt(request_rec *r, const char *name);

/** Put the session into the request's environment (CHATSESSION_CAUSE, …) and its user into r->user, for logs and other
 * modules. */
void chatsession_expose_session(request_rec *r);

/** Hook fixups: the same where ChatSession is on. */
int chatsession_expose(request_rec *r);

/** The access that a role of the database stands for; CHATSESSION_ANYONE for an unknown word. */
chatsession_access_e chatsession_access_of(const char *role);

#endif
