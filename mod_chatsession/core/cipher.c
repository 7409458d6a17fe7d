/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "core/cipher.h"
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#define VERSION 1
#define SALT_BYTES 16
#define IV_BYTES 12
#define TAG_BYTES 16
#define KEY_BYTES CS_KEYRING_MAC_BYTES
#define HEAD_BYTES (1 + SALT_BYTES + IV_BYTES)
/* No secret that is kept is longer. */
#define TEXT_MAX 1024

typedef struct {
    const unsigned char *salt, *iv;
    const char *context;
} head_t;

/* A context with key, iv and what is authenticated beside the text; NULL when OpenSSL cannot. */
static EVP_CIPHER_CTX *begin(const cs_keyring_t *ring, int secret, const head_t *head, int encrypt)
{
    unsigned char key[KEY_BYTES];
    EVP_CIPHER_CTX *ctx = NULL;
    int written;

    if (cs_keyring_mac(key, ring, secret, head->salt, SALT_BYTES) == APR_SUCCESS) {
        ctx = EVP_CIPHER_CTX_new();
    }
    if (ctx &&
        (!EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, head->iv, encrypt) ||
         !EVP_CipherUpdate(ctx, NULL, &written, (const unsigned char *)head->context, (int)strlen(head->context)))) {
        EVP_CIPHER_CTX_free(ctx);
        ctx = NULL;
    }
    OPENSSL_cleanse(key, sizeof(key));
    return ctx;
}

apr_status_t cs_cipher_seal(const char **sealed, const cs_keyring_t *ring, const char *context,
                            const unsigned char *bytes, apr_size_t len, apr_pool_t *pool)
{
    unsigned char text[HEAD_BYTES + TEXT_MAX + TAG_BYTES] = {VERSION};
    const head_t head = {text + 1, text + 1 + SALT_BYTES, context};
    EVP_CIPHER_CTX *ctx;
    int written = 0, rest = 0, done;
    apr_status_t rv;

    *sealed = NULL;
    if (len > TEXT_MAX) {
        return APR_EINVAL;
    }
    if (!cs_keyring_count(ring)) {
        return APR_ENOENT;
    }
    rv = cs_token_random(text + 1, SALT_BYTES + IV_BYTES);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    ctx = begin(ring, 0, &head, 1);
    done = ctx && EVP_CipherUpdate(ctx, text + HEAD_BYTES, &written, bytes, (int)len) &&
           EVP_CipherFinal_ex(ctx, text + HEAD_BYTES + written, &rest) &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, text + HEAD_BYTES + len);
    EVP_CIPHER_CTX_free(ctx);
    if (!done) {
        return APR_EGENERAL;
    }
    *sealed = cs_base64url_encode(text, HEAD_BYTES + len + TAG_BYTES, pool);
    return APR_SUCCESS;
}

static apr_status_t wipe(void *data)
{
    cs_opened_t *opened = data;

    OPENSSL_cleanse(opened->bytes, opened->len);
    return APR_SUCCESS;
}

/* Room for the text that is wiped when the pool goes. */
static void make_room(cs_opened_t *opened, apr_size_t len, apr_pool_t *pool)
{
    cs_opened_t *copy = apr_palloc(pool, sizeof(*copy));

    opened->bytes = apr_pcalloc(pool, len + 1);
    opened->len = len;
    *copy = *opened;
    apr_pool_cleanup_register(pool, copy, wipe, apr_pool_cleanup_null);
}

/* One secret's try; CS_EBADSIG: it is another one's, or not what was sealed. */
static apr_status_t open_by(const cs_opened_t *opened, const cs_keyring_t *ring, int secret, const char *context,
                            unsigned char *text)
{
    const head_t head = {text + 1, text + 1 + SALT_BYTES, context};
    EVP_CIPHER_CTX *ctx = begin(ring, secret, &head, 0);
    int written = 0, rest = 0;
    apr_status_t rv = APR_EGENERAL;

    if (ctx && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, text + HEAD_BYTES + opened->len) &&
        EVP_CipherUpdate(ctx, opened->bytes, &written, text + HEAD_BYTES, (int)opened->len)) {
        rv = EVP_CipherFinal_ex(ctx, opened->bytes + written, &rest) > 0 ? APR_SUCCESS : CS_EBADSIG;
    }
    EVP_CIPHER_CTX_free(ctx);
    return rv;
}

apr_status_t cs_cipher_open(cs_opened_t *opened, const cs_keyring_t *ring, const char *context, const char *sealed,
                            apr_pool_t *pool)
{
    unsigned char text[HEAD_BYTES + TEXT_MAX + TAG_BYTES];
    apr_size_t size;
    apr_status_t rv = cs_base64url_decode(text, sizeof(text), &size, sealed, strlen(sealed));

    *opened = (cs_opened_t){0};
    if (rv != APR_SUCCESS || size < HEAD_BYTES + TAG_BYTES || text[0] != VERSION) {
        return CS_EMALFORMED;
    }
    make_room(opened, size - HEAD_BYTES - TAG_BYTES, pool);
    rv = CS_EBADSIG;
    for (int secret = 0; rv == CS_EBADSIG && secret < cs_keyring_count(ring); secret++) {
        opened->old_key = secret > 0;
        rv = open_by(opened, ring, secret, context, text);
    }
    if (rv != APR_SUCCESS) {
        /* What a failed try has decrypted is nobody's to see. */
        OPENSSL_cleanse(opened->bytes, opened->len);
        *opened = (cs_opened_t){0};
    }
    return rv;
}
