/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * What PostgreSQL tells of itself and of the role that httpd has there.
 */
#include <apr_strings.h>
#include <string.h>
#include "ctl_check.h"
#include "store/schema.h"

#define SKEW_WARNS 2000   /* ms */
#define SKEW_BREAKS 30000 /* a one-time code is good for so long */

static void check_schema(ctl_look_t *look)
{
    const apr_int64_t wanted = json_integer_value(json_object_get(look->httpd, "schema_step"));
    const apr_int64_t step = ctl_fact_number(look, "schema_step");

    if (step != wanted) {
        ctl_find(look, CTL_PROBLEM,
                 apr_psprintf(look->pool,
                              "the database is at schema step %" APR_INT64_T_FMT
                              ", the module needs step %" APR_INT64_T_FMT,
                              step, wanted),
                 step < wanted
                     ? "chatsessionctl schema apply; httpd may run meanwhile."
                     : "Install the module that belongs to the database: an older one does not know what is there.");
    }
}

static void check_encoding(ctl_look_t *look)
{
    if (strcmp(ctl_fact_word(look, "server_encoding"), "UTF8") != 0) {
        ctl_find(look, CTL_PROBLEM,
                 apr_psprintf(look->pool, "the database has the encoding %s", ctl_fact_word(look, "server_encoding")),
                 "Make it anew: createdb -T template0 -E UTF8 chatsession.");
    }
}

static void check_durability(ctl_look_t *look)
{
    const char *commit = ctl_fact_word(look, "synchronous_commit");
    const json_t *unlogged = json_object_get(look->facts, "unlogged_tables");

    if (!strcmp(commit, "off")) {
        ctl_find(look, CTL_PROBLEM,
                 "synchronous_commit is off: what a browser was told is saved can be lost when PostgreSQL's host "
                 "crashes",
                 "synchronous_commit = on in postgresql.conf, or for the role chatsession alone; then reload.");
    }
    if (!ctl_fact(look, "fsync") || !ctl_fact(look, "full_page_writes")) {
        ctl_find(look, CTL_PROBLEM,
                 "fsync or full_page_writes is off: a crash of PostgreSQL's host can destroy the whole database",
                 "fsync = on and full_page_writes = on in postgresql.conf; then reload.");
    }
    if (json_array_size(unlogged)) {
        ctl_find(look, CTL_PROBLEM,
                 apr_psprintf(look->pool, "the table %s is not logged: a crash empties it",
                              json_string_value(json_array_get(unlogged, 0))),
                 "Make each of them logged again; nothing of this software unlogs one.");
    }
    if (!ctl_fact(look, "autovacuum")) {
        ctl_find(look, CTL_WARNING,
                 "autovacuum is off: tables grow with every checkpoint of an answer and are never swept",
                 "autovacuum = on in postgresql.conf; then reload.");
    }
}

static void check_connections(ctl_look_t *look)
{
    const json_t *mpm = json_object_get(look->httpd, "mpm");
    const apr_int64_t pool = ctl_setting_number(look, "ChatSessionDatabaseConnections");
    const apr_int64_t wanted = json_integer_value(json_object_get(mpm, "children")) * pool + 1;
    const apr_int64_t most = json_integer_value(json_object_get(mpm, "server_limit")) * pool + 1;
    const apr_int64_t there = ctl_fact_number(look, "max_connections") - ctl_fact_number(look, "reserved_connections");

    if (wanted > there) {
        ctl_find(look, CTL_WARNING,
                 apr_psprintf(look->pool,
                              "this host may open %" APR_INT64_T_FMT
                              " connections (children times ChatSessionDatabaseConnections, and one that listens), "
                              "PostgreSQL takes %" APR_INT64_T_FMT ": under load some requests will hear 503",
                              wanted, there),
                 "Raise max_connections (all hosts together, with room for others), or lower "
                 "ChatSessionDatabaseConnections: few serve many, as none is held while a model thinks.");
    } else if (most > there) {
        ctl_find(look, CTL_ADVICE,
                 apr_psprintf(look->pool,
                              "after graceful restarts, while old children finish their answers, this host may open "
                              "%" APR_INT64_T_FMT
                              " connections (ServerLimit times ChatSessionDatabaseConnections), PostgreSQL "
                              "takes %" APR_INT64_T_FMT,
                              most, there),
                 "Raise max_connections, or lower ServerLimit or ChatSessionDatabaseConnections.");
    }
}

static void check_clock(ctl_look_t *look)
{
    const apr_int64_t skew = ctl_fact_number(look, "now_ms") - ctl_fact_number(look, "asked_ms");
    const apr_int64_t apart = skew < 0 ? -skew : skew;

    if (apart > SKEW_WARNS + ctl_fact_number(look, "round_trip_ms")) {
        ctl_find(look, apart > SKEW_BREAKS ? CTL_PROBLEM : CTL_WARNING,
                 apr_psprintf(look->pool,
                              "the clocks of this host and of PostgreSQL's are %" APR_INT64_T_FMT ".%" APR_INT64_T_FMT
                              " s apart",
                              apart / 1000, apart % 1000 / 100),
                 "Run NTP on both: one-time codes and the times of sessions go by these clocks.");
    }
}

static void check_backups(ctl_look_t *look)
{
    if (!strcmp(ctl_fact_word(look, "archive_mode"), "off") && !ctl_fact_number(look, "replicas")) {
        ctl_find(look, CTL_ADVICE,
                 "PostgreSQL archives no log and has no replica: a lost disk costs all since the last dump, if there "
                 "is one",
                 "At least a nightly pg_dump -Fc to another host, and try a restore; docs/operations.md, Backup.");
    }
}

static void check_role(ctl_look_t *look)
{
    const char *role = ctl_fact_word(look, "role");

    if (ctl_fact(look, "role_is_superuser") || ctl_fact(look, "role_is_owner") ||
        ctl_fact(look, "role_may_administer") || ctl_fact(look, "role_may_rewrite_audit")) {
        ctl_find(look, CTL_PROBLEM,
                 apr_psprintf(look->pool,
                              "httpd logs in to PostgreSQL as \"%s\", which may do more than it needs: whoever breaks "
                              "into "
                              "httpd could rewrite the audit log",
                              role),
                 "user=chatsession in ChatSessionDatabase: that role may add to the audit log and nothing else.");
    }
}

static void check_people(ctl_look_t *look)
{
    if (ctl_fact(look, "has_schema") && !ctl_fact_number(look, "admins")) {
        ctl_find(look, CTL_WARNING, "there is no administrator: nobody can look after users, rules and settings",
                 "chatsessionctl user add NAME --role admin --random-password.");
    }
}

static void check_sweep(ctl_look_t *look)
{
    if (ctl_fact_number(look, "stale_turns")) {
        ctl_find(look, CTL_WARNING,
                 apr_psprintf(look->pool,
                              "%" APR_INT64_T_FMT
                              " answers have not been written to for ten minutes, and nobody has ended them: "
                              "the housekeeping does not run",
                              ctl_fact_number(look, "stale_turns")),
                 "Look for CS0080 in httpd's error log; chatsessionctl sweep does one pass.");
    }
}

const ctl_check_t ctl_database_checks[] = {
    {"schema", check_schema, true},
    {"encoding", check_encoding, true},
    {"durability", check_durability, true},
    {"connections", check_connections, true},
    {"clock", check_clock, true},
    {"backups", check_backups, true},
    {"role", check_role, true},
    {"people", check_people, true},
    {"sweep", check_sweep, true},
    {NULL, NULL, false},
};
