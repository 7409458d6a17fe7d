/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "fixture.h"
#include "core/label.h"

#define TEN "1234567890"

static void test_what_can_be_seen_is_a_label(void **state)
{
    static const char *const labels[] = {"a",
                                         "work in 2026 / taxes, 50%",
                                         TEN TEN TEN TEN,
                                         "\xe4\xbb\x95\xe4\xba\x8b", /* Japanese */
                                         "\xe2\x9d\xa4\xef\xb8\x8f", /* an emoji with its variation selector */
                                         "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xac"}; /* two joined by ZWJ */

    (void)state;
    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        assert_true(cs_label_is(labels[i]));
    }
}

static void test_what_cannot_be_seen_is_none(void **state)
{
    static const char *const texts[] = {"",
                                        " ",
                                        " a",
                                        "a ",
                                        "a\nb",
                                        "a\x7f",
                                        "\xc2\x85",     /* a control character past ASCII */
                                        "a\xe2\x80\xa8" /* line separator */
                                        "b",
                                        "\xe3\x80\x80\xe4\xba\x8b",      /* an ideographic space before it */
                                        "\xe2\x80\x8b",                  /* zero width alone */
                                        "\xe2\x80\x8b a",                /* zero width, then a space */
                                        "a\xc2\xa0\xe2\x80\x8b",         /* a space, then zero width */
                                        TEN TEN TEN TEN "\xe4\xba\x8b"}; /* 41 code points */

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_false(cs_label_is(texts[i]));
    }
}

static bool are(const char *text)
{
    json_t *labels = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    const bool are = cs_labels_are(labels);

    assert_non_null(labels);
    json_decref(labels);
    return are;
}

static void test_a_list_has_at_most_ten_labels_and_nothing_else(void **state)
{
    (void)state;
    assert_true(are("[]"));
    assert_true(are("[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\"]"));
    assert_false(are("[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\"]"));
    assert_false(are("[\"a\",1]"));
    assert_false(are("[\"a\",\" \"]"));
    assert_false(are("[\"a\\u0000b\"]"));
    assert_false(cs_labels_are(NULL));
    assert_false(are("{}"));
    assert_false(are("\"a\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_what_can_be_seen_is_a_label),
        FIXTURE_TEST(test_what_cannot_be_seen_is_none),
        FIXTURE_TEST(test_a_list_has_at_most_ten_labels_and_nothing_else),
    };

    return cmocka_run_group_tests_name("label", tests, NULL, NULL);
}
