/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* A text grows by any pieces, keeps NULs, obeys its limit and is always terminated. */
#include "core/text.h"
#include "fixture.h"

static void test_new_text_is_empty_and_not_null(void **state)
{
    cs_text_t *text = cs_text_create(*state);

    assert_string_equal(cs_text_get(text), "");
    assert_int_equal(cs_text_length(text), 0);
    cs_text_clear(text);
    assert_string_equal(cs_text_get(text), "");
}

static void test_pieces_add_up(void **state)
{
    cs_text_t *text = cs_text_create(*state);
    size_t at;

    for (at = 0; at < 100000; at++) {
        char octet = (char)(at * 7 % 251);

        assert_int_equal(cs_text_append(text, &octet, 1, 0), APR_SUCCESS);
    }
    assert_int_equal(cs_text_length(text), 100000);
    for (at = 0; at < 100000; at++)
        assert_int_equal(cs_text_get(text)[at], (char)(at * 7 % 251));
    assert_int_equal(cs_text_get(text)[100000], 0);
}

static void test_nothing_is_appended_past_the_limit(void **state)
{
    cs_text_t *text = cs_text_create(*state);

    assert_int_equal(cs_text_append(text, "12345", 5, 5), APR_SUCCESS);
    assert_int_equal(cs_text_append(text, "6", 1, 5), CS_ETOOBIG);
    assert_int_equal(cs_text_append(text, "", 0, 5), APR_SUCCESS);
    assert_string_equal(cs_text_get(text), "12345");
    assert_int_equal(cs_text_append(text, "", 0, 4), CS_ETOOBIG);
    assert_int_equal(cs_text_append(text, "6", 1, 6), APR_SUCCESS);
    assert_string_equal(cs_text_get(text), "123456");
}

static void test_absurd_lengths_are_refused(void **state)
{
    cs_text_t *text = cs_text_create(*state);

    assert_int_equal(cs_text_append(text, "ab", 2, 0), APR_SUCCESS);
    assert_int_equal(cs_text_append(text, "x", APR_SIZE_MAX, 0), CS_ETOOBIG);
    assert_int_equal(cs_text_append(text, "x", APR_SIZE_MAX - 2, 0), CS_ETOOBIG);
    assert_int_equal(cs_text_append(text, "x", APR_SIZE_MAX - 1, 10), CS_ETOOBIG);
    assert_string_equal(cs_text_get(text), "ab");
}

static void test_cleared_text_is_used_again(void **state)
{
    cs_text_t *text = cs_text_create(*state);

    assert_int_equal(cs_text_append(text, "first", 5, 0), APR_SUCCESS);
    cs_text_clear(text);
    assert_string_equal(cs_text_get(text), "");
    assert_int_equal(cs_text_append(text, "x\0y", 3, 0), APR_SUCCESS);
    assert_int_equal(cs_text_length(text), 3);
    assert_memory_equal(cs_text_get(text), "x\0y", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_new_text_is_empty_and_not_null),     FIXTURE_TEST(test_pieces_add_up),
        FIXTURE_TEST(test_nothing_is_appended_past_the_limit), FIXTURE_TEST(test_absurd_lengths_are_refused),
        FIXTURE_TEST(test_cleared_text_is_used_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
