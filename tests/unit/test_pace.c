/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* [H1] When running answers are saved: a thread that saves them is played with a clock of its own. */
#include "core/pace.h"
#include "fixture.h"

#define MS(n) ((apr_time_t)(n)*1000)
#define MOST 2000
/* What a statement takes is an estimate, off by a little when their size has just changed. */
#define IN_TIME (MS(200) + MS(5))

/** A database that takes so long for a statement, and so much more for an answer. */
typedef struct {
    apr_interval_time_t statement, answer;
} database_t;

typedef struct {
    cs_pace_t pace;
    database_t database;
    apr_time_t now, asked[MOST]; /* of answers in the order of asking */
    int first;                   /* of them in a ring of pace.count */
    int statements, largest;
    apr_interval_time_t longest; /* from asking for one to having stored what it gained since */
} play_t;

static const database_t usual = {MS(1), 20};

/** Ask for those whose turn it is, as recorder.c does. */
static int ask(play_t *play)
{
    const int share = cs_pace_share(&play->pace);
    int taken = 0;

    play->pace.began = play->now;
    while (taken < play->pace.count) {
        apr_time_t *asked = &play->asked[(play->first + taken) % play->pace.count];

        if (taken >= share && !cs_pace_is_due(&play->pace, *asked, play->now))
            break;
        *asked = play->now;
        taken++;
    }
    play->first = (play->first + taken) % play->pace.count;
    return taken;
}

/** One statement. What comes last to be stored is what came just after its answer was asked for. */
static void save(play_t *play)
{
    const apr_time_t oldest = play->asked[play->first];
    const int taken = ask(play);
    const apr_interval_time_t took = play->database.statement + taken * play->database.answer;

    play->now += took;
    cs_pace_learn(&play->pace, took);
    play->statements++;
    if (taken > play->largest)
        play->largest = taken;
    if (play->now - oldest > play->longest)
        play->longest = play->now - oldest;
}

static void play_for(play_t *play, apr_interval_time_t span)
{
    const apr_time_t end = play->now + span;

    play->statements = play->largest = 0;
    play->longest = 0;
    while (play->now < end) {
        const apr_time_t least = play->now + cs_pace_rest(&play->pace);
        const apr_time_t next = cs_pace_next(&play->pace, play->asked[play->first]);

        play->now = next > least ? next : least;
        save(play);
    }
}

/** So many answers, all of which began at once, for long enough that what a statement takes is known. */
static play_t *play_of(int count, database_t database, apr_pool_t *pool)
{
    play_t *play = apr_pcalloc(pool, sizeof(*play));

    play->pace.interval = MS(200);
    play->pace.count = count;
    play->database = database;
    play->now = MS(5000);
    for (int i = 0; i < count; i++)
        play->asked[i] = play->now;
    play_for(play, MS(10000));
    return play;
}

/** Only the count answers that were not asked for longest are left. */
static void keep(play_t *play, int count)
{
    apr_time_t kept[MOST];

    for (int i = 0; i < count; i++)
        kept[i] = play->asked[(play->first + i) % play->pace.count];
    memcpy(play->asked, kept, sizeof(kept[0]) * (size_t)count);
    play->first = 0;
    play->pace.count = count;
}

static void test_few_answers_are_one_statement_an_interval(void **state)
{
    static const int counts[] = {1, 10, CS_PACE_TOGETHER};

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        play_t *play = play_of(counts[i], usual, *state);

        play_for(play, MS(10000));
        assert_int_equal(play->largest, counts[i]);
        assert_in_range(play->statements, 50, 53);
        assert_in_range(play->longest, MS(190), IN_TIME);
    }
}

static void test_many_are_several_small_ones_in_the_same_interval(void **state)
{
    static const int counts[] = {CS_PACE_TOGETHER + 1, 333, 1000, MOST};

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        const int parts = (counts[i] + CS_PACE_TOGETHER - 1) / CS_PACE_TOGETHER;
        play_t *play = play_of(counts[i], usual, *state);

        play_for(play, MS(10000));
        assert_in_range(play->largest, counts[i] / parts, counts[i] / parts + 1);
        assert_in_range(play->statements, 50 * parts, 55 * parts);
        assert_in_range(play->longest, MS(150), IN_TIME);
    }
}

/** Whoever is left of many was asked for at different times, and some of them long ago. */
static void test_nobody_is_late_when_most_have_ended(void **state)
{
    for (int count = 1; count < 1000; count += 37) {
        play_t *play = play_of(1000, usual, *state);

        play_for(play, count % 7 * MS(13));
        keep(play, count);
        play_for(play, MS(1000));
        assert_in_range(play->longest, 1, IN_TIME);
    }
}

/** Nor when many begin while few are saved. */
static void test_nobody_is_late_when_many_begin(void **state)
{
    play_t *play = play_of(10, usual, *state);

    keep(play, 10);
    play->pace.count = 1000;
    for (int i = 10; i < 1000; i++)
        play->asked[i] = play->now;
    play_for(play, MS(1000));
    assert_in_range(play->longest, MS(150), IN_TIME);
}

/** Were its statements as small as ever, it would have to commit more often the slower it is. */
static void test_a_database_that_does_not_keep_up_gets_larger_statements(void **state)
{
    const database_t slow = {MS(90), 20};
    play_t *play = play_of(1000, slow, *state);

    play_for(play, MS(10000));
    assert_in_range(play->largest, CS_PACE_TOGETHER + 1, 1000);
    assert_in_range(play->longest, MS(200), MS(400));
    play = play_of(1000, (database_t){MS(700), 20}, *state);
    play_for(play, MS(10000));
    assert_int_equal(play->largest, 1000);
    /* It is left alone for a while after each. */
    assert_in_range(play->statements, 1, 10000 / (700 + 12) + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_few_answers_are_one_statement_an_interval),
        FIXTURE_TEST(test_many_are_several_small_ones_in_the_same_interval),
        FIXTURE_TEST(test_nobody_is_late_when_most_have_ended),
        FIXTURE_TEST(test_nobody_is_late_when_many_begin),
        FIXTURE_TEST(test_a_database_that_does_not_keep_up_gets_larger_statements),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
