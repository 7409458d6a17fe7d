/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Cookies of the Python middleware. The vector is one of its own;
 * the others are signed here after the same rules.
 */
#include "core/itsdangerous.h"
#include <openssl/hmac.h>
#include <openssl/evp.h>
#include <zlib.h>
#include "core/token.h"
#include "fixture.h"

#define SECRET "my-secret-key"
#define VECTOR ".eJyrVirOTFGyUjKAAl0wYQIiLGBcGFCqBQDwzAm7.ZVPxAA.KfhS8A9DyMkL0knq7-DMhpw_Jok"
#define ISSUED apr_time_from_sec(1700000000)
#define DAY apr_time_from_sec(86400)

static unsigned char key[CS_ITSDANGEROUS_KEY_BYTES];

static apr_status_t read_text(cs_itsdangerous_t *found, const char *text, apr_size_t len, apr_pool_t *pool)
{
    assert_int_equal(cs_itsdangerous_key(key, SECRET, strlen(SECRET)), APR_SUCCESS);
    return cs_itsdangerous_read(found, key, "sid", text, len, pool);
}

/* payload and time as they stand in a text, signed. */
static const char *sign(const char *payload, const char *time, apr_pool_t *pool)
{
    const char *text = apr_pstrcat(pool, payload, ".", time, NULL);
    unsigned char mac[20];
    unsigned int len;

    assert_int_equal(cs_itsdangerous_key(key, SECRET, strlen(SECRET)), APR_SUCCESS);
    assert_non_null(HMAC(EVP_sha1(), key, sizeof(key), (const unsigned char *)text, strlen(text), mac, &len));
    return apr_pstrcat(pool, text, ".", cs_base64url_encode(mac, sizeof(mac), pool), NULL);
}

static const char *encode(const char *json, apr_pool_t *pool)
{
    return cs_base64url_encode((const unsigned char *)json, strlen(json), pool);
}

static apr_status_t read_json(cs_itsdangerous_t *found, const char *json, apr_pool_t *pool)
{
    const char *text = sign(encode(json, pool), "ZVPxAA", pool);

    return read_text(found, text, strlen(text), pool);
}

static void test_the_middlewares_cookie_is_read(void **state)
{
    cs_itsdangerous_t found;

    assert_int_equal(read_text(&found, VECTOR, strlen(VECTOR), *state), APR_SUCCESS);
    assert_string_equal(found.id, "00000000-0000-4000-8000-000000000000");
    assert_true(found.issued == ISSUED);
}

static void test_a_payload_that_was_not_compressed_is_read(void **state)
{
    cs_itsdangerous_t found;

    assert_int_equal(read_json(&found, "{\"sid\":\"a-b_c.d:9\"}", *state), APR_SUCCESS);
    assert_string_equal(found.id, "a-b_c.d:9");
    assert_true(found.issued == ISSUED);
}

static void test_every_altered_bit_is_refused(void **state)
{
    cs_itsdangerous_t found;
    char text[] = VECTOR;

    for (size_t at = 0; at < strlen(VECTOR); at++) {
        for (int bit = 0; bit < 8; bit++) {
            text[at] = (char)(VECTOR[at] ^ (1 << bit));
            assert_int_not_equal(read_text(&found, text, strlen(VECTOR), *state), APR_SUCCESS);
            assert_null(found.id);
        }
        text[at] = VECTOR[at];
    }
    for (size_t len = 0; len < strlen(VECTOR); len++) {
        assert_int_not_equal(read_text(&found, VECTOR, len, *state), APR_SUCCESS);
    }
}

static void test_another_secret_is_a_bad_signature(void **state)
{
    unsigned char other[CS_ITSDANGEROUS_KEY_BYTES];
    cs_itsdangerous_t found;

    assert_int_equal(cs_itsdangerous_key(other, "my-secret-kez", 13), APR_SUCCESS);
    assert_int_equal(cs_itsdangerous_read(&found, other, "sid", VECTOR, strlen(VECTOR), *state), CS_EBADSIG);
}

/* Authentic, but nothing that may go into the environment and the log. */
static void test_an_id_is_what_ids_are_made_of(void **state)
{
    static const char *const bad[] = {"{}",
                                      "[]",
                                      "\"sid\"",
                                      "null",
                                      "",
                                      "{",
                                      "{\"sid\":1}",
                                      "{\"sid\":null}",
                                      "{\"sid\":\"\"}",
                                      "{\"SID\":\"a\"}",
                                      "{\"sid\":\"a b\"}",
                                      "{\"sid\":\"a\\nb\"}",
                                      "{\"sid\":\"a\\u0000\"}",
                                      "{\"sid\":\"\\u00e4\"}",
                                      "{\"sid\":\"a;b\"}",
                                      "{\"sid\":\"a\",\"sid\":\"b\"}",
                                      "{\"sid\":\"a\"} x"};
    cs_itsdangerous_t found;
    char id[66];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(read_json(&found, bad[i], *state), CS_EMALFORMED);
        assert_null(found.id);
    }
    memset(id, 'x', sizeof(id));
    id[64] = '\0';
    assert_int_equal(read_json(&found, apr_pstrcat(*state, "{\"sid\":\"", id, "\"}", NULL), *state), APR_SUCCESS);
    id[64] = 'x';
    id[65] = '\0';
    assert_int_equal(read_json(&found, apr_pstrcat(*state, "{\"sid\":\"", id, "\"}", NULL), *state), CS_EMALFORMED);
}

static void test_times_that_are_none_are_refused(void **state)
{
    static const char *const bad[] = {"f_______8", "_____________", "*", "A", "____________"};
    const char *payload = encode("{\"sid\":\"a\"}", *state);
    cs_itsdangerous_t found;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *text = sign(payload, bad[i], *state);
        assert_int_equal(read_text(&found, text, strlen(text), *state), CS_EMALFORMED);
    }
}

/* 3 MiB of zeros are 3 KiB in zlib's form. */
static void test_what_inflates_beyond_the_limit_is_refused(void **state)
{
    const apr_size_t size = 3 * 1024 * 1024;
    unsigned char *large = apr_pcalloc(*state, size);
    unsigned char *small = apr_palloc(*state, 8192);
    uLongf len = 8192;
    cs_itsdangerous_t found;
    const char *text;

    assert_int_equal(compress2(small, &len, large, (uLong)size, 9), Z_OK);
    text = sign(apr_pstrcat(*state, ".", cs_base64url_encode(small, len, *state), NULL), "ZVPxAA", *state);
    assert_true(strlen(text) < 4200);
    assert_int_equal(read_text(&found, text, strlen(text), *state), CS_EMALFORMED);
    /* within the limit on the way in, beyond it on the way out */
    len = 8192;
    assert_int_equal(compress2(small, &len, large, CS_ITSDANGEROUS_MAX + 1, 9), Z_OK);
    text = sign(apr_pstrcat(*state, ".", cs_base64url_encode(small, len, *state), NULL), "ZVPxAA", *state);
    assert_int_equal(read_text(&found, text, strlen(text), *state), CS_EMALFORMED);
}

static void test_age_has_two_sides(void **state)
{
    const cs_itsdangerous_t found = {"a", ISSUED};
    const cs_itsdangerous_t late = {"a", apr_time_from_sec(apr_time_sec(APR_INT64_MAX))};

    (void)state;
    assert_int_equal(cs_itsdangerous_judge(&found, DAY, ISSUED + DAY - 1), APR_SUCCESS);
    assert_int_equal(cs_itsdangerous_judge(&found, DAY, ISSUED + DAY), CS_EEXPIRED);
    assert_int_equal(cs_itsdangerous_judge(&found, DAY, ISSUED - apr_time_from_sec(CS_TOKEN_SKEW)), APR_SUCCESS);
    assert_int_equal(cs_itsdangerous_judge(&found, DAY, ISSUED - apr_time_from_sec(CS_TOKEN_SKEW) - 1), CS_EEXPIRED);
    assert_int_equal(cs_itsdangerous_judge(&late, APR_INT64_MAX, ISSUED), CS_EEXPIRED);
    /* An end past the last time there is never comes. */
    assert_int_equal(cs_itsdangerous_judge(&late, APR_INT64_MAX, late.issued), APR_SUCCESS);
}

/* Unsigned bytes end at the signature; signed ones reach the rest of the reader. */
static void test_any_octets_give_an_answer(void **state)
{
    uint64_t seed = 20260727;
    apr_pool_t *scratch;
    char bytes[200];

    apr_pool_create(&scratch, *state);
    for (int round = 0; round < 100000; round++) {
        const unsigned int len = fixture_random(&seed, sizeof(bytes));
        cs_itsdangerous_t found;
        const char *text;

        for (unsigned int i = 0; i < len; i++) {
            bytes[i] =
                (char)(round % 2 ? fixture_random(&seed, 256) : (unsigned char)VECTOR[fixture_random(&seed, 40)]);
        }
        if (read_text(&found, bytes, len, scratch) == APR_SUCCESS) {
            fail_msg("%u octets of noise were taken for a signed text", len);
        }
        bytes[len] = '\0';
        text = sign(apr_pstrcat(scratch, round % 3 ? "." : "", bytes, NULL), "ZVPxAA", scratch);
        if (read_text(&found, text, strlen(text), scratch) == APR_SUCCESS) {
            assert_non_null(found.id);
        }
        apr_pool_clear(scratch);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_the_middlewares_cookie_is_read),
        FIXTURE_TEST(test_a_payload_that_was_not_compressed_is_read),
        FIXTURE_TEST(test_every_altered_bit_is_refused),
        FIXTURE_TEST(test_another_secret_is_a_bad_signature),
        FIXTURE_TEST(test_an_id_is_what_ids_are_made_of),
        FIXTURE_TEST(test_times_that_are_none_are_refused),
        FIXTURE_TEST(test_what_inflates_beyond_the_limit_is_refused),
        FIXTURE_TEST(test_age_has_two_sides),
        FIXTURE_TEST(test_any_octets_give_an_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
