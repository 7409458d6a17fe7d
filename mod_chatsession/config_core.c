/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Settings that belong together, in the form that core takes them in. */
#include "config.h"
#include <http_protocol.h>
#include <string.h>

static bool is_secure(const chatsession_server_t *conf, const request_rec *r)
{
    switch ((chatsession_secure_e)chatsession_number(conf, CHATSESSION_COOKIE_SECURE)) {
    case CHATSESSION_SECURE_OFF:
        return false;
    case CHATSESSION_SECURE_AUTO:
        return r && !strcmp(ap_http_scheme(r), "https");
    case CHATSESSION_SECURE_ON:
        break;
    }
    return true;
}

cs_cookie_attrs_t chatsession_cookie(const chatsession_server_t *conf, const request_rec *r)
{
    cs_cookie_attrs_t attrs = {
        .name = chatsession_string(conf, CHATSESSION_COOKIE_NAME),
        .path = chatsession_string(conf, CHATSESSION_COOKIE_PATH),
        .domain = chatsession_string(conf, CHATSESSION_COOKIE_DOMAIN),
        .max_age = chatsession_number(conf, CHATSESSION_COOKIE_MAX_AGE),
        .secure = is_secure(conf, r),
        .http_only = chatsession_number(conf, CHATSESSION_COOKIE_HTTP_ONLY) == 0,
        .samesite = (cs_samesite_e)chatsession_number(conf, CHATSESSION_COOKIE_SAMESITE),
    };

    if (!attrs.name) {
        attrs.name = attrs.secure && !attrs.domain && !strcmp(attrs.path, "/") ? "__Host-sid" : "sid";
    }
    return attrs;
}

cs_session_limits_t chatsession_limits(const chatsession_server_t *conf)
{
    return (cs_session_limits_t){.idle_timeout = chatsession_number(conf, CHATSESSION_IDLE_TIMEOUT),
                                 .max_lifetime = chatsession_number(conf, CHATSESSION_MAX_LIFETIME),
                                 .grace = chatsession_number(conf, CHATSESSION_GRACE)};
}

cs_session_limits_t chatsession_console_limits(const chatsession_server_t *conf)
{
    cs_session_limits_t limits = chatsession_limits(conf);
    const apr_int64_t idle = chatsession_number(conf, CHATSESSION_CONSOLE_IDLE_TIMEOUT);
    const apr_int64_t life = chatsession_number(conf, CHATSESSION_CONSOLE_MAX_LIFETIME);

    limits.idle_timeout = idle < limits.idle_timeout ? idle : limits.idle_timeout;
    limits.max_lifetime = life < limits.max_lifetime ? life : limits.max_lifetime;
    return limits;
}

cs_password_cost_t chatsession_password_cost(const chatsession_server_t *conf)
{
    return (cs_password_cost_t){(unsigned)chatsession_number(conf, CHATSESSION_PASSWORD_MEMORY),
                                (unsigned)chatsession_number(conf, CHATSESSION_PASSWORD_ITERATIONS),
                                (unsigned)chatsession_number(conf, CHATSESSION_PASSWORD_PARALLELISM)};
}
