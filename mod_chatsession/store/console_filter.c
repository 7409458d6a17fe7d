/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/console_filter.h"
#include <apr_strings.h>
#include <stddef.h>
#include <string.h>
#include "core/json.h"
#include "core/rfc3339.h"
#include "core/utf8.h"
#include "store/search.h"

/* A word with more rows is looked for in the texts of the list's own order: the page is full after reading some 50
 * divided by the share of messages that have it, and the index would give more rows than that. Within one user's
 * conversations, or those of a selection, sooner still. Measured with tests/bench/console.py. */
#define COMMON_ROWS 25000
#define COMMON_ROWS_OF_FEW 2000

#define FIELD(name, member, bytes)                                                                                     \
    {                                                                                                                  \
        name, offsetof(cs_console_filter_t, member), bytes                                                             \
    }
const cs_console_field_t cs_console_fields[CS_CONSOLE_FIELDS] = {
    FIELD("user", user, 256),
    FIELD("from", from, 64),
    FIELD("to", to, 64),
    FIELD("q", query, 1000),
    FIELD("state", state, 16),
    FIELD("tag", tag, 200),
    FIELD("model", model, 800),
    FIELD("matter", matter, 36),
    FIELD("status", status, 16),
    FIELD("feedback", feedback, 16),
    FIELD("min_messages", min_messages, 9),
    FIELD("max_messages", max_messages, 9),
};
#undef FIELD

const char **cs_console_field(cs_console_filter_t *filter, int i)
{
    return (const char **)((char *)filter + cs_console_fields[i].offset);
}

const char *cs_console_field_value(const cs_console_filter_t *filter, int i)
{
    return *(const char *const *)((const char *)filter + cs_console_fields[i].offset);
}

json_t *cs_console_filter_json(const cs_console_filter_t *filter)
{
    json_t *json = json_object();

    for (int i = 0; i < CS_CONSOLE_FIELDS; i++) {
        const char *value = cs_console_field_value(filter, i);

        if (value) {
            json_object_set_new(json, cs_console_fields[i].name, json_string(value));
        }
    }
    if (filter->ids) {
        json_object_set_new(json, "ids", json_loads(filter->ids, 0, NULL));
    }
    return json;
}

json_t *cs_console_filter_detail(const cs_console_filter_t *filter)
{
    json_t *json = cs_console_filter_json(filter);

    json_object_del(json, "q");
    json_object_set_new(json, "text_search", json_boolean(filter->query != NULL));
    return json;
}

const char *cs_console_filter_problem(const cs_console_filter_t *filter, apr_pool_t *pool)
{
    const struct {
        const char *name, *text;
    } times[] = {{"from", filter->from}, {"to", filter->to}},
      counts[] = {{"min_messages", filter->min_messages}, {"max_messages", filter->max_messages}};

    if (filter->state && !cs_console_is_state(filter->state)) {
        return "state is none of active, pinned, archived, expiring, trashed, held, all.";
    }
    if (filter->matter && !cs_uuid_is(filter->matter)) {
        return "matter is no UUID.";
    }
    if (filter->status && strcmp(filter->status, "stopped") != 0 && strcmp(filter->status, "interrupted") != 0 &&
        strcmp(filter->status, "error") != 0 && strcmp(filter->status, "streaming") != 0) {
        return "status is none of stopped, interrupted, error, streaming.";
    }
    if (filter->feedback && !cs_console_is_feedback(filter->feedback)) {
        return "feedback is none of any, up, down, comment.";
    }
    for (int i = 0; i < 2; i++) {
        const char *count = counts[i].text;
        apr_time_t time;

        if (times[i].text && cs_rfc3339_parse(&time, times[i].text) != APR_SUCCESS) {
            return apr_psprintf(pool, "%s is no time such as 2026-11-23 or 2026-11-23T05:31:07Z.", times[i].name);
        }
        if (count && (!*count || strlen(count) > 9 || strspn(count, "0123456789") != strlen(count))) {
            return apr_psprintf(pool, "%s is no number from 0 to 999999999.", counts[i].name);
        }
    }
    return NULL;
}

#define TAG_LENGTH 50

bool cs_console_is_tag(const char *text)
{
    return *text && !strpbrk(text, ",\r\n\t") && cs_utf8_count(text, strlen(text)) <= TAG_LENGTH;
}

void cs_console_filter_from_json(cs_console_filter_t *filter, const json_t *json, apr_pool_t *pool)
{
    const json_t *ids = json_object_get(json, "ids");

    *filter = (cs_console_filter_t){0};
    for (int i = 0; i < CS_CONSOLE_FIELDS; i++) {
        const char *value = json_string_value(json_object_get(json, cs_console_fields[i].name));

        *cs_console_field(filter, i) = value ? apr_pstrdup(pool, value) : NULL;
    }
    filter->ids = ids ? cs_json_print(ids, NULL, pool) : NULL;
}

/* --- as SQL --- */

/* clang-format off */
/* OFFSET 0: asked row by row, never of all messages at once to be kept in a hash. */
static const char by_looking[] =
    " AND (" CS_SEARCH_READ("c.title", "$4") " OR EXISTS (SELECT FROM chatsession.messages h WHERE h.conversation_id = c.id AND h.content <> ''"
    "   AND " CS_SEARCH_READ("h.content", "$4") " OFFSET 0))";

static const struct {
    const char *state, *sql;
} states[] = {
    {"active", " AND c.trashed_at IS NULL"},
    {"pinned", " AND c.trashed_at IS NULL AND c.pinned"},
    {"archived", " AND c.trashed_at IS NULL AND c.archived"},
    /* The second is what the first implies (trash_is_whole) and what the index of the purge has. */
    {"trashed", " AND c.trashed_at IS NOT NULL AND c.purge_at IS NOT NULL"},
    {"held", " AND c.id IN (SELECT h.conversation_id FROM chatsession.held_conversations h"
             "   UNION SELECT k.id FROM chatsession.conversations k JOIN chatsession.held_users h ON h.user_id = k.user_id)"},
    {"expiring", " AND c.trashed_at IS NULL AND chatsession.retention_end_of(c) <= now() + interval '7 days'"},
    {"all", ""},
};

static const struct {
    const char *word, *sql;
} feedbacks[] = {
    {"any", "true"}, {"up", "f.rating = 1"}, {"down", "f.rating = -1"}, {"comment", "f.comment IS NOT NULL"},
};
/* clang-format on */

/* A parameter that a statement does not look at still needs a type. */
static const char *part(const char *value, const char *given, const char *absent)
{
    return value ? given : absent;
}

static const char *state_sql(const cs_console_filter_t *filter)
{
    const char *state = filter->state ? filter->state : filter->ids ? "all" : "active";

    for (apr_size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (!strcmp(states[i].state, state)) {
            return states[i].sql;
        }
    }
    return " AND false";
}

static const char *feedback_sql(const char *word, apr_pool_t *pool)
{
    const char *condition = "false";

    if (!word) {
        return "";
    }
    for (apr_size_t i = 0; i < sizeof(feedbacks) / sizeof(feedbacks[0]); i++) {
        if (!strcmp(feedbacks[i].word, word)) {
            condition = feedbacks[i].sql;
        }
    }
    return apr_pstrcat(pool, " AND c.id IN (SELECT f.conversation_id FROM chatsession.feedback f WHERE ", condition,
                       ")", NULL);
}

bool cs_console_is_state(const char *word)
{
    for (apr_size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (!strcmp(states[i].state, word)) {
            return true;
        }
    }
    return false;
}

bool cs_console_is_feedback(const char *word)
{
    for (apr_size_t i = 0; i < sizeof(feedbacks) / sizeof(feedbacks[0]); i++) {
        if (!strcmp(feedbacks[i].word, word)) {
            return true;
        }
    }
    return false;
}

static const char *words_sql(const cs_search_t *search, apr_pool_t *pool)
{
    return search && search->indexed ? apr_pstrcat(pool, " AND ", cs_search_conversations(search, "$4", pool), NULL)
                                     : by_looking;
}

const char *cs_console_where(const cs_console_filter_t *filter, const cs_search_t *search, apr_pool_t *pool)
{
    return apr_pstrcat(
        pool, "($5::text IS NULL OR true) AND ($11::text IS NULL OR true)",
        part(filter->user,
             " AND c.user_id = (SELECT w.id FROM chatsession.users w"
             "   WHERE w.canonical_name = chatsession.canonical_name($1::text))",
             " AND $1::text IS NULL"),
        part(filter->from, " AND c.updated_at >= $2::timestamptz", " AND $2::text IS NULL"),
        part(filter->to, " AND c.updated_at < $3::timestamptz", " AND $3::text IS NULL"),
        part(filter->query, words_sql(search, pool), " AND $4::text IS NULL"), state_sql(filter),
        part(filter->ids, " AND c.id IN (SELECT v::uuid FROM json_array_elements_text($6::json) v)",
             " AND $6::text IS NULL"),
        part(filter->tag, " AND c.tags @> ARRAY[$7::text] AND c.tags <> '{}'", " AND $7::text IS NULL"),
        part(filter->model,
             " AND c.id IN (SELECT h.conversation_id FROM chatsession.messages h WHERE h.model = $8::text)",
             " AND $8::text IS NULL"),
        part(filter->matter,
             " AND (c.user_id IN (SELECT k.user_id FROM chatsession.matter_custodians k WHERE k.matter_id = $9::uuid)"
             "   OR c.id IN (SELECT k.conversation_id FROM chatsession.matter_conversations k"
             "     WHERE k.matter_id = $9::uuid))",
             " AND $9::text IS NULL"),
        part(filter->status,
             " AND c.id IN (SELECT h.conversation_id FROM chatsession.messages h WHERE h.status = $10::text)",
             " AND $10::text IS NULL"),
        feedback_sql(filter->feedback, pool),
        part(filter->min_messages, " AND c.message_count >= $12::integer", " AND $12::text IS NULL"),
        part(filter->max_messages, " AND c.message_count <= $13::integer", " AND $13::text IS NULL"), NULL);
}

void cs_console_params(cs_db_param_t *params, const cs_console_filter_t *filter)
{
    const char *const texts[CS_CONSOLE_PARAMS] = {filter->user,        filter->from,     filter->to,
                                                  filter->query,       filter->state,    filter->ids,
                                                  filter->tag,         filter->model,    filter->matter,
                                                  filter->status,      filter->feedback, filter->min_messages,
                                                  filter->max_messages};

    for (int i = 0; i < CS_CONSOLE_PARAMS; i++) {
        params[i] = CS_DB_TEXT(texts[i]);
    }
}

apr_status_t cs_console_plan(cs_search_t *search, cs_db_tx_t *tx, const cs_console_filter_t *filter, bool page,
                             apr_pool_t *pool)
{
    const bool few = filter->user || filter->ids;
    const apr_int64_t most = few ? COMMON_ROWS_OF_FEW : page ? COMMON_ROWS : APR_INT64_MAX;
    apr_status_t rv;

    *search = (cs_search_t){.indexed = false};
    if (!filter->query) {
        return APR_SUCCESS;
    }
    rv = cs_search_plan(search, tx, filter->query, pool);
    search->indexed = search->indexed && search->rows <= most;
    return rv;
}

/* --- a query string's --- */

/* UUIDs separated by commas as a JSON array; NULL where something else is among them. */
static const char *read_ids(const char *list, apr_pool_t *pool)
{
    json_t *array = cs_json_own(json_array(), pool);
    char *rest = apr_pstrdup(pool, list);
    char *state;

    for (char *id = apr_strtok(rest, ",", &state); id; id = apr_strtok(NULL, ",", &state)) {
        if (!cs_uuid_is(id)) {
            return NULL;
        }
        json_array_append_new(array, json_string(id));
    }
    return cs_json_print(array, NULL, pool);
}

/* A parameter that stands there without a value is none. */
static const char *given(const apr_table_t *query, const char *name)
{
    const char *value = apr_table_get(query, name);

    return value && *value ? value : NULL;
}

const char *cs_console_filter_read(cs_console_filter_t *filter, const apr_table_t *query, apr_pool_t *pool)
{
    const char *ids = given(query, "ids");
    const char *problem;

    *filter = (cs_console_filter_t){0};
    for (int i = 0; i < CS_CONSOLE_FIELDS; i++) {
        *cs_console_field(filter, i) = given(query, cs_console_fields[i].name);
    }
    problem = cs_console_filter_problem(filter, pool);
    if (problem || !ids) {
        return problem;
    }
    filter->ids = read_ids(ids, pool);
    return filter->ids ? NULL : "ids is not a list of UUIDs separated by commas.";
}
