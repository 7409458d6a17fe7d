/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Lines of an export become whole conversations, and each line that is none of them is named. */
#include "core/import_piece.h"
#include <apr_strings.h>
#include <string.h>
#include "fixture.h"

#define CONVERSATION(id) "{\"type\":\"conversation\",\"id\":\"" id "\",\"user\":\"anna\"}"
#define MESSAGE(id) "{\"type\":\"message\",\"conversation_id\":\"" id "\",\"n\":1.50}"

static cs_import_piece_t *read_all(const char *text, apr_pool_t *pool)
{
    cs_import_piece_t *piece = cs_import_piece_make(11, pool);

    cs_import_piece_add_all(piece, text, strlen(text));
    return piece;
}

static const char *problems_of(const cs_import_piece_t *piece, apr_pool_t *pool)
{
    const char *all = "";

    for (int i = 0; i < piece->problems->nelts; i++) {
        const cs_import_problem_t *problem = &APR_ARRAY_IDX(piece->problems, i, cs_import_problem_t);

        all = apr_psprintf(pool, "%s%ld:%s ", all, problem->line, cs_import_problem_name(problem->kind));
        assert_non_null(cs_import_problem_text(problem, pool));
    }
    return all;
}

/* [I6] */
static void test_lines_stay_as_they_stand(void **state)
{
    const cs_import_piece_t *piece =
        read_all(CONVERSATION("a") "\n" MESSAGE("a") "\n" MESSAGE("a") "\n" CONVERSATION("b") "\n{\"type\":\"end\"}\n",
                 *state);
    const cs_import_conversation_t *first = &APR_ARRAY_IDX(piece->conversations, 0, cs_import_conversation_t);

    assert_int_equal(piece->conversations->nelts, 2);
    assert_string_equal(first->text, CONVERSATION("a"));
    assert_string_equal(first->user, "anna");
    assert_int_equal(first->line, 11);
    assert_int_equal(first->messages->nelts, 2);
    assert_string_equal(APR_ARRAY_IDX(first->messages, 1, const char *), MESSAGE("a"));
    assert_true(piece->ended);
    assert_int_equal(piece->line, 15);
    assert_int_equal(piece->problem_count, 0);
}

static void test_what_is_no_line_of_an_export_is_named(void **state)
{
    const cs_import_piece_t *piece =
        read_all(MESSAGE("a") "\n" CONVERSATION("a") "\n" MESSAGE("b") "\n\n{\"type\":7}\n" MESSAGE("a") "\n[]\nx",
                 *state);

    assert_string_equal(problems_of(piece, *state), "11:stray_message 13:stray_message 14:not_json 15:unknown_line "
                                                    "16:stray_message 17:unknown_line 18:not_json ");
    assert_int_equal(piece->conversations->nelts, 1);
}

/* [I5] */
static void test_a_file_without_an_end_loses_its_last_conversation(void **state)
{
    cs_import_piece_t *piece = read_all(CONVERSATION("a") "\n" CONVERSATION("b") "\n" MESSAGE("b"), *state);

    cs_import_piece_finish(piece);
    assert_int_equal(piece->conversations->nelts, 1);
    assert_string_equal(problems_of(piece, *state), "12:cut ");
    piece = read_all(CONVERSATION("a") "\n{\"type\":\"end\"}", *state);
    cs_import_piece_finish(piece);
    assert_int_equal(piece->conversations->nelts, 1);
}

static void test_a_full_piece_takes_messages_but_no_conversation(void **state)
{
    cs_import_piece_t *piece = cs_import_piece_make(1, *state);

    assert_int_equal(cs_import_piece_add(piece, CONVERSATION("a"), strlen(CONVERSATION("a")), 10), APR_SUCCESS);
    assert_int_equal(cs_import_piece_add(piece, MESSAGE("a"), strlen(MESSAGE("a")), 10), APR_SUCCESS);
    assert_int_equal(cs_import_piece_add(piece, CONVERSATION("b"), strlen(CONVERSATION("b")), 10), APR_EAGAIN);
    assert_int_equal(piece->conversations->nelts, 1);
    assert_int_equal(piece->line, 2);
}

static void test_problems_are_counted_and_the_first_are_kept(void **state)
{
    cs_import_piece_t *piece = cs_import_piece_make(1, *state);

    for (int i = 0; i < 1000; i++) {
        assert_int_equal(cs_import_piece_add(piece, "x", 1, 0), APR_SUCCESS);
    }
    assert_int_equal(piece->problem_count, 1000);
    assert_int_equal(piece->problems->nelts, CS_IMPORT_PROBLEMS);
}

static void test_a_conversation_says_whose_it_is(void **state)
{
    const cs_import_piece_t *piece = read_all("{\"type\":\"conversation\",\"id\":\"a\"}\n"
                                              "{\"type\":\"conversation\",\"id\":\"b\",\"user\":7}\n",
                                              *state);

    assert_int_equal(piece->conversations->nelts, 0);
    assert_string_equal(problems_of(piece, *state), "11:unknown_line 12:unknown_line ");
}

static void test_a_problem_whose_value_nobody_knows_is_told_too(void **state)
{
    const cs_import_problem_t known = {1, CS_IMPORT_REFUSED, "23505"}, unknown = {1, CS_IMPORT_REFUSED, NULL};

    assert_non_null(strstr(cs_import_problem_text(&known, *state), "SQLSTATE 23505"));
    assert_non_null(strstr(cs_import_problem_text(&unknown, *state), "SQLSTATE ?"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_lines_stay_as_they_stand),
        FIXTURE_TEST(test_what_is_no_line_of_an_export_is_named),
        FIXTURE_TEST(test_a_file_without_an_end_loses_its_last_conversation),
        FIXTURE_TEST(test_a_full_piece_takes_messages_but_no_conversation),
        FIXTURE_TEST(test_problems_are_counted_and_the_first_are_kept),
        FIXTURE_TEST(test_a_conversation_says_whose_it_is),
        FIXTURE_TEST(test_a_problem_whose_value_nobody_knows_is_told_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
