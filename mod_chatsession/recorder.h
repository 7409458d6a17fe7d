/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_RECORDER_H
#define CHATSESSION_RECORDER_H
/*
 * One thread per child and database that saves all running answers of the child together: every ChatSessionCheckpoint
 * one statement with what each has gained since, or, of many answers, several that are spread over it (core/pace.h). It
 * is also the heartbeat by which other children know that the answers live, and the way in which a stop from anywhere
 * arrives. A database that is away costs nothing but time: what could not be saved is saved at the next tick.
 *
 * Turns that wait to be let in are its business too: it looks at the queue when the ear (store/turn_ear.h) has heard
 * that something moved there, and once in a while to say that they live.
 */
#include "turn.h"

/** At child start, for the first server of a database: start the threads; it is conf->recorder. It ends with pool. */
apr_status_t chatsession_recorder_start(chatsession_server_t *conf, const cs_db_config_t *config, server_rec *s,
                                        apr_pool_t *pool);

/** The turn is saved from now on, until it is removed. */
void chatsession_recorder_add(chatsession_turn_t *turn);
/** Waits for nothing: after this the recorder never touches turn again. */
void chatsession_recorder_remove(chatsession_turn_t *turn);

/** Wait for news of a turn that is queued, at most for limit. Its place and estimate are given back. */
void chatsession_recorder_await(chatsession_turn_t *turn, apr_interval_time_t limit, int *place, double *estimate);

/** Append to the turn's text; CS_ETOOBIG past limit octets. */
apr_status_t chatsession_recorder_append(chatsession_turn_t *turn, const char *bytes, apr_size_t len, apr_size_t limit);

/** Take what piece has beside its text; CS_ETOOBIG past limit octets. */
apr_status_t chatsession_recorder_add_extra(chatsession_turn_t *turn, const cs_completion_t *piece, apr_size_t limit);

/** Ask this child's running answer of the conversation to stop, ahead of the next tick. */
void chatsession_recorder_stop(chatsession_recorder_t *recorder, const char *conversation_id);

#endif
