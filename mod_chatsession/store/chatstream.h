/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_CHATSTREAM_H
#define CS_STORE_CHATSTREAM_H
/*
 * What a session has under way through ChatStream's interface: that interface knows no conversations, only "the" one of
 * a session, and parameters for it.
 */
#include "store/db.h"

typedef struct {
    const char *conversation_id; /* NULL: none yet, or it is gone or in the trash */
    const char *answer_id;       /* its newest answer; NULL: none */
    json_t *params;              /* NULL: none; owned by pool */
} cs_chatstream_context_t;

apr_status_t cs_chatstream_get(cs_chatstream_context_t *context, cs_db_t *db, const char *user_id,
                               const char *session_hash, apr_pool_t *pool) CS_MUSTCHECK;

/** From now on the session is about that conversation; NULL: about none. */
apr_status_t cs_chatstream_set_conversation(cs_db_t *db, const char *session_hash, const char *conversation_id,
                                            apr_pool_t *pool) CS_MUSTCHECK;

/** The parameters of the session, and of the conversation of the user's that it is about. */
apr_status_t cs_chatstream_set_params(cs_db_t *db, const char *user_id, const char *session_hash, const json_t *values,
                                      apr_pool_t *pool) CS_MUSTCHECK;

/** Keep a form beside the user's rating of an answer; form is JSON text. */
apr_status_t cs_chatstream_set_form(cs_db_t *db, const char *user_id, const char *message_id, const char *form,
                                    apr_pool_t *pool) CS_MUSTCHECK;

#endif
