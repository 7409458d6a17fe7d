/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Text is UTF-8 without NUL; people's limits count code points and cut only between them; repair keeps the rest. */
#include "core/utf8.h"
#include "fixture.h"
#include "kuhn.h"

/** One code point as UTF-8, written from its definition; the number of octets. */
static size_t encode(char *out, unsigned int point)
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (char)(0xC0 | point >> 6);
        out[1] = (char)(0x80 | (point & 0x3F));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (char)(0xE0 | point >> 12);
        out[1] = (char)(0x80 | (point >> 6 & 0x3F));
        out[2] = (char)(0x80 | (point & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | point >> 18);
    out[1] = (char)(0x80 | (point >> 12 & 0x3F));
    out[2] = (char)(0x80 | (point >> 6 & 0x3F));
    out[3] = (char)(0x80 | (point & 0x3F));
    return 4;
}

static void test_every_code_point_but_nul_and_surrogates_is_text(void **state)
{
    unsigned int point, texts = 0;
    char octets[4];

    (void)state;
    for (point = 0; point < 0x200000; point++) {
        bool expected = point && point <= 0x10FFFF && !(point >= 0xD800 && point <= 0xDFFF);
        size_t len = encode(octets, point);

        if (cs_utf8_is_text(octets, len, NULL) != expected)
            fail_msg("U+%04X", point);
        texts += expected;
    }
    assert_int_equal(texts, 0x110000 - 0x800 - 1);
}

/** [K3] */
static void test_kuhn_cases_are_not_text(void **state)
{
    size_t at, bad;

    (void)state;
    assert_true(KUHN_CASES >= 64);
    for (at = 0; at < KUHN_CASES; at++) {
        if (cs_utf8_is_text(kuhn_cases[at].octets, strlen(kuhn_cases[at].octets), &bad))
            fail_msg("case %zu was taken for text", at);
        assert_true(bad < strlen(kuhn_cases[at].octets));
    }
}

/* The words of eight octets must not hide an octet at any place of them. */
static void test_one_bad_octet_is_found_wherever_it_stands(void **state)
{
    static const char bads[] = {0, (char)0x80, (char)0xFF, (char)0xC3};
    char text[41];
    size_t at, kind, bad;

    (void)state;
    for (kind = 0; kind < sizeof(bads); kind++) {
        for (at = 0; at < 40; at++) {
            memset(text, 'a', sizeof(text));
            text[at] = bads[kind];
            assert_false(cs_utf8_is_text(text, 40, &bad));
            assert_int_equal(bad, at);
            text[at] = '\x01';
            assert_true(cs_utf8_is_text(text, 40, &bad));
            assert_int_equal(bad, 40);
        }
    }
}

static void test_a_character_cut_short_is_not_text(void **state)
{
    static const char text[] = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80";
    static const bool whole[] = {true, true, false, true, false, false, true, false, false, false, true};
    size_t len, bad;

    (void)state;
    for (len = 0; len <= 10; len++)
        assert_int_equal(cs_utf8_is_text(text, len, &bad), whole[len]);
    assert_false(cs_utf8_is_text(text, 9, &bad));
    assert_int_equal(bad, 6);
}

/** [K5] */
static void test_lengths_count_code_points(void **state)
{
    (void)state;
    assert_int_equal(cs_utf8_count("", 0), 0);
    assert_int_equal(cs_utf8_count("abc", 3), 3);
    assert_int_equal(cs_utf8_count("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 9), 3);
}

/** [K5] */
static void test_prefix_cuts_between_code_points(void **state)
{
    static const char text[] = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z";
    static const size_t expected[] = {0, 1, 3, 6, 10, 11, 11, 11};
    size_t points;

    (void)state;
    for (points = 0; points < 8; points++) {
        size_t len = cs_utf8_prefix(text, 11, points);

        assert_int_equal(len, expected[points]);
        assert_true(cs_utf8_is_text(text, len, NULL));
    }
    assert_int_equal(cs_utf8_prefix(text, 11, APR_SIZE_MAX), 11);
    assert_int_equal(cs_utf8_prefix("", 0, 3), 0);
}

static unsigned int count_replacements(const char *text)
{
    unsigned int count = 0;

    while ((text = strstr(text, "\xEF\xBF\xBD"))) {
        count++;
        text += 3;
    }
    return count;
}

static void test_repair_replaces_each_maximal_subpart_once(void **state)
{
    size_t at, len;
    bool repaired;

    for (at = 0; at < KUHN_CASES; at++) {
        const char *framed = apr_pstrcat(*state, "<", kuhn_cases[at].octets, ">", NULL);
        const char *text = cs_utf8_repair(framed, strlen(framed), &len, &repaired, *state);

        assert_true(repaired);
        assert_true(cs_utf8_is_text(text, len, NULL));
        assert_int_equal(strlen(text), len);
        assert_int_equal(text[0], '<');
        assert_int_equal(text[len - 1], '>');
        if (count_replacements(text) != kuhn_cases[at].replacements)
            fail_msg("case %zu: %u replacements, expected %u", at, count_replacements(text),
                     kuhn_cases[at].replacements);
    }
}

static void test_repair_replaces_nul_and_keeps_the_tail(void **state)
{
    size_t len;
    bool repaired;
    const char *text = cs_utf8_repair("nul\0tail", 8, &len, &repaired, *state);

    assert_true(repaired);
    assert_int_equal(len, 10);
    assert_string_equal(text, "nul\xEF\xBF\xBDtail");
    assert_string_equal(cs_utf8_repair("\0\0", 2, NULL, NULL, *state), "\xEF\xBF\xBD\xEF\xBF\xBD");
}

static void test_repair_leaves_text_as_it_is(void **state)
{
    static const char text[] = "caf\xC3\xA9 \xF0\x9F\x98\x80";
    bool repaired = true;
    size_t len = 0;
    const char *same;

    assert_ptr_equal(cs_utf8_repair(text, CS_UTF8_TERMINATED, &len, &repaired, *state), text);
    assert_false(repaired);
    assert_int_equal(len, strlen(text));
    assert_string_equal(cs_utf8_repair("a\xFF", CS_UTF8_TERMINATED, &len, &repaired, *state), "a\xEF\xBF\xBD");
    assert_true(repaired);
    /* With a length nothing says that a NUL follows, so the text is copied. */
    same = cs_utf8_repair(text, 5, &len, &repaired, *state);
    assert_string_equal(same, "caf\xC3\xA9");
    assert_false(repaired);
    assert_string_equal(cs_utf8_repair("", 0, &len, &repaired, *state), "");
    assert_int_equal(len, 0);
}

static void test_repair_of_random_octets_is_text_and_stays_so(void **state)
{
    uint64_t seed = 20260101;
    char octets[64];
    int round;

    for (round = 0; round < 20000; round++) {
        size_t len = fixture_random(&seed, sizeof(octets) + 1), at, out_len, again_len;
        const char *text, *again;
        bool repaired, was_text;

        for (at = 0; at < len; at++)
            octets[at] =
                (char)("\x00\x41\x80\x8F\x90\x9F\xA0\xBF\xC2\xE0\xED\xEF\xF0\xF4\xF5\xE2"[fixture_random(&seed, 16)]);
        was_text = cs_utf8_is_text(octets, len, NULL);
        text = cs_utf8_repair(octets, len, &out_len, &repaired, *state);
        assert_true(cs_utf8_is_text(text, out_len, NULL));
        assert_int_equal(repaired, !was_text);
        again = cs_utf8_repair(text, CS_UTF8_TERMINATED, &again_len, &repaired, *state);
        assert_ptr_equal(again, text);
        assert_int_equal(again_len, out_len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_every_code_point_but_nul_and_surrogates_is_text),
        FIXTURE_TEST(test_kuhn_cases_are_not_text),
        FIXTURE_TEST(test_one_bad_octet_is_found_wherever_it_stands),
        FIXTURE_TEST(test_a_character_cut_short_is_not_text),
        FIXTURE_TEST(test_lengths_count_code_points),
        FIXTURE_TEST(test_prefix_cuts_between_code_points),
        FIXTURE_TEST(test_repair_replaces_each_maximal_subpart_once),
        FIXTURE_TEST(test_repair_replaces_nul_and_keeps_the_tail),
        FIXTURE_TEST(test_repair_leaves_text_as_it_is),
        FIXTURE_TEST(test_repair_of_random_octets_is_text_and_stays_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
