/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Another module of httpd that uses mod_chatsession.h: SetHandler session-probe answers the queries user, ref,
 * get/NAME, set/NAME/VALUE and remove/NAME with a status and a text.
 */
#include <httpd.h>
#include <http_config.h>
#include <http_protocol.h>
#include <mod_chatsession.h>
#include <apr_strings.h>

static APR_OPTIONAL_FN_TYPE(chatsession_get_user) * get_user;
static APR_OPTIONAL_FN_TYPE(chatsession_get_ref) * get_ref;
static APR_OPTIONAL_FN_TYPE(chatsession_get_value) * get_value;
static APR_OPTIONAL_FN_TYPE(chatsession_set_value) * set_value;
static APR_OPTIONAL_FN_TYPE(chatsession_remove_value) * remove_value;

static void find_functions(void)
{
    get_user = APR_RETRIEVE_OPTIONAL_FN(chatsession_get_user);
    get_ref = APR_RETRIEVE_OPTIONAL_FN(chatsession_get_ref);
    get_value = APR_RETRIEVE_OPTIONAL_FN(chatsession_get_value);
    set_value = APR_RETRIEVE_OPTIONAL_FN(chatsession_set_value);
    remove_value = APR_RETRIEVE_OPTIONAL_FN(chatsession_remove_value);
}

static const char *status_name(apr_status_t status)
{
    return status == APR_SUCCESS  ? "APR_SUCCESS"
           : status == APR_EACCES ? "APR_EACCES"
           : status == APR_ENOENT ? "APR_ENOENT"
           : status == APR_EINVAL ? "APR_EINVAL"
           : status == APR_EAGAIN ? "APR_EAGAIN"
                                  : "APR_EGENERAL";
}

/* What is asked for; *text is NULL where there is none. */
static apr_status_t probe(request_rec *r, const char *what, const char *name, const char *value, const char **text)
{
    const char *role;
    apr_status_t status;

    *text = NULL;
    if (!strcmp(what, "user")) {
        status = get_user(r, text, &role);
        *text = *text ? apr_pstrcat(r->pool, *text, " ", role, NULL) : NULL;
        return status;
    }
    if (!strcmp(what, "ref")) {
        return get_ref(r, text);
    }
    if (!strcmp(what, "get")) {
        return get_value(r, name, text);
    }
    return !strcmp(what, "set") ? set_value(r, name, value) : remove_value(r, name);
}

static int handle(request_rec *r)
{
    const char *what, *name, *text;
    char *rest = apr_pstrdup(r->pool, r->args ? r->args : "");
    apr_status_t status;

    if (!r->handler || strcmp(r->handler, "session-probe") != 0) {
        return DECLINED;
    }
    if (!get_user) {
        return HTTP_NOT_IMPLEMENTED; /* mod_chatsession is not loaded */
    }
    if (ap_unescape_url(rest) != OK) {
        return HTTP_BAD_REQUEST;
    }
    what = ap_getword_nc(r->pool, &rest, '/');
    name = ap_getword_nc(r->pool, &rest, '/');
    status = probe(r, what, name, rest, &text);
    ap_set_content_type(r, "text/plain; charset=utf-8");
    ap_rprintf(r, "%s %s", status_name(status), text ? text : "-");
    return OK;
}

static void register_hooks(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_optional_fn_retrieve(find_functions, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(handle, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(chatsession_probe) = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks,
#ifdef AP_MODULE_FLAG_NONE
    AP_MODULE_FLAG_NONE,
#endif
};
