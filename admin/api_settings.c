/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* The configuration as it counts here, to read only: what no secret is part of. */
#include "admin/admin.h"
#include <ap_mpm.h>
#include <http_core.h>
#include <apr_version.h>
#include <openssl/crypto.h>
#include "core/rfc3339.h"
#include "core/version.h"
#include "reply.h"
#include "store/overview.h"
#include "store/schema.h"

static json_t *directives_json(const chatsession_server_t *conf, apr_pool_t *pool)
{
    json_t *directives = json_array();

    for (int i = 0; i < CHATSESSION_SETTINGS; i++) {
        json_array_append_new(directives, chatsession_setting_json(conf, (chatsession_setting_e)i, pool));
    }
    return directives;
}

/* A name, an address and what fits; the key that is sent along stays where it is. */
static json_t *backends_json(const chatsession_server_t *conf)
{
    json_t *backends = json_array();

    for (int i = 0; conf->backends && i < conf->backends->nelts; i++) {
        const chatsession_backend_t *backend = &APR_ARRAY_IDX(conf->backends, i, chatsession_backend_t);

        json_array_append_new(backends, json_pack("{s:s,s:s,s:s?,s:I,s:b}", "name", backend->name, "url", backend->url,
                                                  "model", backend->model, "context", (json_int_t)backend->context,
                                                  "key", backend->authorization != NULL));
    }
    return backends;
}

static json_t *keys_json(const chatsession_server_t *conf, apr_pool_t *pool)
{
    json_t *keys = json_array();

    for (int i = 0; conf->key_sources && i < conf->key_sources->nelts; i++) {
        const chatsession_key_source_t *key = &APR_ARRAY_IDX(conf->key_sources, i, chatsession_key_source_t);

        json_array_append_new(keys, json_pack("{s:s,s:b,s:s?}", "id", key->id, "signs", i == 0, "changed_at",
                                              key->changed ? cs_rfc3339_print(key->changed, pool) : NULL));
    }
    return keys;
}

static json_t *texts_json(const apr_array_header_t *texts)
{
    json_t *array = json_array();

    for (int i = 0; texts && i < texts->nelts; i++) {
        json_array_append_new(array, json_string(APR_ARRAY_IDX(texts, i, const char *)));
    }
    return array;
}

int chatsession_admin_settings(chatsession_call_t *call)
{
    const chatsession_server_t *conf = call->conf;
    apr_pool_t *pool = call->r->pool;
    json_t *versions;
    const apr_status_t rv = cs_database_versions(&versions, conf->db, pool);

    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    json_object_set_new(versions, "module", json_string(CS_VERSION));
    json_object_set_new(versions, "schema", json_integer(CS_SCHEMA_STEP));
    json_object_set_new(versions, "httpd", json_string(ap_get_server_description()));
    json_object_set_new(versions, "mpm", json_string(ap_show_mpm()));
    json_object_set_new(versions, "apr", json_string(apr_version_string()));
    json_object_set_new(versions, "openssl", json_string(OpenSSL_version(OPENSSL_VERSION)));
    return chatsession_reply_json(call->r, HTTP_OK,
                                  json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "versions", versions, "directives",
                                            directives_json(conf, pool), "backends", backends_json(conf), "keys",
                                            keys_json(conf, pool), "origins", texts_json(conf->origins),
                                            "login_providers", texts_json(conf->login_providers)));
}
