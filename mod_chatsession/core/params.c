/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "core/params.h"

#include <apr_strings.h>
#include <string.h>
#include "core/utf8.h"

#define STOPS 4
#define STOP_POINTS 100
#define EXAMPLE_POINTS 16000

typedef struct {
    const char *name;
    bool whole;
    double min, max;
} range_t;

static const range_t ranges[] = {{"temperature", false, 0, 2},
                                 {"top_p", false, 0, 1},
                                 {"top_k", true, 1, 500},
                                 {"max_tokens", true, 1, 1000000},
                                 {"seed", true, 0, 4294967295.0},
                                 {"presence_penalty", false, -2, 2},
                                 {"frequency_penalty", false, -2, 2}};

static const range_t *find_range(const char *name)
{
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (!strcmp(ranges[i].name, name)) {
            return &ranges[i];
        }
    }
    return NULL;
}

static const char *check_number(const range_t *range, const json_t *value, apr_pool_t *pool)
{
    const json_type type = json_typeof(value);
    const double number = json_number_value(value);

    if ((type == JSON_INTEGER || (type == JSON_REAL && !range->whole)) && number >= range->min &&
        number <= range->max) {
        return NULL;
    }
    return apr_psprintf(pool, "The parameter \"%s\" is not a %snumber from %.10g to %.10g.", range->name,
                        range->whole ? "whole " : "", range->min, range->max);
}

/* A text of 1 to max characters. */
static bool is_text(const json_t *value, apr_size_t max)
{
    const char *text = json_string_value(value);
    const apr_size_t points = text ? cs_utf8_count(text, json_string_length(value)) : 0;

    return points >= 1 && points <= max;
}

static const char *check_stop(const json_t *value)
{
    static const char problem[] = "The parameter \"stop\" is not a text of 1 to 100 characters, or a list of 1 to 4.";
    bool good = json_array_size(value) >= 1 && json_array_size(value) <= STOPS;

    for (size_t i = 0; good && i < json_array_size(value); i++) {
        good = is_text(json_array_get(value, i), STOP_POINTS);
    }
    return good || is_text(value, STOP_POINTS) ? NULL : problem;
}

static const char *check_member(const char *name, const json_t *value, apr_pool_t *pool)
{
    const range_t *range = find_range(name);

    if (range) {
        return check_number(range, value, pool);
    }
    if (!strcmp(name, "stop")) {
        return check_stop(value);
    }
    return "params has a member that is none of temperature, top_p, top_k, max_tokens, seed, stop, presence_penalty "
           "and frequency_penalty.";
}

apr_status_t cs_params_check(const char **problem, const json_t *params, apr_pool_t *pool)
{
    json_t *members = (json_t *)params; /* jansson iterates only what is not const */

    *problem = NULL;
    for (void *at = json_object_iter(members); at && !*problem; at = json_object_iter_next(members, at)) {
        *problem = check_member(json_object_iter_key(at), json_object_iter_value(at), pool);
    }
    return *problem ? CS_EREFUSED : APR_SUCCESS;
}

apr_status_t cs_examples_check(const char **problem, const json_t *examples, apr_pool_t *pool)
{
    static const char *const roles[] = {"user", "assistant"};

    *problem = NULL;
    for (size_t i = 0; i < json_array_size(examples); i++) {
        const json_t *message = json_array_get(examples, i);
        const char *role = json_string_value(json_object_get(message, "role"));

        if (json_object_size(message) != 2 || !role || strcmp(role, roles[i % 2]) != 0 ||
            !is_text(json_object_get(message, "content"), EXAMPLE_POINTS)) {
            *problem =
                apr_psprintf(pool,
                             "examples[%d] is not {\"role\":\"%s\",\"content\":\"1 to %d characters\"}: a user's "
                             "and an assistant's message stand there in turn.",
                             (int)i, roles[i % 2], EXAMPLE_POINTS);
            return CS_EREFUSED;
        }
    }
    if (json_array_size(examples) % 2) {
        *problem = "The last of examples is a user's message without an answer.";
        return CS_EREFUSED;
    }
    return APR_SUCCESS;
}
