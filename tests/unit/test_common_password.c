/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Promise C3, the blocklist: what guessing programs try first cannot be set, and neither can a password with the user's
 * or the site's name in it; what nobody else would think of can.
 */
#include "core/common_password.h"
#include "core/password.h"
#include "fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_common(const char *password)
{
    return cs_password_is_common(password, strlen(password));
}

static void test_the_words_are_sorted_so_that_they_are_found(void **state)
{
    int i;

    (void)state;
    for (i = 1; i < cs_common_password_words(); i++)
        assert_true(strcmp(cs_common_password_word(i - 1), cs_common_password_word(i)) < 0);
}

/** [C3] */
static void test_far_more_than_3000_passwords_of_eight_characters_are_refused(void **state)
{
    static const char *const after[] = {"",    "1",  "12",   "123",  "1234", "12345", "123456", "01",
                                        "007", "69", "99",   "2000", "1987", "2024",  "2025",   "2026",
                                        "!",   "1!", "123!", "?",    ".",    "@123",  "#1",     "_1"};
    int refused = 0;
    int word;
    size_t i;

    for (word = 0; word < cs_common_password_words(); word++) {
        for (i = 0; i < COUNT(after); i++) {
            const char *password = apr_pstrcat(*state, cs_common_password_word(word), after[i], NULL);

            if (strlen(password) >= CS_PASSWORD_MIN_CHARS) {
                const cs_password_problem_t *problem;

                assert_int_equal(cs_password_acceptable_for(&problem, password, strlen(password), NULL, NULL),
                                 CS_EREFUSED);
                refused++;
            }
        }
    }
    assert_true(refused >= 3000);
}

static void test_what_is_tried_first_is_common(void **state)
{
    static const char *const passwords[] = {
        "password",      "12345678",     "123456789",    "1234567890",  "qwertyuiop",   "qwerty123",    "1q2w3e4r",
        "iloveyou",      "password1",    "Password123",  "P@ssw0rd",    "p@$$w0rd!",    "Passw0rd2024", "PASSWORD",
        "sunshine",      "princess",     "football1",    "letmein1",    "Welcome1",     "Welcome2025!", "admin123",
        "administrator", "adminadmin",   "11111111",     "00000000",    "aaaaaaaa",     "88888888",     "abcd1234",
        "abc12345",      "a1b2c3d4",     "1qaz2wsx",     "zaq12wsx",    "qazwsxedc",    "q1w2e3r4",     "asdfghjkl",
        "asdf1234",      "zxcvbnm123",   "qwer1234",     "1234qwer",    "123qweasd",    "qwertyqwerty", "123123123",
        "121212121212",  "12341234",     "abcabcabc",    "87654321",    "9876543210",   "111222333",    "11223344",
        "147258369",     "741852963",    "159357159357", "19870512",    "12.05.1987",   "1987-05-12",   "05/12/1987",
        "31121999",      "monkey123",    "dragon12",     "superman1",   "batman123",    "trustno1",     "starwars",
        "pokemon1",      "changeme",     "ChangeMe1!",   "passw0rd",    "l3tm31n!!",    "m1chael1",     "j3nn1fer",
        "baseball1",     "qwertyui",     "poiuytrewq",   "lkjhgfdsa",   "mnbvcxz1",     "happyhappy",   "purple.monkey",
        "greenred99",    "abcdefgh",     "zyxwvuts",     "summer2024",  "Winter2023",   "Spring2025!",  "sakura123",
        "qwertz123",     "azertyuiop",   "passwort1",    "michael1987", "!Password1",   "123password",  "1password!",
        "iloveyou2",     "loveme123",    "qwerty12345",  "qwert12345",  "1234567a",     "a1234567",     "aa123456",
        "a123456789",    "123456789a",   "123abc123",    "!@#$%^&*",    "1a2b3c4d",     "computer1",    "internet",
        "asdfghmonkey",  "monkeyasdfgh", "20261123",     "13.05.1987",  "michaelqwert",
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(passwords); i++) {
        if (!is_common(passwords[i]))
            fail_msg("%s is taken", passwords[i]);
    }
}

static void test_what_is_nobody_elses_is_not_common(void **state)
{
    static const char *const passwords[] = {
        "correct horse battery staple",
        "correct horse",
        "other horse",
        "seven pale lanterns",
        "k9#vLw2q",
        "xkcd-936-fan",
        "Tr0ub4dor&3",
        "wK4d93Jq",
        "lantern-harbour-quilt",
        "i like the rain in may",
        "kvanfoge",
        "38491207",
        "19870017",
        "19870500",
        "19873207",
        "19870732",
        "19871317",
        "00171987",
        "171319872",
        "4815162342",
        "mein Hund heisst Bello",
        "dragon7391746281",
        "ice cream on Tuesdays 4ever",
        "\xE7\x8C\xAB\xE3\x81\xAF\xE5\x8F\xB0\xE6\x89\x80\xE3\x81\xAB\xE3\x81\x84\xE3\x82\x8B",
    };
    uint64_t seed = 7;
    int round;
    size_t i;

    for (i = 0; i < COUNT(passwords); i++) {
        if (is_common(passwords[i]))
            fail_msg("%s is refused", passwords[i]);
    }
    for (round = 0; round < 20000; round++) {
        char *random = apr_pcalloc(*state, 11);

        for (i = 0; i < 10; i++)
            random[i] = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789-_.!"[fixture_random(&seed, 60)];
        if (is_common(random))
            fail_msg("%s is refused", random);
    }
}

static void test_any_octets_have_an_answer(void **state)
{
    uint64_t seed = 11;
    char bytes[64];
    int round;
    size_t i;

    (void)state;
    assert_false(cs_password_is_common("", 0));
    for (round = 0; round < 200000; round++) {
        const size_t len = fixture_random(&seed, sizeof(bytes) + 1);

        for (i = 0; i < len; i++)
            bytes[i] = round % 2 ? (char)fixture_random(&seed, 256) : "qwe123\xFF"[fixture_random(&seed, 7)];
        (void)cs_password_is_common(bytes, len);
    }
}

static const char *code_of(const char *password, const char *user, const char *site)
{
    const cs_password_problem_t *problem;
    const apr_status_t rv = cs_password_acceptable_for(&problem, password, strlen(password), user, site);

    assert_int_equal(rv, problem ? CS_EREFUSED : APR_SUCCESS);
    return problem ? problem->code : "none";
}

static void test_the_users_and_the_sites_names_are_refused(void **state)
{
    (void)state;
    assert_string_equal(code_of("my mirabelle tree", "Mirabelle", NULL), "password_has_user_name");
    assert_string_equal(code_of("MIRABELLE_x9", "mirabelle", NULL), "password_has_user_name");
    assert_string_equal(code_of("my mirabelle tree", "al", "mi.re.be"), "none");
    assert_string_equal(code_of("my mirabelle tree", "al", NULL), "none");
    assert_string_equal(code_of("i use Zwetschge daily", "mika", "chat.zwetschge.example"), "password_has_site_name");
    assert_string_equal(code_of("i am at chat.zwe.de now", "mika", "chat.zwe.de"), "password_has_site_name");
    assert_string_equal(code_of("a good chat about plums", "mika", "chat.zwetschge.example"), "none");
    assert_string_equal(code_of("x 127.0.0.1 y", "mika", "10.0.0.1"), "none");
    assert_string_equal(code_of("password", "mika", "host"), "password_too_common");
    assert_string_equal(code_of("short", "mika", "host"), "password_too_short");
    assert_string_equal(code_of("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", "mika", "host"), "password_not_text");
    assert_string_equal(code_of("seven pale lanterns", NULL, NULL), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_the_words_are_sorted_so_that_they_are_found),
        FIXTURE_TEST(test_far_more_than_3000_passwords_of_eight_characters_are_refused),
        FIXTURE_TEST(test_what_is_tried_first_is_common),
        FIXTURE_TEST(test_what_is_nobody_elses_is_not_common),
        FIXTURE_TEST(test_any_octets_have_an_answer),
        FIXTURE_TEST(test_the_users_and_the_sites_names_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
