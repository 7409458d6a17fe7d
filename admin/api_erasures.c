/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Erasing a person, and what can be proved of it. The dry run says what would go and is not the deed; the deed repeats
 * its counts and is refused when they no longer hold. Sent again it is the same: the tombstone answers.
 */
#include "admin/admin.h"
#include <http_log.h>
#include <apr_strings.h>
#include "archive.h"
#include "reply.h"
#include "sessions.h"
#include "store/erasure.h"

APLOG_USE_MODULE(chatsession);

const cs_json_member_t chatsession_erase_members[5] = {
    {"dry_run", CS_JSON_BOOLEAN, 0, 0, 0},
    {"id", CS_JSON_UUID, 0, 0, 0},
    {"conversations", CS_JSON_INTEGER, 0, 0, 2000000000},
    {"messages", CS_JSON_INTEGER, 0, 0, 2000000000},
    {"reason", CS_JSON_STRING, 0, 1, 1000},
};

/* What the person who asks is told of an outcome; the deed itself is answered by its certificate, whose reference is
 * taken. */
static int answer_outcome(chatsession_call_t *call, cs_erasure_outcome_e outcome, json_t *certificate)
{
    switch (outcome) {
    case CS_ERASURE_ABSENT:
        return chatsession_reply_status(call->r, APR_ENOENT);
    case CS_ERASURE_HELD:
        return chatsession_reply_error(call->r, HTTP_CONFLICT, "held",
                                       "An open matter holds conversations of this user: release it first.");
    case CS_ERASURE_CHANGED:
        return chatsession_reply_error(call->r, HTTP_CONFLICT, "count_changed",
                                       "There are more or fewer conversations or messages than were shown: look "
                                       "again.");
    case CS_ERASURE_LAST_ADMIN:
        return chatsession_reply_error(call->r, HTTP_CONFLICT, "last_admin",
                                       "This is the last enabled administrator: make another one first.");
    case CS_ERASURE_DONE:
    case CS_ERASURE_BEFORE:
        break;
    }
    return chatsession_reply_json(call->r, HTTP_OK,
                                  json_pack("{s:b,s:o}", "erased", outcome == CS_ERASURE_DONE, "certificate",
                                            certificate));
}

/* The dry run's answer. */
static int preview(chatsession_call_t *call)
{
    json_t *found;
    const apr_status_t rv = cs_erasure_preview(&found, call->conf->db, call->word, call->r->pool);

    return rv == APR_SUCCESS ? chatsession_reply_json(call->r, HTTP_OK, found) : chatsession_reply_status(call->r, rv);
}

/* Is the id that was confirmed that of the user in the address? DECLINED: it is. Whoever sends the deed again, when the
 * name is gone or somebody else's by now, gets the certificate of the first time. */
static int check_target(chatsession_call_t *call, const char *id)
{
    json_t *found, *certificate;
    apr_status_t known;
    apr_status_t rv = cs_erasure_preview(&found, call->conf->db, call->word, call->r->pool);
    const bool same = rv == APR_SUCCESS && !strcmp(json_string_value(json_object_get(found, "id")), id);

    json_decref(found);
    if (same || (rv != APR_SUCCESS && rv != APR_ENOENT)) {
        return same ? DECLINED : chatsession_reply_status(call->r, rv);
    }
    known = cs_erasure_certificate(&certificate, call->conf->db, id, call->r->pool);
    if (known == APR_SUCCESS) {
        return answer_outcome(call, CS_ERASURE_BEFORE, certificate);
    }
    if (known != APR_ENOENT) {
        return chatsession_reply_status(call->r, known);
    }
    return answer_outcome(call, rv == APR_ENOENT ? CS_ERASURE_ABSENT : CS_ERASURE_CHANGED, NULL);
}

int chatsession_admin_user_erase(chatsession_call_t *call)
{
    const cs_json_field_t *fields = call->fields;
    cs_audit_entry_t entry = chatsession_audit_entry(call, "user.erase", NULL);
    const cs_erasure_t erasure = {.user_id = fields[1].string,
                                  .by = call->session->user,
                                  .conversations = fields[2].integer,
                                  .messages = fields[3].integer};
    cs_erasure_outcome_e outcome;
    json_t *certificate;
    apr_status_t rv;
    int answer;

    if (fields[0].given && fields[0].boolean) {
        return preview(call);
    }
    if (!fields[1].given || !fields[2].given || !fields[3].given) {
        return chatsession_bad_request(call, "Give \"id\", \"conversations\" and \"messages\" as \"dry_run\": true has "
                                             "them.");
    }
    if (!chatsession_admin_is_fresh(call, &answer)) {
        return answer;
    }
    if (!strcmp(erasure.user_id, call->session->user_id)) {
        return chatsession_reply_error(call->r, HTTP_FORBIDDEN, "own_account",
                                       "You cannot erase your own account: another administrator can.");
    }
    answer = check_target(call, erasure.user_id);
    if (answer != DECLINED) {
        return answer;
    }
    entry.reason = fields[4].string;
    rv = cs_erasure_run(&outcome, &certificate, call->conf->db, &erasure, &entry, call->r->pool);
    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    if (outcome == CS_ERASURE_DONE) {
        chatsession_sessions_ended(call->r, call->conf, NULL);
        ap_log_rerror(APLOG_MARK, APLOG_NOTICE, 0, call->r, "CS0310: user %s was erased", erasure.user_id);
    }
    return answer_outcome(call, outcome, certificate);
}

int chatsession_admin_erasures(chatsession_call_t *call)
{
    const char *next;
    json_t *certificates;
    apr_status_t rv;
    int limit, answer;

    if (!chatsession_query_int(&limit, call, "limit", 50, 1, 200, &answer)) {
        return answer;
    }
    rv = cs_erasure_list(&certificates, &next, call->conf->db, chatsession_query(call, "after"), limit, call->r->pool);
    return chatsession_admin_reply_page(call, rv, "erasures", certificates, next);
}

int chatsession_admin_erasure(chatsession_call_t *call)
{
    json_t *certificate;
    const apr_status_t rv = cs_erasure_certificate(&certificate, call->conf->db, call->ids[0], call->r->pool);

    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    apr_table_setn(call->r->headers_out, "Content-Disposition",
                   apr_psprintf(call->r->pool, "attachment; filename=\"erasure-%s.json\"", call->ids[0]));
    return chatsession_reply_json(call->r, HTTP_OK, certificate);
}

/* Everything of one person: recorded before the first octet leaves. */
int chatsession_admin_user_archive(chatsession_call_t *call)
{
    cs_audit_entry_t entry = chatsession_audit_entry(call, "user.archive", NULL);
    json_t *found;
    apr_status_t rv;
    int answer;

    entry.reason = chatsession_query(call, "reason");
    if (entry.reason && strlen(entry.reason) > 1000) {
        return chatsession_bad_request(call, "reason is longer than 1000 octets.");
    }
    if (!chatsession_admin_is_fresh(call, &answer)) {
        return answer;
    }
    rv = cs_erasure_preview(&found, call->conf->db, call->word, call->r->pool);
    if (rv == APR_SUCCESS) {
        cs_json_own(found, call->r->pool);
        entry.target_user = json_string_value(json_object_get(found, "name"));
        entry.detail = json_object_get(found, "removed");
        rv = cs_audit_write(call->conf->db, &entry, call->r->pool);
    }
    return rv == APR_SUCCESS ? chatsession_archive_reply(call, json_string_value(json_object_get(found, "id")))
                             : chatsession_reply_status(call->r, rv);
}
