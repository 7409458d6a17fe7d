/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* The home page's figures, and sessions. */
#include "admin/admin.h"
#include <apr_lib.h>
#include <apr_strings.h>
#include "breaker.h"
#include "causes.h"
#include "reply.h"
#include "sessions.h"
#include "store/overview.h"
#include "store/user_admin.h"

const cs_json_member_t chatsession_revoke_members[1] = {{"refs", CS_JSON_ARRAY, CS_JSON_REQUIRED, 1, 1000}};

/* {"name": value}, or the failure. */
static int reply_named(chatsession_call_t *call, apr_status_t rv, const char *name, json_t *value)
{
    if (rv != APR_SUCCESS) {
        json_decref(value);
        return chatsession_reply_status(call->r, rv);
    }
    return chatsession_reply_json(call->r, HTTP_OK, json_pack("{s:o}", name, value));
}

/* How much may run and wait; null: no limit. */
static json_t *limits_json(const chatsession_server_t *conf)
{
    const apr_int64_t turns = chatsession_number(conf, CHATSESSION_MAX_TURNS);

    return turns ? json_pack("{s:I,s:I}", "running", (json_int_t)turns, "waiting",
                             (json_int_t)chatsession_number(conf, CHATSESSION_MAX_WAITING))
                 : json_pack("{s:n,s:n}", "running", "waiting");
}

int chatsession_admin_overview(chatsession_call_t *call)
{
    json_t *overview;
    const apr_status_t rv = cs_overview(&overview, call->conf->db, call->r->pool);

    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    json_object_set_new(overview, "backends", chatsession_breaker_json(call->conf));
    json_object_set_new(overview, "causes", chatsession_causes_json(call->r->pool));
    json_object_set_new(overview, "limits", limits_json(call->conf));
    json_object_set_new(overview, "next_retention_at",
                        json_string(chatsession_admin_next_retention(call, json_string_value(
                                                                               json_object_get(overview,
                                                                                               "last_retention_at")))));
    return chatsession_reply_json(call->r, HTTP_OK, overview);
}

void chatsession_admin_mark_current(json_t *sessions, const chatsession_call_t *call)
{
    size_t i;
    json_t *session;

    json_array_foreach(sessions, i, session)
    {
        const char *ref = json_string_value(json_object_get(session, "ref"));
        json_object_set_new(session, "current", json_boolean(!strcmp(ref, call->session->ref)));
    }
}

int chatsession_admin_sessions(chatsession_call_t *call)
{
    const cs_session_limits_t limits = chatsession_limits(call->conf);
    json_t *sessions;
    const apr_status_t rv = cs_user_sessions(&sessions, call->conf->db, NULL, &limits, call->r->pool);

    chatsession_admin_mark_current(sessions, call);
    return reply_named(call, rv, "sessions", sessions);
}

int chatsession_admin_revoke(chatsession_call_t *call)
{
    json_t *refs = call->fields[0].value;
    cs_audit_entry_t entry;
    apr_int64_t ended;
    apr_status_t rv;
    size_t i;
    json_t *ref;

    json_array_foreach(refs, i, ref)
    {
        if (!json_is_string(ref)) {
            return chatsession_bad_request(call, "refs holds something that is no text.");
        }
    }
    entry =
        chatsession_audit_entry(call, "session.revoke", cs_json_own(json_pack("{s:O}", "refs", refs), call->r->pool));
    rv = cs_console_revoke(&ended, call->conf->db, cs_json_print(refs, NULL, call->r->pool), &entry, call->r->pool);
    if (rv == APR_SUCCESS) {
        chatsession_sessions_ended(call->r, call->conf, NULL);
    }
    return reply_named(call, rv, "sessions", json_integer(ended));
}
