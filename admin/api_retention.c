/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * The rules of how long conversations are kept. A rule is saved only with the count of what a run would take out of
 * sight at once by it, so nobody shortens a time without having seen what goes.
 */
#include "admin/admin.h"
#include <apr_strings.h>
#include "core/rfc3339.h"
#include "reply.h"
#include "store/job.h"
#include "store/retention.h"

const cs_json_member_t chatsession_retention_members[4] = {
    {"rule", CS_JSON_OBJECT, CS_JSON_REQUIRED | CS_JSON_NULLABLE, 0, 0},
    {"replaces", CS_JSON_UUID, CS_JSON_NULLABLE, 0, 0},
    {"dry_run", CS_JSON_BOOLEAN, CS_JSON_REQUIRED, 0, 0},
    {"confirm", CS_JSON_OBJECT, 0, 0, 0},
};

static json_t *time_json(const char *text)
{
    return text ? json_string(text) : json_null();
}

/* When the sweep runs the rules next: an interval after it last did, or with its next round. */
const char *chatsession_admin_next_retention(const chatsession_call_t *call, const char *last)
{
    apr_time_t time = apr_time_now();

    if (last && cs_rfc3339_parse(&time, last) == APR_SUCCESS) {
        time += chatsession_number(call->conf, CHATSESSION_RETENTION_INTERVAL);
    }
    return cs_rfc3339_print(time > apr_time_now() ? time : apr_time_now(), call->r->pool);
}

/* The run that began last, of the request's pool; NULL: there was none. */
static apr_status_t last_run(json_t **run, const chatsession_call_t *call)
{
    json_t *jobs = NULL;
    const char *next;
    const apr_status_t rv = cs_job_list(&jobs, &next, call->conf->db, "retention", NULL, 1, call->r->pool);

    *run = rv == APR_SUCCESS ? json_array_get(cs_json_own(jobs, call->r->pool), 0) : NULL;
    return rv;
}

/* Takes the reference to rules. */
static int reply_rules(chatsession_call_t *call, json_t *rules, json_t *run)
{
    const char *last = json_string_value(json_object_get(run, "created_at"));

    return chatsession_reply_json(call->r, HTTP_OK,
                                  json_pack("{s:o,s:O?,s:o}", "rules", rules, "last_run", run, "next_run_at",
                                            json_array_size(rules)
                                                ? time_json(chatsession_admin_next_retention(call, last))
                                                : json_null()));
}

int chatsession_admin_retention(chatsession_call_t *call)
{
    json_t *rules = NULL;
    json_t *run;
    apr_status_t rv = last_run(&run, call);

    if (rv == APR_SUCCESS) {
        rv = cs_retention_list(&rules, call->conf->db, call->r->pool);
    }
    return rv == APR_SUCCESS ? reply_rules(call, rules, run) : chatsession_reply_status(call->r, rv);
}

/* The rule of a body; NULL when it is one, else what is wrong with it. */
static const char *read_rule(cs_retention_rule_t *rule, const json_t *body, apr_pool_t *pool)
{
    static const cs_json_member_t members[] = {{"subject", CS_JSON_STRING, CS_JSON_REQUIRED, 1, 16},
                                               {"value", CS_JSON_STRING, CS_JSON_NULLABLE, 1, 200},
                                               {"clock", CS_JSON_STRING, CS_JSON_REQUIRED, 1, 16},
                                               {"keep_days", CS_JSON_INTEGER, CS_JSON_REQUIRED | CS_JSON_NULLABLE, 1,
                                                CS_RETENTION_MAX_DAYS},
                                               {"pinned_too", CS_JSON_BOOLEAN, 0, 0, 0}};
    cs_json_field_t fields[5];
    const char *problem;

    if (cs_json_read(fields, members, 5, body, &problem, pool) != APR_SUCCESS) {
        return problem;
    }
    *rule = (cs_retention_rule_t){.subject = fields[0].string,
                                  .value = fields[1].given && !fields[1].null ? fields[1].string : NULL,
                                  .clock = fields[2].string,
                                  .keep_days = fields[3].null ? NULL
                                                              : apr_psprintf(pool, "%" APR_INT64_T_FMT,
                                                                             (apr_int64_t)fields[3].integer),
                                  .pinned_too = fields[4].boolean};
    return cs_retention_rule_problem(rule);
}

static json_t *count_json(const cs_retention_count_t *count)
{
    return json_pack("{s:I,s:I,s:I,s:s?}", "conversations", (json_int_t)count->conversations, "messages",
                     (json_int_t)count->messages, "held", (json_int_t)count->held, "oldest_at", count->oldest_at);
}

static int reply_failed(chatsession_call_t *call, apr_status_t rv)
{
    if (rv == CS_EREFUSED) {
        return chatsession_bad_request(call, "There is no user of that name.");
    }
    if (rv == CS_ECONFLICT) {
        return chatsession_reply_error(call->r, HTTP_CONFLICT, "rule_exists",
                                       "There is a rule for this already; change that one.");
    }
    return chatsession_reply_status(call->r, rv);
}

/* The counts with the change and as it is now, side by side. */
static int preview(chatsession_call_t *call, const cs_retention_change_t *change)
{
    static const cs_retention_change_t none;
    cs_retention_count_t with;
    cs_retention_count_t now;
    json_t *body;
    apr_status_t rv = cs_retention_preview(&with, call->conf->db, change, call->r->pool);

    if (rv == APR_SUCCESS) {
        rv = cs_retention_preview(&now, call->conf->db, &none, call->r->pool);
    }
    if (rv != APR_SUCCESS) {
        return reply_failed(call, rv);
    }
    body = count_json(&with);
    json_object_set_new(body, "now", count_json(&now));
    return chatsession_reply_json(call->r, HTTP_OK, body);
}

static int save(chatsession_call_t *call, const cs_retention_change_t *change, const json_t *confirmed)
{
    const cs_audit_entry_t entry = chatsession_audit_entry(call, "retention.change", NULL);
    cs_retention_count_t count;
    json_t *rules = NULL;
    json_t *run;
    json_t *body;
    apr_status_t rv;

    if (!json_is_integer(confirmed)) {
        return chatsession_bad_request(call, "confirm.conversations is missing: repeat the count of the dry run.");
    }
    rv = last_run(&run, call); /* before the change: after it nothing may fail any more */
    if (rv == APR_SUCCESS) {
        rv = cs_retention_change(&rules, &count, call->conf->db, change, json_integer_value(confirmed), &entry,
                                 call->r->pool);
    }
    if (rv != APR_SUCCESS) {
        return reply_failed(call, rv);
    }
    if (rules) {
        return reply_rules(call, rules, run);
    }
    body = chatsession_error_json(call->r, "count_changed",
                                  "The number of conversations is no longer the one you confirmed; "
                                  "the rules are as they were.");
    json_object_update_new(body, count_json(&count));
    return chatsession_reply_json(call->r, HTTP_CONFLICT, body);
}

int chatsession_admin_retention_change(chatsession_call_t *call)
{
    cs_retention_rule_t rule = {0};
    const cs_retention_change_t change = {.rule = call->fields[0].null ? NULL : &rule,
                                          .replaces = call->fields[1].given && !call->fields[1].null
                                                          ? call->fields[1].string
                                                          : NULL};
    const char *problem = change.rule ? read_rule(&rule, call->fields[0].value, call->r->pool) : NULL;

    if (problem) {
        return chatsession_bad_request(call, problem);
    }
    if (!change.rule && !change.replaces) {
        return chatsession_bad_request(call, "Give a rule, or in replaces the id of the one to take away, or both.");
    }
    if (call->fields[2].boolean) {
        return preview(call, &change);
    }
    return save(call, &change, call->fields[3].given ? json_object_get(call->fields[3].value, "conversations") : NULL);
}

int chatsession_admin_retention_run(chatsession_call_t *call)
{
    const cs_audit_entry_t entry = chatsession_audit_entry(call, "retention.run", NULL);
    const char *id;
    json_t *job;
    const apr_status_t rv =
        cs_job_retention(&id, &job, call->conf->db, call->session->user,
                         chatsession_number(call->conf, CHATSESSION_TRASH_GRACE), 0, &entry, call->r->pool);

    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    return job ? chatsession_admin_reply_job(call, job)
               : chatsession_reply_error(call->r, HTTP_CONFLICT, "nothing_to_run",
                                         "A run is under way, or no rule ends anything.");
}

int chatsession_admin_retention_explain(chatsession_call_t *call)
{
    json_t *answer;
    const apr_status_t rv = cs_retention_explain(&answer, call->conf->db, call->ids[0], call->r->pool);

    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    /* The names of matters may say what is in a text; tags too. */
    if (call->session->access < CHATSESSION_AUDITOR) {
        json_object_set_new(answer, "holds",
                            json_integer((json_int_t)json_array_size(json_object_get(answer, "holds"))));
    }
    return chatsession_reply_json(call->r, HTTP_OK, answer);
}
