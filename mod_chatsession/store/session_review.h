/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_SESSION_REVIEW_H
#define CS_SESSION_REVIEW_H
/*
 * The sessions that a child's requests use and the host remembers (session_cache.h), reviewed together: a thread
 * gathers for a tenth of a second what the requests note, and one statement writes back when the sessions were used and
 * says anew what they are. So a request whose session is known sends no statement, neither for its use nor because what
 * is remembered grows old, and ten thousand sessions in use cost ten statements a second at most.
 *
 * What is noted and not written when the child is killed is lost: such a session looks unused for up to one interval
 * (request.c) longer than it was. While the database is away the notes are kept and tried again.
 */
#include <apr_pools.h>
#include "store/session.h"
#include "store/session_cache.h"

typedef struct cs_session_review cs_session_review_t;

/** At child start; the thread ends, having written what is left, before pool's sub-pools go. */
apr_status_t cs_session_review_start(cs_session_review_t **started, cs_db_t *db, cs_session_cache_t *cache,
                                     apr_pool_t *pool) CS_MUSTCHECK;

/** The session was used at the database's time used (0: only look it up anew). False: there is no room. */
bool cs_session_review_note(cs_session_review_t *review, const char *id_hash, apr_time_t used);

#endif
