/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_REQUEST_MEMO_H
#define CHATSESSION_REQUEST_MEMO_H
/* What request.c, request_cookies.c and proven_user.c remember of a request. */
#include "request.h"

typedef struct {
    chatsession_session_t *session; /* in the first of a chain: the session that the cookie names or that began since */
    const char *adopted;            /* in the first of a chain: the user of others whom that session was made to fit */
    const char *cookies;            /* in the first of a chain: all that it came with; NULL: not read yet */
    const char *proven;             /* the user whom another module has authenticated for this request */
} chatsession_request_memo_t;

/** That of r, in its pool; empty when it is asked for the first time. */
chatsession_request_memo_t *chatsession_request_memo(request_rec *r);

#endif
