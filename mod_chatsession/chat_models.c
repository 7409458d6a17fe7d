/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* The models there are, and what a conversation says of how it asks one. */
#include "chat.h"
#include "core/params.h"
#include "reply.h"

int chatsession_get_models(chatsession_call_t *call)
{
    const apr_array_header_t *backends = call->conf->backends;
    json_t *models = json_array();

    for (int i = 0; i < backends->nelts; i++) {
        const chatsession_backend_t *backend = &APR_ARRAY_IDX(backends, i, chatsession_backend_t);
        json_array_append_new(models, json_pack("{s:s,s:b,s:o}", "name", backend->name, "default", i == 0, "context",
                                                backend->context ? json_integer(backend->context) : json_null()));
    }
    return chatsession_reply_json(call->r, HTTP_OK, json_pack("{s:o}", "models", models));
}

int chatsession_check_model(chatsession_call_t *call, const char *name)
{
    if (!name || chatsession_find_backend(call->conf, name)) {
        return DECLINED;
    }
    return chatsession_reply_error(call->r, HTTP_BAD_REQUEST, "unknown_model",
                                   "There is no model of this name; GET api/models lists them.");
}

int chatsession_read_settings(chatsession_call_t *call, int first, json_t **settings)
{
    static const char *const names[CHATSESSION_SETTINGS_MEMBERS] = {"model", "system", "params", "examples"};
    const cs_json_field_t *fields = &call->fields[first];
    const char *problem = NULL;

    *settings = cs_json_own(json_object(), call->r->pool);
    for (int i = 0; i < CHATSESSION_SETTINGS_MEMBERS; i++) {
        if (fields[i].given) {
            json_object_set_new(*settings, names[i],
                                fields[i].null     ? json_null()
                                : fields[i].string ? json_stringn(fields[i].string, fields[i].length)
                                                   : json_incref(fields[i].value));
        }
    }
    if ((fields[2].value && cs_params_check(&problem, fields[2].value, call->r->pool) != APR_SUCCESS) ||
        (fields[3].value && cs_examples_check(&problem, fields[3].value, call->r->pool) != APR_SUCCESS)) {
        return chatsession_bad_request(call, problem);
    }
    return chatsession_check_model(call, fields[0].string);
}
