/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_SAVING_H
#define CHATSESSION_SAVING_H
/*
 * What one statement saves of running answers: taken from the turns, sent while they go on, and the database's word
 * given to those that are still there. All but the sending is done under the recorder's lock (recorder.h).
 */
#include "turn.h"

typedef struct chatsession_saving chatsession_saving_t;

/** What turn has gained since it was saved, in pool, until chatsession_saving_end: it is turn->saving. */
chatsession_saving_t *chatsession_saving_begin(chatsession_turn_t *turn, apr_pool_t *pool);

/** The turn goes: what is said of it is not given to it. */
void chatsession_saving_forget(chatsession_saving_t *saving);

/** Save savings, of chatsession_saving_t *. Without the lock. */
apr_status_t chatsession_saving_send(apr_array_header_t **saved, cs_db_t *db, const apr_array_header_t *savings,
                                     apr_pool_t *pool);

/** Give the turns what was said of them. */
void chatsession_saving_take(const apr_array_header_t *savings, const apr_array_header_t *saved, apr_pool_t *pool);

/** Nothing is being saved of them any more. */
void chatsession_saving_end(const apr_array_header_t *savings);

#endif
