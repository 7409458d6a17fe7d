/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Links by which others who log in here may read one conversation as it was: make, list, end, read. */
#include "chat.h"
#include <http_log.h>
#include "reply.h"
#include "store/share.h"

APLOG_USE_MODULE(chatsession);

const cs_json_member_t chatsession_share_members[1] = {{"message_id", CS_JSON_UUID, CS_JSON_REQUIRED, 0, 0}};

/* Where the site offers none, none that was made before can be read either; the owners still see and end theirs. */
static bool offered(const chatsession_call_t *call)
{
    return chatsession_number(call->conf, CHATSESSION_SHARING) == CHATSESSION_SHARE_ON;
}

int chatsession_create_share(chatsession_call_t *call)
{
    json_t *share;
    apr_status_t rv;

    if (!offered(call)) {
        return chatsession_reply_error(call->r, HTTP_FORBIDDEN, "sharing_off", "This site offers no links to chats.");
    }
    rv = cs_share_create(&share, call->conf->db, call->session->user_id, call->ids[0], call->fields[0].string,
                         call->r->pool);
    if (rv == CS_ECONFLICT) {
        return chatsession_reply_error(call->r, HTTP_CONFLICT, "too_many_shares",
                                       "You share as many chats as one user may; end one first.");
    }
    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, call->r, "CS0371: conversation %s was shared in session %s", call->ids[0],
                  call->session->ref);
    return chatsession_reply_json(call->r, HTTP_CREATED, share);
}

int chatsession_list_shares(chatsession_call_t *call)
{
    json_t *shares;
    const apr_status_t rv = cs_share_list(&shares, call->conf->db, call->session->user_id, call->r->pool);

    return rv == APR_SUCCESS
               ? chatsession_reply_json(call->r, HTTP_OK,
                                        json_pack("{s:b,s:o}", "offered", offered(call), "shares", shares))
               : chatsession_reply_status(call->r, rv);
}

int chatsession_delete_share(chatsession_call_t *call)
{
    const apr_status_t rv = cs_share_end(call->conf->db, call->session->user_id, call->ids[0], call->r->pool);

    return rv == APR_SUCCESS ? chatsession_reply_empty(call->r, HTTP_NO_CONTENT)
                             : chatsession_reply_status(call->r, rv);
}

int chatsession_get_shared(chatsession_call_t *call)
{
    json_t *shared = NULL;
    const apr_status_t rv =
        offered(call) ? cs_share_read(&shared, call->conf->db, call->ids[0], call->r->pool) : APR_ENOENT;

    return rv == APR_SUCCESS ? chatsession_reply_json(call->r, HTTP_OK, shared) : chatsession_reply_status(call->r, rv);
}
