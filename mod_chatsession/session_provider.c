/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "session_provider.h"
#include <dlfcn.h>
#include <http_core.h>
#include <http_log.h>
#include <mod_session.h>
#include <apr_strings.h>
#include <string.h>
#include "config.h"
#include "request.h"
#include "store/session_values.h"
#include "values.h"

APLOG_USE_MODULE(chatsession);

/* mod_session loads a session several times per request and expects the same one each time. */
#define NOTE "chatsession-mod-session"

typedef struct {
    session_rec rec; /* first: what mod_session gets is this */
    char *stored;    /* what is in the store; NULL: nothing */
} kept_t;

static kept_t *known(request_rec *r)
{
    return (kept_t *)(void *)apr_table_get(chatsession_first_request(r)->notes, NOTE);
}

static kept_t *make(request_rec *r)
{
    request_rec *first = chatsession_first_request(r);
    kept_t *kept = apr_pcalloc(first->pool, sizeof(*kept));

    kept->rec.pool = first->pool;
    kept->rec.entries = apr_table_make(first->pool, 10);
    kept->rec.uuid = apr_pcalloc(first->pool, sizeof(*kept->rec.uuid));
    apr_table_setn(first->notes, NOTE, (const char *)kept);
    return kept;
}

/* SessionMaxAge is over: mod_session would make a blank session at each look, and lose what was written into the last
 * one. */
static void forget_when_over(kept_t *kept)
{
    if (kept->rec.expiry && kept->rec.expiry < apr_time_now()) {
        apr_table_clear(kept->rec.entries);
        kept->rec.expiry = 0;
    }
}

/* Hook session_load. The session is the cookie's: mod_auth_form asks for it in order to find out who it is. */
static apr_status_t load(request_rec *r, session_rec **z)
{
    const chatsession_session_t *session;
    const char *stored = NULL;
    kept_t *kept;
    apr_status_t rv = APR_ENOENT;

    if (chatsession_dir(r)->provide_session != 1) {
        return DECLINED;
    }
    kept = known(r);
    if (kept) {
        forget_when_over(kept);
        *z = &kept->rec;
        return OK;
    }
    session = chatsession_cookie_session(r);
    if (session->status != APR_SUCCESS) {
        return session->status;
    }
    if (session->ref) {
        rv = session->store->value_get(&stored, session->store, session->id_hash, CHATSESSION_VALUE_OF_MOD_SESSION,
                                       r->pool);
    }
    if (rv != APR_SUCCESS && rv != APR_ENOENT) {
        return rv;
    }
    kept = make(r);
    kept->stored = stored ? apr_pstrdup(kept->rec.pool, stored) : NULL;
    kept->rec.encoded = kept->stored;
    *z = &kept->rec;
    return OK;
}

/* --- mod_auth_form --- */

/*
 * mod_auth_form writes AUTHNAME-user, AUTHNAME-pw and, with AuthFormSitePassphrase, AUTHNAME-site when it has checked a
 * password. The password is never kept: with a passphrase mod_auth_form wants that there is one and looks no further,
 * and without one there is no login that lasts.
 */
#define SUFFIX_PASSWORD "-" MOD_SESSION_PW
#define SUFFIX_SITE "-site"
#define NO_PASSWORD "-"

static int find_password(void *baton, const char *key, const char *value)
{
    const size_t len = strlen(key), suffix = strlen(SUFFIX_PASSWORD);

    if (len > suffix && !strcmp(key + len - suffix, SUFFIX_PASSWORD) && strcmp(value, NO_PASSWORD) != 0) {
        APR_ARRAY_PUSH((apr_array_header_t *)baton, const char *) = key;
    }
    return 1;
}

/* Hook session_encode, before mod_session's own. */
static apr_status_t forget_passwords(request_rec *r, session_rec *z)
{
    apr_array_header_t *keys;

    if (chatsession_dir(r)->provide_session != 1) {
        return DECLINED;
    }
    keys = apr_array_make(r->pool, 1, sizeof(const char *));
    apr_table_do(find_password, keys, z->entries, NULL);
    for (int i = 0; i < keys->nelts; i++) {
        const char *key = apr_pstrdup(r->pool, APR_ARRAY_IDX(keys, i, const char *));
        const char *name = apr_pstrndup(r->pool, key, strlen(key) - strlen(SUFFIX_PASSWORD));

        if (apr_table_get(z->entries, apr_pstrcat(r->pool, name, SUFFIX_SITE, NULL))) {
            apr_table_setn(z->entries, apr_pstrdup(z->pool, key), NO_PASSWORD);
        } else {
            apr_table_unset(z->entries, key);
            ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                          "CS0150: mod_auth_form would keep the password itself in the session, which is not done; set "
                          "AuthFormSitePassphrase");
        }
    }
    return OK;
}

/* The key under which mod_auth_form keeps the user, and the user; NULL: nobody. */
static const char *form_key(request_rec *r)
{
    return ap_auth_name(r) ? apr_pstrcat(r->pool, ap_auth_name(r), "-" MOD_SESSION_USER, NULL) : NULL;
}

static const char *form_user(request_rec *r, const session_rec *z)
{
    const char *key = form_key(r);

    return key ? apr_table_get(z->entries, key) : NULL;
}

/* Whether mod_auth_form has logged somebody in who was not in what was stored, in mod_session's own spelling. */
static bool is_form_login(request_rec *r, const session_rec *z, const char *stored)
{
    const char *user = form_user(r, z);

    return user && !(stored && strstr(stored, apr_pstrcat(r->pool, ap_escape_urlencoded(r->pool, form_key(r)), "=",
                                                          ap_escape_urlencoded(r->pool, user), NULL)));
}

/* The user whom mod_auth_form has logged in; where such users are trusted, they have a session of their own from now
 * on. */
static apr_status_t begin_for_form(request_rec *r, const session_rec *z)
{
    const chatsession_session_t *session = chatsession_cookie_session(r);
    const char *user = form_user(r, z);

    if (chatsession_dir(r)->trust_user != 1 || !user ||
        (session->authenticated && !ap_cstr_casecmp(session->user, user))) {
        return APR_SUCCESS;
    }
    return chatsession_adopt(r, user);
}

/* --- writing --- */

static apr_status_t write_back(request_rec *r, const chatsession_session_t *session, const char *encoded)
{
    const cs_session_store_t *store = session->store;
    apr_status_t rv;

    if (!*encoded) {
        return store->value_remove(store, session->id_hash, CHATSESSION_VALUE_OF_MOD_SESSION, r->pool);
    }
    rv = store->value_set(store, session->id_hash, CHATSESSION_VALUE_OF_MOD_SESSION, encoded, r->pool);
    if (rv == CS_EREFUSED) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "CS0149: mod_session's data are not kept: %" APR_SIZE_T_FMT
                      " octets, where a value may have %d, or "
                      "the session has %d values already",
                      strlen(encoded), CS_SESSION_VALUE_MAX, CS_SESSION_VALUES_MAX);
    }
    /* A session that has ended meanwhile keeps nothing, and that is no trouble. */
    return rv == APR_ENOENT ? APR_SUCCESS : rv;
}

/* The session that is to keep z. APR_EACCES: there is none, and none is needed or can be. */
static apr_status_t session_for(const chatsession_session_t **session, request_rec *r, session_rec *z,
                                const char *stored)
{
    *session = chatsession_cookie_session(r);
    if ((*session)->status != APR_SUCCESS) {
        return (*session)->status;
    }
    if (!(*session)->ref) {
        return z->encoded && *z->encoded ? chatsession_session_to_write(session, r) : APR_EACCES;
    }
    if (!(*session)->authenticated && is_form_login(r, z, stored)) {
        /* The id of before may be known to somebody else: it was nobody's. */
        return chatsession_session_begin(session, r, NULL);
    }
    return APR_SUCCESS;
}

/* Hook session_save: after every request, also one that changed nothing. */
static apr_status_t save(request_rec *r, session_rec *z)
{
    const char *encoded = z->encoded ? z->encoded : "";
    const chatsession_session_t *session;
    const char *stored;
    const kept_t *kept;
    apr_status_t rv;

    if (chatsession_dir(r)->provide_session != 1) {
        return DECLINED;
    }
    kept = known(r);
    stored = kept ? kept->stored : NULL;
    if (!strcmp(encoded, stored ? stored : "")) {
        return OK;
    }
    rv = begin_for_form(r, z);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = session_for(&session, r, z, stored);
    if (rv == APR_EACCES) {
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r,
                      "CS0148: nobody is logged in, so there is no session to keep mod_session's data in");
        return OK;
    }
    return rv == APR_SUCCESS ? write_back(r, session, encoded) : rv;
}

/*
 * mod_session's hooks are functions that mod_session.so exports and no optional ones: calling them by name would keep
 * us from being loaded without it, or before it, as Debian does. This hook runs when all modules are loaded and before
 * hooks are sorted.
 */
int chatsession_session_provider_register(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    __typeof__(&ap_hook_session_load) hook_load;
    __typeof__(&ap_hook_session_save) hook_save;
    __typeof__(&ap_hook_session_encode) hook_encode;
    static const char *const before_session[] = {"mod_session.c", NULL};

    (void)pconf;
    (void)plog;
    (void)ptemp;
    *(void **)&hook_load = dlsym(RTLD_DEFAULT, "ap_hook_session_load");
    *(void **)&hook_save = dlsym(RTLD_DEFAULT, "ap_hook_session_save");
    *(void **)&hook_encode = dlsym(RTLD_DEFAULT, "ap_hook_session_encode");
    if (hook_load && hook_save && hook_encode) {
        apr_hook_debug_current = "mod_chatsession.c";
        /* Before mod_session_cookie and mod_session_dbd: where both are on, ours is used. */
        hook_load(load, NULL, NULL, APR_HOOK_FIRST);
        hook_save(save, NULL, NULL, APR_HOOK_FIRST);
        hook_encode(forget_passwords, NULL, before_session, APR_HOOK_REALLY_FIRST);
    }
    return OK;
}
