/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/overview.h"

/* Conversations. Counting so many takes some 50 ms; of more, the sweep's count of the hour is shown. */
#define COUNTED_UP_TO "200000"

/* clang-format off */
apr_status_t cs_overview(json_t **overview, cs_db_t *db, apr_pool_t *pool)
{
    static const char sql[] =
        "SELECT json_build_object('active', t.active, 'trashed', t.trashed) AS conversations, t.messages,"
        " chatsession.rfc3339(t.counted_at) AS counted_at, (SELECT count(*) FROM chatsession.users) AS users,"
        " (SELECT count(*) FROM chatsession.sessions WHERE revoked_at IS NULL) AS sessions,"
        " (SELECT count(*) FROM chatsession.live_turns WHERE state = 'streaming') AS running,"
        " (SELECT count(*) FROM chatsession.live_turns WHERE state = 'queued') AS waiting,"
        " (SELECT coalesce(json_agg(json_build_object('host', h.host, 'running', h.running, 'waiting', h.waiting) ORDER BY h.host), '[]')"
        "   FROM (SELECT l.host, count(*) FILTER (WHERE l.state = 'streaming') AS running, count(*) FILTER (WHERE l.state = 'queued') AS waiting"
        "     FROM chatsession.live_turns l GROUP BY l.host) h) AS hosts,"
        " (SELECT count(*) FROM chatsession.matters WHERE released_at IS NULL) AS open_matters,"
        " (SELECT count(*) FROM chatsession.jobs WHERE state = 'running') AS running_jobs,"
        " (SELECT max(created_at) FROM chatsession.jobs WHERE kind = 'retention') AS last_retention_at,"
        " (SELECT count(*) FROM chatsession.messages WHERE role = 'assistant' AND created_at > now() - interval '1 hour')"
        "   AS turns_last_hour,"
        " (SELECT coalesce(sum(t.tokens), 0)::bigint FROM chatsession.user_tokens t WHERE t.day = chatsession.utc_day()) AS tokens_today,"
        /* 24 hours, the present one last. The empty ones are in it too: a line has no gaps. */
        " (SELECT json_agg(json_build_object('at', chatsession.rfc3339(g.hour), 'turns', coalesce(m.turns, 0), 'failed', coalesce(m.failed, 0),"
        "     'tokens', coalesce(m.tokens, 0)) ORDER BY g.hour)"
        "   FROM generate_series(date_trunc('hour', now()) - interval '23 hours', now(), interval '1 hour') AS g(hour)"
        "   LEFT JOIN (SELECT date_trunc('hour', a.created_at) AS hour, count(*) AS turns,"
        "       count(*) FILTER (WHERE a.status IN ('error', 'interrupted')) AS failed,"
        "       coalesce(sum(CASE WHEN a.usage ? 'total_tokens' THEN chatsession.tokens_of(a.usage, '') END), 0)::bigint AS tokens"
        "     FROM chatsession.messages a WHERE a.role = 'assistant' AND a.created_at >= date_trunc('hour', now()) - interval '23 hours'"
        "     GROUP BY 1) m ON m.hour = g.hour) AS hours,"
        /* A sample a day for a month: the last of each. */
        " (SELECT coalesce(json_agg(json_build_object('at', chatsession.rfc3339(s.at), 'bytes', s.database_bytes, 'messages', s.messages)"
        "     ORDER BY s.at), '[]')"
        "   FROM (SELECT DISTINCT ON (date_trunc('day', x.at)) x.* FROM chatsession.storage_samples x"
        "     WHERE x.at > now() - interval '31 days' ORDER BY date_trunc('day', x.at), x.at DESC) s) AS growth,"
        " pg_database_size(current_database()) AS database_bytes,"
        " (SELECT min(c.purge_at) FROM chatsession.conversations c WHERE c.purge_at IS NOT NULL) AS oldest_purge_at"
        " FROM chatsession.totals($1::bigint) t";
    const cs_db_param_t params[] = {CS_DB_TEXT(COUNTED_UP_TO)};
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 1, params, pool);

    *overview = rv == APR_SUCCESS ? cs_db_row_json(result, 0) : NULL;
    return rv;
}
/* clang-format on */

apr_status_t cs_storage_sample(cs_db_t *db, apr_pool_t *pool)
{
    cs_db_result_t *result;

    return cs_db_run(&result, db, CS_DB_REPEATABLE, "SELECT chatsession.storage_sample()", 0, NULL, pool);
}

apr_status_t cs_database_versions(json_t **versions, cs_db_t *db, apr_pool_t *pool)
{
    static const char sql[] = "SELECT current_setting('server_version') AS postgresql";
    cs_db_result_t *result;
    apr_status_t rv = cs_db_run(&result, db, CS_DB_REPEATABLE, sql, 0, NULL, pool);

    *versions = rv == APR_SUCCESS ? cs_db_row_json(result, 0) : NULL;
    return rv;
}
