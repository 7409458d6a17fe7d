/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* What a cache gives back is exactly what was written, or it is none of ours. */
#include "fixture.h"
#include "core/session_entry.h"

static void test_a_session_is_read_as_it_was_written(void **state)
{
    static const cs_session_entry_t entries[] = {{"ref-_9", 1795411867000000, 0, "-"},
                                                 {"r", 1, 1795411867000000, "logout"}};

    for (size_t i = 0; i < 2; i++) {
        const char *text = cs_session_entry_print(&entries[i], *state);
        cs_session_entry_t found;

        assert_int_equal(cs_session_entry_parse(&found, text, strlen(text), *state), APR_SUCCESS);
        assert_string_equal(found.ref, entries[i].ref);
        assert_true(found.created == entries[i].created && found.revoked == entries[i].revoked);
        assert_string_equal(found.cause, entries[i].cause);
        /* Cut off anywhere, or with anything behind it, it is none. */
        for (size_t len = 0; len < strlen(text) - strlen(entries[i].cause); len++)
            assert_int_equal(cs_session_entry_parse(&found, text, len, *state), CS_EMALFORMED);
        text = apr_pstrcat(*state, text, " x", NULL);
        assert_int_equal(cs_session_entry_parse(&found, text, strlen(text), *state), CS_EMALFORMED);
        assert_null(found.ref);
    }
}

static void test_garbage_is_no_entry(void **state)
{
    static const char *const texts[] = {"",
                                        "trial",
                                        "1s",
                                        "1s ",
                                        "2s ref 1 0 -",
                                        "1s ref 0 0 -",
                                        "1s ref 01 0 -",
                                        "1s ref -1 0 -",
                                        "1s ref 1 0",
                                        "1s ref 1 0 a/b",
                                        "1s a/b 1 0 -",
                                        "1s ref x 0 -",
                                        "1s ref 1 x -",
                                        "1s ref 1 0 - ",
                                        "1s ref 99999999999999999999 0 -",
                                        "1s ref  1 0 -",
                                        "1s re\xff 1 0 -",
                                        "1u",
                                        "1u ",
                                        "1u x",
                                        "1u 0",
                                        "1u 12345678901234567890123456789012345",
                                        "1n ",
                                        "1n a  b",
                                        "1n a b ",
                                        "1nab",
                                        "1n a/b",
                                        "1v\xff",
                                        "1v \xff",
                                        "1rx",
                                        "$-1"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const size_t len = strlen(texts[i]);
        cs_session_entry_t entry;
        apr_array_header_t *names;
        const char *value;
        apr_time_t used;

        assert_int_equal(cs_session_entry_parse(&entry, texts[i], len, *state), CS_EMALFORMED);
        assert_int_equal(cs_session_entry_parse_used(&used, texts[i], len), CS_EMALFORMED);
        assert_int_equal(cs_session_entry_parse_names(&names, texts[i], len, *state), CS_EMALFORMED);
        assert_int_equal(names->nelts, 0);
        assert_int_equal(cs_session_entry_parse_value(&value, texts[i], len, *state), CS_EMALFORMED);
        assert_null(value);
    }
    {
        const char *value;
        apr_time_t used;
        assert_int_equal(cs_session_entry_parse_value(&value, "1v a\0b", 6, *state), CS_EMALFORMED);
        assert_int_equal(cs_session_entry_parse_used(&used, "1u 1\0", 5), CS_EMALFORMED);
    }
}

static void test_times_names_and_values_are_read_as_they_were_written(void **state)
{
    apr_array_header_t *names = apr_array_make(*state, 2, sizeof(const char *));
    const char *text = cs_session_entry_print_used(1795411867000001, *state);
    const char *value;
    apr_time_t used;

    assert_int_equal(cs_session_entry_parse_used(&used, text, strlen(text)), APR_SUCCESS);
    assert_true(used == 1795411867000001);
    for (int count = 0; count < 3; count++) {
        apr_array_header_t *found;
        text = cs_session_entry_print_names(names, *state);
        assert_int_equal(cs_session_entry_parse_names(&found, text, strlen(text), *state), APR_SUCCESS);
        assert_int_equal(found->nelts, count);
        for (int i = 0; i < count; i++)
            assert_string_equal(APR_ARRAY_IDX(found, i, const char *), APR_ARRAY_IDX(names, i, const char *));
        APR_ARRAY_PUSH(names, const char *) = count ? "b" : "A.b_c-9";
    }
    for (size_t i = 0; i < 3; i++) {
        static const char *const values[] = {"", " a b ", "1r \xc3\xa4\r\n"};
        text = cs_session_entry_print_value(values[i], *state);
        assert_int_equal(cs_session_entry_parse_value(&value, text, strlen(text), *state), APR_SUCCESS);
        assert_string_equal(value, values[i]);
    }
    text = cs_session_entry_print_value(NULL, *state);
    assert_int_equal(cs_session_entry_parse_value(&value, text, strlen(text), *state), APR_ENOENT);
    assert_null(value);
}

static void test_keys_differ_by_kind_session_and_part(void **state)
{
    unsigned char keys[5][CS_SESSION_ENTRY_KEY_BYTES];

    (void)state;
    assert_int_equal(cs_session_entry_key(keys[0], CS_ENTRY_SESSION, "aa", ""), APR_SUCCESS);
    assert_int_equal(cs_session_entry_key(keys[1], CS_ENTRY_USED, "aa", ""), APR_SUCCESS);
    assert_int_equal(cs_session_entry_key(keys[2], CS_ENTRY_VALUE, "aa", "1"), APR_SUCCESS);
    assert_int_equal(cs_session_entry_key(keys[3], CS_ENTRY_NAMES, "aa", "1"), APR_SUCCESS);
    assert_int_equal(cs_session_entry_key(keys[4], CS_ENTRY_VALUE, "ab", "1"), APR_SUCCESS);
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(keys[i], keys[j], CS_SESSION_ENTRY_KEY_BYTES);
}

static void test_names_are_short_and_of_few_characters(void **state)
{
    const char *longest = apr_psprintf(*state, "%064d", 0);

    assert_true(cs_session_entry_is_name("a"));
    assert_true(cs_session_entry_is_name("Az09_.-"));
    assert_true(cs_session_entry_is_name(longest));
    assert_false(cs_session_entry_is_name(apr_pstrcat(*state, longest, "0", NULL)));
    assert_false(cs_session_entry_is_name(""));
    assert_false(cs_session_entry_is_name("a b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_a_session_is_read_as_it_was_written),
        FIXTURE_TEST(test_garbage_is_no_entry),
        FIXTURE_TEST(test_times_names_and_values_are_read_as_they_were_written),
        FIXTURE_TEST(test_keys_differ_by_kind_session_and_part),
        FIXTURE_TEST(test_names_are_short_and_of_few_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
