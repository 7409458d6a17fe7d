/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * The commands on sessions. Which of them have run out is httpd's to say, by its time-outs; here a session counts until
 * it was ended. Ending one tells every host by itself (schema/005_revocation.sql).
 */
#include <stdio.h>
#include "core/json.h"
#include "ctl_print.h"
#include "ctl_user.h"

static const char *text_of(const json_t *session, const char *member, apr_pool_t *pool)
{
    const char *text = json_string_value(json_object_get(session, member));

    return text ? ctl_printable(text, pool) : "-";
}

void ctl_print_sessions(const json_t *sessions, apr_pool_t *pool)
{
    static const char row[] = "%-14s %-24s %-24s %-15s %s, %s\n";
    size_t i;
    const json_t *session;

    printf("%-14s %-24s %-24s %-15s %s\n", "REF", "BEGUN", "LAST SEEN", "NETWORK", "USER, BROWSER");
    json_array_foreach(sessions, i, session)
    {
        printf(row, text_of(session, "ref", pool), text_of(session, "created_at", pool),
               text_of(session, "last_seen_at", pool), text_of(session, "network", pool),
               text_of(session, "user", pool), text_of(session, "user_agent", pool));
    }
}

int ctl_session_list(ctl_t *ctl, apr_pool_t *pool)
{
    json_t *sessions;
    cs_user_t user;
    apr_status_t rv;
    const int code = ctl->name ? ctl_find_user(&user, ctl, pool) : CTL_DONE;

    if (code != CTL_DONE) {
        return code;
    }
    rv = cs_user_sessions(&sessions, ctl->db, ctl->name, &(cs_session_limits_t){.grace = 0}, pool);
    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv, "the sessions could not be listed");
    }
    if (json_array_size(sessions) == CS_USER_SESSIONS_MAX) {
        fprintf(stderr, "chatsessionctl: there may be more; these are the %d that were seen last\n",
                CS_USER_SESSIONS_MAX);
    }
    if (ctl->json) {
        return ctl_print_json(json_pack("{s:o}", "sessions", sessions));
    }
    ctl_print_sessions(sessions, pool);
    json_decref(sessions);
    return CTL_DONE;
}

/* End those of the references, and record which. */
static apr_status_t revoke_refs(apr_int64_t *ended, const ctl_t *ctl, cs_audit_entry_t *entry, apr_pool_t *pool)
{
    json_t *refs = cs_json_own(json_array(), pool);

    for (int i = 0; i < ctl->operand_count; i++) {
        json_array_append_new(refs, json_string(ctl->operands[i]));
    }
    entry->detail = cs_json_own(json_pack("{s:O}", "refs", refs), pool);
    return cs_console_revoke(ended, ctl->db, cs_json_print(refs, NULL, pool), entry, pool);
}

int ctl_session_revoke(ctl_t *ctl, apr_pool_t *pool)
{
    cs_audit_entry_t entry;
    apr_int64_t ended;
    apr_status_t rv;
    int code;

    if ((ctl->operand_count != 0) + (ctl->name != NULL) + ctl->all != 1) {
        return ctl_refuse(CTL_USAGE, "give either references, or --user NAME, or --all");
    }
    code = ctl_make_entry(&entry, ctl, "session.revoke", NULL, pool);
    if (code != CTL_DONE) {
        return code;
    }
    rv = ctl->operand_count ? revoke_refs(&ended, ctl, &entry, pool)
                            : cs_user_admin_end_sessions(&ended, ctl->db, ctl->name, &entry, pool);
    if (rv == APR_ENOENT) {
        return ctl_no_such_user(ctl->name);
    }
    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv, "the sessions could not be ended");
    }
    printf("%s ended\n", ctl_count(ended, "session", pool));
    return CTL_DONE;
}
