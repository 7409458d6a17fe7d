/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* A request's path against a route's pattern, and its query string. */
#include "core/address.h"
#include "fixture.h"

#define ID "0b9f3c1e-7a52-4d6e-8f10-2a3b4c5d6e7f"
#define OTHER "1C9F3C1E-7A52-4D6E-8F10-2A3B4C5D6E7F"

static void test_a_path_matches_segment_by_segment(void **state)
{
    static const struct {
        const char *pattern, *path;
        bool matches;
    } cases[] = {
        {"", "", true},
        {"", "api", false},
        {"api/session", "api/session", true},
        {"api/session", "api/sessioN", false},
        {"api/session", "api/sessions", false},
        {"api/session", "api", false},
        {"api/session", "api/session/", false},
        {"api/session", "api/session/x", false},
        {"api/session", "/api/session", false},
        {"four/sixsix", "four/sixsix", true}, /* as long as {id} and {word} */
        {"four/sixsix", "five/sixsix", false},
        {"api/{id}", "api/" ID, true},
        {"api/{id}", "api/{id}", false},
        {"api/{id}", "api/" ID "0", false},
        {"api/{id}", "api/", false},
        {"api/{word}", "api/\xe4\xba\x8b", true},
        {"api/{word}", "api/\xe4\xba", false},
        {"api/{word}", "api/", false},
        {"{id}/{id}", ID "/" OTHER, true},
        {"{id}/{id}/{id}", ID "/" OTHER "/" ID, false}, /* there is room for two */
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cs_path_t found = {{"x", "x"}, "x"};

        if (cs_path_match(&found, cases[i].pattern, cases[i].path, *state) != cases[i].matches)
            fail_msg("%s against %s", cases[i].path, cases[i].pattern);
        if (!cases[i].matches) {
            assert_null(found.ids[0]);
            assert_null(found.ids[1]);
            assert_null(found.word);
        }
    }
}

static void test_what_a_pattern_found_is_handed_on(void **state)
{
    cs_path_t found;

    assert_true(cs_path_match(&found, "a/{id}/{word}/{id}", "a/" ID "/o k/" OTHER, *state));
    assert_string_equal(found.ids[0], ID);
    assert_string_equal(found.ids[1], "1c9f3c1e-7a52-4d6e-8f10-2a3b4c5d6e7f");
    assert_string_equal(found.word, "o k");
}

static void test_a_query_is_read_as_a_form_writes_it(void **state)
{
    apr_table_t *pairs;

    assert_true(cs_query_read(&pairs, "q=a+b%2Bc&&limit=5&empty=&name&%e4%bA%8b=%41", *state));
    assert_int_equal(apr_table_elts(pairs)->nelts, 5);
    assert_string_equal(apr_table_get(pairs, "q"), "a b+c");
    assert_string_equal(apr_table_get(pairs, "limit"), "5");
    assert_string_equal(apr_table_get(pairs, "empty"), "");
    assert_string_equal(apr_table_get(pairs, "name"), "");
    assert_string_equal(apr_table_get(pairs, "\xe4\xba\x8b"), "A");
}

static void test_without_a_query_there_are_no_pairs(void **state)
{
    static const char *const none[] = {NULL, "", "&", "&&&"};

    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        apr_table_t *pairs = NULL;

        assert_true(cs_query_read(&pairs, none[i], *state));
        assert_true(apr_is_empty_table(pairs));
    }
}

static void test_a_query_that_is_no_text_is_refused(void **state)
{
    static const char *const bad[] = {"=x", "%", "%4", "%g1", "%4g", "a=%4", "a=%00", "%00", "a=%ff", "a=\xff", "\xff"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        apr_table_t *pairs = NULL;

        if (cs_query_read(&pairs, apr_pstrcat(*state, "first=1&", bad[i], NULL), *state))
            fail_msg("read: %s", bad[i]);
        assert_int_equal(apr_table_elts(pairs)->nelts, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_a_path_matches_segment_by_segment),   FIXTURE_TEST(test_what_a_pattern_found_is_handed_on),
        FIXTURE_TEST(test_a_query_is_read_as_a_form_writes_it), FIXTURE_TEST(test_without_a_query_there_are_no_pairs),
        FIXTURE_TEST(test_a_query_that_is_no_text_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
