/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Tokens: the written format byte for byte, one accepted spelling, no bit that may change, purposes apart, both sides
 * of each time limit, and rotation of secrets. The fixed tokens below were made by an independent implementation of RFC
 * 5869 and RFC 2104.
 */
#include "core/token.h"
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <apr_thread_proc.h>
#include "fixture.h"

#define ISSUED (apr_time_from_sec(1795411867))
#define GOLDEN_PAYLOAD "v1.cJiK9ahI.__79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA.1795411867."

static const char *const golden[CS_PURPOSE_COUNT] = {
    GOLDEN_PAYLOAD "vYQEuHHcJoiI0Lr-VMYhWnHyVg_BoG_mE-khgzRKzaA",
    GOLDEN_PAYLOAD "wZVtk4-5Tw3qp6y3ppOaTsbKiDloMMbuyfn9qQEtdC8",
    GOLDEN_PAYLOAD "N62tNhXeB-n1vo78v2ZsiCuUqHYi6eXhEUYmenuJAYg",
    GOLDEN_PAYLOAD "sIROEbjOoROftuJBpbw7U06pNIgCuYyIrWaf0XBfW2M",
    GOLDEN_PAYLOAD "L1FaPMCtq0lUoknuqldp7xy7UWDQdAeyvgsRvE2Tqps",
};

/** Secret number n: 48 bytes that count up from n. */
static void add_secret(cs_keyring_t *ring, unsigned char n)
{
    unsigned char secret[48];
    const char *problem = "untouched";
    unsigned char at;

    for (at = 0; at < sizeof(secret); at++)
        secret[at] = (unsigned char)(n + at);
    assert_int_equal(cs_keyring_add(ring, secret, sizeof(secret), &problem), APR_SUCCESS);
    assert_null(problem);
}

static cs_keyring_t *make_ring(apr_pool_t *pool, unsigned char n)
{
    cs_keyring_t *ring;

    assert_int_equal(cs_keyring_create(&ring, pool), APR_SUCCESS);
    add_secret(ring, n);
    return ring;
}

static const unsigned char *golden_id(void)
{
    static unsigned char id[CS_TOKEN_ID_BYTES];
    unsigned char at;

    for (at = 0; at < sizeof(id); at++)
        id[at] = (unsigned char)(255 - at);
    return id;
}

static const char *mint(const cs_keyring_t *ring, apr_time_t issued, apr_pool_t *pool)
{
    const char *text;

    assert_int_equal(cs_token_mint(&text, ring, CS_PURPOSE_SESSION, golden_id(), issued, pool), APR_SUCCESS);
    return text;
}

/** Verifies; on failure also asserts that nothing of the token is left. */
static apr_status_t verify_at(const cs_keyring_t *ring, const char *text, size_t len, apr_time_t now,
                              apr_interval_time_t max_age)
{
    static const cs_token_t zero;
    cs_token_t token;
    apr_status_t rv;

    memset(&token, 0x5A, sizeof(token));
    rv = cs_token_verify(&token, ring, CS_PURPOSE_SESSION, text, len, now, max_age);
    if (rv != APR_SUCCESS) {
        assert_memory_equal(token.id, zero.id, sizeof(zero.id));
        assert_string_equal(token.hash, "");
        assert_int_equal(token.issued, 0);
        assert_false(token.old_key);
    }
    return rv;
}

static apr_status_t verify(const cs_keyring_t *ring, const char *text)
{
    return verify_at(ring, text, strlen(text), ISSUED, 0);
}

static void test_tokens_have_the_documented_form(void **state)
{
    const cs_keyring_t *ring = make_ring(*state, 0);
    int purpose;

    assert_string_equal(cs_keyring_id(ring, 0), "cJiK9ahI");
    for (purpose = 0; purpose < CS_PURPOSE_COUNT; purpose++) {
        const char *text;
        cs_token_t token;

        assert_int_equal(cs_token_mint(&text, ring, (cs_purpose_e)purpose, golden_id(), ISSUED + 999999, *state),
                         APR_SUCCESS);
        assert_string_equal(text, golden[purpose]);
        assert_true(strlen(text) <= CS_TOKEN_MAX);
        assert_int_equal(cs_token_verify(&token, ring, (cs_purpose_e)purpose, text, strlen(text), ISSUED,
                                         apr_time_from_sec(1)),
                         APR_SUCCESS);
        assert_memory_equal(token.id, golden_id(), CS_TOKEN_ID_BYTES);
        assert_string_equal(token.hash, cs_token_hash(golden_id(), *state));
        assert_int_equal(token.issued, ISSUED);
        assert_false(token.old_key);
    }
}

/** [A2] */
static void test_every_single_bit_flip_is_rejected(void **state)
{
    const cs_keyring_t *ring = make_ring(*state, 0);
    char *text = apr_pstrdup(*state, golden[CS_PURPOSE_SESSION]);
    const size_t len = strlen(text);
    size_t at;
    int bit;

    for (at = 0; at < len; at++) {
        for (bit = 0; bit < 8; bit++) {
            text[at] = (char)(text[at] ^ 1 << bit);
            if (verify_at(ring, text, len, ISSUED, 0) == APR_SUCCESS)
                fail_msg("bit %d of octet %zu may change", bit, at);
            text[at] = (char)(text[at] ^ 1 << bit);
        }
    }
    assert_int_equal(verify_at(ring, text, len, ISSUED, 0), APR_SUCCESS);
}

/** [A2] */
static void test_every_truncation_and_extension_is_rejected(void **state)
{
    const cs_keyring_t *ring = make_ring(*state, 0);
    const char *text = golden[CS_PURPOSE_SESSION];
    size_t len;

    for (len = 0; len < strlen(text); len++) {
        /* A copy of exactly that length, so that reading past it would be noticed. */
        char *cut = test_malloc(len + 1);

        memcpy(cut, text, len);
        assert_int_not_equal(verify_at(ring, cut, len, ISSUED, 0), APR_SUCCESS);
        test_free(cut);
    }
    assert_int_equal(verify_at(ring, text, strlen(text) + 1, ISSUED, 0), CS_EMALFORMED);
    assert_int_not_equal(verify(ring, apr_pstrcat(*state, text, ".", NULL)), APR_SUCCESS);
    assert_int_not_equal(verify(ring, apr_pstrcat(*state, text, "A", NULL)), APR_SUCCESS);
    assert_int_not_equal(verify(ring, apr_pstrcat(*state, ".", text, NULL)), APR_SUCCESS);
    assert_int_equal(verify(ring, GOLDEN_PAYLOAD), CS_EMALFORMED);
}

/** [A3] */
static void test_one_spelling_per_token(void **state)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    static const char *const decorations[] = {"=", " ", "\n", "\t", "%3D", "\r\n"};
    const cs_keyring_t *ring = make_ring(*state, 0);
    const char *text = golden[CS_PURPOSE_SESSION];
    char *other = apr_pstrdup(*state, text);
    const size_t last = strlen(text) - 1;
    int accepted = 0;
    size_t at;

    /* The last character of the mac carries two spare bits: four spellings of the same 32 bytes. */
    for (at = 0; at < 64; at++) {
        other[last] = digits[at];
        accepted += verify(ring, other) == APR_SUCCESS;
    }
    assert_int_equal(accepted, 1);
    for (at = 0; at < sizeof(decorations) / sizeof(decorations[0]); at++) {
        assert_int_not_equal(verify(ring, apr_pstrcat(*state, text, decorations[at], NULL)), APR_SUCCESS);
        assert_int_not_equal(verify(ring, apr_pstrcat(*state, decorations[at], text, NULL)), APR_SUCCESS);
    }
    for (at = 0; text[at]; at++) {
        other = apr_pstrdup(*state, text);
        if (other[at] == '-' || other[at] == '_') {
            other[at] = other[at] == '-' ? '+' : '/';
            assert_int_not_equal(verify(ring, other), APR_SUCCESS);
        }
    }
}

/** [A3] */
static void test_the_four_spellings_of_the_last_character_differ_in_form_only(void **state)
{
    const cs_keyring_t *ring = make_ring(*state, 0);
    char *text = apr_pstrdup(*state, golden[CS_PURPOSE_SESSION]);
    const size_t last = strlen(text) - 1;
    char at;

    assert_int_equal(text[last], 'A');
    for (at = 'B'; at <= 'D'; at++) {
        text[last] = at;
        assert_int_equal(verify(ring, text), CS_EMALFORMED);
    }
    text[last] = 'E';
    assert_int_equal(verify(ring, text), CS_EBADSIG);
}

/* [A2]
 * A payload that makes no sense fails at the mac when the mac is not its own, and is malformed when it is: nothing of
 * it is looked at before. (Such macs were made with the secret; nobody else can make them.)
 */
static void test_payload_is_read_only_after_the_mac(void **state)
{
    static const char *const payloads[][2] = {
        {"v1.cJiK9ahI.", ".f_E2p6SjGZ6eaRH56pDsjUKQCW3GETGfqkOwhE0vA2w"},
        {"v1.cJiK9ahI.__79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA-1795411867",
         ".OSt-XEsjhPdFXf3LHKECoUq_XnFZF9Qg0Zlw2vAPp6I"},
        {"v1.cJiK9ahI.short.1795411867", ".zVi0nbISQbF6NNO48Dmi9V03sPDTfFuZf0bjn8VTMGI"},
        {"v1.cJiK9ahI.__79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eB.1795411867",
         ".Y2xgrlprhLi_7oOLaU_ayPeKQVfhN8lKLfUnPDlBf9s"},
        {"v1.cJiK9ahI.__79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eAA.1795411867",
         ".L5nbtQ8iob2ekBQj5Rd8t8Bm-ZijGZwc-UEtmpK9_as"},
        {"v1.cJiK9ahI.__79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA.", ".ykB_a4j_h_iObKii6hSJrG3FraAPWnZAeMBxeLwAmkA"},
        {"v1.cJiK9ahI.__79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA.01795411867",
         ".bAjrTYTRWt6shQV1x243Cb87ZjUEBN10cRQaBrRqTBU"},
        {"v1.cJiK9ahI.__79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA.00", ".WXXw6hxeDP1jpet4GqxyVb03x3DCs6xK32YM0GEI5tg"},
        {"v1.cJiK9ahI.__79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA.+1795411867",
         ".iRhdMXPr8sgY3dwosTOODu9UMSnNlqcopDmJFAZykI8"},
        {"v1.cJiK9ahI.__79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA.-1", ".sxHJ3moHL7-g0MdAbKF52eZ7h-pT2LjBlDtelnWPutk"},
        {"v1.cJiK9ahI.__79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA.1795411867 ",
         ".RgBjc4SyIgbSED7xT4vFzvRoSZkh0IVfDUjvjceA3JY"},
        {"v1.cJiK9ahI.__79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA.9223372036855",
         ".IpyR8tuFT4MfhB5WC_inBnlii8l9d8xTLsrl8_eN5iE"},
        {"v1.cJiK9ahI.__79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA.99999999999999999999",
         ".0d9g2htmHeB1O5rDjd5WqxmjVWiQSjOw5N13DL8xv6M"},
        {"v1.cJiK9ahI.__79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA.1e9", ".Ze0CD80-g3aFC53YTAXpC8tV63ejX1oF5_2iTcEQlfo"},
        {"v1.cJiK9ahI.__79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA.1795411867.1",
         ".-bnYa5JL3mLvHYF0XQMmyQfIlOHFSg5O8c3KBd_tSf0"},
        {"v1.cJiK9ahI.//79/Pv6-fj39vX08/Lx8O/u7ezr6uno5-bl5OPi4eA.1795411867",
         ".JIh2LLpTKtYCGASV_zKhqAVJEJaY-V9bMUl23pUX_mU"},
    };
    const cs_keyring_t *ring = make_ring(*state, 0);
    size_t at;

    for (at = 0; at < sizeof(payloads) / sizeof(payloads[0]); at++) {
        const char *mac = strrchr(golden[CS_PURPOSE_SESSION], '.');

        assert_int_equal(verify(ring, apr_pstrcat(*state, payloads[at][0], mac, NULL)), CS_EBADSIG);
        assert_int_equal(verify(ring, apr_pstrcat(*state, payloads[at][0], payloads[at][1], NULL)), CS_EMALFORMED);
    }
}

static void test_any_octets_are_refused_without_harm(void **state)
{
    const cs_keyring_t *ring = make_ring(*state, 0);
    const char *text = golden[CS_PURPOSE_SESSION];
    uint64_t seed = 7;
    int round;

    for (round = 0; round < 20000; round++) {
        size_t len = strlen(text) - 3 + fixture_random(&seed, 7), at;
        char *octets = test_malloc(len);

        for (at = 0; at < len; at++)
            octets[at] = at < strlen(text) ? text[at] : 'x';
        for (at = fixture_random(&seed, 4) + 1; at; at--)
            octets[fixture_random(&seed, (unsigned int)len)] = (char)fixture_random(&seed, 256);
        if (len != strlen(text) || memcmp(octets, text, len) != 0)
            assert_int_not_equal(verify_at(ring, octets, len, ISSUED, 0), APR_SUCCESS);
        test_free(octets);
    }
    assert_int_equal(verify_at(ring, "", 0, ISSUED, 0), CS_EMALFORMED);
    assert_int_equal(verify_at(ring, NULL, 0, ISSUED, 0), CS_EMALFORMED);
}

static void test_a_token_past_its_maximum_is_malformed(void **state)
{
    const cs_keyring_t *ring = make_ring(*state, 0);
    char *text = apr_pcalloc(*state, CS_TOKEN_MAX + 2);

    memset(text, 'A', CS_TOKEN_MAX + 1);
    memcpy(text, GOLDEN_PAYLOAD, strlen(GOLDEN_PAYLOAD));
    text[CS_TOKEN_MAX - 43] = '.';
    assert_int_equal(verify_at(ring, text, CS_TOKEN_MAX + 1, ISSUED, 0), CS_EMALFORMED);
}

/** [A2] */
static void test_key_ids_may_not_be_swapped(void **state)
{
    cs_keyring_t *ring = make_ring(*state, 0);
    const char *text = mint(ring, ISSUED, *state);
    char *swapped = apr_pstrdup(*state, text);

    memcpy(swapped + 3, "AAAAAAAA", 8);
    assert_int_equal(verify(ring, swapped), CS_EBADSIG);
    add_secret(ring, 1);
    memcpy(swapped + 3, cs_keyring_id(ring, 1), 8);
    assert_int_equal(verify(ring, swapped), CS_EBADSIG);
    assert_int_equal(verify(ring, text), APR_SUCCESS);
}

/** [A2] */
static void test_a_token_of_another_secret_is_not_ours(void **state)
{
    cs_keyring_t *ours = make_ring(*state, 0), *theirs = make_ring(*state, 1), *empty;
    const char *text;

    assert_int_equal(verify(ours, mint(theirs, ISSUED, *state)), CS_EBADSIG);
    assert_int_equal(cs_keyring_create(&empty, *state), APR_SUCCESS);
    assert_int_equal(verify(empty, golden[CS_PURPOSE_SESSION]), CS_EBADSIG);
    assert_int_equal(cs_token_mint(&text, empty, CS_PURPOSE_SESSION, golden_id(), ISSUED, *state), APR_ENOENT);
    assert_null(text);
}

/** [A5] */
static void test_purposes_are_separated(void **state)
{
    const cs_keyring_t *ring = make_ring(*state, 0);
    int minted, offered;

    for (minted = 0; minted < CS_PURPOSE_COUNT; minted++) {
        const char *text, *sealed, *opened;

        assert_int_equal(cs_token_mint(&text, ring, (cs_purpose_e)minted, golden_id(), ISSUED, *state), APR_SUCCESS);
        assert_int_equal(cs_seal(&sealed, ring, (cs_purpose_e)minted, "some text", *state), APR_SUCCESS);
        for (offered = 0; offered < CS_PURPOSE_COUNT; offered++) {
            cs_token_t token;
            apr_status_t rv = cs_token_verify(&token, ring, (cs_purpose_e)offered, text, strlen(text), ISSUED, 0);

            assert_int_equal(rv, offered == minted ? APR_SUCCESS : CS_EBADSIG);
            rv = cs_unseal(&opened, ring, (cs_purpose_e)offered, sealed, *state);
            assert_int_equal(rv, offered == minted ? APR_SUCCESS : CS_EBADSIG);
            /* A token is no seal and a seal no token, even for one purpose. */
            assert_int_not_equal(cs_unseal(&opened, ring, (cs_purpose_e)offered, text, *state), APR_SUCCESS);
            assert_null(opened);
            assert_int_not_equal(cs_token_verify(&token, ring, (cs_purpose_e)offered, sealed, strlen(sealed), ISSUED,
                                                 0),
                                 APR_SUCCESS);
        }
    }
}

static void test_an_unknown_purpose_is_an_error(void **state)
{
    const cs_keyring_t *ring = make_ring(*state, 0);
    const cs_purpose_e none = CS_PURPOSE_COUNT;
    const char *text = golden[0];
    cs_token_t token;

    assert_int_equal(cs_token_verify(&token, ring, none, text, strlen(text), ISSUED, 0), APR_EINVAL);
    assert_int_equal(cs_token_mint(&text, ring, none, golden_id(), ISSUED, *state), APR_EINVAL);
    assert_null(text);
    assert_int_equal(cs_seal(&text, ring, none, "x", *state), APR_EINVAL);
    assert_null(text);
    assert_int_equal(cs_unseal(&text, ring, none, "x", *state), APR_EINVAL);
    assert_null(text);
}

/** [A6] */
static void test_age_is_checked_on_both_sides_of_the_limit(void **state)
{
    const cs_keyring_t *ring = make_ring(*state, 0);
    const char *text = mint(ring, ISSUED, *state);
    const size_t len = strlen(text);
    const apr_interval_time_t hour = apr_time_from_sec(3600);

    assert_int_equal(verify_at(ring, text, len, ISSUED + hour - 1, hour), APR_SUCCESS);
    assert_int_equal(verify_at(ring, text, len, ISSUED + hour, hour), CS_EEXPIRED);
    assert_int_equal(verify_at(ring, text, len, ISSUED + 100000 * hour, 0), APR_SUCCESS);
}

/** [A6] */
static void test_tokens_of_the_future_are_refused_beyond_the_skew(void **state)
{
    const cs_keyring_t *ring = make_ring(*state, 0);
    const char *text = mint(ring, ISSUED, *state);
    const size_t len = strlen(text);
    const apr_interval_time_t skew = apr_time_from_sec(CS_TOKEN_SKEW);

    assert_int_equal(verify_at(ring, text, len, ISSUED - skew, 0), APR_SUCCESS);
    assert_int_equal(verify_at(ring, text, len, ISSUED - skew - 1, 0), CS_EEXPIRED);
    assert_int_equal(verify_at(ring, text, len, ISSUED - apr_time_from_sec(3600), apr_time_from_sec(60)), CS_EEXPIRED);
}

/** [A6] */
static void test_years_after_2038_and_extremes_neither_wrap_nor_validate(void **state)
{
    static const apr_int64_t seconds[] = {0, 1, 2147483647, 2147483648, 4294967296, 9223372036853, 9223372036854};
    static const apr_time_t nows[] = {APR_INT64_MIN, -1, 0, 1, APR_INT64_MAX};
    const cs_keyring_t *ring = make_ring(*state, 0);
    const char *none;
    size_t at, now;

    for (at = 0; at < sizeof(seconds) / sizeof(seconds[0]); at++) {
        apr_time_t issued = apr_time_from_sec(seconds[at]);
        const char *text = mint(ring, issued, *state);
        cs_token_t token;

        assert_int_equal(cs_token_verify(&token, ring, CS_PURPOSE_SESSION, text, strlen(text), issued, APR_INT64_MAX),
                         APR_SUCCESS);
        assert_true(token.issued == issued);
        for (now = 0; now < sizeof(nows) / sizeof(nows[0]); now++) {
            bool ahead = (__int128)issued - nows[now] > apr_time_from_sec(CS_TOKEN_SKEW);

            assert_int_equal(verify_at(ring, text, strlen(text), nows[now], 0), ahead ? CS_EEXPIRED : APR_SUCCESS);
        }
        if (seconds[at] < 9223372036853)
            assert_int_equal(verify_at(ring, text, strlen(text), APR_INT64_MAX, 1), CS_EEXPIRED);
    }
    assert_int_equal(cs_token_mint(&none, ring, CS_PURPOSE_SESSION, golden_id(), -1, *state), APR_EINVAL);
    assert_null(none);
    assert_int_equal(cs_token_mint(&none, ring, CS_PURPOSE_SESSION, golden_id(), APR_INT64_MIN, *state), APR_EINVAL);
}

/** [A9] */
static void test_rotation_signs_with_the_first_and_verifies_all(void **state)
{
    cs_keyring_t *before = make_ring(*state, 0), *between = make_ring(*state, 0), *after = make_ring(*state, 1);
    const char *old_text = mint(before, ISSUED, *state), *new_text = mint(after, ISSUED, *state);
    cs_token_t token;

    add_secret(between, 1);
    add_secret(after, 0);
    assert_int_equal(verify(between, new_text), APR_SUCCESS);
    assert_string_equal(mint(between, ISSUED, *state), old_text);
    assert_string_equal(mint(after, ISSUED, *state), new_text);
    assert_int_equal(cs_token_verify(&token, after, CS_PURPOSE_SESSION, old_text, strlen(old_text), ISSUED, 0),
                     APR_SUCCESS);
    assert_true(token.old_key);
    assert_memory_equal(token.id, golden_id(), CS_TOKEN_ID_BYTES);
    assert_int_equal(cs_token_verify(&token, after, CS_PURPOSE_SESSION, new_text, strlen(new_text), ISSUED, 0),
                     APR_SUCCESS);
    assert_false(token.old_key);
    assert_int_equal(verify(before, new_text), CS_EBADSIG);
}

static void test_the_ring_shows_its_key_ids(void **state)
{
    cs_keyring_t *ring = make_ring(*state, 0);
    unsigned char mac[CS_KEYRING_MAC_BYTES];

    add_secret(ring, 1);
    assert_int_equal(cs_keyring_count(ring), 2);
    assert_int_equal(strlen(cs_keyring_id(ring, 0)), 8);
    assert_int_equal(strlen(cs_keyring_id(ring, 1)), 8);
    assert_string_not_equal(cs_keyring_id(ring, 0), cs_keyring_id(ring, 1));
    assert_null(cs_keyring_id(ring, 2));
    assert_null(cs_keyring_id(ring, -1));
    assert_int_equal(cs_keyring_mac(mac, ring, 1, (const unsigned char *)"x", 1), APR_SUCCESS);
    assert_int_equal(cs_keyring_mac(mac, ring, 2, (const unsigned char *)"x", 1), APR_ENOENT);
    assert_int_equal(cs_keyring_mac(mac, ring, -1, (const unsigned char *)"x", 1), APR_ENOENT);
}

/** Asserts that a secret is refused with a sentence that has word in it, and that the ring stays empty. */
static void assert_refused(cs_keyring_t *ring, const void *secret, size_t len, const char *word)
{
    const int count = cs_keyring_count(ring);
    const char *problem = NULL;

    assert_int_equal(cs_keyring_add(ring, secret, len, &problem), CS_EREFUSED);
    assert_non_null(problem);
    assert_non_null(strstr(problem, word));
    assert_int_equal(cs_keyring_count(ring), count);
}

/** [A4] */
static void test_weak_secrets_are_refused(void **state)
{
    static unsigned char long_secret[CS_SECRET_MAX + 1];
    static const char sample_line[] = "  " CS_SECRET_SAMPLE "\n";
    unsigned char repeated[64];
    const char *problem;
    cs_keyring_t *ring;
    size_t at;

    for (at = 0; at < sizeof(long_secret); at++)
        long_secret[at] = (unsigned char)(at * 31 + at / 256);
    assert_int_equal(cs_keyring_create(&ring, *state), APR_SUCCESS);
    assert_refused(ring, "", 0, "shorter than 32");
    assert_refused(ring, long_secret, CS_SECRET_MIN - 1, "shorter than 32");
    assert_refused(ring, long_secret, CS_SECRET_MAX + 1, "longer than 4096");
    assert_refused(ring, CS_SECRET_SAMPLE, strlen(CS_SECRET_SAMPLE), "sample");
    assert_refused(ring, sample_line, strlen(sample_line), "sample");
    memset(repeated, 0, sizeof(repeated));
    assert_refused(ring, repeated, sizeof(repeated), "repeated");
    memset(repeated, 'k', sizeof(repeated));
    assert_refused(ring, repeated, sizeof(repeated), "repeated");
    assert_int_equal(cs_keyring_add(ring, long_secret, CS_SECRET_MIN, &problem), APR_SUCCESS);
    assert_int_equal(cs_keyring_add(ring, long_secret, CS_SECRET_MAX, &problem), APR_SUCCESS);
    assert_refused(ring, long_secret, CS_SECRET_MIN, "twice");
    assert_refused(ring, long_secret, CS_SECRET_MAX, "twice");
    assert_int_equal(cs_keyring_count(ring), 2);
}

static int compare_ids(const void *one, const void *other)
{
    return memcmp(one, other, CS_TOKEN_ID_BYTES);
}

enum { CHILDREN = 8, IDS_OF_CHILD = 125000, IDS = CHILDREN * IDS_OF_CHILD };

/** A million ids, drawn by eight children of a process that has drawn before: what a fork copies of a random generator
 * must not be what the children go on with. */
static unsigned char (*draw_ids(void))[CS_TOKEN_ID_BYTES]
{
    unsigned char(*ids)[CS_TOKEN_ID_BYTES] =
        mmap(NULL, IDS * sizeof(*ids), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    unsigned char first[CS_TOKEN_ID_BYTES];
    pid_t children[CHILDREN];
    int at, child, status;

    assert_ptr_not_equal(ids, MAP_FAILED);
    assert_int_equal(cs_token_random(first, sizeof(first)), APR_SUCCESS);
    for (child = 0; child < CHILDREN; child++) {
        children[child] = fork();
        assert_true(children[child] >= 0);
        if (!children[child]) {
            for (at = 0, status = 0; at < IDS_OF_CHILD && !status; at++)
                status = cs_token_random(ids[child * IDS_OF_CHILD + at], sizeof(*ids)) != APR_SUCCESS;
            _exit(status);
        }
    }
    for (child = 0; child < CHILDREN; child++) {
        assert_int_equal(waitpid(children[child], &status, 0), children[child]);
        assert_int_equal(status, 0);
    }
    return ids;
}

/** [A1] */
static void test_random_ids_are_unique_and_balanced(void **state)
{
    unsigned char(*ids)[CS_TOKEN_ID_BYTES] = draw_ids();
    int ones[CS_TOKEN_ID_BYTES * 8] = {0};
    int at, bit;

    (void)state;
    for (at = 0; at < IDS; at++) {
        for (bit = 0; bit < CS_TOKEN_ID_BYTES * 8; bit++)
            ones[bit] += ids[at][bit / 8] >> bit % 8 & 1;
    }
    /* 50 % and six standard deviations, which is 0.3 %: one run in two million would be further off by chance. */
    for (bit = 0; bit < CS_TOKEN_ID_BYTES * 8; bit++)
        assert_in_range(ones[bit], IDS / 2 - 3000, IDS / 2 + 3000);
    qsort(ids, IDS, sizeof(*ids), compare_ids);
    for (at = 1; at < IDS; at++)
        assert_true(compare_ids(ids[at - 1], ids[at]) < 0);
    assert_int_equal(munmap(ids, IDS * sizeof(*ids)), 0);
    assert_int_equal(cs_token_random(NULL, 0), APR_SUCCESS);
}

/** [A10] */
static void test_only_a_hash_of_the_id_is_stored(void **state)
{
    const cs_keyring_t *ring = make_ring(*state, 0);
    const char *hash = cs_token_hash(golden_id(), *state), *text = mint(ring, ISSUED, *state);
    cs_token_t token;

    assert_string_equal(hash, "1865c00831e73f7ee23fc13cb2d0f588b9c341835ca7472f8ec035aba4b789d6");
    assert_null(strstr(text, hash));
    /* What the database holds is no cookie. */
    assert_int_equal(cs_token_verify(&token, ring, CS_PURPOSE_SESSION, hash, strlen(hash), ISSUED, 0), CS_EMALFORMED);
}

static void test_base64url_is_rfc_4648s_without_padding(void **state)
{
    static const char *const cases[][2] = {
        {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
        {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xFB\xFF\xBF", "-_-_"},
    };
    unsigned char out[16];
    apr_size_t written, at;

    for (at = 0; at < sizeof(cases) / sizeof(cases[0]); at++) {
        apr_size_t len = strlen(cases[at][0]);

        assert_string_equal(cs_base64url_encode((const unsigned char *)cases[at][0], len, *state), cases[at][1]);
        assert_int_equal(cs_base64url_decode(out, len, &written, cases[at][1], strlen(cases[at][1])), APR_SUCCESS);
        assert_int_equal(written, len);
        assert_memory_equal(out, cases[at][0], len);
    }
}

/** [A3] */
static void test_base64url_refuses_all_other_spellings(void **state)
{
    static const char *const others[] = {"Z",    "A",    "Zm9vA",  "Zg==",  "Zg=",    "Zh",
                                         "Zm9",  "Zm8=", "Zm9v\n", " Zm9v", "Zm 9v",  "+_-_",
                                         "-/-_", "Zm.v", "Zm9vY",  "A\x80", "Zm9\xFF"};
    unsigned char out[16];
    apr_size_t written, at;

    (void)state;
    for (at = 0; at < sizeof(others) / sizeof(others[0]); at++) {
        written = 99;
        assert_int_equal(cs_base64url_decode(out, sizeof(out), &written, others[at], strlen(others[at])),
                         CS_EMALFORMED);
        assert_int_equal(written, 0);
    }
    assert_int_equal(cs_base64url_decode(out, 2, &written, "Zm9v", 4), CS_EMALFORMED);
    assert_int_equal(cs_base64url_decode(out, sizeof(out), &written, "Zm\0v", 4), CS_EMALFORMED);
}

static void test_base64url_round_trips_every_length(void **state)
{
    unsigned char bytes[80], out[80];
    apr_size_t len, written;
    uint64_t seed = 99;

    for (len = 0; len < sizeof(bytes); len++) {
        const char *text;

        if (len)
            bytes[len - 1] = (unsigned char)fixture_random(&seed, 256);
        text = cs_base64url_encode(bytes, len, *state);
        assert_int_equal(cs_base64url_decode(out, len, &written, text, strlen(text)), APR_SUCCESS);
        assert_int_equal(written, len);
        assert_memory_equal(out, bytes, len);
    }
}

static void test_a_seal_gives_its_text_back(void **state)
{
    static const char *const texts[] = {"", "x", "page 2 \xC3\xA9", "a.b.c", "{\"after\":\"2026-11-23\",\"id\":7}"};
    cs_keyring_t *ring = make_ring(*state, 0), *newer = make_ring(*state, 1), *empty;
    const char *sealed, *opened;
    size_t at;

    for (at = 0; at < sizeof(texts) / sizeof(texts[0]); at++) {
        assert_int_equal(cs_seal(&sealed, ring, CS_PURPOSE_EXPORT, texts[at], *state), APR_SUCCESS);
        assert_int_equal(cs_unseal(&opened, ring, CS_PURPOSE_EXPORT, sealed, *state), APR_SUCCESS);
        assert_string_equal(opened, texts[at]);
    }
    assert_int_equal(cs_seal(&sealed, ring, CS_PURPOSE_EXPORT, texts[2], *state), APR_SUCCESS);
    assert_string_equal(sealed, "cGFnZSAyIMOp.B6ED281O8Mrm3tI4GjHjhkAp551ScHS1PChWAIPBK8o");
    assert_int_equal(cs_unseal(&opened, newer, CS_PURPOSE_EXPORT, sealed, *state), CS_EBADSIG);
    add_secret(newer, 0);
    assert_int_equal(cs_unseal(&opened, newer, CS_PURPOSE_EXPORT, sealed, *state), APR_SUCCESS);
    assert_string_equal(opened, texts[2]);
    assert_int_equal(cs_keyring_create(&empty, *state), APR_SUCCESS);
    assert_int_equal(cs_seal(&sealed, empty, CS_PURPOSE_EXPORT, "x", *state), APR_ENOENT);
    assert_int_equal(cs_unseal(&opened, empty, CS_PURPOSE_EXPORT, golden[0], *state), CS_EBADSIG);
}

static void test_a_changed_seal_is_refused(void **state)
{
    static const char *const malformed[] = {"", ".", "abc", "cGFnZSAyIMOp",
                                            "cGFnZSAyIMOp.B6ED281O8Mrm3tI4GjHjhkAp551ScHS1PChWAIPBK8"};
    const cs_keyring_t *ring = make_ring(*state, 0);
    const char *opened;
    char *sealed = apr_pstrdup(*state, "cGFnZSAyIMOp.B6ED281O8Mrm3tI4GjHjhkAp551ScHS1PChWAIPBK8o");
    size_t at;
    int bit;

    for (at = 0; at < sizeof(malformed) / sizeof(malformed[0]); at++) {
        opened = "untouched";
        assert_int_equal(cs_unseal(&opened, ring, CS_PURPOSE_EXPORT, malformed[at], *state), CS_EMALFORMED);
        assert_null(opened);
    }
    for (at = 0; sealed[at]; at++) {
        for (bit = 0; bit < 8; bit++) {
            sealed[at] = (char)(sealed[at] ^ 1 << bit);
            assert_int_not_equal(cs_unseal(&opened, ring, CS_PURPOSE_EXPORT, sealed, *state), APR_SUCCESS);
            assert_null(opened);
            sealed[at] = (char)(sealed[at] ^ 1 << bit);
        }
    }
    assert_int_equal(cs_unseal(&opened, ring, CS_PURPOSE_EXPORT, sealed, *state), APR_SUCCESS);
}

typedef struct {
    const cs_keyring_t *ring;
    int good;
} worker_t;

enum { WORKERS = 4, ROUNDS = 2000 };

static void *APR_THREAD_FUNC work(apr_thread_t *thread, void *data)
{
    const char *text = golden[CS_PURPOSE_SESSION];
    worker_t *worker = data;
    cs_token_t token;
    int round;

    for (round = 0; round < ROUNDS; round++)
        worker->good +=
            cs_token_verify(&token, worker->ring, CS_PURPOSE_SESSION, text, strlen(text), ISSUED, 0) == APR_SUCCESS;
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

static void test_one_ring_serves_many_threads(void **state)
{
    const cs_keyring_t *ring = make_ring(*state, 0);
    apr_thread_t *threads[WORKERS];
    worker_t workers[WORKERS];
    apr_status_t rv;
    int at;

    for (at = 0; at < WORKERS; at++) {
        workers[at].ring = ring;
        workers[at].good = 0;
        assert_int_equal(apr_thread_create(&threads[at], NULL, work, &workers[at], *state), APR_SUCCESS);
    }
    for (at = 0; at < WORKERS; at++) {
        assert_int_equal(apr_thread_join(&rv, threads[at]), APR_SUCCESS);
        assert_int_equal(workers[at].good, ROUNDS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_tokens_have_the_documented_form),
        FIXTURE_TEST(test_every_single_bit_flip_is_rejected),
        FIXTURE_TEST(test_every_truncation_and_extension_is_rejected),
        FIXTURE_TEST(test_one_spelling_per_token),
        FIXTURE_TEST(test_the_four_spellings_of_the_last_character_differ_in_form_only),
        FIXTURE_TEST(test_payload_is_read_only_after_the_mac),
        FIXTURE_TEST(test_any_octets_are_refused_without_harm),
        FIXTURE_TEST(test_a_token_past_its_maximum_is_malformed),
        FIXTURE_TEST(test_key_ids_may_not_be_swapped),
        FIXTURE_TEST(test_a_token_of_another_secret_is_not_ours),
        FIXTURE_TEST(test_purposes_are_separated),
        FIXTURE_TEST(test_an_unknown_purpose_is_an_error),
        FIXTURE_TEST(test_age_is_checked_on_both_sides_of_the_limit),
        FIXTURE_TEST(test_tokens_of_the_future_are_refused_beyond_the_skew),
        FIXTURE_TEST(test_years_after_2038_and_extremes_neither_wrap_nor_validate),
        FIXTURE_TEST(test_rotation_signs_with_the_first_and_verifies_all),
        FIXTURE_TEST(test_the_ring_shows_its_key_ids),
        FIXTURE_TEST(test_weak_secrets_are_refused),
        FIXTURE_TEST(test_random_ids_are_unique_and_balanced),
        FIXTURE_TEST(test_only_a_hash_of_the_id_is_stored),
        FIXTURE_TEST(test_base64url_is_rfc_4648s_without_padding),
        FIXTURE_TEST(test_base64url_refuses_all_other_spellings),
        FIXTURE_TEST(test_base64url_round_trips_every_length),
        FIXTURE_TEST(test_a_seal_gives_its_text_back),
        FIXTURE_TEST(test_a_changed_seal_is_refused),
        FIXTURE_TEST(test_one_ring_serves_many_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
