/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_ADMIN_H
#define CHATSESSION_ADMIN_H
/* The operators' handler; admin.c holds the route table, api_*.c one subject each. */
#include "route.h"
#include "store/export.h"

/** Handler "chatsession-admin". */
int chatsession_admin_handler(request_rec *r, chatsession_server_t *conf, const chatsession_address_t *address);

/* api_conversations.c */
chatsession_handler_fn chatsession_admin_list, chatsession_admin_get, chatsession_admin_expire,
    chatsession_admin_restore, chatsession_admin_tag;
extern const cs_json_member_t chatsession_expire_members[5], chatsession_restore_members[1], chatsession_tag_members[3];

/** The ids of a body as the filter takes them; false when one is no UUID. */
bool chatsession_admin_read_ids(const char **ids, const json_t *array, apr_pool_t *pool);
/** The filter of a body, by the names of the list's query string; false and a sentence when it is none. */
bool chatsession_admin_read_filter(cs_console_filter_t *filter, const json_t *body, const char **problem,
                                   apr_pool_t *pool);

/** What a call is about, whose first two members are "ids" and "filter": one of the two. False: an error was answered,
 * return *answer. */
bool chatsession_admin_read_target(cs_console_filter_t *filter, chatsession_call_t *call, int *answer);

/* api_feedback.c */
chatsession_handler_fn chatsession_admin_feedback;

/* api_matters.c */
chatsession_handler_fn chatsession_admin_matters, chatsession_admin_matter, chatsession_admin_matter_create,
    chatsession_admin_matter_hold, chatsession_admin_matter_release;
extern const cs_json_member_t chatsession_matter_members[5], chatsession_hold_members[3],
    chatsession_release_members[1];

/* api_metrics.c */
chatsession_handler_fn chatsession_admin_metrics;
/** Whether the metrics are asked for by somebody who may have them without a login. */
bool chatsession_admin_is_scraper(const request_rec *r, const chatsession_server_t *conf,
                                  const chatsession_address_t *address);
/** Answer that. */
int chatsession_admin_scrape(request_rec *r, chatsession_server_t *conf, const chatsession_address_t *address);

/* api_jobs.c */
chatsession_handler_fn chatsession_admin_jobs, chatsession_admin_job, chatsession_admin_job_cancel;
/** 202 with the job, whose reference is taken. */
int chatsession_admin_reply_job(chatsession_call_t *call, json_t *job);

/* api_retention.c */
/** When the rules are run next, after the last run began (NULL: never did). */
const char *chatsession_admin_next_retention(const chatsession_call_t *call, const char *last);
chatsession_handler_fn chatsession_admin_retention, chatsession_admin_retention_change, chatsession_admin_retention_run,
    chatsession_admin_retention_explain;
extern const cs_json_member_t chatsession_retention_members[4];

/* api_audit.c */
chatsession_handler_fn chatsession_admin_audit, chatsession_admin_audit_verify, chatsession_admin_audit_export;

/* api_export.c: the file; api_exports.c: what is known of exports */
chatsession_handler_fn chatsession_admin_export, chatsession_admin_exports, chatsession_admin_export_create,
    chatsession_admin_export_show, chatsession_admin_export_link, chatsession_admin_export_cancel,
    chatsession_admin_export_manifest, chatsession_admin_export_file;
extern const cs_json_member_t chatsession_export_members[4], chatsession_export_link_members[2];

/* api_import.c */
chatsession_handler_fn chatsession_admin_import;
extern const cs_json_member_t chatsession_import_lines_members[5];

/* api_people.c */
chatsession_handler_fn chatsession_admin_overview, chatsession_admin_sessions, chatsession_admin_revoke;
extern const cs_json_member_t chatsession_revoke_members[1];

/** Say of each session whether it is the one that asks; sessions may be NULL. */
void chatsession_admin_mark_current(json_t *sessions, const chatsession_call_t *call);

/* api_users.c */
chatsession_handler_fn chatsession_admin_users, chatsession_admin_user, chatsession_admin_user_create,
    chatsession_admin_user_change, chatsession_admin_user_invite, chatsession_admin_user_password,
    chatsession_admin_user_reset_factor, chatsession_admin_user_revoke;
extern const cs_json_member_t chatsession_user_create_members[3], chatsession_user_change_members[5];

/* api_views.c */
chatsession_handler_fn chatsession_admin_views, chatsession_admin_view_save, chatsession_admin_view_delete;
extern const cs_json_member_t chatsession_view_members[3];

/* api_settings.c */
chatsession_handler_fn chatsession_admin_settings;

/* api_erasures.c */
chatsession_handler_fn chatsession_admin_user_erase, chatsession_admin_user_archive, chatsession_admin_erasures,
    chatsession_admin_erasure;
extern const cs_json_member_t chatsession_erase_members[5];

/** An entry for what this call does; detail is borrowed. */
cs_audit_entry_t chatsession_audit_entry(chatsession_call_t *call, const char *action, json_t *detail);

/** Was the password given lately enough for what exposes or destroys much? False: 403 reauthenticate was answered,
 * return *answer. Where another module authenticates (ChatSessionTrustUser), that is its business. */
bool chatsession_admin_is_fresh(chatsession_call_t *call, int *answer);

/** The filter of the query string; false when a parameter is wrong (then an error was answered: return *answer). */
bool chatsession_query_filter(cs_console_filter_t *filter, chatsession_call_t *call, int *answer);

/** The export has begun as a row, whose filter is judged: send it. */
int chatsession_admin_send_export(chatsession_call_t *call, const cs_export_t *known, bool plain);

/** A page {"<name>": rows, "next"} of a store's list that ended with rv, or its error; takes the reference to rows. */
int chatsession_admin_reply_page(chatsession_call_t *call, apr_status_t rv, const char *name, json_t *rows,
                                 const char *next);

/** The failure of a list or search; 503 search_too_slow when the database's time limit ended it. */
int chatsession_admin_reply_slow(chatsession_call_t *call, apr_status_t rv);

/** Whether the parts of a filter are what they must be; false: an error was answered, return *answer. */
bool chatsession_check_filter(const cs_console_filter_t *filter, chatsession_call_t *call, int *answer);

#endif
