/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "proven_user.h"
#include <apr_strings.h>
#include <string.h>
#include "request_memo.h"

int chatsession_note_authenticated(request_rec *r)
{
    chatsession_request_memo(r)->proven = r->user ? apr_pstrdup(r->pool, r->user) : NULL;
    return DECLINED;
}

/* httpd takes the user of a request for its subrequests and redirects of the same configuration, asking nobody again.
 */
int chatsession_note_user(request_rec *r)
{
    request_rec *origin = r->prev ? r->prev : r->main;

    if (!origin || origin->per_dir_config != r->per_dir_config) {
        return chatsession_note_authenticated(r);
    }
    if (origin->status != HTTP_UNAUTHORIZED && origin->status != HTTP_FORBIDDEN) {
        chatsession_request_memo(r)->proven = chatsession_request_memo(origin)->proven;
    }
    return DECLINED;
}

const char *chatsession_proven_user(request_rec *r)
{
    const char *proven = chatsession_request_memo(r)->proven;

    return proven && r->user && !strcmp(proven, r->user) ? proven : NULL;
}
