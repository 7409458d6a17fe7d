/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "queue.h"
#include <ap_mpm.h>
#include <http_log.h>
#include <apr_strings.h>
#include "counters.h"
#include "events.h"
#include "recorder.h"
#include "reply.h"
#include "stream.h"

APLOG_USE_MODULE(chatsession);

/* The server's own end is looked for this often. */
#define SLICE (500 * 1000)
/* Told to who asks again when nobody knows how long it takes. */
#define SOME_SECONDS 5

/* --- this child's workers --- */

static struct {
    int workers;
    atomic_int streams;
} child;

void chatsession_queue_init(void)
{
    if (ap_mpm_query(AP_MPMQ_MAX_THREADS, &child.workers) != APR_SUCCESS || child.workers < 1) {
        child.workers = 1; /* no threads: a child serves one request at a time */
    }
    atomic_store(&child.streams, 0);
}

bool chatsession_streams_enter(const chatsession_server_t *conf)
{
    const int share = (int)(child.workers * chatsession_number(conf, CHATSESSION_STREAM_SHARE) / 100);

    if (atomic_fetch_add(&child.streams, 1) < (share ? share : 1)) {
        return true;
    }
    atomic_fetch_sub(&child.streams, 1);
    return false;
}

void chatsession_streams_leave(void)
{
    atomic_fetch_sub(&child.streams, 1);
}

int chatsession_streams_refuse(request_rec *r)
{
    chatsession_count(CHATSESSION_COUNT_REFUSED_STREAMS, 1);
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "CS0201: 503: ChatSessionStreamShare of this child's workers stream");
    apr_table_setn(r->err_headers_out, "Retry-After", "2");
    if (r->proto_num < HTTP_VERSION(2, 0)) {
        /* Another connection may reach another child. */
        apr_table_setn(r->err_headers_out, "Connection", "close");
    }
    return chatsession_reply_error(r, HTTP_SERVICE_UNAVAILABLE, "streams_busy",
                                   "The server streams as many answers as it may; try again in a moment.");
}

/* --- refusals --- */

cs_turn_limits_t chatsession_queue_limits(const chatsession_server_t *conf)
{
    return (cs_turn_limits_t){.max_turns = (int)chatsession_number(conf, CHATSESSION_MAX_TURNS),
                              .max_waiting = (int)chatsession_number(conf, CHATSESSION_MAX_WAITING),
                              .user_turns = (int)chatsession_number(conf, CHATSESSION_USER_TURNS),
                              .user_rate = (int)chatsession_number(conf, CHATSESSION_USER_RATE),
                              .user_tokens = chatsession_number(conf, CHATSESSION_USER_TOKENS)};
}

typedef struct {
    const char *code, *detail;
    apr_int64_t limit;
    chatsession_count_e count;
} refusal_t;

static refusal_t refusal_of(const cs_turn_limits_t *limits, const cs_turn_begun_t *begun)
{
    if (begun->outcome == CS_TURN_BUSY) {
        return (refusal_t){"too_many_requests", "All places are taken and as many turns wait as may; try again later.",
                           limits->max_waiting, CHATSESSION_COUNT_REFUSED_QUEUE};
    }
    if (!strcmp(begun->exceeded, "tokens")) {
        return (refusal_t){"token_limit", "Your answers of today (UTC) hold as many tokens as a day may have.",
                           begun->limit, CHATSESSION_COUNT_REFUSED_TOKENS};
    }
    if (!strcmp(begun->exceeded, "requests")) {
        return (refusal_t){"request_limit", "You asked as often within a minute as you may.", begun->limit,
                           CHATSESSION_COUNT_REFUSED_REQUESTS};
    }
    return (refusal_t){"turn_limit", "As many answers of yours are being written as you may have at once.",
                       begun->limit, CHATSESSION_COUNT_REFUSED_TURNS};
}

int chatsession_queue_refuse(request_rec *r, const cs_turn_limits_t *limits, const cs_turn_begun_t *begun)
{
    const refusal_t refusal = refusal_of(limits, begun);
    const int seconds = begun->retry_after < 0 ? SOME_SECONDS : (int)begun->retry_after + 1;
    json_t *body = chatsession_error_json(r, refusal.code, refusal.detail);

    chatsession_count(refusal.count, 1);
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "CS0200: 429 %s: the limit is %" APR_INT64_T_FMT, refusal.code,
                  refusal.limit);
    apr_table_setn(r->err_headers_out, "Retry-After", apr_itoa(r->pool, seconds));
    json_object_set_new(body, "limit", json_integer(refusal.limit));
    json_object_set_new(body, "retry_after", json_integer(seconds));
    return chatsession_reply_json(r, HTTP_TOO_MANY_REQUESTS, body);
}

/* --- waiting --- */

json_t *chatsession_queue_json(int place, double estimate)
{
    return json_pack("{s:i,s:o}", "position", place, "estimate",
                     estimate < 0 ? json_null() : json_integer((json_int_t)(estimate + 0.999)));
}

static void send_place(chatsession_turn_t *turn, int place, double estimate)
{
    apr_bucket_brigade *bb;

    if (!chatsession_turn_has_events(turn)) {
        return;
    }
    bb = apr_brigade_create(turn->r->pool, turn->r->connection->bucket_alloc);
    chatsession_event_add(bb, "queue", chatsession_queue_json(place, estimate), turn->r->pool);
    chatsession_stream_send(turn, bb);
    apr_brigade_destroy(bb);
}

/* What ends the waiting; the state is another one then. */
static void obey(chatsession_turn_t *turn)
{
    chatsession_stream_obey(turn);
    if (turn->state == CHATSESSION_TURN_QUEUED && atomic_load(&turn->admitted)) {
        chatsession_turn_transit(turn, CHATSESSION_TURN_RUNNING, NULL, NULL);
    }
}

void chatsession_queue_wait(chatsession_turn_t *turn)
{
    const apr_interval_time_t beat = chatsession_number(turn->conf, CHATSESSION_HEARTBEAT);
    int told = turn->place;
    int place;
    double estimate;

    send_place(turn, turn->place, turn->estimate);
    for (obey(turn); turn->state == CHATSESSION_TURN_QUEUED; obey(turn)) {
        chatsession_recorder_await(turn, beat < SLICE ? beat : SLICE, &place, &estimate);
        if (place && place != told) {
            send_place(turn, place, estimate);
            told = place;
        }
        chatsession_stream_heartbeat(turn);
    }
}
