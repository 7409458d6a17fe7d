/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "admin/admin.h"
#include <apr_strings.h>
#include "assets.h"
#include "login.h"
#include "reply.h"
#include "second_factor.h"

/* Ids of one call: 10,000 UUIDs stay below. */
#define IDS_LIMIT (512 * 1024)
/* A piece of an exported file; one conversation must fit. */
#define IMPORT_LIMIT (8 * 1024 * 1024)
/* A name and a role, however they are escaped. */
#define USER_LIMIT 16384

/* A name and a query string, likewise. */
#define VIEW_LIMIT 65536

static const chatsession_route_t routes[] = {
    CHATSESSION_LOGIN_ROUTES,
    CHATSESSION_SECOND_FACTOR_ROUTES,
    {"GET", "metrics", CHATSESSION_VIEWER, CHATSESSION_NO_BODY, chatsession_admin_metrics},
    {"GET", "api/overview", CHATSESSION_VIEWER, CHATSESSION_NO_BODY, chatsession_admin_overview},
    {"GET", "api/settings", CHATSESSION_ADMIN, CHATSESSION_NO_BODY, chatsession_admin_settings},
    {"GET", "api/views", CHATSESSION_VIEWER, CHATSESSION_NO_BODY, chatsession_admin_views},
    {"POST", "api/views", CHATSESSION_AUDITOR, VIEW_LIMIT, CHATSESSION_MEMBERS(chatsession_view_members),
     chatsession_admin_view_save},
    {"DELETE", "api/views/{id}", CHATSESSION_AUDITOR, CHATSESSION_NO_BODY, chatsession_admin_view_delete},
    {"GET", "api/conversations", CHATSESSION_VIEWER, CHATSESSION_NO_BODY, chatsession_admin_list},
    {"GET", "api/conversations/{id}", CHATSESSION_VIEWER, CHATSESSION_NO_BODY, chatsession_admin_get},
    {"POST", "api/conversations/expire", CHATSESSION_OPERATOR, IDS_LIMIT,
     CHATSESSION_MEMBERS(chatsession_expire_members), chatsession_admin_expire},
    {"POST", "api/conversations/restore", CHATSESSION_OPERATOR, IDS_LIMIT,
     CHATSESSION_MEMBERS(chatsession_restore_members), chatsession_admin_restore},
    {"POST", "api/conversations/tag", CHATSESSION_OPERATOR, IDS_LIMIT, CHATSESSION_MEMBERS(chatsession_tag_members),
     chatsession_admin_tag},
    {"GET", "api/conversations/{id}/retention", CHATSESSION_VIEWER, CHATSESSION_NO_BODY,
     chatsession_admin_retention_explain},
    {"GET", "api/feedback", CHATSESSION_AUDITOR, CHATSESSION_NO_BODY, chatsession_admin_feedback},
    {"GET", "api/retention", CHATSESSION_VIEWER, CHATSESSION_NO_BODY, chatsession_admin_retention},
    {"POST", "api/retention", CHATSESSION_ADMIN, USER_LIMIT, CHATSESSION_MEMBERS(chatsession_retention_members),
     chatsession_admin_retention_change},
    {"POST", "api/retention/run", CHATSESSION_OPERATOR, CHATSESSION_NO_BODY, chatsession_admin_retention_run},
    {"GET", "api/jobs", CHATSESSION_VIEWER, CHATSESSION_NO_BODY, chatsession_admin_jobs},
    {"GET", "api/jobs/{id}", CHATSESSION_VIEWER, CHATSESSION_NO_BODY, chatsession_admin_job},
    {"POST", "api/jobs/{id}/cancel", CHATSESSION_OPERATOR, CHATSESSION_NO_BODY, chatsession_admin_job_cancel},
    {"GET", "api/matters", CHATSESSION_AUDITOR, CHATSESSION_NO_BODY, chatsession_admin_matters},
    {"POST", "api/matters", CHATSESSION_OPERATOR, IDS_LIMIT, CHATSESSION_MEMBERS(chatsession_matter_members),
     chatsession_admin_matter_create},
    {"GET", "api/matters/{id}", CHATSESSION_AUDITOR, CHATSESSION_NO_BODY, chatsession_admin_matter},
    {"POST", "api/matters/{id}/hold", CHATSESSION_OPERATOR, IDS_LIMIT, CHATSESSION_MEMBERS(chatsession_hold_members),
     chatsession_admin_matter_hold},
    {"POST", "api/matters/{id}/release", CHATSESSION_OPERATOR, USER_LIMIT,
     CHATSESSION_MEMBERS(chatsession_release_members), chatsession_admin_matter_release},
    {"GET", "api/export", CHATSESSION_OPERATOR, CHATSESSION_NO_BODY, chatsession_admin_export},
    {"GET", "api/exports", CHATSESSION_OPERATOR, CHATSESSION_NO_BODY, chatsession_admin_exports},
    {"POST", "api/exports", CHATSESSION_OPERATOR, IDS_LIMIT, CHATSESSION_MEMBERS(chatsession_export_members),
     chatsession_admin_export_create},
    {"GET", "api/exports/{id}", CHATSESSION_OPERATOR, CHATSESSION_NO_BODY, chatsession_admin_export_show},
    {"GET", "api/exports/{id}/file", CHATSESSION_OPERATOR, CHATSESSION_NO_BODY, chatsession_admin_export_file},
    {"GET", "api/exports/{id}/manifest", CHATSESSION_OPERATOR, CHATSESSION_NO_BODY, chatsession_admin_export_manifest},
    {"POST", "api/exports/{id}/link", CHATSESSION_OPERATOR, USER_LIMIT,
     CHATSESSION_MEMBERS(chatsession_export_link_members), chatsession_admin_export_link},
    {"POST", "api/exports/{id}/cancel", CHATSESSION_OPERATOR, CHATSESSION_NO_BODY, chatsession_admin_export_cancel},
    {"POST", "api/import", CHATSESSION_OPERATOR, IMPORT_LIMIT, CHATSESSION_MEMBERS(chatsession_import_lines_members),
     chatsession_admin_import},
    {"GET", "api/users", CHATSESSION_VIEWER, CHATSESSION_NO_BODY, chatsession_admin_users},
    {"POST", "api/users", CHATSESSION_ADMIN, USER_LIMIT, CHATSESSION_MEMBERS(chatsession_user_create_members),
     chatsession_admin_user_create},
    {"GET", "api/users/{word}", CHATSESSION_VIEWER, CHATSESSION_NO_BODY, chatsession_admin_user},
    {"PATCH", "api/users/{word}", CHATSESSION_ADMIN, USER_LIMIT, CHATSESSION_MEMBERS(chatsession_user_change_members),
     chatsession_admin_user_change},
    {"POST", "api/users/{word}/invitation", CHATSESSION_ADMIN, CHATSESSION_NO_BODY, chatsession_admin_user_invite},
    {"POST", "api/users/{word}/password", CHATSESSION_ADMIN, CHATSESSION_NO_BODY, chatsession_admin_user_password},
    {"POST", "api/users/{word}/second-factor/reset", CHATSESSION_ADMIN, CHATSESSION_NO_BODY,
     chatsession_admin_user_reset_factor},
    {"POST", "api/users/{word}/sessions/revoke", CHATSESSION_OPERATOR, CHATSESSION_NO_BODY,
     chatsession_admin_user_revoke},
    {"POST", "api/users/{word}/erase", CHATSESSION_ADMIN, USER_LIMIT, CHATSESSION_MEMBERS(chatsession_erase_members),
     chatsession_admin_user_erase},
    {"GET", "api/users/{word}/archive", CHATSESSION_ADMIN, CHATSESSION_NO_BODY, chatsession_admin_user_archive},
    {"GET", "api/erasures", CHATSESSION_AUDITOR, CHATSESSION_NO_BODY, chatsession_admin_erasures},
    {"GET", "api/erasures/{id}", CHATSESSION_AUDITOR, CHATSESSION_NO_BODY, chatsession_admin_erasure},
    {"GET", "api/sessions", CHATSESSION_OPERATOR, CHATSESSION_NO_BODY, chatsession_admin_sessions},
    {"POST", "api/sessions/revoke", CHATSESSION_OPERATOR, IDS_LIMIT, CHATSESSION_MEMBERS(chatsession_revoke_members),
     chatsession_admin_revoke},
    {"GET", "api/audit", CHATSESSION_AUDITOR, CHATSESSION_NO_BODY, chatsession_admin_audit},
    {"GET", "api/audit/verify", CHATSESSION_AUDITOR, CHATSESSION_NO_BODY, chatsession_admin_audit_verify},
    {"GET", "api/audit/export", CHATSESSION_OPERATOR, CHATSESSION_NO_BODY, chatsession_admin_audit_export},
};

int chatsession_admin_handler(request_rec *r, chatsession_server_t *conf, const chatsession_address_t *address)
{
    if (r->method_number == M_GET && chatsession_assets_serve(r, conf->assets, "console", address->below) == OK) {
        return OK;
    }
    if (chatsession_admin_is_scraper(r, conf, address)) {
        return chatsession_admin_scrape(r, conf, address);
    }
    return chatsession_dispatch(r, conf, routes, CHATSESSION_ROUTE_COUNT(routes), address);
}

bool chatsession_admin_is_fresh(chatsession_call_t *call, int *answer)
{
    const apr_interval_time_t limit = chatsession_number(call->conf, CHATSESSION_REAUTHENTICATE);
    const chatsession_session_t *session = call->session;

    *answer = OK;
    if (!limit || chatsession_dir(call->r)->trust_user == 1 || session->now - session->times.created < limit) {
        return true;
    }
    *answer = chatsession_reply_error(call->r, HTTP_FORBIDDEN, "reauthenticate",
                                      "This exposes, changes or destroys much: log in again first, your last login is "
                                      "too old.");
    return false;
}

cs_audit_entry_t chatsession_audit_entry(chatsession_call_t *call, const char *action, json_t *detail)
{
    return (cs_audit_entry_t){.operator_name = call->session->user,
                              .role = call->session->role,
                              .action = action,
                              .network = chatsession_network(call->r),
                              .request_id = chatsession_request_id(call->r),
                              .detail = detail,
                              .keys = chatsession_audit_keys(call->conf)};
}

bool chatsession_check_filter(const cs_console_filter_t *filter, chatsession_call_t *call, int *answer)
{
    const char *problem = cs_console_filter_problem(filter, call->r->pool);

    *answer = problem ? chatsession_bad_request(call, problem) : OK;
    return !problem;
}

bool chatsession_query_filter(cs_console_filter_t *filter, chatsession_call_t *call, int *answer)
{
    const char *problem = cs_console_filter_read(filter, call->query, call->r->pool);

    *answer = problem ? chatsession_bad_request(call, problem) : OK;
    return !problem;
}

int chatsession_admin_reply_page(chatsession_call_t *call, apr_status_t rv, const char *name, json_t *rows,
                                 const char *next)
{
    if (rv == CS_EMALFORMED) {
        return chatsession_bad_request(call, "after is not the \"next\" of a page before.");
    }
    return rv == APR_SUCCESS
               ? chatsession_reply_json(call->r, HTTP_OK, json_pack("{s:o,s:s?}", name, rows, "next", next))
               : chatsession_reply_status(call->r, rv);
}

int chatsession_admin_reply_slow(chatsession_call_t *call, apr_status_t rv)
{
    if (rv == CS_EUNAVAILABLE && !strcmp(cs_db_last_sqlstate(), "57014")) {
        return chatsession_reply_error(call->r, HTTP_SERVICE_UNAVAILABLE, "search_too_slow",
                                       "This takes longer than ChatSessionStatementTimeout allows: narrow it by user, "
                                       "time or a longer word.");
    }
    return chatsession_reply_status(call->r, rv);
}
