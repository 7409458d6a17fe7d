/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "throttle.h"
#include <http_log.h>
#include <http_protocol.h>
#include <apr_strings.h>
#include "core/json.h"
#include "reply.h"
#include "request_cookies.h"

APLOG_USE_MODULE(chatsession);

#define KNOWN_FOR apr_time_from_sec(180 * 86400)
#define UUID_CHARS 36
#define DEVICE_BYTES 18
#define DEVICE_CHARS 24

/* --- the known device: a sealed "user device seconds" --- */

typedef struct {
    const char *user; /* UUID */
    const char *id;
} device_t;

static bool is_on(const chatsession_call_t *call)
{
    return chatsession_number(call->conf, CHATSESSION_KNOWN_DEVICE) == 0;
}

cs_cookie_attrs_t chatsession_known_cookie(const chatsession_server_t *conf, const request_rec *r)
{
    cs_cookie_attrs_t attrs = chatsession_cookie(conf, r);

    attrs.name = attrs.secure && !attrs.domain && !strcmp(attrs.path, "/") ? "__Host-known" : "known";
    attrs.max_age = KNOWN_FOR;
    attrs.http_only = true;
    attrs.samesite = CS_SAMESITE_STRICT;
    return attrs;
}

/* What stands in the seal; false when it is not of today's form, or of the past. */
static bool parse(device_t *device, const char *text, apr_time_t now, apr_pool_t *pool)
{
    apr_time_t made;
    char *end;

    if (strlen(text) <= UUID_CHARS + DEVICE_CHARS + 2 || text[UUID_CHARS] != ' ' ||
        text[UUID_CHARS + 1 + DEVICE_CHARS] != ' ') {
        return false;
    }
    device->user = apr_pstrmemdup(pool, text, UUID_CHARS);
    device->id = apr_pstrmemdup(pool, text + UUID_CHARS + 1, DEVICE_CHARS);
    made = apr_time_from_sec(apr_strtoi64(text + UUID_CHARS + DEVICE_CHARS + 2, &end, 10));
    return !*end && cs_uuid_is(device->user) && made <= now + apr_time_from_sec(CS_TOKEN_SKEW) &&
           now < made + KNOWN_FOR;
}

/* The device that the request says it is; zeroed when it says none that counts. */
static device_t read_device(const chatsession_call_t *call)
{
    device_t device = {0};
    const char *value;
    const char *text;
    apr_size_t len;

    if (!is_on(call) ||
        chatsession_find_cookie(call->r, chatsession_known_cookie(call->conf, call->r).name, &value, &len) !=
            APR_SUCCESS ||
        cs_unseal(&text, call->conf->keys, CS_PURPOSE_DEVICE, apr_pstrmemdup(call->r->pool, value, len),
                  call->r->pool) != APR_SUCCESS ||
        !parse(&device, text, call->r->request_time, call->r->pool)) {
        return (device_t){0};
    }
    return device;
}

static apr_status_t send_device(chatsession_call_t *call, const device_t *device)
{
    const cs_cookie_attrs_t attrs = chatsession_known_cookie(call->conf, call->r);
    const char *text =
        apr_psprintf(call->r->pool, "%s %s %" APR_TIME_T_FMT, device->user, device->id, apr_time_sec(apr_time_now()));
    const char *header;
    apr_status_t rv = cs_seal(&text, call->conf->keys, CS_PURPOSE_DEVICE, text, call->r->pool);

    if (rv == APR_SUCCESS) {
        rv = cs_cookie_format(&header, &attrs, text, call->r->pool);
    }
    if (rv == APR_SUCCESS) {
        apr_table_addn(call->r->err_headers_out, "Set-Cookie", header);
    }
    return rv;
}

/* This browser is one of the user's: it keeps the id that it has, or gets one. */
static apr_status_t know(chatsession_call_t *call, const char *user_id)
{
    device_t device = read_device(call);
    unsigned char id[DEVICE_BYTES];
    apr_status_t rv;

    if (!device.user || strcmp(device.user, user_id) != 0) {
        rv = cs_token_random(id, sizeof(id));
        if (rv != APR_SUCCESS) {
            return rv;
        }
        device = (device_t){user_id, cs_base64url_encode(id, sizeof(id), call->r->pool)};
    }
    return send_device(call, &device);
}

/* --- attempts --- */

static int too_many(chatsession_call_t *call, int wait)
{
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, call->r, "CS0120: an attempt to log in was refused: the next one in %d s",
                  wait);
    apr_table_setn(call->r->err_headers_out, "Retry-After", apr_itoa(call->r->pool, wait));
    return chatsession_reply_error(call->r, HTTP_TOO_MANY_REQUESTS, "too_many_attempts",
                                   apr_psprintf(call->r->pool, "Too many attempts; try again in %d %s.", wait,
                                                wait == 1 ? "second" : "seconds"));
}

int chatsession_throttle_admit(cs_throttle_attempt_t *attempt, chatsession_call_t *call, const char *name)
{
    const cs_throttle_limits_t limits = {(int)chatsession_number(call->conf, CHATSESSION_LOGIN_LIMIT),
                                         chatsession_number(call->conf, CHATSESSION_LOGIN_DELAY)};
    const device_t device = read_device(call);
    apr_status_t rv;
    int wait;

    *attempt = (cs_throttle_attempt_t){.name = name,
                                       .network = chatsession_network(call->r),
                                       .device = device.id,
                                       .device_user = device.user};
    rv = cs_throttle_admit(&wait, attempt, call->conf->db, &limits, call->r->pool);
    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    return wait ? too_many(call, wait) : DECLINED;
}

void chatsession_throttle_succeeded(const cs_throttle_attempt_t *attempt, chatsession_call_t *call, const char *user_id)
{
    if (cs_throttle_succeeded(attempt, call->conf->db, call->r->pool) != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, call->r,
                      "CS0121: a login that succeeded goes on counting as a failed attempt");
    }
    if (is_on(call) && know(call, user_id) != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, call->r, "CS0122: a browser could not be given its cookie");
    }
}

void chatsession_throttle_withdrawn(const cs_throttle_attempt_t *attempt, chatsession_call_t *call)
{
    if (cs_throttle_withdraw(attempt, call->conf->db, call->r->pool) != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, call->r,
                      "CS0166: a right password goes on counting as a failed attempt");
    }
}
