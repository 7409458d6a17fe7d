/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* The Cookie header is read totally, and no Set-Cookie goes out that a browser would drop or read differently. */
#include "core/cookie.h"
#include "fixture.h"

static const cs_cookie_attrs_t tls = {"__Host-sid", "/", NULL, 0, true, true, CS_SAMESITE_LAX};

/** The value of sid in header, or what the status was. */
static const char *find(apr_pool_t *pool, const char *header)
{
    const char *value = "untouched";
    apr_size_t len = 999;
    apr_status_t rv = cs_cookie_find(&value, &len, header, "sid");

    if (rv == APR_SUCCESS)
        return apr_pstrmemdup(pool, value, len);
    assert_null(value);
    assert_int_equal(len, 0);
    return rv == APR_ENOENT ? "absent" : rv == CS_EDUPLICATE ? "twice" : "failed";
}

static void test_the_cookie_is_found_among_others(void **state)
{
    static const char *const cases[][2] = {
        {"sid=v1.a", "v1.a"},
        {"a=1; sid=v1.a; b=2", "v1.a"},
        {"a=1;sid=v1.a;b=2", "v1.a"},
        {"a=1; b; sid=v1.a", "v1.a"},
        {"  sid\t = \tv1.a  ; b=2", "v1.a"},
        {"sid=a=b==", "a=b=="},
        {"sid=", ""},
        {";;; ;sid=x;;", "x"},
        {"a=sid=no; sid=yes", "yes"},
        {"a=1, sid=no; sid=yes", "yes"},
    };
    size_t at;

    for (at = 0; at < sizeof(cases) / sizeof(cases[0]); at++)
        assert_string_equal(find(*state, cases[at][0]), cases[at][1]);
}

static void test_absent_is_absent(void **state)
{
    static const char *const headers[] = {"",        ";",     "sid",    "sid;",      "=sid", "xsid=1", "sidx=1",
                                          "a=sid=1", " ; ; ", "s id=1", "\"sid\"=1", "=",    "==",     "a=\"; b=c"};
    size_t at;

    for (at = 0; at < sizeof(headers) / sizeof(headers[0]); at++)
        assert_string_equal(find(*state, headers[at]), "absent");
    assert_string_equal(find(*state, NULL), "absent");
}

/** [B3] */
static void test_names_are_compared_case_sensitively(void **state)
{
    const char *value;
    apr_size_t len;

    assert_string_equal(find(*state, "SID=1; Sid=2; siD=3"), "absent");
    assert_string_equal(find(*state, "SID=1; sid=2"), "2");
    assert_int_equal(cs_cookie_find(&value, &len, "__HOST-sid=1; __host-sid=2; sid=3", "__Host-sid"), APR_ENOENT);
    assert_int_equal(cs_cookie_find(&value, &len, "__host-sid=2; __Host-sid=3", "__Host-sid"), APR_SUCCESS);
    assert_memory_equal(value, "3", 1);
}

/** [B4] */
static void test_two_values_are_neither_of_them(void **state)
{
    assert_string_equal(find(*state, "sid=a; sid=b"), "twice");
    assert_string_equal(find(*state, "sid=a; x=1; sid="), "twice");
    assert_string_equal(find(*state, "sid=; sid=a"), "twice");
    assert_string_equal(find(*state, "sid=a; sid=a; sid=b"), "twice");
    assert_string_equal(find(*state, "sid=a; sid=ab"), "twice");
}

static void test_the_same_value_twice_is_one(void **state)
{
    assert_string_equal(find(*state, "sid=a; x=1; sid=a"), "a");
    assert_string_equal(find(*state, "sid=a; sid=\"a\""), "a");
}

static void test_surrounding_quotes_are_removed(void **state)
{
    assert_string_equal(find(*state, "sid=\"v1.a\""), "v1.a");
    assert_string_equal(find(*state, "sid=\"\""), "");
    assert_string_equal(find(*state, "sid=\""), "\"");
    assert_string_equal(find(*state, "sid=\"a"), "\"a");
    assert_string_equal(find(*state, "sid=\"a;b\""), "\"a");
}

static void test_the_value_points_into_the_header(void **state)
{
    const char header[] = "a=1; sid=here";
    const char *value;
    apr_size_t len;

    (void)state;
    assert_int_equal(cs_cookie_find(&value, &len, header, "sid"), APR_SUCCESS);
    assert_ptr_equal(value, header + 9);
    assert_int_equal(len, 4);
}

/** [B7] */
static void test_a_cookie_is_taken_out_and_the_others_stay_as_they_are(void **state)
{
    static const char *const cases[][2] = {
        {"sid=v1.a", ""},
        {"sid=v1.a; b=2", "b=2"},
        {"a=1; sid=v1.a", "a=1"},
        {"a=1; sid=v1.a; b=2", "a=1; b=2"},
        {"a=1;b=2;sid=x;c", "a=1;b=2;c"},
        {"sid=1; a=\"x y\"; sid=2; sid=3;b", "a=\"x y\";b"},
        {" sid\t= 1 ; xsid=2; SID=3; a=sid=4", "xsid=2; SID=3; a=sid=4"},
        {"a=1; sid=\"b;c\"; d=2", "a=1;c\"; d=2"},
        {";;sid=1;;", ""},
        {"a=1,2; sid=3; c=4,5,;", "a=1,2; c=4,5,"},
    };
    const char *const none[] = {"", "a=1; b=2", ";; a ;", "sid", "Sid=1", " x = y "};
    size_t at;

    for (at = 0; at < sizeof(cases) / sizeof(cases[0]); at++)
        assert_string_equal(cs_cookie_without(cases[at][0], "sid", *state), cases[at][1]);
    for (at = 0; at < sizeof(none) / sizeof(none[0]); at++)
        assert_ptr_equal(cs_cookie_without(none[at], "sid", *state), none[at]);
}

/** [B5] */
static void test_any_octets_give_an_answer(void **state)
{
    static const char octets[] = "sid=;\" \t,\x01\x7F\x80\xFF";
    uint64_t seed = 42;
    char header[128];
    int round;

    (void)state;
    for (round = 0; round < 200000; round++) {
        size_t len = fixture_random(&seed, sizeof(header)), at, value_len;
        const char *value;
        apr_status_t rv;

        for (at = 0; at < len; at++)
            header[at] = octets[fixture_random(&seed, sizeof(octets) - 1)];
        header[len] = '\0';
        rv = cs_cookie_find(&value, &value_len, header, "sid");
        if (rv == APR_SUCCESS)
            assert_true(value >= header && value + value_len <= header + len);
        else
            assert_true((rv == APR_ENOENT || rv == CS_EDUPLICATE) && !value && !value_len);
    }
}

static void test_a_cookie_after_thousands_of_others_is_found(void **state)
{
    const char *unit = "sie=1;si=;";
    char *header = apr_pcalloc(*state, 8190 + 8);
    size_t at;

    for (at = 0; at + strlen(unit) < 8180; at += strlen(unit))
        memcpy(header + at, unit, strlen(unit));
    strcpy(header + at, "sid=x");
    assert_string_equal(find(*state, header), "x");
}

/** [B1] */
static void test_session_cookie_has_exactly_its_attributes(void **state)
{
    cs_cookie_attrs_t attrs = tls;
    const char *header;

    assert_int_equal(cs_cookie_format(&header, &attrs, "v1.x", *state), APR_SUCCESS);
    assert_string_equal(header, "__Host-sid=v1.x; Path=/; Secure; HttpOnly; SameSite=Lax");
    attrs.samesite = CS_SAMESITE_STRICT;
    attrs.max_age = apr_time_from_sec(3600);
    assert_int_equal(cs_cookie_format(&header, &attrs, "v1.x", *state), APR_SUCCESS);
    assert_string_equal(header, "__Host-sid=v1.x; Path=/; Max-Age=3600; Secure; HttpOnly; SameSite=Strict");
}

static void test_other_attributes_are_written_as_given(void **state)
{
    const cs_cookie_attrs_t attrs = {"sid", "/chat", "example.org",  apr_time_from_sec(400 * 24 * 3600),
                                     false, false,   CS_SAMESITE_LAX};
    const char *header;

    assert_int_equal(cs_cookie_format(&header, &attrs, "x", *state), APR_SUCCESS);
    assert_string_equal(header, "sid=x; Path=/chat; Domain=example.org; Max-Age=34560000; SameSite=Lax");
}

/** [B1] */
static void test_removal_has_the_attributes_of_the_cookie(void **state)
{
    cs_cookie_attrs_t attrs = tls;
    const char *header;

    attrs.max_age = apr_time_from_sec(3600);
    assert_int_equal(cs_cookie_format_removal(&header, &attrs, *state), APR_SUCCESS);
    assert_string_equal(header, "__Host-sid=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax");
    attrs.secure = false;
    assert_int_equal(cs_cookie_format_removal(&header, &attrs, *state), CS_EREFUSED);
    assert_null(header);
}

/** [D10] */
static void test_forbidden_octets_in_a_value_are_refused(void **state)
{
    const char *header;
    unsigned int octet;

    for (octet = 1; octet < 256; octet++) {
        const char value[] = {'a', (char)octet, 'b', '\0'};
        bool allowed = octet > ' ' && octet < 0x7F && !strchr("\",;\\", (int)octet);
        apr_status_t rv = cs_cookie_format(&header, &tls, value, *state);

        assert_int_equal(rv, allowed ? APR_SUCCESS : CS_EREFUSED);
        assert_int_equal(header != NULL, allowed);
    }
}

/** [B2] */
static void test_name_and_value_stay_within_4096_octets(void **state)
{
    char *value = apr_pcalloc(*state, 5000);
    const char *header;

    memset(value, 'v', 4096 - strlen(tls.name));
    assert_int_equal(cs_cookie_format(&header, &tls, value, *state), APR_SUCCESS);
    value[4096 - strlen(tls.name)] = 'v';
    assert_int_equal(cs_cookie_format(&header, &tls, value, *state), CS_ETOOBIG);
    assert_null(header);
}

/** Asserts that attrs are refused with a sentence that has word in it. */
static void assert_problem(void **state, const cs_cookie_attrs_t *attrs, const char *word)
{
    const char *problem = cs_cookie_problem(attrs), *header = "untouched";

    assert_non_null(problem);
    assert_non_null(strstr(problem, word));
    assert_int_equal(cs_cookie_format(&header, attrs, "x", *state), CS_EREFUSED);
    assert_null(header);
}

static void test_prefixes_bind_whatever_their_case(void **state)
{
    static const char *const hosts[] = {"__Host-sid", "__HOST-sid", "__host-sid"};
    static const char *const secures[] = {"__Secure-sid", "__SECURE-sid", "__secure-sid"};
    size_t at;

    for (at = 0; at < 3; at++) {
        cs_cookie_attrs_t attrs = tls;

        attrs.name = hosts[at];
        assert_null(cs_cookie_problem(&attrs));
        attrs.path = "/chat";
        assert_problem(state, &attrs, "path");
        attrs.path = "/";
        attrs.domain = "example.org";
        assert_problem(state, &attrs, "Domain");
        attrs.domain = NULL;
        attrs.secure = false;
        assert_problem(state, &attrs, "Secure");
        attrs.name = secures[at];
        assert_problem(state, &attrs, "Secure");
        attrs.secure = true;
        attrs.path = "/chat";
        attrs.domain = "example.org";
        assert_null(cs_cookie_problem(&attrs));
    }
}

static void test_samesite_none_needs_secure(void **state)
{
    cs_cookie_attrs_t attrs = {"sid", "/", NULL, 0, false, true, CS_SAMESITE_NONE};
    const char *header;

    assert_problem(state, &attrs, "SameSite=None");
    attrs.secure = true;
    assert_int_equal(cs_cookie_format(&header, &attrs, "x", *state), APR_SUCCESS);
    assert_string_equal(header, "sid=x; Path=/; Secure; HttpOnly; SameSite=None");
}

static void test_contradictions_are_named(void **state)
{
    char *long_path = apr_pcalloc(*state, 1100);
    cs_cookie_attrs_t attrs = tls;
    size_t at;
    static const char *const bad_names[] = {"", "s id", "sid=", "s;d", "s\x01", "s\xC3\xA9", "(sid)", NULL};
    static const char *const bad_paths[] = {"", "chat", "/a;b", "/a\r\nX: y", "/\x7F", NULL};
    static const char *const bad_domains[] = {"", "a;b", "a\nb"};

    for (at = 0; at < sizeof(bad_names) / sizeof(bad_names[0]); at++) {
        attrs.name = bad_names[at];
        assert_problem(state, &attrs, "token");
    }
    attrs.name = "sid";
    for (at = 0; at < sizeof(bad_paths) / sizeof(bad_paths[0]); at++) {
        attrs.path = bad_paths[at];
        assert_problem(state, &attrs, "path");
    }
    memset(long_path, '/', 1025);
    attrs.path = long_path;
    assert_problem(state, &attrs, "1024");
    long_path[1024] = '\0';
    assert_null(cs_cookie_problem(&attrs));
    attrs.path = "/";
    for (at = 0; at < sizeof(bad_domains) / sizeof(bad_domains[0]); at++) {
        attrs.domain = bad_domains[at];
        assert_problem(state, &attrs, "Domain");
    }
}

/** [B2] */
static void test_max_age_is_whole_seconds_up_to_400_days(void **state)
{
    cs_cookie_attrs_t attrs = tls;

    attrs.max_age = apr_time_from_sec(400 * 24 * 3600);
    assert_null(cs_cookie_problem(&attrs));
    attrs.max_age += apr_time_from_sec(1);
    assert_problem(state, &attrs, "400 days");
    attrs.max_age = -1;
    assert_problem(state, &attrs, "400 days");
    attrs.max_age = APR_INT64_MAX;
    assert_problem(state, &attrs, "400 days");
    /* Half a second would be written as Max-Age=0, which removes the cookie. */
    attrs.max_age = apr_time_from_sec(1) / 2;
    assert_problem(state, &attrs, "whole seconds");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_the_cookie_is_found_among_others),
        FIXTURE_TEST(test_absent_is_absent),
        FIXTURE_TEST(test_names_are_compared_case_sensitively),
        FIXTURE_TEST(test_two_values_are_neither_of_them),
        FIXTURE_TEST(test_the_same_value_twice_is_one),
        FIXTURE_TEST(test_surrounding_quotes_are_removed),
        FIXTURE_TEST(test_the_value_points_into_the_header),
        FIXTURE_TEST(test_a_cookie_is_taken_out_and_the_others_stay_as_they_are),
        FIXTURE_TEST(test_any_octets_give_an_answer),
        FIXTURE_TEST(test_a_cookie_after_thousands_of_others_is_found),
        FIXTURE_TEST(test_session_cookie_has_exactly_its_attributes),
        FIXTURE_TEST(test_other_attributes_are_written_as_given),
        FIXTURE_TEST(test_removal_has_the_attributes_of_the_cookie),
        FIXTURE_TEST(test_forbidden_octets_in_a_value_are_refused),
        FIXTURE_TEST(test_name_and_value_stay_within_4096_octets),
        FIXTURE_TEST(test_prefixes_bind_whatever_their_case),
        FIXTURE_TEST(test_samesite_none_needs_secure),
        FIXTURE_TEST(test_contradictions_are_named),
        FIXTURE_TEST(test_max_age_is_whole_seconds_up_to_400_days),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
