/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "prompt.h"
#include "core/prompttext.h"

/* How many octets of text fit the model's context, as far as its server's own counting tells. */
static apr_size_t window_octets(const chatsession_backend_t *backend, const json_t *params)
{
    const apr_int64_t wanted = json_integer_value(json_object_get(params, "max_tokens"));
    /* The answer needs room as well: a quarter, when nobody says how much; and it never takes all of it. */
    const apr_int64_t answer = wanted && wanted < backend->context * 3 / 4 ? wanted : backend->context / 4;

    return (apr_size_t)((backend->context - answer) * 1000 / atomic_load(backend->density));
}

/* What the model's server counted of the request says how dense its tokens are. */
void chatsession_prompt_calibrate(const chatsession_turn_t *turn)
{
    json_t *usage = cs_text_length(turn->usage) ? json_loads(cs_text_get(turn->usage), 0, NULL) : NULL;
    const json_int_t tokens = json_integer_value(json_object_get(usage, "prompt_tokens"));
    const apr_int64_t seen = turn->prompt_octets ? tokens * 1000 / (apr_int64_t)turn->prompt_octets : 0;

    /* A short prompt is mostly the template's own tokens. */
    if (turn->prompt_octets >= 200 && tokens > 0 && tokens <= APR_INT32_MAX) {
        const apr_int64_t mixed = (3 * (apr_int64_t)atomic_load(turn->backend->density) + seen) / 4;
        atomic_store(turn->backend->density, (unsigned)(mixed < 20 ? 20 : mixed > 2000 ? 2000 : mixed));
    }
    json_decref(usage);
}

apr_status_t chatsession_prompt_write(chatsession_turn_t *turn, const cs_prompt_t *prompt,
                                      const cs_prompt_options_t *options)
{
    const chatsession_backend_t *backend = turn->backend;
    apr_pool_t *pool = turn->r->pool;

    if (backend->form == CS_PROMPT_CHAT) {
        return cs_prompt_to_completions(&turn->body, &turn->body_len, prompt, options, pool);
    }
    turn->answer_text = cs_answertext_create(backend->template, json_object_get(options->params, "stop"), pool);
    return cs_prompt_to_text_body(&turn->body, &turn->body_len, prompt, options, backend->template, backend->form,
                                  pool);
}

apr_status_t chatsession_prompt_history(chatsession_turn_t *turn)
{
    apr_pool_t *pool = turn->r->pool;
    const chatsession_backend_t *backend = turn->backend;
    const cs_prompt_options_t options = {.model = backend->model,
                                         .stream = true,
                                         .max_turns = backend->last_alone ? 1 : backend->turns,
                                         .max_octets =
                                             backend->context ? window_octets(backend, turn->settings->params) : 0,
                                         .params = turn->settings->params};
    cs_prompt_t *prompt = cs_prompt_create(pool);
    cs_db_result_t *rows;
    apr_status_t rv = cs_turn_history(&rows, turn->conf->db, turn->message_id, pool);

    prompt->system = turn->settings->system;
    prompt->examples = backend->last_alone ? NULL : turn->settings->examples;
    for (int i = 0; rv == APR_SUCCESS && i < cs_db_rows(rows); i++) {
        cs_prompt_add(prompt, cs_db_text(rows, i, 0, NULL), cs_db_text(rows, i, 1, NULL));
    }
    turn->prompt_octets = cs_prompt_octets(prompt, &options);
    if (rv == APR_SUCCESS) {
        rv = chatsession_prompt_write(turn, prompt, &options);
    }
    cs_db_result_free(rows); /* the whole conversation, and it is in the body now */
    return rv;
}

apr_status_t chatsession_prompt_text(chatsession_turn_t *turn, const char *text, apr_size_t len, bool last,
                                     cs_text_t *out)
{
    apr_status_t rv;

    if (!turn->answer_text) {
        return cs_text_append(out, text, len, 0);
    }
    rv = cs_answertext_feed(turn->answer_text, text, len, out);
    return rv == APR_SUCCESS && last ? cs_answertext_end(turn->answer_text, out) : rv;
}
