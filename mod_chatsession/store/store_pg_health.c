/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/health.h"
#include <apr_time.h>

/* Of the server and of the role that asks; needs none of our tables. */
static const char server_sql[] =
    "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms,"
    " current_setting('server_version') AS server_version,"
    " current_setting('server_encoding') AS server_encoding,"
    " current_setting('max_connections')::int AS max_connections,"
    " current_setting('superuser_reserved_connections')::int AS reserved_connections,"
    " current_setting('synchronous_commit') AS synchronous_commit,"
    " current_setting('fsync')::bool AS fsync,"
    " current_setting('full_page_writes')::bool AS full_page_writes,"
    " current_setting('autovacuum')::bool AS autovacuum,"
    " current_setting('archive_mode') AS archive_mode,"
    " (SELECT setting::bigint FROM pg_settings WHERE name = 'statement_timeout') AS statement_timeout,"
    " (SELECT count(*) FROM pg_stat_replication)::int AS replicas,"
    " r.rolsuper AS role_is_superuser, r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls AS "
    "role_may_administer,"
    " r.rolname AS role,"
    " coalesce((SELECT pg_has_role(r.oid, o.oid, 'MEMBER') FROM pg_roles o WHERE o.rolname = 'chatsession_owner'), "
    "false)"
    " AS role_is_owner,"
    " to_regclass('chatsession.schema_steps') IS NOT NULL AS has_schema"
    " FROM pg_roles r WHERE r.rolname = current_user";

static const char tables_sql[] =
    "SELECT (SELECT coalesce(max(number), 0) FROM chatsession.schema_steps) AS schema_step,"
    " has_table_privilege('chatsession.audit_entries', 'UPDATE') OR has_table_privilege('chatsession.audit_entries', "
    "'DELETE')"
    " AS role_may_rewrite_audit,"
    " (SELECT count(*)::int FROM chatsession.users WHERE role = 'admin' AND disabled_at IS NULL) AS admins,"
    " (SELECT count(*)::int FROM chatsession.live_turns WHERE heartbeat_at < now() - interval '10 minutes')"
    " AS stale_turns,"
    " (SELECT coalesce(json_agg(relname ORDER BY relname), '[]') FROM pg_class WHERE relnamespace = "
    "'chatsession'::regnamespace"
    " AND relkind = 'r' AND relpersistence <> 'p') AS unlogged_tables";

apr_status_t cs_health_facts(json_t **facts, cs_db_t *db, apr_pool_t *pool)
{
    cs_db_result_t *result;
    apr_time_t began, answered;
    apr_status_t rv;

    *facts = NULL;
    /* The first statement opens the connection, which would count as a slow clock. */
    rv = cs_db_run(&result, db, CS_DB_REPEATABLE, "SELECT 1", 0, NULL, pool);
    began = apr_time_now();
    if (rv == APR_SUCCESS) {
        rv = cs_db_run(&result, db, CS_DB_REPEATABLE, server_sql, 0, NULL, pool);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    *facts = cs_db_row_json(result, 0);
    answered = apr_time_now();
    json_object_set_new(*facts, "asked_ms", json_integer(apr_time_as_msec(began + (answered - began) / 2)));
    json_object_set_new(*facts, "round_trip_ms", json_integer(apr_time_as_msec(answered - began)));
    if (json_is_true(json_object_get(*facts, "has_schema"))) {
        rv = cs_db_run(&result, db, CS_DB_REPEATABLE, tables_sql, 0, NULL, pool);
        if (rv == APR_SUCCESS) {
            json_t *tables = cs_db_row_json(result, 0);

            json_object_update(*facts, tables);
            json_decref(tables);
        }
    }
    if (rv != APR_SUCCESS) {
        json_decref(*facts);
        *facts = NULL;
    }
    return rv;
}
