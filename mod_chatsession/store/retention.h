/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_RETENTION_H
#define CS_STORE_RETENTION_H
/*
 * The rules of how long conversations are kept, and what they say of one. Which rule counts is written once, in the
 * schema (009_holds_and_retention.sql): for a tag, a user, a model, a role, for everyone, in this order. store/job.h
 * runs them.
 */
#include "store/audit.h"

typedef struct {
    const char *subject;   /* tag, user, model, role, everyone */
    const char *value;     /* the tag, the user's name, the model, the role; NULL for everyone */
    const char *clock;     /* age, idle */
    const char *keep_days; /* a number; NULL: for ever */
    bool pinned_too;
} cs_retention_rule_t;

#define CS_RETENTION_MAX_DAYS 36500

/** A sentence on what is wrong with a rule, whose keep_days the caller has bounded; NULL: nothing. */
const char *cs_retention_rule_problem(const cs_retention_rule_t *rule);

/** Another set of rules than now. */
typedef struct {
    const cs_retention_rule_t *rule; /* a new one; NULL: none */
    const char *replaces;            /* the id of the one that it stands for, or that is taken away; NULL: none */
} cs_retention_change_t;

/** What a run would do by a set of rules. */
typedef struct {
    apr_int64_t conversations, messages, held;
    const char *oldest_at; /* NULL: none */
} cs_retention_count_t;

/** All rules, the most specific first; new reference. */
apr_status_t cs_retention_list(json_t **rules, cs_db_t *db, apr_pool_t *pool) CS_MUSTCHECK;

/** What a run would do now after a change. CS_EREFUSED: nobody is called as the rule says. */
apr_status_t cs_retention_preview(cs_retention_count_t *count, cs_db_t *db, const cs_retention_change_t *wanted,
                                  apr_pool_t *pool) CS_MUSTCHECK;

/** Make the change, if a run after it would do as many conversations as confirm says, and *rules is what
 * cs_retention_list gives then; else *rules is NULL and *count the right one. CS_EREFUSED as above; APR_ENOENT: there
 * is no such rule to replace; CS_ECONFLICT: there is a rule for this already. */
apr_status_t cs_retention_change(json_t **rules, cs_retention_count_t *count, cs_db_t *db,
                                 const cs_retention_change_t *wanted, apr_int64_t confirm,
                                 const cs_audit_entry_t *entry, apr_pool_t *pool) CS_MUSTCHECK;

/** Why a conversation is kept, and when it goes: {"verdict","due_at","holds","rule","rules",…}; new reference. */
apr_status_t cs_retention_explain(json_t **answer, cs_db_t *db, const char *id, apr_pool_t *pool) CS_MUSTCHECK;

#endif
