/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "reply.h"
#include <http_config.h>
#include <http_log.h>
#include <http_protocol.h>
#include <apr_general.h>
#include <apr_strings.h>
#include "core/json.h"
#include "core/token.h"
#include "openai.h"
#include "store/db.h"

APLOG_USE_MODULE(chatsession);

#define CSP                                                                                                            \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "   \
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'; "                                 \
    "require-trusted-types-for 'script'; trusted-types dompurify"

static const struct {
    const char *name, *value;
} headers[] = {
    {"Content-Security-Policy", CSP},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Vary", "Cookie"},
    {"Cache-Control", "no-store"},
};

void chatsession_reply_headers(request_rec *r)
{
    /* err_headers_out: they stay on answers that httpd makes instead of ours. */
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        apr_table_setn(r->err_headers_out, headers[i].name, headers[i].value);
    }
    if (!strcmp(ap_http_scheme(r), "https")) {
        apr_table_setn(r->err_headers_out, "Strict-Transport-Security", "max-age=31536000");
    }
    apr_table_setn(r->err_headers_out, "X-Request-Id", chatsession_request_id(r));
}

const char *chatsession_request_id(request_rec *r)
{
    const char *id = apr_table_get(r->subprocess_env, "UNIQUE_ID");
    unsigned char bytes[15];

    if (!id) {
        id = r->log_id; /* httpd has given it one for a line that it wrote before, or this has */
    }
    if (!id) {
        /* No secret, so the kernel's do: OpenSSL would keep a generator of 5 KiB for each thread that asks it. */
        id = apr_generate_random_bytes(bytes, sizeof(bytes)) == APR_SUCCESS
                 ? cs_base64url_encode(bytes, sizeof(bytes), r->pool)
                 : "-";
    }
    r->log_id = id; /* %L of ErrorLogFormat and LogFormat: every line of the request leads to the answer */
    return id;
}

static int send_json(request_rec *r, int status, const char *text, apr_size_t len)
{
    r->status = status;
    ap_set_content_type(r, "application/json");
    ap_set_content_length(r, (apr_off_t)len);
    if (!r->header_only) {
        ap_rwrite(text, (int)len, r);
    }
    return OK;
}

int chatsession_reply_json(request_rec *r, int status, json_t *value)
{
    apr_size_t len = 0;
    const char *text = value ? cs_json_print(value, &len, r->pool) : NULL;

    json_decref(value);
    if (!text) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "CS0010: an answer could not be written as JSON: out of memory");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return send_json(r, status, text, len);
}

int chatsession_reply_json_text(request_rec *r, int status, const cs_text_t *text)
{
    return send_json(r, status, cs_text_get(text), cs_text_length(text));
}

int chatsession_reply_empty(request_rec *r, int status)
{
    r->status = status;
    r->content_type = NULL;
    ap_set_content_length(r, 0);
    return OK;
}

/* OpenAI's form, which its clients read. */
static json_t *openai_error_json(request_rec *r, const char *type, const char *code, const char *detail)
{
    return json_pack("{s:{s:s,s:s,s:n,s:s},s:s}", "error", "message", detail, "type", type, "param", "code", code,
                     "request_id", chatsession_request_id(r));
}

json_t *chatsession_error_json(request_rec *r, const char *code, const char *detail)
{
    if (chatsession_openai_is(r)) {
        return openai_error_json(r, "server_error", code, detail);
    }
    return json_pack("{s:s,s:s,s:s}", "error", code, "detail", detail, "request_id", chatsession_request_id(r));
}

int chatsession_reply_error(request_rec *r, int status, const char *code, const char *detail)
{
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, "CS0011: %d %s", status, code);
    if (chatsession_openai_is(r) && status < 500) {
        return chatsession_reply_json(r, status, openai_error_json(r, "invalid_request_error", code, detail));
    }
    return chatsession_reply_json(r, status, chatsession_error_json(r, code, detail));
}

int chatsession_reply_status(request_rec *r, apr_status_t status)
{
    char buf[160];

    switch (status) {
    case APR_ENOENT:
        return chatsession_reply_error(r, HTTP_NOT_FOUND, "not_found", "There is no such object, or it is not yours.");
    case CS_ECONFLICT:
        return chatsession_reply_error(r, HTTP_CONFLICT, "conflict",
                                       "Somebody else changed this at the same moment; load it again.");
    case CS_EFULL:
        return chatsession_reply_error(r, HTTP_CONFLICT, "limit_reached",
                                       "There are as many of these as there may be: delete some first.");
    case CS_ENOTTEXT:
        return chatsession_reply_error(r, HTTP_BAD_REQUEST, "invalid_request",
                                       "The text holds a NUL or is not UTF-8; it was not stored.");
    case CS_EUNAVAILABLE:
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "CS0012: 503: the database, or the cache of ChatSessionStore, cannot be reached");
        apr_table_setn(r->err_headers_out, "Retry-After", "2");
        return chatsession_reply_error(r, HTTP_SERVICE_UNAVAILABLE, "database_unavailable",
                                       "The database cannot be reached at the moment; nothing was lost, try again.");
    case APR_ENOMEM:
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r, "CS2090: 503: memory was short");
        apr_table_setn(r->err_headers_out, "Retry-After", "2");
        return chatsession_reply_error(r, HTTP_SERVICE_UNAVAILABLE, "memory_short",
                                       "The server is short of memory at the moment; nothing was lost, try again.");
    default:
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "CS0013: 500: %s (SQLSTATE %s, request %s)",
                      cs_strstatus(status, buf, sizeof(buf)), *cs_db_last_sqlstate() ? cs_db_last_sqlstate() : "none",
                      chatsession_request_id(r));
        return chatsession_reply_error(r, HTTP_INTERNAL_SERVER_ERROR, "internal_error",
                                       "Something went wrong on the server; the request id leads to it in the log.");
    }
}
