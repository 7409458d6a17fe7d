/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* A user's API keys: make, list, end; and whose request carries one. */
#include "chat.h"
#include <http_log.h>
#include <apr_strings.h>
#include "auth.h"
#include "core/token.h"
#include "openai.h"
#include "proven_user.h"
#include "reply.h"
#include "store/api_key.h"

APLOG_USE_MODULE(chatsession);

/* A key is this and the base64url of 32 random octets. The mark lets scanners of repositories find a leaked one. */
#define MARK "csk_"
#define MARK_LEN (sizeof(MARK) - 1)
#define PREFIX_LEN 12

const cs_json_member_t chatsession_key_members[1] = {{"name", CS_JSON_STRING, CS_JSON_REQUIRED, 1, 64}};

int chatsession_list_keys(chatsession_call_t *call)
{
    json_t *keys;
    const apr_status_t rv = cs_api_key_list(&keys, call->conf->db, call->session->user_id, call->r->pool);

    return rv == APR_SUCCESS ? chatsession_reply_json(call->r, HTTP_OK, json_pack("{s:o}", "keys", keys))
                             : chatsession_reply_status(call->r, rv);
}

int chatsession_create_key(chatsession_call_t *call)
{
    apr_pool_t *pool = call->r->pool;
    unsigned char bytes[CS_TOKEN_ID_BYTES];
    const char *text;
    json_t *key;
    apr_status_t rv = cs_token_random(bytes, sizeof(bytes));

    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    text = apr_pstrcat(pool, MARK, cs_base64url_encode(bytes, sizeof(bytes), pool), NULL);
    rv = cs_api_key_create(&key, call->conf->db, call->session->user_id, call->fields[0].string,
                           apr_pstrmemdup(pool, text, PREFIX_LEN), cs_token_hash(bytes, pool), pool);
    if (rv == CS_ECONFLICT) {
        return chatsession_reply_error(call->r, HTTP_CONFLICT, "too_many_keys",
                                       "You have as many keys as one user may have; end one first.");
    }
    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, call->r, "CS0210: an API key was made in session %s", call->session->ref);
    json_object_set_new(key, "key", json_string(text));
    return chatsession_reply_json(call->r, HTTP_CREATED, key);
}

int chatsession_delete_key(chatsession_call_t *call)
{
    const apr_status_t rv = cs_api_key_revoke(call->conf->db, call->session->user_id, call->ids[0], call->r->pool);

    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, call->r, "CS0211: an API key was ended in session %s", call->session->ref);
    return chatsession_reply_empty(call->r, HTTP_NO_CONTENT);
}

/* --- whose --- */

/* The hash of the key in an Authorization header, or NULL. */
static const char *hash_of(const char *authorization, apr_pool_t *pool)
{
    unsigned char bytes[CS_TOKEN_ID_BYTES];
    apr_size_t len = 0;

    if (ap_cstr_casecmpn(authorization, "Bearer ", 7) != 0) {
        return NULL;
    }
    authorization += 7;
    authorization += strspn(authorization, " ");
    if (strncmp(authorization, MARK, MARK_LEN) != 0 ||
        cs_base64url_decode(bytes, sizeof(bytes), &len, authorization + MARK_LEN, strlen(authorization + MARK_LEN)) !=
            APR_SUCCESS ||
        len != sizeof(bytes)) {
        return NULL;
    }
    return cs_token_hash(bytes, pool);
}

/* However much its user may do elsewhere: here models are asked, nothing else. */
static void let_in(chatsession_session_t *session, const char *id, const char *name, const char *role)
{
    session->cause = "success";
    session->authenticated = true;
    session->access = CHATSESSION_USER;
    session->user_id = id;
    session->user = name;
    session->role = role;
}

static void by_key(chatsession_session_t *session, request_rec *r, const chatsession_server_t *conf, const char *hash)
{
    cs_api_key_user_t user;

    session->status = cs_api_key_use(&user, conf->db, hash, r->pool);
    if (session->status == APR_SUCCESS) {
        let_in(session, user.user_id, user.name, user.role);
        session->by_key = true;
        r->user = apr_pstrdup(r->pool, user.name);
        r->ap_auth_type = apr_pstrdup(r->pool, "Bearer");
        apr_table_setn(r->subprocess_env, "CHATSESSION_USER", user.name);
    }
}

/* A program that httpd lets in needs no session: each of its requests says who it is. */
static void by_httpd(chatsession_session_t *session, request_rec *r, chatsession_server_t *conf, const char *name)
{
    cs_user_t user;

    session->status = chatsession_auth_see(&user, r, conf, name);
    if (session->status == APR_SUCCESS) {
        let_in(session, user.id, user.name, user.role);
    }
}

static bool is_nobody(apr_status_t status)
{
    return status == APR_ENOENT || status == CS_EBADSIG || status == CS_EREFUSED;
}

const chatsession_session_t *chatsession_key_session(request_rec *r, chatsession_server_t *conf)
{
    const char *authorization = apr_table_get(r->headers_in, "Authorization");
    const char *proven = chatsession_dir(r)->trust_user == 1 ? chatsession_proven_user(r) : NULL;
    const char *hash = authorization ? hash_of(authorization, r->pool) : NULL;
    chatsession_session_t *session = apr_pcalloc(r->pool, sizeof(*session));

    session->cause = "none";
    session->status = APR_ENOENT;
    if (!conf->db) {
        session->status = CS_EUNAVAILABLE;
    } else if (hash) {
        by_key(session, r, conf, hash);
    } else if (proven) {
        by_httpd(session, r, conf, proven);
    }
    if (is_nobody(session->status)) {
        session->status = APR_SUCCESS;
        session->ended = authorization ? "The API key is not valid." : "Send an API key: Authorization: Bearer csk_...";
        apr_table_setn(r->err_headers_out, "WWW-Authenticate", "Bearer");
    }
    return session;
}
