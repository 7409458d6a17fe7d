/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Lists that operators have given a name. */
#include "admin/admin.h"
#include "reply.h"
#include "store/view.h"

const cs_json_member_t chatsession_view_members[3] = {
    {"name", CS_JSON_STRING, CS_JSON_REQUIRED, 1, 100},
    {"query", CS_JSON_STRING, CS_JSON_REQUIRED, 0, 4000},
    {"shared", CS_JSON_BOOLEAN, 0, 0, 0},
};

int chatsession_admin_views(chatsession_call_t *call)
{
    json_t *views;
    const apr_status_t rv = cs_view_list(&views, call->conf->db, call->session->user_id, call->r->pool);

    return rv == APR_SUCCESS ? chatsession_reply_json(call->r, HTTP_OK, json_pack("{s:o}", "views", views))
                             : chatsession_reply_status(call->r, rv);
}

int chatsession_admin_view_save(chatsession_call_t *call)
{
    const cs_view_t wanted = {call->fields[0].string, call->fields[1].string,
                              call->fields[2].given && call->fields[2].boolean};
    json_t *view;
    const apr_status_t rv = cs_view_save(&view, call->conf->db, call->session->user_id, &wanted, NULL, call->r->pool);

    if (rv == CS_EREFUSED) {
        return chatsession_bad_request(call, "You have 100 saved views already; delete one first.");
    }
    return rv == APR_SUCCESS ? chatsession_reply_json(call->r, HTTP_CREATED, view)
                             : chatsession_reply_status(call->r, rv);
}

int chatsession_admin_view_delete(chatsession_call_t *call)
{
    const apr_status_t rv = cs_view_delete(call->conf->db, call->session->user_id, call->ids[0], NULL, call->r->pool);

    return rv == APR_SUCCESS ? chatsession_reply_empty(call->r, HTTP_NO_CONTENT)
                             : chatsession_reply_status(call->r, rv);
}
