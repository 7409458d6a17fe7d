/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Sessions in PostgreSQL: what each call promises in store/session.h; driven by test_session_store.py. */
#include "db_fixture.h"
#include "core/token.h"
#include "store/session.h"

static const cs_session_limits_t limits = {.idle_timeout = apr_time_from_sec(1800),
                                           .max_lifetime = apr_time_from_sec(43200),
                                           .grace = apr_time_from_sec(10)};

static int made;

static const char *new_user(void)
{
    return run(db, apr_psprintf(pool, "INSERT INTO chatsession.users (name) VALUES ('u%d-%d') RETURNING id",
                                (int)getpid(), ++made));
}

static const char *new_hash(void)
{
    unsigned char id[CS_TOKEN_ID_BYTES];

    assert_int_equal(cs_token_random(id, sizeof(id)), APR_SUCCESS);
    return cs_token_hash(id, pool);
}

static apr_status_t create(const char *hash, cs_session_new_t session, int *evicted)
{
    session.id_hash = hash;
    session.ref = apr_pstrndup(pool, hash, 12);
    return cs_session_create(evicted, db, &session, pool);
}

/* A session of user, in the place of replaces; its hash. */
static const char *begin(const char *user, const char *replaces)
{
    const char *hash = new_hash();

    assert_int_equal(create(hash, (cs_session_new_t){.user_id = user, .replaces = replaces}, NULL), APR_SUCCESS);
    return hash;
}

static cs_session_t find(const char *hash)
{
    cs_session_t found;

    assert_int_equal(cs_session_find(&found, db, hash, pool), APR_SUCCESS);
    return found;
}

static cs_session_validity_e judge(const char *hash)
{
    const cs_session_t found = find(hash);

    return cs_session_judge(&found.times, &limits, found.now);
}

static void update(const char *hash, const char *assignment)
{
    run(db,
        apr_psprintf(pool, "UPDATE chatsession.sessions SET %s WHERE id_hash = decode('%s', 'hex')", assignment, hash));
}

static void test_a_session_of_a_user_is_found_as_it_was_made(void **state)
{
    const char *user = new_user();
    const char *hash = new_hash();
    const cs_session_new_t session = {.user_id = user, .network = "192.0.2.1", .user_agent = "browser"};
    cs_session_t found;

    (void)state;
    assert_int_equal(cs_session_find(&found, db, hash, pool), APR_ENOENT);
    assert_null(found.ref);
    assert_int_equal(create(hash, session, NULL), APR_SUCCESS);
    found = find(hash);
    assert_string_equal(found.user_id, user);
    assert_string_equal(found.role, "user");
    assert_memory_equal(found.ref, hash, 12);
    assert_null(found.legacy_id);
    assert_null(found.revoke_cause);
    assert_false(found.user_disabled);
    assert_true(found.times.created == found.times.last_seen && found.times.revoked == 0 &&
                found.times.console_seen == 0 && !found.times.rotated);
    assert_int_equal(judge(hash), CS_SESSION_VALID);
    assert_int_equal(create(hash, session, NULL), CS_ECONFLICT);
}

static void test_an_anonymous_session_is_found_and_judged_like_others(void **state)
{
    const char *hash = begin(NULL, NULL);
    const cs_session_t found = find(hash);

    (void)state;
    assert_null(found.user_id);
    assert_null(found.user);
    assert_null(found.role);
    assert_false(found.user_disabled);
    assert_int_equal(judge(hash), CS_SESSION_VALID);
    update(hash, "last_seen_at = now() - interval '31 min'");
    assert_int_equal(judge(hash), CS_SESSION_IDLE);
    assert_int_equal(cs_session_touch(db, hash, pool), APR_SUCCESS);
    assert_int_equal(judge(hash), CS_SESSION_VALID);
    assert_int_equal(cs_session_touch_console(db, hash, pool), APR_SUCCESS);
    assert_true(find(hash).times.console_seen == 0);
    assert_int_equal(cs_session_revoke(db, hash, "logout", pool), APR_SUCCESS);
    assert_int_equal(judge(hash), CS_SESSION_REVOKED);
    assert_string_equal(find(hash).revoke_cause, "logout");
}

static void test_a_session_that_its_user_replaced_is_in_its_grace(void **state)
{
    const char *user = new_user();
    const char *first = begin(user, NULL);
    const char *second = begin(user, first);
    const char *third;

    (void)state;
    assert_int_equal(judge(first), CS_SESSION_VALID);
    assert_true(find(first).times.rotated && find(first).times.revoked);
    assert_string_equal(find(first).revoke_cause, "rotated");
    third = begin(user, second);
    assert_int_equal(judge(first), CS_SESSION_VALID);
    assert_int_equal(judge(second), CS_SESSION_VALID);
    update(first, "revoked_at = revoked_at - interval '10 s'");
    assert_int_equal(judge(first), CS_SESSION_REVOKED);
    assert_int_equal(cs_session_revoke(db, third, "logout", pool), APR_SUCCESS);
    assert_int_equal(judge(second), CS_SESSION_REVOKED);
}

static void test_a_revocation_in_the_grace_ends_the_successor_too(void **state)
{
    const char *user = new_user();
    const char *first = begin(user, NULL);
    const char *second = begin(user, first);

    (void)state;
    assert_int_equal(cs_session_revoke(db, first, "logout", pool), APR_SUCCESS);
    assert_string_equal(find(second).revoke_cause, "logout");
    assert_string_equal(find(first).revoke_cause, "rotated");
    assert_int_equal(judge(first), CS_SESSION_REVOKED);
}

static void test_only_a_users_own_session_gets_a_grace(void **state)
{
    const char *anonymous = begin(NULL, NULL);
    const char *one = begin(new_user(), anonymous);
    const char *two = begin(new_user(), one);

    (void)state;
    assert_int_equal(judge(anonymous), CS_SESSION_REVOKED);
    assert_string_equal(find(anonymous).revoke_cause, "replaced");
    assert_int_equal(judge(one), CS_SESSION_REVOKED);
    assert_string_equal(find(one).revoke_cause, "replaced");
    assert_int_equal(judge(two), CS_SESSION_VALID);
    /* nobody follows nobody either */
    anonymous = begin(NULL, NULL);
    begin(NULL, anonymous);
    assert_int_equal(judge(anonymous), CS_SESSION_REVOKED);
}

static void test_a_session_that_had_ended_keeps_its_cause_and_gets_no_grace(void **state)
{
    const char *user = new_user();
    const char *first = begin(user, NULL);

    (void)state;
    assert_int_equal(cs_session_revoke(db, first, "logout", pool), APR_SUCCESS);
    begin(user, first);
    assert_string_equal(find(first).revoke_cause, "logout");
    assert_int_equal(judge(first), CS_SESSION_REVOKED);
}

static bool lives(const char *hash)
{
    return !strcmp(run(db, apr_psprintf(pool, "SELECT chatsession.session_lives(decode('%s', 'hex'))", hash)), "t");
}

static void change_user(const char *user, const char *assignment)
{
    run(db, apr_psprintf(pool, "UPDATE chatsession.users SET %s WHERE id = '%s'", assignment, user));
}

static void test_a_stream_lives_on_in_the_successor_of_its_session(void **state)
{
    const char *user = new_user();
    const char *first = begin(user, NULL);
    const char *second = begin(user, first);
    const char *third = begin(user, second);

    (void)state;
    assert_true(lives(first) && lives(second) && lives(third));
    update(first, "revoked_at = revoked_at - interval '1 h'"); /* long after the grace */
    assert_true(lives(first));
    assert_int_equal(cs_session_revoke(db, third, "logout", pool), APR_SUCCESS);
    assert_false(lives(first) || lives(second) || lives(third));
    first = begin(user, NULL);
    second = begin(user, first);
    change_user(user, "disabled_at = now()");
    assert_false(lives(first) || lives(second));
    assert_false(lives(begin(NULL, NULL)) || lives(new_hash()));
}

static void test_a_session_begins_only_with_the_password_that_was_verified(void **state)
{
    const char *user = new_user();
    const char *hash = new_hash();
    cs_session_new_t verified = {.user_id = user, .password_revision = "0", .most = 1};
    const char *first;
    cs_session_t found;
    int evicted = -1;

    (void)state;
    change_user(user, "password_revision = 1");
    first = begin(user, NULL);
    verified.replaces = begin(user, NULL);
    change_user(user, "last_login_at = NULL");
    assert_int_equal(create(hash, verified, &evicted), APR_ENOENT);
    assert_int_equal(evicted, 0);
    assert_int_equal(cs_session_find(&found, db, hash, pool), APR_ENOENT);
    assert_true(judge(first) == CS_SESSION_VALID && !find(verified.replaces).times.revoked);
    assert_string_equal(run(db,
                            apr_psprintf(pool, "SELECT last_login_at IS NULL FROM chatsession.users WHERE id = '%s'",
                                         user)),
                        "t");
    verified.password_revision = "1";
    assert_int_equal(create(hash, verified, &evicted), APR_SUCCESS);
    assert_int_equal(evicted, 1);
    change_user(user, "disabled_at = now()");
    verified.password_revision = NULL;
    assert_int_equal(create(new_hash(), verified, NULL), APR_ENOENT);
    verified.user_id = "00000000-0000-4000-8000-000000000000";
    assert_int_equal(create(new_hash(), verified, NULL), APR_ENOENT);
}

static void test_a_new_password_ends_the_grace_before_it(void **state)
{
    const char *user = new_user();
    const char *first = begin(user, NULL);
    const char *second = begin(user, first);
    const char *third;

    (void)state;
    change_user(user, "password_revision = password_revision + 1");
    third = begin(user, second);
    assert_string_equal(find(second).revoke_cause, "password_changed");
    assert_int_equal(judge(first), CS_SESSION_REVOKED);
    assert_int_equal(judge(second), CS_SESSION_REVOKED);
    assert_false(lives(first) || lives(second));
    assert_int_equal(judge(third), CS_SESSION_VALID);
}

static void test_of_too_many_the_longest_unseen_end(void **state)
{
    const char *user = new_user();
    const char *hash[5];
    int evicted = -1;

    (void)state;
    for (int i = 0; i < 4; i++) {
        hash[i] = begin(user, NULL);
        update(hash[i], apr_psprintf(pool, "last_seen_at = now() - %d * interval '1 min'", i == 2 ? 20 : 10 - i));
    }
    hash[4] = new_hash();
    assert_int_equal(create(hash[4], (cs_session_new_t){.user_id = user, .most = 3}, &evicted), APR_SUCCESS);
    assert_int_equal(evicted, 2);
    assert_string_equal(find(hash[2]).revoke_cause, "evicted");
    assert_string_equal(find(hash[0]).revoke_cause, "evicted");
    assert_int_equal(judge(hash[0]), CS_SESSION_REVOKED);
    assert_int_equal(judge(hash[1]), CS_SESSION_VALID);
    assert_int_equal(judge(hash[3]), CS_SESSION_VALID);
    assert_int_equal(judge(hash[4]), CS_SESSION_VALID);
    assert_int_equal(create(new_hash(), (cs_session_new_t){.user_id = user, .replaces = hash[4], .most = 3}, &evicted),
                     APR_SUCCESS);
    assert_int_equal(evicted, 0); /* it takes the place of the one that it replaces */
    assert_int_equal(create(new_hash(), (cs_session_new_t){.user_id = user, .most = 1}, &evicted), APR_SUCCESS);
    assert_int_equal(evicted, 3);
}

static void test_sessions_past_their_lifetime_are_not_counted(void **state)
{
    const char *user = new_user();
    const char *over = begin(user, NULL);
    const char *kept = begin(user, NULL);
    int evicted;

    (void)state;
    update(over, "created_at = now() - interval '12 h'");
    assert_int_equal(create(new_hash(),
                            (cs_session_new_t){.user_id = user, .most = 2, .max_lifetime = limits.max_lifetime},
                            &evicted),
                     APR_SUCCESS);
    assert_int_equal(evicted, 0);
    assert_int_equal(judge(kept), CS_SESSION_VALID);
}

static void test_a_legacy_id_is_taken_once_until_it_is_forgotten(void **state)
{
    const char *id = apr_psprintf(pool, "legacy-%d-%d", (int)getpid(), ++made);
    const char *hash = new_hash();
    const char *late = new_hash();
    cs_session_new_t session = {.legacy_id = id, .legacy_end = apr_time_now() + apr_time_from_sec(3600)};
    cs_session_t found;
    apr_int64_t deleted;

    (void)state;
    assert_int_equal(create(hash, session, NULL), APR_SUCCESS);
    assert_string_equal(find(hash).legacy_id, id);
    assert_int_equal(create(late, session, NULL), CS_EREFUSED);
    assert_int_equal(cs_session_find(&found, db, late, pool), APR_ENOENT);
    assert_int_equal(cs_session_expire(&deleted, db, &limits, 500, pool), APR_SUCCESS);
    assert_int_equal(create(late, session, NULL), CS_EREFUSED);
    run(db, "UPDATE chatsession.legacy_cookies SET forget_at = now() - interval '1 s'");
    assert_int_equal(cs_session_expire(&deleted, db, &limits, 500, pool), APR_SUCCESS);
    assert_string_equal(run(db, "SELECT count(*) FROM chatsession.legacy_cookies"), "0");
}

static void test_the_consoles_use_is_noted_apart(void **state)
{
    const char *hash = begin(new_user(), NULL);

    (void)state;
    update(hash, "created_at = now() - interval '1 h', last_seen_at = now() - interval '20 min'");
    assert_int_equal(cs_session_touch(db, hash, pool), APR_SUCCESS);
    assert_true(find(hash).times.console_seen == 0);
    update(hash, "last_seen_at = now() - interval '20 min'");
    assert_int_equal(cs_session_touch_console(db, hash, pool), APR_SUCCESS);
    assert_true(find(hash).times.console_seen > 0 && find(hash).times.console_seen == find(hash).times.last_seen);
    assert_int_equal(judge(hash), CS_SESSION_VALID);
}

static cs_session_note_t note(const char *hash, apr_time_t used)
{
    cs_session_note_t noted = {.used = used};

    apr_cpystrn(noted.id_hash, hash, sizeof(noted.id_hash));
    return noted;
}

static void test_many_are_reviewed_at_once_and_only_live_ones_touched(void **state)
{
    const char *used = begin(new_user(), NULL);
    const char *asked = begin(new_user(), NULL);
    const char *over = begin(new_user(), NULL);
    const apr_time_t now = find(used).now;
    const cs_session_note_t notes[] = {note(used, now), note(new_hash(), now), note(asked, 0), note(over, now),
                                       note(used, now - 1)};
    cs_session_t found[5];

    (void)state;
    update(used, "last_seen_at = now() - interval '20 min'");
    update(asked, "last_seen_at = now() - interval '20 min'");
    update(over, "last_seen_at = now() - interval '20 min', revoked_at = now(), revoke_cause = 'logout'");
    assert_int_equal(cs_session_review(found, db, notes, 5, pool), APR_SUCCESS);
    assert_true(find(used).times.last_seen == now);
    assert_true(find(asked).times.last_seen < now - apr_time_from_sec(1000));
    assert_true(find(over).times.last_seen < now - apr_time_from_sec(1000));
    assert_true(found[0].times.last_seen == now && cs_session_is_worth_remembering(&found[0]));
    assert_null(found[1].ref);
    assert_false(cs_session_is_worth_remembering(&found[1]));
    assert_string_equal(found[2].ref, find(asked).ref);
    assert_false(cs_session_is_worth_remembering(&found[3]));
}

static void test_sessions_that_cannot_become_valid_are_deleted_with_what_points_to_them(void **state)
{
    const char *user = new_user();
    const char *first = begin(user, NULL);
    const char *second = begin(user, first);
    const char *live = begin(user, NULL);
    cs_session_t found;
    apr_int64_t deleted;

    (void)state;
    update(second, "last_seen_at = now() - interval '2 days'");
    assert_int_equal(cs_session_expire(&deleted, db, &limits, 500, pool), APR_SUCCESS);
    assert_int_equal(deleted, 1);
    assert_int_equal(cs_session_find(&found, db, second, pool), APR_ENOENT);
    assert_int_equal(judge(first), CS_SESSION_REVOKED); /* its successor is gone */
    assert_int_equal(judge(live), CS_SESSION_VALID);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_session_of_a_user_is_found_as_it_was_made),
        TEST(test_an_anonymous_session_is_found_and_judged_like_others),
        TEST(test_a_session_that_its_user_replaced_is_in_its_grace),
        TEST(test_a_revocation_in_the_grace_ends_the_successor_too),
        TEST(test_only_a_users_own_session_gets_a_grace),
        TEST(test_a_session_that_had_ended_keeps_its_cause_and_gets_no_grace),
        TEST(test_a_stream_lives_on_in_the_successor_of_its_session),
        TEST(test_a_session_begins_only_with_the_password_that_was_verified),
        TEST(test_a_new_password_ends_the_grace_before_it),
        TEST(test_of_too_many_the_longest_unseen_end),
        TEST(test_sessions_past_their_lifetime_are_not_counted),
        TEST(test_a_legacy_id_is_taken_once_until_it_is_forgotten),
        TEST(test_the_consoles_use_is_noted_apart),
        TEST(test_many_are_reviewed_at_once_and_only_live_ones_touched),
        TEST(test_sessions_that_cannot_become_valid_are_deleted_with_what_points_to_them),
    };

    return RUN_TESTS(tests, argc, argv);
}
