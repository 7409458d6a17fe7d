/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * All that is looked for stands in one list, in the order of its rank: the stop texts, then the replacements. At each
 * octet the first of the list that is found there counts; one that may still become whole is waited for before the ones
 * behind it are looked at. So the outcome is one of the text and not of its pieces.
 */
#include "core/answertext.h"

#include <apr_tables.h>
#include <string.h>

typedef struct {
    const char *from;
    apr_size_t len;
    const char *to; /* NULL: the answer ends here */
} pattern_t;

struct cs_answertext {
    apr_array_header_t *patterns; /* of pattern_t */
    bool begins[256];             /* an octet with which one of them begins */
    const char *lead;             /* what is taken off the start; "" once that is decided */
    bool stopped;
    cs_text_t *held;  /* not yet decided; shorter than the longest pattern between two calls */
    cs_text_t *spare; /* empty; the two take turns */
};

typedef enum { FOUND_NOTHING, FOUND, FOUND_HALF } found_e;

static void add_pattern(cs_answertext_t *answer, const char *from, const char *to)
{
    if (from && *from) {
        APR_ARRAY_PUSH(answer->patterns, pattern_t) = (pattern_t){from, strlen(from), to};
        answer->begins[(unsigned char)*from] = true;
    }
}

/** What the model has still to write between the role and its text. */
static const char *lead_of(const cs_prompt_template_t *template)
{
    const apr_size_t len = strlen(template->last_role_end);

    return strncmp(template->role_end, template->last_role_end, len) == 0 ? template->role_end + len : "";
}

cs_answertext_t *cs_answertext_create(const cs_prompt_template_t *template, const json_t *stop, apr_pool_t *pool)
{
    cs_answertext_t *answer = apr_pcalloc(pool, sizeof(*answer));
    size_t at;

    answer->patterns = apr_array_make(pool, 16, sizeof(pattern_t));
    answer->lead = lead_of(template);
    answer->held = cs_text_create(pool);
    answer->spare = cs_text_create(pool);
    for (at = 0; template->stops[at]; at++)
        add_pattern(answer, template->stops[at], NULL);
    add_pattern(answer, json_string_value(stop), NULL);
    for (at = 0; at < json_array_size(stop); at++)
        add_pattern(answer, json_string_value(json_array_get(stop, at)), NULL);
    for (at = 0; template->output[at].from; at++)
        add_pattern(answer, template->output[at].from, template->output[at].to);
    return answer;
}

/** Compare what pattern says with the len octets that there are. */
static found_e match(const char *pattern, apr_size_t pattern_len, const char *text, apr_size_t len)
{
    if (pattern_len <= len)
        return memcmp(pattern, text, pattern_len) == 0 ? FOUND : FOUND_NOTHING;
    return memcmp(pattern, text, len) == 0 ? FOUND_HALF : FOUND_NOTHING;
}

/** What begins at text; last: nothing more will come. */
static found_e look(const cs_answertext_t *answer, const char *text, apr_size_t len, bool last,
                    const pattern_t **pattern)
{
    int at;

    for (at = 0; at < answer->patterns->nelts; at++) {
        found_e found;

        *pattern = &APR_ARRAY_IDX(answer->patterns, at, pattern_t);
        found = match((*pattern)->from, (*pattern)->len, text, len);
        if (found == FOUND || (found == FOUND_HALF && !last))
            return found;
    }
    return FOUND_NOTHING;
}

/** Octets of the lead at the start; *wait: it is not decided yet. */
static apr_size_t skip_lead(cs_answertext_t *answer, const char *text, apr_size_t len, bool last, bool *wait)
{
    const apr_size_t lead = strlen(answer->lead);
    const found_e found = match(answer->lead, lead, text, len);

    *wait = found == FOUND_HALF && !last;
    if (!*wait)
        answer->lead = "";
    return found == FOUND ? lead : 0;
}

/** Decide what can be decided of text; *left is how much of its end is not. */
static apr_status_t decide(cs_answertext_t *answer, const char *text, apr_size_t len, bool last, cs_text_t *out,
                           apr_size_t *left)
{
    const char *end = text + len, *start, *at;
    apr_status_t rv = APR_SUCCESS;
    bool wait;

    *left = len;
    text += skip_lead(answer, text, len, last, &wait);
    if (wait)
        return APR_SUCCESS;
    for (start = at = text; at < end && rv == APR_SUCCESS;) {
        const pattern_t *pattern = NULL;
        const found_e found = answer->begins[(unsigned char)*at]
                                  ? look(answer, at, (apr_size_t)(end - at), last, &pattern)
                                  : FOUND_NOTHING;

        if (found == FOUND_NOTHING) {
            at++;
            continue;
        }
        rv = cs_text_append(out, start, (apr_size_t)(at - start), 0);
        start = at;
        answer->stopped = found == FOUND && !pattern->to;
        if (found == FOUND_HALF || answer->stopped)
            break;
        if (rv == APR_SUCCESS)
            rv = cs_text_append(out, pattern->to, strlen(pattern->to), 0);
        start = at += pattern->len;
    }
    *left = answer->stopped ? 0 : (apr_size_t)(end - at);
    return rv == APR_SUCCESS && at == end ? cs_text_append(out, start, (apr_size_t)(end - start), 0) : rv;
}

static apr_status_t take(cs_answertext_t *answer, const char *text, apr_size_t len, bool last, cs_text_t *out)
{
    cs_text_t *held = answer->held, *rest = answer->spare;
    apr_size_t left = 0;
    apr_status_t rv;

    if (answer->stopped)
        return APR_SUCCESS;
    rv = cs_text_append(held, text, len, 0);
    if (rv == APR_SUCCESS)
        rv = decide(answer, cs_text_get(held), cs_text_length(held), last, out, &left);
    if (rv == APR_SUCCESS)
        rv = cs_text_append(rest, cs_text_get(held) + cs_text_length(held) - left, left, 0);
    cs_text_clear(held);
    answer->held = rest;
    answer->spare = held;
    return rv;
}

apr_status_t cs_answertext_feed(cs_answertext_t *answer, const char *text, apr_size_t len, cs_text_t *out)
{
    return take(answer, text, len, false, out);
}

apr_status_t cs_answertext_end(cs_answertext_t *answer, cs_text_t *out)
{
    return take(answer, "", 0, true, out);
}

bool cs_answertext_is_stopped(const cs_answertext_t *answer)
{
    return answer->stopped;
}
