/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "core/audit_seal.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <apr_escape.h>
#include <apr_strings.h>
#include <string.h>

static apr_status_t hmac(unsigned char out[CS_AUDIT_SEAL_BYTES], const unsigned char *key, apr_size_t key_len,
                         const char *text, apr_size_t len)
{
    unsigned int written = 0;

    return HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)text, len, out, &written) &&
                   written == CS_AUDIT_SEAL_BYTES
               ? APR_SUCCESS
               : APR_EGENERAL;
}

apr_status_t cs_audit_key_make(cs_audit_key_t **key, const unsigned char *secret, apr_size_t len, apr_pool_t *pool)
{
    static const char purpose[] = "chatsession v1 audit";
    static const char id_purpose[] = "chatsession v1 audit key id";
    cs_audit_key_t *made = apr_pcalloc(pool, sizeof(*made));
    unsigned char id[CS_AUDIT_SEAL_BYTES];
    apr_status_t rv = hmac(made->key, secret, len, purpose, sizeof(purpose) - 1);

    *key = NULL;
    if (rv == APR_SUCCESS) {
        rv = hmac(id, secret, len, id_purpose, sizeof(id_purpose) - 1);
    }
    if (rv == APR_SUCCESS) {
        apr_escape_hex(made->id, id, 8, 0, NULL);
        *key = made;
    }
    return rv;
}

const cs_audit_key_t *cs_audit_key_find(const cs_audit_key_t *keys, const char *id)
{
    while (keys && strcmp(keys->id, id) != 0) {
        keys = keys->next;
    }
    return keys;
}

apr_status_t cs_audit_seal(char *hex, const cs_audit_key_t *key, const char *before, const char *text, apr_size_t len,
                           apr_pool_t *pool)
{
    unsigned char seal[CS_AUDIT_SEAL_BYTES];
    const apr_size_t head = strlen(before);
    char *whole = apr_palloc(pool, head + 1 + len);
    apr_status_t rv;

    memcpy(whole, before, head);
    whole[head] = '\n';
    memcpy(whole + head + 1, text, len);
    rv = hmac(seal, key->key, sizeof(key->key), whole, head + 1 + len);
    hex[0] = '\0';
    if (rv == APR_SUCCESS) {
        apr_escape_hex(hex, seal, sizeof(seal), 0, NULL);
    }
    return rv;
}
