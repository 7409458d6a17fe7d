/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* One-time codes: the vectors of RFC 4226 appendix D and RFC 6238 appendix B, both edges of the window, what was used.
 */
#include "core/totp.h"
#include "fixture.h"

static const unsigned char secret[] = "12345678901234567890";

static const char *code_of(apr_int64_t step, apr_pool_t *pool)
{
    apr_uint32_t value;

    assert_int_equal(cs_hotp(&value, secret, (apr_uint64_t)step), APR_SUCCESS);
    return apr_psprintf(pool, "%06u", value % 1000000);
}

static apr_status_t check(const char *code, apr_time_t seconds, apr_int64_t after)
{
    apr_int64_t step = 42;
    apr_status_t rv = cs_totp_check(&step, secret, code, apr_time_from_sec(seconds), after);

    assert_true((rv == APR_SUCCESS) == (step != CS_TOTP_NO_STEP));
    return rv;
}

static void test_hotp_gives_the_values_of_rfc_4226_appendix_d(void **state)
{
    static const struct {
        apr_uint32_t value;
        const char *code;
    } wanted[] = {
        {0x4c93cf18, "755224"}, {0x41397eea, "287082"}, {0x82fef30, "359152"},  {0x66ef7655, "969429"},
        {0x61c5938a, "338314"}, {0x33c083d4, "254676"}, {0x7256c032, "287922"}, {0x4e5b397, "162583"},
        {0x2823443f, "399871"}, {0x2679dc69, "520489"},
    };

    for (unsigned int i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        apr_uint32_t value;

        assert_int_equal(cs_hotp(&value, secret, i), APR_SUCCESS);
        assert_int_equal(value, wanted[i].value);
        assert_string_equal(code_of(i, *state), wanted[i].code);
    }
}

static void test_totp_gives_the_values_of_rfc_6238_appendix_b(void **state)
{
    static const struct {
        apr_time_t seconds;
        apr_int64_t step;
        apr_uint32_t code; /* of eight digits, as printed there */
    } wanted[] = {
        {59, 0x1, 94287082},
        {1111111109, 0x23523EC, 7081804},
        {1111111111, 0x23523ED, 14050471},
        {1234567890, 0x273EF07, 89005924},
        {2000000000, 0x3F940AA, 69279037},
        {20000000000, 0x27BC86AA, 65353130},
    };

    for (unsigned int i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        const apr_time_t now = apr_time_from_sec(wanted[i].seconds);
        apr_uint32_t value;
        apr_int64_t step;

        assert_int_equal(cs_totp_step(now), wanted[i].step);
        assert_int_equal(cs_hotp(&value, secret, (apr_uint64_t)wanted[i].step), APR_SUCCESS);
        assert_int_equal(value % 100000000, wanted[i].code);
        assert_int_equal(cs_totp_check(&step, secret, apr_psprintf(*state, "%06u", value % 1000000), now,
                                       CS_TOTP_NO_STEP),
                         APR_SUCCESS);
        assert_int_equal(step, wanted[i].step);
    }
}

static void test_a_code_counts_one_step_before_and_after_and_no_further(void **state)
{
    const apr_int64_t step = 1000;

    for (apr_time_t second = 0; second < CS_TOTP_SECONDS; second += CS_TOTP_SECONDS - 1) {
        const apr_time_t now = step * CS_TOTP_SECONDS + second;

        assert_int_equal(check(code_of(step - 2, *state), now, CS_TOTP_NO_STEP), CS_EBADSIG);
        assert_int_equal(check(code_of(step - 1, *state), now, CS_TOTP_NO_STEP), APR_SUCCESS);
        assert_int_equal(check(code_of(step, *state), now, CS_TOTP_NO_STEP), APR_SUCCESS);
        assert_int_equal(check(code_of(step + 1, *state), now, CS_TOTP_NO_STEP), APR_SUCCESS);
        assert_int_equal(check(code_of(step + 2, *state), now, CS_TOTP_NO_STEP), CS_EBADSIG);
    }
}

static void test_a_step_that_was_used_and_those_before_it_do_not_count_again(void **state)
{
    const apr_time_t now = 1000 * CS_TOTP_SECONDS;

    assert_int_equal(check(code_of(1000, *state), now, 999), APR_SUCCESS);
    assert_int_equal(check(code_of(1000, *state), now, 1000), CS_EBADSIG);
    assert_int_equal(check(code_of(999, *state), now, 1000), CS_EBADSIG);
    assert_int_equal(check(code_of(1001, *state), now, 1000), APR_SUCCESS);
}

static void test_a_code_is_six_digits_and_spaces_alone(void **state)
{
    const apr_time_t now = 1000 * CS_TOTP_SECONDS;
    const char *code = code_of(1000, *state);
    static const char *const none[] = {"", " ", "12345", "1234567", "abcdef", "12345a", "+12345", "-12345", "0x1234"};

    assert_int_equal(check(apr_psprintf(*state, " %.3s %s ", code, code + 3), now, CS_TOTP_NO_STEP), APR_SUCCESS);
    assert_int_equal(check(apr_psprintf(*state, "%s0", code), now, CS_TOTP_NO_STEP), CS_EBADSIG);
    assert_int_equal(check(apr_psprintf(*state, "%s\t", code), now, CS_TOTP_NO_STEP), CS_EBADSIG);
    assert_int_equal(check(apr_psprintf(*state, "%.5s", code), now, CS_TOTP_NO_STEP), CS_EBADSIG);
    for (unsigned int i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        assert_int_equal(check(none[i], now, CS_TOTP_NO_STEP), CS_EBADSIG);
    }
}

static void test_the_address_is_percent_encoded_wherever_a_name_could_break_it(void **state)
{
    assert_string_equal(cs_totp_uri("chat.example:8443", "a b/c?d&e=f#g%\xc3\xa9", secret, *state),
                        "otpauth://totp/chat.example%3A8443:a%20b%2Fc%3Fd%26e%3Df%23g%25%C3%A9"
                        "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=chat.example%3A8443"
                        "&algorithm=SHA1&digits=6&period=30");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_hotp_gives_the_values_of_rfc_4226_appendix_d),
        FIXTURE_TEST(test_totp_gives_the_values_of_rfc_6238_appendix_b),
        FIXTURE_TEST(test_a_code_counts_one_step_before_and_after_and_no_further),
        FIXTURE_TEST(test_a_step_that_was_used_and_those_before_it_do_not_count_again),
        FIXTURE_TEST(test_a_code_is_six_digits_and_spaces_alone),
        FIXTURE_TEST(test_the_address_is_percent_encoded_wherever_a_name_could_break_it),
    };

    return cmocka_run_group_tests_name("totp", tests, NULL, NULL);
}
