/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "breaker.h"
#include <http_config.h>
#include <http_log.h>
#include <apr_shm.h>
#include <apr_strings.h>
#include <string.h>
#include "core/breaker.h"
#include "core/steady.h"

APLOG_USE_MODULE(chatsession);

static cs_breaker_policy_t policy_of(const chatsession_server_t *conf)
{
    return (cs_breaker_policy_t){.failures = (unsigned)chatsession_number(conf, CHATSESSION_BREAKER_FAILURES),
                                 .pause = chatsession_number(conf, CHATSESSION_BREAKER_PAUSE)};
}

/* --- shared memory --- */

/* The backends without a breaker; virtual hosts may share a list, and then its breakers. */
static apr_array_header_t *backends_without(server_rec *s, apr_pool_t *pool)
{
    apr_array_header_t *found = apr_array_make(pool, 8, sizeof(chatsession_backend_t *));
    apr_array_header_t *lists = apr_array_make(pool, 8, sizeof(apr_array_header_t *));

    for (; s; s = s->next) {
        apr_array_header_t *backends = chatsession_server(s)->backends;
        bool known = !backends;

        for (int i = 0; i < lists->nelts && !known; i++) {
            known = APR_ARRAY_IDX(lists, i, apr_array_header_t *) == backends;
        }
        for (int i = 0; !known && i < backends->nelts; i++) {
            APR_ARRAY_PUSH(found, chatsession_backend_t *) = &APR_ARRAY_IDX(backends, i, chatsession_backend_t);
        }
        if (!known) {
            APR_ARRAY_PUSH(lists, apr_array_header_t *) = backends;
        }
    }
    return found;
}

int chatsession_breaker_create(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    const apr_array_header_t *backends = backends_without(s, ptemp);
    const apr_size_t size = sizeof(cs_breaker_t) * (apr_size_t)backends->nelts;
    cs_breaker_t *breakers;
    apr_shm_t *shm;
    apr_status_t rv = size ? apr_shm_create(&shm, size, NULL, pconf) : APR_SUCCESS;

    (void)plog;
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, rv, s, "CS0340: no shared memory for the state of the models' servers");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    if (!size) {
        return OK;
    }
    breakers = apr_shm_baseaddr_get(shm);
    memset(breakers, 0, size);
    for (int i = 0; i < backends->nelts; i++) {
        APR_ARRAY_IDX(backends, i, chatsession_backend_t *)->breaker = &breakers[i];
    }
    return OK;
}

/* --- a turn --- */

bool chatsession_breaker_is_open(const chatsession_server_t *conf, const chatsession_backend_t *backend, int *seconds)
{
    const cs_breaker_policy_t policy = policy_of(conf);
    apr_interval_time_t wait;
    const bool open = cs_breaker_state(backend->breaker, &policy, cs_steady_now(), &wait) == CS_BREAKER_OPEN;

    *seconds = (int)apr_time_sec(wait) + 1;
    if (open) {
        atomic_fetch_add(&backend->breaker->refused, 1);
    }
    return open;
}

bool chatsession_breaker_admit(chatsession_turn_t *turn)
{
    const cs_breaker_policy_t policy = policy_of(turn->conf);

    if (cs_breaker_admit(turn->backend->breaker, &policy, cs_steady_now())) {
        return true;
    }
    chatsession_turn_transit(turn, CHATSESSION_TURN_ERROR, "backend_unavailable",
                             "The model's server failed several times in a row and is left alone for a moment.");
    return false;
}

static void succeed(chatsession_turn_t *turn, const cs_breaker_policy_t *policy)
{
    if (cs_breaker_succeed(turn->backend->breaker, policy)) {
        ap_log_rerror(APLOG_MARK, APLOG_NOTICE, 0, turn->r, "CS0342: backend %s answers again", turn->backend->name);
    }
}

void chatsession_breaker_hear(chatsession_turn_t *turn)
{
    const cs_breaker_policy_t policy = policy_of(turn->conf);

    cs_breaker_hear(turn->backend->breaker, cs_steady_now() - turn->began);
    /* A trial need not come to its end to be one that succeeded; in quiet times only a whole answer is. */
    if (cs_breaker_state(turn->backend->breaker, &policy, cs_steady_now(), NULL) != CS_BREAKER_CLOSED) {
        succeed(turn, &policy);
    }
}

void chatsession_breaker_judge(chatsession_turn_t *turn)
{
    const cs_breaker_policy_t policy = policy_of(turn->conf);

    if (turn->state == CHATSESSION_TURN_COMPLETE) {
        succeed(turn, &policy);
    } else if (turn->backend_failed && cs_breaker_fail(turn->backend->breaker, &policy, cs_steady_now())) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, turn->r,
                      "CS0341: backend %s failed %u times in a row: it is left alone but for one turn every %d s",
                      turn->backend->name, policy.failures, (int)apr_time_sec(policy.pause));
    }
}

/* --- for operators --- */

static json_t *health_json(const chatsession_backend_t *backend, const cs_breaker_policy_t *policy)
{
    static const char *const names[] = {"closed", "open", "half_open"};
    const cs_breaker_t *breaker = backend->breaker;
    const unsigned long long heard = atomic_load(&breaker->heard);
    apr_interval_time_t wait;
    const cs_breaker_state_e state = cs_breaker_state(breaker, policy, cs_steady_now(), &wait);

    return json_pack("{s:s,s:s,s:i,s:o,s:I,s:I,s:I,s:o,s:I,s:f}", "name", backend->name, "state", names[state],
                     "failures", (int)atomic_load(&breaker->failures), "retry_in",
                     state == CS_BREAKER_OPEN ? json_integer(apr_time_sec(wait) + 1) : json_null(), "requests",
                     (json_int_t)atomic_load(&breaker->admitted), "failed", (json_int_t)atomic_load(&breaker->failed),
                     "refused", (json_int_t)atomic_load(&breaker->refused), "first_token_ms",
                     heard ? json_integer((json_int_t)(atomic_load(&breaker->waited) / heard / 1000)) : json_null(),
                     "first_tokens", (json_int_t)heard, "first_token_sum",
                     (double)atomic_load(&breaker->waited) / APR_USEC_PER_SEC);
}

json_t *chatsession_breaker_json(const chatsession_server_t *conf)
{
    const cs_breaker_policy_t policy = policy_of(conf);
    json_t *all = json_array();

    for (int i = 0; conf->backends && i < conf->backends->nelts; i++) {
        json_array_append_new(all, health_json(&APR_ARRAY_IDX(conf->backends, i, chatsession_backend_t), &policy));
    }
    return all;
}
