/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "session_provider.h"
#include <dlfcn.h>
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
    char *stored;    /* what is in the database; NULL: nothing */
} kept_t;

static request_rec *first_request(request_rec *r)
{
    while (r->main || r->prev) {
        r = r->main ? r->main : r->prev;
    }
    return r;
}

static kept_t *known(request_rec *r)
{
    return (kept_t *)(void *)apr_table_get(first_request(r)->notes, NOTE);
}

static kept_t *make(request_rec *r)
{
    request_rec *first = first_request(r);
    kept_t *kept = apr_pcalloc(first->pool, sizeof(*kept));

    kept->rec.pool = first->pool;
    kept->rec.entries = apr_table_make(first->pool, 10);
    kept->rec.uuid = apr_pcalloc(first->pool, sizeof(*kept->rec.uuid));
    apr_table_setn(first->notes, NOTE, (const char *)kept);
    return kept;
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
        *z = &kept->rec;
        return OK;
    }
    session = chatsession_cookie_session(r);
    if (session->status != APR_SUCCESS) {
        return session->status;
    }
    if (session->authenticated) {
        rv = cs_session_value_get(&stored, chatsession_server(r->server)->db, session->id_hash,
                                  CHATSESSION_VALUE_OF_MOD_SESSION, r->pool);
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

/* Hook session_save: after every request, also one that changed nothing. */
static apr_status_t save(request_rec *r, session_rec *z)
{
    const chatsession_session_t *session;
    kept_t *kept;
    apr_status_t rv;

    if (chatsession_dir(r)->provide_session != 1) {
        return DECLINED;
    }
    kept = known(r);
    if (!strcmp(z->encoded ? z->encoded : "", kept && kept->stored ? kept->stored : "")) {
        return OK;
    }
    /* Here it counts who was let through: the session may begin with this request (ChatSessionTrustUser). */
    session = chatsession_session(r);
    if (session->status != APR_SUCCESS) {
        return session->status;
    }
    if (!session->authenticated) {
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r,
                      "CS0148: nobody is logged in, so there is no session to keep mod_session's data in");
        return OK;
    }
    if (z->encoded && *z->encoded) {
        rv = cs_session_value_set(chatsession_server(r->server)->db, session->id_hash, CHATSESSION_VALUE_OF_MOD_SESSION,
                                  z->encoded, r->pool);
    } else {
        rv = cs_session_value_remove(chatsession_server(r->server)->db, session->id_hash,
                                     CHATSESSION_VALUE_OF_MOD_SESSION, r->pool);
    }
    if (rv == CS_EREFUSED) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "CS0149: mod_session's data are not kept: %" APR_SIZE_T_FMT
                      " octets, where a value may have %d, or the "
                      "session has %d values already",
                      strlen(z->encoded), CS_SESSION_VALUE_MAX, CS_SESSION_VALUES_MAX);
    }
    /* A session that has ended meanwhile keeps nothing, and that is no trouble. */
    return rv == APR_ENOENT ? OK : rv;
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

    (void)pconf;
    (void)plog;
    (void)ptemp;
    *(void **)&hook_load = dlsym(RTLD_DEFAULT, "ap_hook_session_load");
    *(void **)&hook_save = dlsym(RTLD_DEFAULT, "ap_hook_session_save");
    if (hook_load && hook_save) {
        apr_hook_debug_current = "mod_chatsession.c";
        /* Before mod_session_cookie and mod_session_dbd: where both are on, ours is used. */
        hook_load(load, NULL, NULL, APR_HOOK_FIRST);
        hook_save(save, NULL, NULL, APR_HOOK_FIRST);
    }
    return OK;
}
