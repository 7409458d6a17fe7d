/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_BREAKER_H
#define CHATSESSION_BREAKER_H
/*
 * A circuit breaker for each backend, in memory that all children of this host share: a model's server that failed
 * several times in a row is left alone but for one trial a pause, and who asks meanwhile is told at once. Made anew
 * when httpd reads its configuration, which closes it.
 */
#include "turn.h"

/** Hook post_config: the shared memory. */
int chatsession_breaker_create(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

/** Whether a turn with this backend would be refused now, and for how many seconds. Takes no trial. */
bool chatsession_breaker_is_open(const chatsession_server_t *conf, const chatsession_backend_t *backend, int *seconds);

/** Let the turn through to its backend; false: it has ended with an error. */
bool chatsession_breaker_admit(chatsession_turn_t *turn);

/** The turn's first token has come. */
void chatsession_breaker_hear(chatsession_turn_t *turn);

/** The turn that was let through has ended. */
void chatsession_breaker_judge(chatsession_turn_t *turn);

/**
 * Of each backend of conf, in their order: [{"name","state","failures","retry_in","requests","failed","refused",
 * "first_token_ms","first_tokens","first_token_sum"}], counted on this host since httpd read its configuration. state:
 * closed, open, half_open; retry_in: seconds, null unless it is open; first_token_ms: the mean, null before the first;
 * first_token_sum: seconds. A new reference.
 */
json_t *chatsession_breaker_json(const chatsession_server_t *conf);

#endif
