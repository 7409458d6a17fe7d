/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * The rules of how long conversations are kept. A rule is changed only with the count of what a run would take out of
 * sight at once by it, as in the console. A run from here works beside the sweep of httpd; a job's row keeps the two
 * apart.
 */
#include "store/retention.h"
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>
#include "core/json.h"
#include "ctl_filter.h"
#include "ctl_print.h"

/* "90 days of idle, pinned too", in place of numbers. */
static void add_words(json_t *rule, apr_pool_t *pool)
{
    const json_t *days = json_object_get(rule, "keep_days");
    const char *clock = json_string_value(json_object_get(rule, "clock"));

    json_object_set_new(rule, "kept",
                        json_is_null(days) ? json_string("for ever")
                                           : json_string(apr_psprintf(pool, "%" APR_INT64_T_FMT " days of %s%s",
                                                                      (apr_int64_t)json_integer_value(days), clock,
                                                                      json_is_true(json_object_get(rule, "pinned_too"))
                                                                          ? ", pinned too"
                                                                          : "")));
}

static void print_rules(json_t *rules, apr_pool_t *pool)
{
    static const ctl_column_t columns[] = {{"ID", "id"},
                                           {"FOR", "subject"},
                                           {"WHICH", "value"},
                                           {"KEPT", "kept"},
                                           {NULL, NULL}};
    size_t i;
    json_t *rule;

    json_array_foreach(rules, i, rule)
    {
        add_words(rule, pool);
    }
    ctl_print_table(rules, columns, pool);
}

/* Takes the reference. */
static int show_rules(const ctl_t *ctl, json_t *rules, apr_pool_t *pool)
{
    if (ctl->json) {
        return ctl_print_json(json_pack("{s:o}", "rules", rules));
    }
    printf("The most specific rule for a conversation counts; of two for tags, the longer one.\n");
    print_rules(rules, pool);
    json_decref(rules);
    return CTL_DONE;
}

int ctl_retention_list(ctl_t *ctl, apr_pool_t *pool)
{
    json_t *rules;
    const apr_status_t rv = cs_retention_list(&rules, ctl->db, pool);

    return rv == APR_SUCCESS ? show_rules(ctl, rules, pool)
                             : ctl_fail_status(ctl, rv, "the retention rules could not be read");
}

/* --- changing the rules --- */

static json_t *count_json(const cs_retention_count_t *count)
{
    return json_pack("{s:I,s:I,s:I,s:s?}", "conversations", (json_int_t)count->conversations, "messages",
                     (json_int_t)count->messages, "held", (json_int_t)count->held, "oldest_at", count->oldest_at);
}

static int change_failed(const ctl_t *ctl, apr_status_t rv)
{
    if (rv == CS_EREFUSED) {
        return ctl_refuse(CTL_ABSENT, "there is no user of that name");
    }
    if (rv == CS_ECONFLICT) {
        return ctl_fail("there is a rule for this already: change that one");
    }
    if (rv == APR_ENOENT) {
        return ctl_refuse(CTL_ABSENT, "there is no such rule; retention list shows them");
    }
    return ctl_fail_status(ctl, rv, "the rules could not be changed");
}

/* What a run would take with the change, and what it would take now. */
static int preview(const ctl_t *ctl, const cs_retention_change_t *change, apr_pool_t *pool)
{
    static const cs_retention_change_t none;
    cs_retention_count_t with, now;
    apr_status_t rv = cs_retention_preview(&with, ctl->db, change, pool);

    rv = rv == APR_SUCCESS ? cs_retention_preview(&now, ctl->db, &none, pool) : rv;
    if (rv != APR_SUCCESS) {
        return change_failed(ctl, rv);
    }
    fprintf(stderr, "chatsessionctl: the rules are as they were; to change them: --confirm %" APR_INT64_T_FMT "\n",
            with.conversations);
    if (ctl->json) {
        json_t *body = count_json(&with);

        json_object_set_new(body, "now", count_json(&now));
        return ctl_print_json(body);
    }
    printf("a run would expire %s, %s; %" APR_INT64_T_FMT " more are on hold; without the change: %s\n",
           ctl_count(with.conversations, "conversation", pool), ctl_count(with.messages, "message", pool), with.held,
           ctl_count(now.conversations, "conversation", pool));
    return CTL_DONE;
}

static int change_rules(ctl_t *ctl, const cs_retention_change_t *change, apr_pool_t *pool)
{
    cs_retention_count_t count;
    cs_audit_entry_t entry;
    apr_int64_t confirmed;
    json_t *rules;
    apr_status_t rv;
    int code = ctl_read_confirm(&confirmed, ctl);

    if (code != CTL_DONE || confirmed < 0) {
        return code == CTL_DONE ? preview(ctl, change, pool) : code;
    }
    code = ctl_make_entry(&entry, ctl, "retention.change", NULL, pool);
    if (code != CTL_DONE) {
        return code;
    }
    rv = cs_retention_change(&rules, &count, ctl->db, change, confirmed, &entry, pool);
    if (rv != APR_SUCCESS) {
        return change_failed(ctl, rv);
    }
    return rules ? show_rules(ctl, rules, pool)
                 : ctl_refuse(CTL_CHANGED,
                              "a run would expire %" APR_INT64_T_FMT " conversations by these rules, not as many as "
                              "--confirm says; the rules are as they were",
                              count.conversations);
}

/* "tag", "important": subject and value; everyone has no value. */
static int read_rule(cs_retention_rule_t *rule, const ctl_t *ctl, char *const *words, int count)
{
    const char *keep = ctl->rule.keep;
    const char *problem;

    *rule = (cs_retention_rule_t){.subject = words[0],
                                  .value = count > 1 ? words[1] : NULL,
                                  .clock = ctl->rule.clock ? ctl->rule.clock : "idle",
                                  .keep_days = strcmp(keep, "forever") != 0 ? keep : NULL,
                                  .pinned_too = ctl->rule.pinned_too};
    if (rule->keep_days && (!*keep || strlen(keep) > 5 || strspn(keep, "0123456789") != strlen(keep) ||
                            apr_atoi64(keep) < 1 || apr_atoi64(keep) > CS_RETENTION_MAX_DAYS)) {
        return ctl_refuse(CTL_USAGE, "--keep is neither \"forever\" nor a number of days from 1 to 36500");
    }
    problem = cs_retention_rule_problem(rule);
    return problem ? ctl_refuse(CTL_USAGE, "%s", problem) : CTL_DONE;
}

int ctl_retention_add(ctl_t *ctl, apr_pool_t *pool)
{
    cs_retention_rule_t rule;
    int code;

    if (ctl->operand_count < 1 || ctl->operand_count > 2) {
        return ctl_refuse(CTL_USAGE, "expected: retention add SUBJECT [VALUE] --keep DAYS");
    }
    code = read_rule(&rule, ctl, ctl->operands, ctl->operand_count);
    return code == CTL_DONE ? change_rules(ctl, &(cs_retention_change_t){.rule = &rule}, pool) : code;
}

int ctl_retention_change(ctl_t *ctl, apr_pool_t *pool)
{
    cs_retention_rule_t rule;
    int code;

    if (ctl->operand_count < 2 || ctl->operand_count > 3 || !cs_uuid_is(ctl->operands[0])) {
        return ctl_refuse(CTL_USAGE, "expected: retention change ID SUBJECT [VALUE] --keep DAYS");
    }
    code = read_rule(&rule, ctl, ctl->operands + 1, ctl->operand_count - 1);
    return code == CTL_DONE
               ? change_rules(ctl, &(cs_retention_change_t){.rule = &rule, .replaces = ctl->operands[0]}, pool)
               : code;
}

int ctl_retention_remove(ctl_t *ctl, apr_pool_t *pool)
{
    return change_rules(ctl, &(cs_retention_change_t){.replaces = ctl->id}, pool);
}

/* --- what they say, and what they do --- */

int ctl_retention_explain(ctl_t *ctl, apr_pool_t *pool)
{
    static const ctl_column_t facts[] = {{"verdict", "verdict"},
                                         {"due at", "due_at"},
                                         {"in the trash since", "trashed_at"},
                                         {"by", "trashed_by"},
                                         {"purge at", "purge_at"},
                                         {"pinned", "pinned"},
                                         {"tags", "tags"},
                                         {NULL, NULL}};
    static const ctl_column_t holds[] = {{"MATTER", "id"}, {"NAME", "name"}, {NULL, NULL}};
    json_t *answer;
    apr_status_t rv = cs_retention_explain(&answer, ctl->db, ctl->id, pool);

    if (rv != APR_SUCCESS) {
        return rv == APR_ENOENT ? ctl_no_such_conversation()
                                : ctl_fail_status(ctl, rv, "the rules could not be looked at");
    }
    if (ctl->json) {
        return ctl_print_json(answer);
    }
    ctl_print_facts(answer, facts, pool);
    if (json_array_size(json_object_get(answer, "holds"))) {
        putchar('\n');
        ctl_print_table(json_object_get(answer, "holds"), holds, pool);
    }
    if (json_array_size(json_object_get(answer, "rules"))) {
        printf("\nThe rules for it, the one that counts first:\n");
        print_rules(json_object_get(answer, "rules"), pool);
    }
    json_decref(answer);
    return CTL_DONE;
}

/* The entry of a run that somebody asked for; what a timer runs has no key and is recorded in the jobs alone, as
 * httpd's own runs are. */
static int run_entry(const cs_audit_entry_t **entry, const ctl_t *ctl, apr_pool_t *pool)
{
    cs_audit_entry_t *made = apr_palloc(pool, sizeof(*made));

    *entry = NULL;
    if (!ctl->key_files) {
        return CTL_DONE;
    }
    *entry = made;
    return ctl_make_entry(made, ctl, "retention.run", NULL, pool);
}

static int preview_run(const ctl_t *ctl, apr_pool_t *pool)
{
    static const cs_retention_change_t none;
    cs_retention_count_t count;
    const apr_status_t rv = cs_retention_preview(&count, ctl->db, &none, pool);

    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv, "what a run would expire could not be counted");
    }
    if (ctl->json) {
        return ctl_print_json(count_json(&count));
    }
    printf("a run would expire %s, %s; %" APR_INT64_T_FMT " more are on hold\n",
           ctl_count(count.conversations, "conversation", pool), ctl_count(count.messages, "message", pool),
           count.held);
    return CTL_DONE;
}

static int print_run(const ctl_t *ctl, const cs_job_step_t *step)
{
    if (ctl->json) {
        return ctl_print_json(json_pack("{s:s,s:I,s:I,s:I}", "job", step->id, "conversations",
                                        (json_int_t)step->expired, "messages", (json_int_t)step->messages, "held",
                                        (json_int_t)step->held));
    }
    printf("%" APR_INT64_T_FMT " conversations (%" APR_INT64_T_FMT " messages) expired; %" APR_INT64_T_FMT
           " left alone because they are on hold\n",
           step->expired, step->messages, step->held);
    return CTL_DONE;
}

int ctl_retention_run(ctl_t *ctl, apr_pool_t *pool)
{
    const cs_audit_entry_t *entry;
    cs_job_step_t step = {0};
    const char *id;
    apr_status_t rv;
    int code;

    if (ctl->dry_run) {
        return preview_run(ctl, pool);
    }
    code = run_entry(&entry, ctl, pool);
    if (code != CTL_DONE) {
        return code;
    }
    rv = cs_job_retention(&id, NULL, ctl->db, CTL_OPERATOR, ctl->grace, 0, entry, pool);
    if (rv == APR_SUCCESS && !id) {
        /* What a timer meets most of the time is no failure. */
        return ctl->json ? ctl_print_json(json_pack("{s:n}", "job"))
                         : (puts("nothing was run: a run is under way, or no rule ends anything"), CTL_DONE);
    }
    rv = rv == APR_SUCCESS ? ctl_run_job(&step, ctl->db, id, pool) : rv;
    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv, "the retention rules could not be run to their end");
    }
    return print_run(ctl, &step);
}
