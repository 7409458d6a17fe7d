/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * The older sites' cookie. The first octet says how far an input has the right form: as it came, signed, signed with
 * JSON that is packed here, or with a stream of zlib that is none.
 */
#include "core/itsdangerous.h"

#include <apr_strings.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <zlib.h>
#include "core/token.h"
#include "fuzz.h"

#define NOW apr_time_from_sec(1760000000)

static unsigned char key[CS_ITSDANGEROUS_KEY_BYTES];

static const char *sign(const char *text, apr_size_t *len, apr_pool_t *pool)
{
    unsigned char mac[20];
    char *whole = apr_palloc(pool, *len + 29);

    HOLDS(HMAC(EVP_sha1(), key, sizeof(key), (const unsigned char *)text, *len, mac, NULL));
    memcpy(whole, text, *len);
    whole[*len] = '.';
    memcpy(whole + *len + 1, cs_base64url_encode(mac, sizeof(mac), pool), 28);
    *len += 28;
    return whole;
}

static bool is_id(const char *id)
{
    return *id && strlen(id) <= CS_ITSDANGEROUS_ID_MAX &&
           strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-") == strlen(id);
}

static apr_status_t read_one(cs_itsdangerous_t *found, const char *text, apr_size_t len, apr_pool_t *pool)
{
    char *exact = fuzz_copy(text, len);
    apr_status_t rv;

    memset(found, 0x5A, sizeof(*found));
    rv = cs_itsdangerous_read(found, key, "session_id", exact, len, pool);
    HOLDS(rv == APR_SUCCESS || rv == CS_EMALFORMED || rv == CS_EBADSIG);
    if (rv == APR_SUCCESS) {
        HOLDS(is_id(found->id) && found->issued >= 0);
        rv = cs_itsdangerous_judge(found, apr_time_from_sec(3600), NOW);
        HOLDS((rv == APR_SUCCESS) == (found->issued <= NOW + apr_time_from_sec(CS_TOKEN_SKEW) &&
                                      found->issued > NOW - apr_time_from_sec(3600)));
        rv = APR_SUCCESS;
    } else {
        HOLDS(!found->id && !found->issued);
    }
    free(exact);
    return rv;
}

static apr_status_t read_signed(cs_itsdangerous_t *found, const char *text, apr_size_t len, apr_pool_t *pool)
{
    const char *whole = sign(text, &len, pool);
    apr_status_t rv = read_one(found, whole, len, pool);

    HOLDS(rv != CS_EBADSIG);
    return rv;
}

/* JSON is read alike plain and deflated, where both fit into a cookie. */
static void read_json(const char *json, apr_size_t len, apr_pool_t *pool)
{
    const unsigned char *octets = (const unsigned char *)json;
    uLongf size = compressBound(len);
    unsigned char *deflated = apr_palloc(pool, size);
    const char *plain = apr_pstrcat(pool, cs_base64url_encode(octets, len, pool), ".aOfvAA", NULL), *packed;
    cs_itsdangerous_t one, two;
    apr_status_t rv = read_signed(&one, plain, strlen(plain), pool), other;

    HOLDS(compress2(deflated, &size, octets, len, 9) == Z_OK);
    packed = apr_pstrcat(pool, ".", cs_base64url_encode(deflated, size, pool), ".aOfvAA", NULL);
    other = read_signed(&two, packed, strlen(packed), pool);
    if (len <= CS_ITSDANGEROUS_MAX / 2)
        HOLDS(rv == other && one.issued == two.issued && (rv || !strcmp(one.id, two.id)));
}

void fuzz_input(const char *bytes, apr_size_t len, apr_pool_t *pool)
{
    fuzz_reader_t reader = {bytes, bytes + len};
    const unsigned char kind = fuzz_octet(&reader);
    const unsigned char *octets = (const unsigned char *)reader.at;
    const apr_size_t size = fuzz_left(&reader);
    cs_itsdangerous_t found;
    const char *text;

    HOLDS(cs_itsdangerous_key(key, "fuzz", 4) == APR_SUCCESS);
    switch (kind % 4) {
    case 0:
        (void)read_one(&found, reader.at, size, pool);
        break;
    case 1: /* payload "." time */
        (void)read_signed(&found, reader.at, size, pool);
        break;
    case 2:
        read_json(reader.at, size, pool);
        break;
    default:
        text = apr_pstrcat(pool, ".", cs_base64url_encode(octets, size, pool), ".aOfvAA", NULL);
        (void)read_signed(&found, text, strlen(text), pool);
    }
}
