/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Each status of ours has a phrase of its own; all others have APR's. */
#include "core/status.h"
#include "fixture.h"

static const apr_status_t ours[] = {CS_EMALFORMED, CS_EBADSIG,    CS_EEXPIRED,  CS_ETOOBIG,
                                    CS_ENOTTEXT,   CS_EDUPLICATE, CS_ECONFLICT, CS_EUNAVAILABLE,
                                    CS_EDATABASE,  CS_EREFUSED,   CS_EFULL};
#define OURS (sizeof(ours) / sizeof(ours[0]))

static void test_each_status_has_its_own_phrase(void **state)
{
    char buf[120], other_buf[120];
    size_t at, other;

    (void)state;
    for (at = 0; at < OURS; at++) {
        const char *phrase = cs_strstatus(ours[at], buf, sizeof(buf));

        assert_ptr_not_equal(phrase, buf);
        assert_true(strlen(phrase) > 5);
        for (other = 0; other < at; other++)
            assert_string_not_equal(phrase, cs_strstatus(ours[other], other_buf, sizeof(other_buf)));
    }
    assert_string_equal(cs_strstatus(CS_EEXPIRED, buf, sizeof(buf)), "its time has passed");
    assert_string_equal(cs_strstatus(CS_EREFUSED, buf, sizeof(buf)), "refused by a rule");
}

static void test_other_statuses_have_aprs_text(void **state)
{
    static const apr_status_t others[] = {APR_ENOENT, APR_ENOMEM, APR_EGENERAL, CS_STATUS_BASE, CS_EFULL + 1};
    char buf[120], expected[120];
    size_t at;

    (void)state;
    for (at = 0; at < sizeof(others) / sizeof(others[0]); at++)
        assert_string_equal(cs_strstatus(others[at], buf, sizeof(buf)),
                            apr_strerror(others[at], expected, sizeof(expected)));
    assert_string_equal(cs_strstatus(APR_SUCCESS, buf, sizeof(buf)), "success");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_each_status_has_its_own_phrase),
        FIXTURE_TEST(test_other_statuses_have_aprs_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
