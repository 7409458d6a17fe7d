/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Second factors in PostgreSQL: what each call promises in store/second_factor.h; driven by
 * test_second_factor_store.py. */
#include "db_fixture.h"
#include "store/second_factor.h"
#include "store/user.h"

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define THIRD_HASH "aa112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OTHER_HASH "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const cs_audit_entry_t entry = {.operator_name = "somebody", .role = "user", .action = "factor.test"};

static const char *new_user(void)
{
    static int made;

    return run(db, apr_psprintf(pool, "INSERT INTO chatsession.users (name) VALUES ('f%d-%d') RETURNING id",
                                (int)getpid(), ++made));
}

static apr_status_t confirm(const char *user, const char *secret, apr_int64_t step)
{
    const cs_second_factor_new_t confirmed = {user, secret, step, "[\"" HASH "\",\"" OTHER_HASH "\"]"};
    const char *revision;
    apr_status_t rv = cs_second_factor_confirm(&revision, db, &confirmed, &entry, pool);

    assert_true((rv == APR_SUCCESS) == (revision != NULL));
    return rv;
}

/* A user whose logins need a code; step 100 was used. */
static const char *user_with_factor(void)
{
    const char *user = new_user();

    assert_int_equal(cs_second_factor_begin(db, user, "sealed", pool), APR_SUCCESS);
    assert_int_equal(confirm(user, "sealed", 100), APR_SUCCESS);
    return user;
}

static cs_second_factor_t find(const char *user)
{
    cs_second_factor_t factor;

    assert_int_equal(cs_second_factor_find(&factor, db, user, pool), APR_SUCCESS);
    return factor;
}

static const char *user_column(const char *user, const char *column)
{
    return run(db, apr_psprintf(pool, "SELECT %s FROM chatsession.users WHERE id = '%s'", column, user));
}

static int entries(void)
{
    return atoi(run(db, "SELECT count(*) FROM chatsession.audit_entries WHERE action = 'factor.test'"));
}

static void test_one_that_is_begun_is_found_and_asked_for_by_nobody(void **state)
{
    const char *user = new_user();
    cs_second_factor_t factor;

    (void)state;
    assert_int_equal(cs_second_factor_find(&factor, db, user, pool), APR_ENOENT);
    assert_false(factor.active);
    assert_null(factor.secret);
    assert_int_equal(cs_second_factor_begin(db, user, "first", pool), APR_SUCCESS);
    assert_int_equal(cs_second_factor_begin(db, user, "second", pool), APR_SUCCESS);
    factor = find(user);
    assert_string_equal(factor.secret, "second");
    assert_false(factor.active);
    assert_int_equal(factor.last_step, -1);
    assert_null(user_column(user, "second_factor_at"));
    assert_int_equal(cs_second_factor_use(db, user, 100, NULL, pool), APR_ENOENT);
    assert_int_equal(cs_second_factor_renew(db, user, "[\"" HASH "\"]", &entry, pool), APR_ENOENT);
}

static void test_one_is_confirmed_once_and_only_as_it_was_begun(void **state)
{
    const char *user = new_user();
    const int before = entries();
    cs_second_factor_t factor;

    (void)state;
    assert_int_equal(confirm(user, "sealed", 100), APR_ENOENT);
    assert_int_equal(cs_second_factor_begin(db, user, "sealed", pool), APR_SUCCESS);
    assert_int_equal(confirm(user, "another", 100), APR_ENOENT);
    assert_int_equal(entries(), before);
    assert_int_equal(confirm(user, "sealed", 100), APR_SUCCESS);
    assert_int_equal(confirm(user, "sealed", 100), APR_ENOENT);
    assert_int_equal(entries(), before + 1);
    factor = find(user);
    assert_true(factor.active);
    assert_int_equal(factor.last_step, 100);
    assert_int_equal(factor.codes_left, 2);
    assert_non_null(user_column(user, "second_factor_at"));
    assert_string_equal(user_column(user, "password_revision"), "1");
    assert_int_equal(cs_second_factor_begin(db, user, "again", pool), CS_ECONFLICT);
    assert_string_equal(find(user).secret, "sealed");
}

static void test_a_step_counts_once_and_none_before_it(void **state)
{
    const char *user = user_with_factor();

    (void)state;
    assert_int_equal(cs_second_factor_use(db, user, 100, NULL, pool), APR_ENOENT);
    assert_int_equal(cs_second_factor_use(db, user, 99, NULL, pool), APR_ENOENT);
    assert_int_equal(cs_second_factor_use(db, user, 102, NULL, pool), APR_SUCCESS);
    assert_int_equal(cs_second_factor_use(db, user, 102, NULL, pool), APR_ENOENT);
    assert_int_equal(cs_second_factor_use(db, user, 101, "sealed anew", pool), APR_ENOENT);
    assert_string_equal(find(user).secret, "sealed");
    assert_int_equal(cs_second_factor_use(db, user, 103, "sealed anew", pool), APR_SUCCESS);
    assert_string_equal(find(user).secret, "sealed anew");
    assert_int_equal(find(user).last_step, 103);
}

static void test_a_recovery_code_counts_once_and_for_its_user(void **state)
{
    const char *user = user_with_factor();
    const char *other = new_user();
    const int before = entries();

    (void)state;
    assert_int_equal(cs_second_factor_recover(db, other, HASH, &entry, pool), APR_ENOENT);
    assert_int_equal(cs_second_factor_recover(db, user, HASH, &entry, pool), APR_SUCCESS);
    assert_int_equal(cs_second_factor_recover(db, user, HASH, &entry, pool), APR_ENOENT);
    assert_int_equal(find(user).codes_left, 1);
    assert_int_equal(entries(), before + 1);
    assert_int_equal(cs_second_factor_renew(db, user, "[\"" THIRD_HASH "\"]", &entry, pool), APR_SUCCESS);
    assert_int_equal(find(user).codes_left, 1);
    assert_int_equal(cs_second_factor_recover(db, user, OTHER_HASH, &entry, pool), APR_ENOENT);
    assert_int_equal(cs_second_factor_recover(db, user, THIRD_HASH, &entry, pool), APR_SUCCESS);
}

static void test_a_removal_takes_all_with_it_and_raises_the_revision(void **state)
{
    const char *user = user_with_factor();
    const char *revision = NULL;
    cs_second_factor_t factor;

    (void)state;
    assert_int_equal(cs_second_factor_remove(&revision, db, user, &entry, pool), APR_SUCCESS);
    assert_string_equal(revision, "2");
    assert_int_equal(cs_second_factor_find(&factor, db, user, pool), APR_ENOENT);
    assert_null(user_column(user, "second_factor_at"));
    assert_int_equal(cs_second_factor_recover(db, user, HASH, &entry, pool), APR_ENOENT);
    assert_int_equal(cs_second_factor_remove(&revision, db, user, &entry, pool), APR_ENOENT);
    assert_null(revision);
}

static void test_removing_what_was_only_begun_ends_no_session(void **state)
{
    const char *user = new_user();
    const char *revision = "untouched";

    (void)state;
    assert_int_equal(cs_second_factor_begin(db, user, "sealed", pool), APR_SUCCESS);
    assert_int_equal(cs_second_factor_remove(&revision, db, user, NULL, pool), APR_SUCCESS);
    assert_null(revision);
    assert_string_equal(user_column(user, "password_revision"), "0");
}

static void test_the_users_row_tells_of_it(void **state)
{
    const char *user = user_with_factor();
    cs_user_t found;

    (void)state;
    assert_int_equal(cs_user_find(&found, db, user_column(user, "name"), pool), APR_SUCCESS);
    assert_true(found.second_factor);
    assert_int_equal(cs_user_find(&found, db, user_column(new_user(), "name"), pool), APR_SUCCESS);
    assert_false(found.second_factor);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_that_is_begun_is_found_and_asked_for_by_nobody),
        TEST(test_one_is_confirmed_once_and_only_as_it_was_begun),
        TEST(test_a_step_counts_once_and_none_before_it),
        TEST(test_a_recovery_code_counts_once_and_for_its_user),
        TEST(test_a_removal_takes_all_with_it_and_raises_the_revision),
        TEST(test_removing_what_was_only_begun_ends_no_session),
        TEST(test_the_users_row_tells_of_it),
    };

    return RUN_TESTS(tests, argc, argv);
}
