/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "backend.h"
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_request.h>
#include <apr_strings.h>
#include "breaker.h"
#include "reply.h"
#include "stream.h"

APLOG_USE_MODULE(chatsession);

/* What mod_proxy reads of the request, put back when it is done: the log and our own answer must not see the backend's.
 */
typedef struct {
    const char *filename, *handler, *content_type;
    char *args;
    int proxyreq, status;
    const char *status_line;
    apr_table_t *headers_in, *headers_out;
    const struct ap_logconf *log;
} saved_t;

static saved_t save(request_rec *r)
{
    return (saved_t){r->filename, r->handler,     r->content_type, r->args,        r->proxyreq,
                     r->status,   r->status_line, r->headers_in,   r->headers_out, r->log};
}

static void restore(request_rec *r, const saved_t *saved)
{
    r->filename = (char *)saved->filename;
    r->handler = saved->handler;
    r->content_type = saved->content_type;
    r->args = saved->args;
    r->proxyreq = saved->proxyreq;
    r->status = saved->status;
    r->status_line = saved->status_line;
    r->headers_in = saved->headers_in;
    r->headers_out = saved->headers_out;
    r->log = saved->log;
}

/* The proxy's name for the address: a unix socket's path goes into a note, as mod_proxy's own ProxyPass does it. */
static const char *proxy_url(request_rec *r, const char *url, cs_prompt_form_e form)
{
    static const char *const paths[] = {[CS_PROMPT_CHAT] = "/chat/completions",
                                        [CS_PROMPT_COMPLETION] = "/completions",
                                        [CS_PROMPT_LLAMACPP] = "/completion"};
    const char *bar = strncmp(url, "unix:", 5) ? NULL : strchr(url, '|');

    if (bar) {
        apr_table_setn(r->notes, "uds_path",
                       ap_runtime_dir_relative(r->pool, apr_pstrmemdup(r->pool, url + 5, (apr_size_t)(bar - url) - 5)));
        url = bar + 1;
    }
    return apr_pstrcat(r->pool, "proxy:", url, paths[form], NULL);
}

/* Make r look like a reverse-proxy request for the model: mod_proxy's handler takes it from there. */
static void disguise(chatsession_turn_t *turn)
{
    request_rec *r = turn->r;

    r->headers_in = apr_table_make(r->pool, 4);
    apr_table_setn(r->headers_in, "Content-Type", "application/json");
    apr_table_setn(r->headers_in, "Content-Length", apr_psprintf(r->pool, "%" APR_SIZE_T_FMT, turn->body_len));
    r->headers_out = apr_table_make(r->pool, 4);
    r->content_type = NULL;
    r->args = NULL;
    r->proxyreq = PROXYREQ_REVERSE;
    r->filename = (char *)proxy_url(r, turn->backend->url, turn->backend->form);
    r->handler = "proxy-server";
    /* A 1xx answer of the backend would be written into the stream. */
    apr_table_setn(r->subprocess_env, "proxy-interim-response", "Suppress");
}

int chatsession_backend_headers(request_rec *r)
{
    const chatsession_turn_t *turn = chatsession_turn_current();

    if (!turn || turn->r != r) {
        return DECLINED;
    }
    /* headers_in is mod_proxy's copy here, so the key reaches neither the access log nor anything after this request.
     * The browser's address and cookies stay here too. */
    apr_table_clear(r->headers_in);
    apr_table_setn(r->headers_in, "Content-Type", "application/json");
    apr_table_setn(r->headers_in, "Accept", "text/event-stream, application/json");
    apr_table_setn(r->headers_in, "X-Request-Id", chatsession_request_id(r));
    if (turn->backend->authorization) {
        apr_table_setn(r->headers_in, "Authorization", turn->backend->authorization);
    }
    return OK;
}

/*
 * The connection that mod_proxy sees. It ends the exchange when that is marked as aborted, and mod_http2 marks a stream
 * that its browser resets from another thread, at any moment: taking the mark back, as stream.c does, would come too
 * late now and then. So mod_proxy gets a copy, which nobody marks; what is to be written goes through the filters,
 * which know the real one.
 */
static conn_rec *unmarked(const chatsession_turn_t *turn)
{
    return turn->browser->master ? apr_pmemdup(turn->r->pool, turn->browser, sizeof(*turn->browser)) : turn->browser;
}

void chatsession_backend_ask(chatsession_turn_t *turn)
{
    request_rec *r = turn->r;
    const saved_t saved = save(r);
    ap_filter_t *input = r->input_filters;
    ap_filter_t *output = r->output_filters;
    int rv;

    if (!chatsession_breaker_admit(turn)) {
        return;
    }
    chatsession_turn_set_current(turn);
    disguise(turn);
    chatsession_stream_attach(turn);
    r->connection = unmarked(turn);
    r->connection->aborted = 0;
    /* Our own handler declines "proxy-server"; mod_proxy's takes it. */
    rv = ap_run_handler(r);
    r->connection = turn->browser;
    chatsession_turn_set_current(NULL);
    r->input_filters = input;
    r->output_filters = output;
    restore(r, &saved);
    /* The end that mod_proxy passed was the backend's, not ours. */
    r->eos_sent = turn->client_ended;

    if (turn->state == CHATSESSION_TURN_RUNNING && rv == DECLINED) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "CS0040: no proxy module takes %s; load mod_proxy_http (and mod_ssl for https)",
                      turn->backend->url);
    }
    chatsession_stream_ended(turn, rv);
    chatsession_breaker_judge(turn);
}
