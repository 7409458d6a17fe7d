/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "core/itsdangerous.h"

#include <string.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <zlib.h>
#include "core/json.h"
#include "core/token.h"

#define SIGNATURE_BYTES 20
#define SIGNATURE_CHARS 27 /* of base64url */
#define TIME_BYTES 8
#define KEY_PREFIX "itsdangerous" /* the salt */ "signer"

typedef struct {
    const char *payload;
    apr_size_t payload_len;
    const char *time;
    apr_size_t time_len;
    apr_size_t signed_len; /* of payload, dot and time */
} parts_t;

/* The last two dots divide; a dot in front belongs to the payload. */
static apr_status_t split(parts_t *parts, const char *text, apr_size_t len)
{
    const apr_size_t tail = SIGNATURE_CHARS + 1;
    const char *dot;

    if (len > CS_ITSDANGEROUS_MAX || len <= tail || text[len - tail] != '.') {
        return CS_EMALFORMED;
    }
    parts->signed_len = len - tail;
    dot = memrchr(text, '.', parts->signed_len);
    if (!dot || dot == text) {
        return CS_EMALFORMED;
    }
    parts->payload = text;
    parts->payload_len = (apr_size_t)(dot - text);
    parts->time = dot + 1;
    parts->time_len = parts->signed_len - parts->payload_len - 1;
    return APR_SUCCESS;
}

apr_status_t cs_itsdangerous_key(unsigned char key[CS_ITSDANGEROUS_KEY_BYTES], const char *secret, apr_size_t len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const int done = ctx && EVP_DigestInit_ex(ctx, EVP_sha1(), NULL) &&
                     EVP_DigestUpdate(ctx, KEY_PREFIX, sizeof(KEY_PREFIX) - 1) && EVP_DigestUpdate(ctx, secret, len) &&
                     EVP_DigestFinal_ex(ctx, key, NULL);

    EVP_MD_CTX_free(ctx);
    return done ? APR_SUCCESS : APR_EGENERAL;
}

static apr_status_t check_signature(const unsigned char key[CS_ITSDANGEROUS_KEY_BYTES], const char *text,
                                    apr_size_t len)
{
    unsigned char wanted[SIGNATURE_BYTES], given[SIGNATURE_BYTES];
    apr_size_t written;
    apr_status_t rv = cs_base64url_decode(given, sizeof(given), &written, text + len + 1, SIGNATURE_CHARS);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!HMAC(EVP_sha1(), key, CS_ITSDANGEROUS_KEY_BYTES, (const unsigned char *)text, len, wanted, NULL)) {
        return APR_EGENERAL;
    }
    rv = CRYPTO_memcmp(given, wanted, sizeof(wanted)) == 0 ? APR_SUCCESS : CS_EBADSIG;
    OPENSSL_cleanse(wanted, sizeof(wanted));
    return rv;
}

static apr_status_t read_time(apr_time_t *issued, const char *text, apr_size_t len)
{
    unsigned char bytes[TIME_BYTES];
    apr_uint64_t seconds = 0;
    apr_size_t count;

    if (cs_base64url_decode(bytes, sizeof(bytes), &count, text, len) != APR_SUCCESS) {
        return CS_EMALFORMED;
    }
    for (apr_size_t i = 0; i < count; i++) {
        seconds = seconds << 8 | bytes[i];
    }
    if (seconds > (apr_uint64_t)apr_time_sec(APR_INT64_MAX)) {
        return CS_EMALFORMED;
    }
    *issued = apr_time_from_sec((apr_time_t)seconds);
    return APR_SUCCESS;
}

/* zlib's stream into at most size octets: a small text that inflates to a large one is refused, not followed. */
static apr_status_t inflate_whole(unsigned char *out, apr_size_t size, apr_size_t *written, unsigned char *in,
                                  apr_size_t len)
{
    z_stream stream = {.next_in = in, .avail_in = (uInt)len, .next_out = out, .avail_out = (uInt)size};
    int answer;

    *written = 0;
    if (inflateInit(&stream) != Z_OK) {
        return APR_ENOMEM;
    }
    answer = inflate(&stream, Z_FINISH);
    if (answer == Z_STREAM_END && stream.avail_in == 0) {
        *written = (apr_size_t)stream.total_out;
    }
    inflateEnd(&stream);
    return *written ? APR_SUCCESS : CS_EMALFORMED;
}

static apr_status_t read_payload(const char **json, apr_size_t *len, const parts_t *parts, apr_pool_t *pool)
{
    const bool deflated = parts->payload[0] == '.';
    const apr_size_t chars = parts->payload_len - deflated;
    unsigned char *bytes = apr_palloc(pool, chars + 1);
    unsigned char *whole;
    apr_status_t rv = cs_base64url_decode(bytes, chars, len, parts->payload + deflated, chars);

    *json = (const char *)bytes;
    if (rv == APR_SUCCESS && deflated) {
        whole = apr_palloc(pool, CS_ITSDANGEROUS_MAX);
        *json = (const char *)whole;
        rv = inflate_whole(whole, CS_ITSDANGEROUS_MAX, len, bytes, *len);
    }
    return rv;
}

/* It goes into the environment and into logs, so it is held to what ids are made of. */
static bool is_id(const char *text, apr_size_t len)
{
    if (!len || len > CS_ITSDANGEROUS_ID_MAX) {
        return false;
    }
    for (apr_size_t i = 0; i < len; i++) {
        if (!apr_isalnum(text[i]) && !memchr("._:-", text[i], 4)) {
            return false;
        }
    }
    return true;
}

static apr_status_t read_id(const char **id, const char *name, const char *json, apr_size_t len, apr_pool_t *pool)
{
    const char *problem;
    json_t *value;
    json_t *member;

    if (cs_json_parse(&value, json, len, &problem, pool) != APR_SUCCESS) {
        return CS_EMALFORMED;
    }
    member = json_object_get(value, name);
    if (!json_is_string(member) || !is_id(json_string_value(member), json_string_length(member))) {
        return CS_EMALFORMED;
    }
    *id = apr_pstrmemdup(pool, json_string_value(member), json_string_length(member));
    return APR_SUCCESS;
}

apr_status_t cs_itsdangerous_read(cs_itsdangerous_t *read, const unsigned char key[CS_ITSDANGEROUS_KEY_BYTES],
                                  const char *name, const char *text, apr_size_t len, apr_pool_t *pool)
{
    cs_itsdangerous_t found = {NULL, 0};
    const char *json = NULL;
    apr_size_t json_len = 0;
    parts_t parts;
    apr_status_t rv = split(&parts, text, len);

    *read = found;
    if (rv == APR_SUCCESS) {
        rv = check_signature(key, text, parts.signed_len);
    }
    if (rv == APR_SUCCESS) {
        rv = read_time(&found.issued, parts.time, parts.time_len);
    }
    if (rv == APR_SUCCESS) {
        rv = read_payload(&json, &json_len, &parts, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = read_id(&found.id, name, json, json_len, pool);
    }
    if (rv == APR_SUCCESS) {
        *read = found;
    }
    return rv;
}

apr_status_t cs_itsdangerous_judge(const cs_itsdangerous_t *read, apr_interval_time_t max_age, apr_time_t now)
{
    apr_time_t end;

    if (read->issued - apr_time_from_sec(CS_TOKEN_SKEW) > now) {
        return CS_EEXPIRED;
    }
    return !__builtin_add_overflow(read->issued, max_age, &end) && end <= now ? CS_EEXPIRED : APR_SUCCESS;
}
