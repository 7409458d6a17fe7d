/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "values.h"
#include <http_log.h>
#include <http_request.h>
#include <apr_strings.h>
#include <string.h>
#include "config.h"
#include "mod_chatsession.h"
#include "request.h"
#include "store/session_values.h"

APLOG_USE_MODULE(chatsession);

/* One string of the environment of a new process may have 128 KiB on Linux; a longer one fails the whole CGI. */
#define DATA_MAX 65536

/* --- the optional functions --- */

/* Our statuses as those of mod_chatsession.h. absent: what APR_ENOENT stands for. */
static apr_status_t as_public(request_rec *r, apr_status_t rv, apr_status_t absent)
{
    switch (rv) {
    case APR_SUCCESS:
        return APR_SUCCESS;
    case APR_ENOENT:
        return absent;
    case CS_EREFUSED:
    case CS_ENOTTEXT:
        return APR_EINVAL;
    case CS_EUNAVAILABLE:
        return APR_EAGAIN;
    default:
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "CS0146: a value of the session could not be read or written");
        return APR_EGENERAL;
    }
}

/* The session of r, a user's or a visitor's. */
static apr_status_t find_session(const chatsession_session_t **session, request_rec *r)
{
    *session = chatsession_session(r);
    if ((*session)->status != APR_SUCCESS) {
        return as_public(r, (*session)->status, APR_EGENERAL);
    }
    return (*session)->ref ? APR_SUCCESS : APR_EACCES;
}

static apr_status_t chatsession_get_user(request_rec *r, const char **name, const char **role)
{
    const chatsession_session_t *session;
    apr_status_t rv = find_session(&session, r);

    rv = rv == APR_SUCCESS && !session->authenticated ? APR_EACCES : rv;
    *name = rv == APR_SUCCESS ? apr_pstrdup(r->pool, session->user) : NULL;
    *role = rv == APR_SUCCESS ? apr_pstrdup(r->pool, session->role) : NULL;
    return rv;
}

static apr_status_t chatsession_get_ref(request_rec *r, const char **ref)
{
    const chatsession_session_t *session;
    const apr_status_t rv = find_session(&session, r);

    *ref = rv == APR_SUCCESS ? apr_pstrdup(r->pool, session->ref) : NULL;
    return rv;
}

static bool is_taken(const char *name)
{
    return !strcmp(name, CHATSESSION_VALUE_OF_MOD_SESSION);
}

static apr_status_t chatsession_get_value(request_rec *r, const char *name, const char **value)
{
    const chatsession_session_t *session;
    apr_status_t rv = find_session(&session, r);

    *value = NULL;
    if (rv != APR_SUCCESS || is_taken(name)) {
        return rv == APR_SUCCESS ? APR_EINVAL : rv;
    }
    rv = session->store->value_get(value, session->store, session->id_hash, name, r->pool);
    return as_public(r, rv, APR_ENOENT);
}

static apr_status_t chatsession_set_value(request_rec *r, const char *name, const char *value)
{
    const chatsession_session_t *session;
    apr_status_t rv;

    if (is_taken(name)) {
        return APR_EINVAL;
    }
    rv = chatsession_session_to_write(&session, r);
    if (rv == APR_EACCES) {
        return rv;
    }
    if (rv == APR_SUCCESS) {
        rv = session->store->value_set(session->store, session->id_hash, name, value, r->pool);
    }
    return as_public(r, rv, APR_EACCES);
}

static apr_status_t chatsession_remove_value(request_rec *r, const char *name)
{
    const chatsession_session_t *session;
    apr_status_t rv = find_session(&session, r);

    if (rv != APR_SUCCESS || is_taken(name)) {
        return rv == APR_SUCCESS ? APR_EINVAL : rv;
    }
    rv = session->store->value_remove(session->store, session->id_hash, name, r->pool);
    return as_public(r, rv, APR_SUCCESS);
}

/* --- the environment --- */

/* Hook fixups: CHATSESSION_DATA where ChatSessionData is on and there is a session. */
static int expose_data(request_rec *r)
{
    const chatsession_session_t *session;
    json_t *values;
    char *text;
    apr_status_t rv;

    if (chatsession_dir(r)->expose_data != 1) {
        return DECLINED;
    }
    session = chatsession_session(r);
    if (!session->ref) {
        return DECLINED;
    }
    rv = session->store->values_json(&values, session->store, session->id_hash, CHATSESSION_VALUE_OF_MOD_SESSION,
                                     r->pool);
    text = rv == APR_SUCCESS ? json_dumps(values, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    if (text && strlen(text) <= DATA_MAX) {
        apr_table_set(r->subprocess_env, "CHATSESSION_DATA", text);
    } else {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r, "CS0147: CHATSESSION_DATA is left out: %s",
                      rv != APR_SUCCESS ? "the session's values could not be read"
                      : text            ? "the session's values have more than 64 KiB together"
                                        : "out of memory");
    }
    free(text);
    json_decref(values);
    return OK;
}

void chatsession_values_register(apr_pool_t *pool)
{
    static const char *const after_ssl[] = {"mod_ssl.c", NULL};

    (void)pool;
    ap_hook_fixups(expose_data, after_ssl, NULL, APR_HOOK_FIRST);
    APR_REGISTER_OPTIONAL_FN(chatsession_get_user);
    APR_REGISTER_OPTIONAL_FN(chatsession_get_ref);
    APR_REGISTER_OPTIONAL_FN(chatsession_get_value);
    APR_REGISTER_OPTIONAL_FN(chatsession_set_value);
    APR_REGISTER_OPTIONAL_FN(chatsession_remove_value);
}
