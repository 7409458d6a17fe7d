/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* A user's labels over all conversations: which there are, another name for one, one less. */
#include "chat.h"
#include "core/label.h"
#include "reply.h"
#include "store/label.h"

const cs_json_member_t chatsession_label_members[2] = {
    {"label", CS_JSON_STRING, CS_JSON_REQUIRED, 1, CS_LABEL_POINTS},
    {"to", CS_JSON_STRING, CS_JSON_REQUIRED | CS_JSON_NULLABLE, 1, CS_LABEL_POINTS},
};

int chatsession_list_labels(chatsession_call_t *call)
{
    json_t *labels;
    const apr_status_t rv = cs_label_list(&labels, call->conf->db, call->session->user_id, call->r->pool);

    return rv == APR_SUCCESS ? chatsession_reply_json(call->r, HTTP_OK, json_pack("{s:o}", "labels", labels))
                             : chatsession_reply_status(call->r, rv);
}

int chatsession_patch_labels(chatsession_call_t *call)
{
    const char *to = call->fields[1].string;
    apr_int64_t changed;
    apr_status_t rv;

    if (to && !cs_label_is(to)) {
        return chatsession_bad_request(call, "to is a word of 1 to 40 visible characters without spaces at its ends, "
                                             "or null.");
    }
    rv = cs_label_change(&changed, call->conf->db, call->session->user_id, call->fields[0].string, to, call->r->pool);
    return rv == APR_SUCCESS
               ? chatsession_reply_json(call->r, HTTP_OK, json_pack("{s:I}", "conversations", (json_int_t)changed))
               : chatsession_reply_status(call->r, rv);
}
