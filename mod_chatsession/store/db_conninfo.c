/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * From the administrator's connection string to the one that libpq gets: parsed by libpq itself, completed by two
 * tables, written back in keyword form.
 *
 * Time zone, date style and encoding are ours whatever the string says, since rows are read by them. Everything else
 * counts only where the string does not name it.
 */
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>
#include "store/db_cluster.h"
#include "store/db_private.h"

typedef struct {
    const char *name;
    const char *value;
    bool always; /* also where the administrator named it */
} addition_t;

/* A network that swallows all packets is to be noticed within some 2 s, because a connect that follows may take the
 * least that libpq knows, 2 s, and the request is promised an answer within 5 s. tcp_user_timeout (ms) notices it while
 * we send, keepalives (s) while we wait for an answer or nobody uses the connection: the kernel gives up at the first
 * one that comes due after tcp_user_timeout, whatever keepalives_count says. */
static const addition_t keywords[] = {
    {"connect_timeout", "2", false},   {"tcp_user_timeout", "1500", false},
    {"keepalives_idle", "1", false},   {"keepalives_interval", "1", false},
    {"client_encoding", "UTF8", true}, {"application_name", "chatsession", false},
};

/* Of the server, given with -c in the keyword "options"; a later one outranks an earlier one. Its keepalives end the
 * sessions of connections that were given up while the network was away, of which it heard nothing: each outage would
 * leave some, for the two hours of the system's own, until there is none left for us. */
static const addition_t settings[] = {
    {"TimeZone", "UTC", true},
    {"DateStyle", "ISO", true},
    {"lock_timeout", "2000", false},
    {"idle_in_transaction_session_timeout", "10000", false},
    {"tcp_keepalives_idle", "30", false},
    {"tcp_keepalives_interval", "5", false},
    {"tcp_keepalives_count", "3", false},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* libpq's sentences quote the piece that they stumble over, which may be one of a password. They are shown whole only
 * where the string has no place in which one could stand. */
static const char *presentable(const char *message, const char *conninfo, apr_pool_t *pool)
{
    const char *first = strchr(message, '"');
    const char *last = strrchr(message, '"');
    char *text;
    apr_size_t len;

    if (first && (strstr(conninfo, "pass") || strpbrk(conninfo, "@%"))) {
        text = apr_psprintf(pool, "%.*s\"...\"%s", (int)(first - message), message, last + 1);
    } else {
        text = apr_pstrdup(pool, message);
    }
    for (len = strlen(text); len && apr_isspace(text[len - 1]); len--) {
        text[len - 1] = '\0';
    }
    return text;
}

static PQconninfoOption *parse(const char *conninfo, const char **problem, apr_pool_t *pool)
{
    char *message = NULL;
    PQconninfoOption *options = PQconninfoParse(conninfo, &message);

    *problem = NULL;
    if (!options) {
        *problem = message ? presentable(message, conninfo, pool) : "libpq is out of memory";
    }
    PQfreemem(message);
    return options;
}

const char *cs_db_conninfo_problem(const char *conninfo, apr_pool_t *pool)
{
    const char *problem;

    PQconninfoFree(parse(conninfo, &problem, pool));
    return problem;
}

/* Is name a whole word of options? ("lock_timeout" is not one of "deadlock_timeout=1s".) */
static bool names_setting(const char *options, const char *name)
{
    const apr_size_t len = strlen(name);
    const char *at;

    for (at = options; (at = strcasestr(at, name)) != NULL; at += len) {
        bool starts = at == options || !(apr_isalnum(at[-1]) || at[-1] == '_');

        if (starts && !(apr_isalnum(at[len]) || at[len] == '_')) {
            return true;
        }
    }
    return false;
}

static const char *complete_options(const char *options, apr_interval_time_t statement_timeout, apr_pool_t *pool)
{
    const char *complete = options;
    apr_size_t i;

    for (i = 0; i < COUNT(settings); i++) {
        if (settings[i].always || !names_setting(options, settings[i].name)) {
            complete =
                apr_psprintf(pool, "%s%s-c %s=%s", complete, *complete ? " " : "", settings[i].name, settings[i].value);
        }
    }
    if (statement_timeout > 0 && !names_setting(options, "statement_timeout")) {
        complete = apr_psprintf(pool, "%s -c statement_timeout=%" APR_TIME_T_FMT, complete,
                                apr_time_as_msec(statement_timeout));
    }
    return complete;
}

static const addition_t *addition_of(const char *keyword)
{
    apr_size_t i;

    for (i = 0; i < COUNT(keywords); i++) {
        if (strcmp(keywords[i].name, keyword) == 0) {
            return &keywords[i];
        }
    }
    return NULL;
}

static const char *complete_value(const PQconninfoOption *option, apr_interval_time_t statement_timeout,
                                  apr_pool_t *pool)
{
    const addition_t *addition = addition_of(option->keyword);

    if (strcmp(option->keyword, "options") == 0) {
        return complete_options(option->val ? option->val : "", statement_timeout, pool);
    }
    if (addition && (addition->always || !option->val)) {
        return addition->value;
    }
    return option->val;
}

/* 'value' with the two characters escaped that mean something between quotes */
static const char *quoted(const char *value, apr_pool_t *pool)
{
    char *text = apr_palloc(pool, 2 * strlen(value) + 3);
    char *out = text;

    *out++ = '\'';
    for (; *value; value++) {
        if (*value == '\'' || *value == '\\') {
            *out++ = '\\';
        }
        *out++ = *value;
    }
    *out++ = '\'';
    *out = '\0';
    return text;
}

apr_status_t cs_db_conninfo_complete(const char **complete, const char *conninfo, apr_interval_time_t statement_timeout,
                                     const char **problem, apr_pool_t *pool)
{
    PQconninfoOption *options = parse(conninfo, problem, pool);
    const PQconninfoOption *option;
    const char *text = "";

    *complete = NULL;
    if (!options) {
        return CS_EREFUSED;
    }
    for (option = options; option->keyword; option++) {
        const char *value = complete_value(option, statement_timeout, pool);

        if (value) {
            text = apr_pstrcat(pool, text, *text ? " " : "", option->keyword, "=", quoted(value, pool), NULL);
        }
    }
    PQconninfoFree(options);
    *complete = text;
    return APR_SUCCESS;
}

const char *cs_db_conninfo_value(const char *conninfo, const char *keyword, apr_pool_t *pool)
{
    PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
    PQconninfoOption *defaults = PQconndefaults();
    const char *value = NULL;

    for (const PQconninfoOption *option = defaults; option && option->keyword; option++) {
        value = strcmp(option->keyword, keyword) == 0 && option->val ? apr_pstrdup(pool, option->val) : value;
    }
    for (const PQconninfoOption *option = options; option && option->keyword; option++) {
        value = strcmp(option->keyword, keyword) == 0 && option->val ? apr_pstrdup(pool, option->val) : value;
    }
    PQconninfoFree(options);
    PQconninfoFree(defaults);
    return value;
}

const char *cs_db_conninfo_with(const char *conninfo, const char *keyword, const char *value, apr_pool_t *pool)
{
    PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
    const char *text = "";

    for (const PQconninfoOption *option = options; option && option->keyword; option++) {
        const char *one = strcmp(option->keyword, keyword) == 0 ? value : option->val;

        if (one) {
            text = apr_pstrcat(pool, text, *text ? " " : "", option->keyword, "=",
                               strpbrk(one, " '\\") || !*one ? quoted(one, pool) : one, NULL);
        }
    }
    PQconninfoFree(options);
    return text;
}
