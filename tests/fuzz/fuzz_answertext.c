/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * A template built of any options, and an answer read by it: the options are taken or refused with a sentence, and the
 * answer is the same whether it comes at once, octet by octet, or in pieces as the input says; where a stop text came,
 * none of it is in what follows. An input is two sizes of pieces, then parts ended by 0x1E: the options, an empty one,
 * and what the model writes.
 */
#include "core/answertext.h"

#include "core/prompttext.h"
#include "fuzz.h"

static cs_text_t *feed(const cs_prompt_template_t *template, const char *bytes, apr_size_t len,
                       const apr_size_t pieces[2], bool *stopped, apr_pool_t *pool)
{
    cs_answertext_t *answer = cs_answertext_create(template, NULL, pool);
    cs_text_t *out = cs_text_create(pool);

    for (int turn = 0; len; turn = !turn) {
        const apr_size_t part = pieces[turn] < len ? pieces[turn] : len;
        char *exact = malloc(part);

        HOLDS(exact);
        memcpy(exact, bytes, part);
        HOLDS(cs_answertext_feed(answer, exact, part, out) == APR_SUCCESS);
        free(exact);
        bytes += part;
        len -= part;
    }
    HOLDS(cs_answertext_end(answer, out) == APR_SUCCESS);
    *stopped = cs_answertext_is_stopped(answer);
    return out;
}

static void check_answer(const cs_prompt_template_t *template, fuzz_reader_t *reader, const apr_size_t pieces[2],
                         apr_pool_t *pool)
{
    const apr_size_t size = fuzz_left(reader), whole[] = {size, size}, ones[] = {1, 1};
    const apr_size_t *const ways[] = {pieces, ones};
    bool stopped, again;
    cs_text_t *unsplit = feed(template, reader->at, size, whole, &stopped, pool);

    for (size_t i = 0; i < 2; i++) {
        cs_text_t *split = feed(template, reader->at, size, ways[i], &again, pool);

        HOLDS(again == stopped && cs_text_length(split) == cs_text_length(unsplit));
        HOLDS(memcmp(cs_text_get(split), cs_text_get(unsplit), cs_text_length(split)) == 0);
    }
    HOLDS(!stopped || template->stops[0]);
}

/* A text without what the template looks for is written as it is. */
static void check_prompt(const cs_prompt_template_t *template, apr_pool_t *pool)
{
    cs_prompt_t *prompt = cs_prompt_create(pool);
    const char *text;

    cs_prompt_add(prompt, "user", "q\nq");
    text = cs_prompt_to_text(prompt, template, NULL, pool);
    HOLDS(text && !strncmp(text, template->begin, strlen(template->begin)));
    HOLDS(strlen(text) >= strlen(template->last_role_end) &&
          !strcmp(text + strlen(text) - strlen(template->last_role_end), template->last_role_end));
}

void fuzz_input(const char *bytes, apr_size_t len, apr_pool_t *pool)
{
    fuzz_reader_t reader = {bytes, bytes + len};
    const apr_size_t pieces[] = {fuzz_octet(&reader) % 16 + 1U, fuzz_octet(&reader) % 16 + 1U};
    cs_prompt_template_t *template = cs_prompt_template_create("fuzz", pool);

    while (fuzz_left(&reader)) {
        char *option = fuzz_part(&reader, 0x1E, &len);
        const char *problem = FUZZ_UNSET;
        const bool last = !len;

        if (!last && strlen(option) == len) {
            const apr_status_t rv = cs_prompt_template_set(template, option, &problem, pool);
            HOLDS(rv == APR_SUCCESS ? !problem : rv == CS_EREFUSED && *problem);
        }
        free(option);
        if (last)
            break;
    }
    check_prompt(template, pool);
    check_answer(template, &reader, pieces, pool);
}
