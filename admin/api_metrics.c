/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* What Prometheus collects: its text form, version 0.0.4. Names of models hold nothing that a label must escape. */
#include "admin/admin.h"
#include <http_protocol.h>
#include <apr_strings.h>
#include "breaker.h"
#include "causes.h"
#include "counters.h"
#include "networks.h"
#include "store/turn.h"

static const struct {
    chatsession_count_e which;
    const char *word;
} ends[] = {{CHATSESSION_COUNT_COMPLETE, "complete"},
            {CHATSESSION_COUNT_STOPPED, "stopped"},
            {CHATSESSION_COUNT_ERROR, "error"},
            {CHATSESSION_COUNT_INTERRUPTED, "interrupted"}},
  refusals[] = {{CHATSESSION_COUNT_REFUSED_QUEUE, "too_many_requests"},
                {CHATSESSION_COUNT_REFUSED_TURNS, "turn_limit"},
                {CHATSESSION_COUNT_REFUSED_REQUESTS, "request_limit"},
                {CHATSESSION_COUNT_REFUSED_TOKENS, "token_limit"},
                {CHATSESSION_COUNT_REFUSED_STREAMS, "streams_busy"},
                {CHATSESSION_COUNT_REFUSED_BACKEND, "backend_unavailable"}};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void head(request_rec *r, const char *name, const char *type, const char *help)
{
    ap_rprintf(r, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_turns(request_rec *r)
{
    head(r, "chatsession_turns_total", "counter", "Answers of this host, by how they ended.");
    for (size_t i = 0; i < COUNT(ends); i++) {
        ap_rprintf(r, "chatsession_turns_total{status=\"%s\"} %" APR_UINT64_T_FMT "\n", ends[i].word,
                   chatsession_counted(ends[i].which));
    }
    head(r, "chatsession_refused_total", "counter", "Turns that this host refused, by reason.");
    for (size_t i = 0; i < COUNT(refusals); i++) {
        ap_rprintf(r, "chatsession_refused_total{reason=\"%s\"} %" APR_UINT64_T_FMT "\n", refusals[i].word,
                   chatsession_counted(refusals[i].which));
    }
    head(r, "chatsession_reaped_total", "counter", "Answers of dead writers that this host has ended.");
    ap_rprintf(r, "chatsession_reaped_total %" APR_UINT64_T_FMT "\n", chatsession_counted(CHATSESSION_COUNT_REAPED));
}

static void put_lag(request_rec *r)
{
    const chatsession_lag_t lag = chatsession_counted_lag();

    head(r, "chatsession_persist_lag_seconds", "histogram", "From what a model wrote until it was recorded.");
    for (int i = 0; i < CHATSESSION_LAG_BUCKETS; i++) {
        ap_rprintf(r, "chatsession_persist_lag_seconds_bucket{le=\"%s\"} %" APR_UINT64_T_FMT "\n",
                   chatsession_lag_limits[i].seconds, lag.buckets[i]);
    }
    ap_rprintf(r,
               "chatsession_persist_lag_seconds_bucket{le=\"+Inf\"} %" APR_UINT64_T_FMT
               "\nchatsession_persist_lag_seconds_sum %.6f\n"
               "chatsession_persist_lag_seconds_count %" APR_UINT64_T_FMT "\n",
               lag.count, (double)lag.microseconds / APR_USEC_PER_SEC, lag.count);
}

/* One metric of every backend, by the member that the overview has it in. */
static void put_of_backends(request_rec *r, const json_t *backends, const char *metric, const char *member)
{
    for (size_t i = 0; i < json_array_size(backends); i++) {
        const json_t *backend = json_array_get(backends, i);
        const json_t *value = json_object_get(backend, member);

        if (json_is_string(value)) {
            ap_rprintf(r, "%s{backend=\"%s\"} %d\n", metric, json_string_value(json_object_get(backend, "name")),
                       !strcmp(json_string_value(value), "closed"));
        } else if (json_is_number(value)) {
            ap_rprintf(r, "%s{backend=\"%s\"} %.10g\n", metric, json_string_value(json_object_get(backend, "name")),
                       json_number_value(value));
        }
    }
}

static void put_backends(request_rec *r, const chatsession_server_t *conf)
{
    static const struct {
        const char *metric, *type, *member, *help;
    } metrics[] = {
        {"chatsession_backend_up", "gauge", "state",
         "1: turns go through to this model's server; 0: it is left alone."},
        {"chatsession_backend_failures", "gauge", "failures", "Failures of this model's server in a row."},
        {"chatsession_backend_requests_total", "counter", "requests", "Turns that went to this model's server."},
        {"chatsession_backend_failed_total", "counter", "failed", "Of these, those that its server failed."},
        {"chatsession_backend_first_token_seconds_sum", NULL, "first_token_sum", NULL},
        {"chatsession_backend_first_token_seconds_count", NULL, "first_tokens", NULL},
    };
    json_t *backends = chatsession_breaker_json(conf);

    for (size_t i = 0; i < COUNT(metrics); i++) {
        if (metrics[i].type) {
            head(r, metrics[i].metric, metrics[i].type, metrics[i].help);
        } else if (strstr(metrics[i].metric, "_sum")) {
            head(r, "chatsession_backend_first_token_seconds", "summary",
                 "From the question to the first token of its answer.");
        }
        put_of_backends(r, backends, metrics[i].metric, metrics[i].member);
    }
    json_decref(backends);
}

static void put_causes(request_rec *r)
{
    json_t *causes = chatsession_causes_json(r->pool);
    const char *name;
    json_t *value;

    head(r, "chatsession_requests_total", "counter", "Requests of this host, by how they came by their session.");
    json_object_foreach(json_object_get(causes, "requests"), name, value)
    {
        ap_rprintf(r, "chatsession_requests_total{cause=\"%s\"} %" APR_INT64_T_FMT "\n", name,
                   (apr_int64_t)json_integer_value(value));
    }
    json_decref(causes);
}

/* What all hosts share: the database says it, while it is there. */
static void put_database(chatsession_call_t *call)
{
    request_rec *r = call->r;
    cs_console_load_t load;
    const apr_status_t rv = cs_console_load(&load, call->conf->db, r->pool);

    head(r, "chatsession_database_up", "gauge", "1: the database answers this host.");
    ap_rprintf(r, "chatsession_database_up %d\n", rv == APR_SUCCESS);
    if (rv != APR_SUCCESS) {
        return;
    }
    head(r, "chatsession_turns", "gauge", "Turns that are written or wait now, over all hosts.");
    ap_rprintf(r, "chatsession_turns{state=\"streaming\"} %d\nchatsession_turns{state=\"queued\"} %d\n", load.streaming,
               load.queued);
    head(r, "chatsession_sessions", "gauge", "Sessions that live, over all hosts.");
    ap_rprintf(r, "chatsession_sessions %" APR_INT64_T_FMT "\n", load.sessions);
    head(r, "chatsession_database_connections", "gauge", "Connections of all hosts to the database, by what they do.");
    ap_rprintf(r,
               "chatsession_database_connections{state=\"active\"} %d\n"
               "chatsession_database_connections{state=\"idle\"} %d\n"
               "chatsession_database_connections{state=\"idle_in_transaction\"} %d\n",
               load.active, load.idle, load.in_transaction);
}

int chatsession_admin_metrics(chatsession_call_t *call)
{
    ap_set_content_type(call->r, "text/plain; version=0.0.4; charset=utf-8");
    put_turns(call->r);
    put_lag(call->r);
    put_backends(call->r, call->conf);
    put_causes(call->r);
    put_database(call);
    return OK;
}

bool chatsession_admin_is_scraper(const request_rec *r, const chatsession_server_t *conf,
                                  const chatsession_address_t *address)
{
    return !strcmp(address->below, "metrics") && chatsession_networks_have(conf->metrics_from, r);
}

int chatsession_admin_scrape(request_rec *r, chatsession_server_t *conf, const chatsession_address_t *address)
{
    static const chatsession_route_t routes[] = {
        {"GET", "metrics", CHATSESSION_NO_SESSION, CHATSESSION_NO_BODY, chatsession_admin_metrics},
    };

    return chatsession_dispatch(r, conf, routes, CHATSESSION_ROUTE_COUNT(routes), address);
}
