/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "turn.h"
#include <http_config.h>
#include <http_log.h>
#include <http_protocol.h>
#include <apr_strings.h>
#include "backend.h"
#include "breaker.h"
#include "core/steady.h"
#include "core/utf8.h"
#include "counters.h"
#include "events.h"
#include "prompt.h"
#include "queue.h"
#include "recorder.h"
#include "reply.h"
#include "store/conversation.h"
#include "stream.h"
#include "title.h"

APLOG_USE_MODULE(chatsession);

/* What is stored of a turn, and an answer that has come whole, are worth waiting for a database that restarts. */
#define RESTART_PATIENCE (15 * APR_USEC_PER_SEC)
#define RESTART_PAUSE (250 * 1000)

static _Thread_local chatsession_turn_t *current;

chatsession_turn_t *chatsession_turn_current(void)
{
    return current;
}

void chatsession_turn_set_current(chatsession_turn_t *turn)
{
    current = turn;
}

bool chatsession_turn_has_events(const chatsession_turn_t *turn)
{
    return !turn->relay && !turn->plain;
}

static const char *const state_names[] = {
    [CHATSESSION_TURN_QUEUED] = "queued",     [CHATSESSION_TURN_RUNNING] = "streaming",
    [CHATSESSION_TURN_COMPLETE] = "complete", [CHATSESSION_TURN_STOPPED] = "stopped",
    [CHATSESSION_TURN_ERROR] = "error",       [CHATSESSION_TURN_INTERRUPTED] = "interrupted",
};

/* What mod_proxy says of an exchange that we end on purpose is no error: from here to the end of it only its own
 * crashes are heard. */
static void hush(chatsession_turn_t *turn)
{
    struct ap_logconf *quiet = apr_pcalloc(turn->r->pool, sizeof(*quiet));

    quiet->level = APLOG_CRIT;
    turn->r->log = quiet;
}

void chatsession_turn_transit(chatsession_turn_t *turn, chatsession_turn_state_e state, const char *error,
                              const char *detail)
{
    if (turn->state > CHATSESSION_TURN_RUNNING || turn->state >= state) {
        return;
    }
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, turn->r, "CS0070: turn %s: %s -> %s%s%s", turn->answer_id,
                  state_names[turn->state], state_names[state], error ? ": " : "", error ? error : "");
    if (current == turn && state != CHATSESSION_TURN_ERROR) {
        hush(turn);
    }
    turn->state = state;
    turn->error = error;
    turn->detail = detail;
}

/* --- to the model --- */

/* The database is away: show the browser that we live, and let a moment pass. False: this was long enough. */
static bool wait_out_restart(chatsession_turn_t *turn, apr_time_t deadline)
{
    if (cs_steady_now() >= deadline) {
        return false;
    }
    chatsession_stream_heartbeat(turn);
    /* The door has waited for a connection already; this keeps a refusing server from being asked in a tight loop. */
    apr_sleep(RESTART_PAUSE);
    return true;
}

/* The question is committed, so a database that went away since does not cost its answer. */
static apr_status_t read_history(chatsession_turn_t *turn)
{
    const apr_time_t deadline = cs_steady_now() + RESTART_PATIENCE;
    apr_status_t rv;

    do {
        rv = chatsession_prompt_history(turn);
    } while (rv == CS_EUNAVAILABLE && !atomic_load(&turn->stop) && !chatsession_stream_is_stopping(turn) &&
             wait_out_restart(turn, deadline));
    return rv;
}

static apr_status_t build_body(chatsession_turn_t *turn)
{
    if (!turn->relay) {
        return read_history(turn);
    }
    turn->body = turn->relay->body;
    turn->body_len = turn->relay->body_len;
    return turn->body ? APR_SUCCESS : APR_ENOMEM;
}

static void say_unasked(chatsession_turn_t *turn, apr_status_t rv)
{
    char buf[160];

    if (atomic_load(&turn->stop)) {
        chatsession_turn_transit(turn, CHATSESSION_TURN_STOPPED, NULL, NULL);
        return;
    }
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, turn->r, "CS0072: turn %s: the prompt could not be built: %s",
                  turn->answer_id, cs_strstatus(rv, buf, sizeof(buf)));
    chatsession_turn_transit(turn, CHATSESSION_TURN_ERROR,
                             rv == CS_EUNAVAILABLE ? "database_unavailable" : "internal_error",
                             "The question could not be put to the model.");
}

/* --- to the browser --- */

static void send_event(chatsession_turn_t *turn, const char *name, json_t *data)
{
    apr_bucket_brigade *bb = apr_brigade_create(turn->r->pool, turn->r->connection->bucket_alloc);

    chatsession_event_add(bb, name, data, turn->r->pool);
    chatsession_stream_send(turn, bb);
}

/* The last event, and with it, in one write, the end of the answer, unless something is still to be done behind it. */
static void send_done(chatsession_turn_t *turn, json_t *data, bool more)
{
    request_rec *r = turn->r;
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);

    chatsession_event_add(bb, "done", data, r->pool);
    if (!more && !turn->client_gone) {
        APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(bb->bucket_alloc));
        /* httpd looks for an end that is the last of what is passed; behind this one stands a flush. */
        r->eos_sent = 1;
    }
    chatsession_stream_send(turn, bb);
}

/* A piece of the text that no event has told of yet. */
static void send_chunk(chatsession_turn_t *turn, const char *text)
{
    apr_bucket_brigade *bb = apr_brigade_create(turn->r->pool, turn->r->connection->bucket_alloc);
    json_t *data =
        chatsession_chunk_json(turn->answer_id, turn->backend->name, json_pack("{s:s}", "content", text), NULL);

    chatsession_event_add_chunk(bb, turn->points, turn->thought, data, turn->r->pool);
    chatsession_stream_send(turn, bb);
}

static json_t *turn_json(const char *conversation_id, const char *message_id, const char *answer_id, const char *model)
{
    return json_pack("{s:s,s:s,s:s,s:s?}", "conversation_id", conversation_id, "message_id", message_id, "answer_id",
                     answer_id, "model", model);
}

/* --- the end --- */

static const char *usage_text(const chatsession_turn_t *turn)
{
    return cs_text_length(turn->usage) ? cs_text_get(turn->usage) : NULL;
}

/* Commit the answer's end, waiting out a restart of the database. */
static apr_status_t commit_end(chatsession_turn_t *turn, cs_turn_finished_e *outcome)
{
    const apr_time_t deadline = cs_steady_now() + RESTART_PATIENCE;
    const cs_turn_end_t end = {.answer_id = turn->answer_id,
                               .status = state_names[turn->state],
                               .content = cs_text_get(turn->text),
                               .content_len = cs_text_length(turn->text),
                               .finish_reason = turn->finish_reason,
                               .usage = usage_text(turn),
                               .detail = turn->detail,
                               .extra = cs_extra_print(turn->extra, turn->r->pool)};
    apr_status_t rv;

    for (;;) {
        apr_pool_t *pool;
        apr_pool_create(&pool, turn->r->pool);
        rv = cs_turn_finish(outcome, turn->conf->db, &end, pool);
        apr_pool_destroy(pool);
        if (rv != CS_EUNAVAILABLE || !wait_out_restart(turn, deadline)) {
            return rv;
        }
    }
}

/* --- a relayed answer's end --- */

static const char *relay_problem(const chatsession_turn_t *turn)
{
    return turn->detail ? turn->detail : "The answer was stopped.";
}

/* The caller is told in the stream, as OpenAI's clients expect it. */
static void end_relayed_stream(chatsession_turn_t *turn, bool whole)
{
    apr_bucket_brigade *bb = apr_brigade_create(turn->r->pool, turn->r->connection->bucket_alloc);

    if (whole) {
        apr_brigade_write(bb, NULL, NULL, cs_text_get(turn->relay->held), cs_text_length(turn->relay->held));
    } else {
        chatsession_event_add(bb, NULL,
                              chatsession_error_json(turn->r, turn->error ? turn->error : "stopped",
                                                     relay_problem(turn)),
                              turn->r->pool);
    }
    chatsession_stream_send(turn, bb);
}

/* A refusal of the model's server is the caller's to read, but not what it says of our key. */
static bool is_callers(int status)
{
    return status == HTTP_OK ||
           (status >= 400 && status < 600 && status != HTTP_UNAUTHORIZED && status != HTTP_FORBIDDEN);
}

/* Nothing has been sent yet: the failure's own status. */
static void reply_failure(chatsession_turn_t *turn)
{
    const char *error = turn->error ? turn->error : "stopped";
    const int code = !strcmp(error, "database_unavailable") ? HTTP_SERVICE_UNAVAILABLE
                     : !strcmp(error, "backend_timeout")    ? HTTP_GATEWAY_TIME_OUT
                                                            : HTTP_BAD_GATEWAY;

    chatsession_reply_error(turn->r, code, error, relay_problem(turn));
}

static void end_relay(chatsession_turn_t *turn, const char *status)
{
    const chatsession_relay_t *relay = turn->relay;
    request_rec *r = turn->r;
    const bool whole = !strcmp(status, "complete");

    if (turn->client_gone) {
        return;
    }
    if (relay->sending) {
        end_relayed_stream(turn, whole);
    } else if (cs_text_length(relay->held) && is_callers(relay->status) && (whole || relay->status != HTTP_OK)) {
        r->status = relay->status;
        ap_set_content_type(r, relay->content_type ? apr_pstrdup(r->pool, relay->content_type) : "application/json");
        ap_set_content_length(r, (apr_off_t)cs_text_length(relay->held));
        ap_rwrite(cs_text_get(relay->held), (int)cs_text_length(relay->held), r);
    } else {
        reply_failure(turn);
    }
}

/* --- the end of one in ChatStream's form --- */

static void end_plain(chatsession_turn_t *turn, const char *status)
{
    request_rec *r = turn->r;

    if (turn->client_gone) {
        return;
    }
    if (!strcmp(status, "complete") || !strcmp(status, "stopped")) {
        if (!turn->plain->sending || turn->plain->rest) {
            ap_set_content_type(r, "text/plain; charset=utf-8");
            ap_rwrite(cs_text_get(turn->text), (int)cs_text_length(turn->text), r);
            ap_rputs(turn->plain->mark, r);
        }
    } else if (!turn->plain->sending) {
        reply_failure(turn);
    } else {
        /* The form has no word for it: the body ends where the connection does, which is an error to its client. */
        r->connection->keepalive = AP_CONN_CLOSE;
        r->connection->aborted = 1;
    }
}

/* What is still held back: half a character, the beginning of a stop text that did not come. */
static void flush_rest(chatsession_turn_t *turn)
{
    const char *half = turn->reader ? cs_completion_rest(turn->reader) : "";
    cs_text_t *rest = cs_text_create(turn->r->pool);
    apr_status_t rv = chatsession_prompt_text(turn, half, strlen(half), true, rest);

    if (rv != APR_SUCCESS || !cs_text_length(rest) ||
        chatsession_recorder_append(turn, cs_text_get(rest), cs_text_length(rest), 0) != APR_SUCCESS) {
        return;
    }
    turn->points += (apr_int64_t)cs_utf8_count(cs_text_get(rest), cs_text_length(rest));
    if (chatsession_turn_has_events(turn)) {
        send_chunk(turn, cs_text_get(rest));
    }
    if (turn->plain) {
        turn->plain->rest = true;
    }
}

static void count_end(const char *status)
{
    for (int i = CHATSESSION_TURN_COMPLETE; i <= CHATSESSION_TURN_INTERRUPTED; i++) {
        if (!strcmp(state_names[i], status)) {
            chatsession_count(CHATSESSION_COUNT_COMPLETE + (chatsession_count_e)(i - CHATSESSION_TURN_COMPLETE), 1);
        }
    }
}

/* Nothing may be sent as done before it is committed. */
static void finish(chatsession_turn_t *turn, bool titled)
{
    cs_turn_finished_e outcome;
    const char *status = state_names[turn->state];
    apr_status_t rv;

    flush_rest(turn);
    rv = commit_end(turn, &outcome);
    if (rv != APR_SUCCESS) {
        char buf[160];
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, turn->r, "CS0071: turn %s: its end could not be recorded: %s",
                      turn->answer_id, cs_strstatus(rv, buf, sizeof(buf)));
        status = "interrupted";
        turn->error = "database_unavailable";
        turn->detail = "The end of the answer could not be recorded; what was recorded before is kept.";
    } else if (outcome != CS_TURN_FINISHED) {
        status = "interrupted";
        turn->error = "conversation_gone";
        turn->detail =
            outcome == CS_TURN_GONE ? "The conversation was deleted." : "The answer had been ended elsewhere.";
    }
    count_end(status);
    if (turn->relay) {
        end_relay(turn, status);
        return;
    }
    if (turn->plain) {
        end_plain(turn, status);
        return;
    }
    if (turn->error) {
        send_event(turn, "error", chatsession_error_json(turn->r, turn->error, turn->detail));
    }
    send_done(turn, chatsession_done_json(turn->answer_id, status, turn->finish_reason, usage_text(turn), turn->detail),
              titled);
}

/* --- the walk --- */

static chatsession_turn_t *create(request_rec *r, chatsession_server_t *conf, const chatsession_backend_t *backend,
                                  const cs_turn_new_t *new, const cs_turn_begun_t *begun)
{
    chatsession_turn_t *turn = apr_pcalloc(r->pool, sizeof(*turn));

    turn->r = r;
    turn->browser = r->connection;
    turn->conf = conf;
    turn->backend = backend;
    turn->user_id = new->user_id;
    turn->conversation_id = new->conversation_id;
    turn->message_id = begun->message_id;
    turn->answer_id = begun->answer_id;
    turn->client = r->output_filters;
    turn->state = begun->outcome == CS_TURN_QUEUED ? CHATSESSION_TURN_QUEUED : CHATSESSION_TURN_RUNNING;
    turn->place = begun->place;
    turn->estimate = begun->estimate;
    turn->text = cs_text_create(r->pool);
    turn->usage = cs_text_create(r->pool);
    turn->extra = cs_extra_create(r->pool);
    turn->last_sent = cs_steady_now();
    return turn;
}

/* From a begun turn to its end; the row is there, so whatever happens, it is finished. */
static int stream(chatsession_turn_t *turn, bool untitled)
{
    request_rec *r = turn->r;
    const bool titled = untitled && chatsession_turn_has_events(turn) && chatsession_title_prepare(turn);
    apr_status_t rv;

    chatsession_stream_patience(turn, true);
    chatsession_recorder_add(turn);
    if (chatsession_turn_has_events(turn)) {
        chatsession_events_begin(r);
        send_event(turn, "turn",
                   turn_json(turn->conversation_id, turn->message_id, turn->answer_id, turn->backend->name));
    }
    if (turn->state == CHATSESSION_TURN_QUEUED) {
        chatsession_queue_wait(turn);
    }
    rv = cs_completion_reader_create(&turn->reader, r->pool);
    if (rv == APR_SUCCESS && turn->state == CHATSESSION_TURN_RUNNING) {
        rv = build_body(turn);
    }
    if (rv == APR_SUCCESS && turn->state == CHATSESSION_TURN_RUNNING) {
        chatsession_backend_ask(turn);
    } else if (rv != APR_SUCCESS) {
        say_unasked(turn, rv);
    }
    finish(turn, titled);
    chatsession_recorder_remove(turn);
    chatsession_prompt_calibrate(turn);
    if (titled && turn->state == CHATSESSION_TURN_COMPLETE) {
        chatsession_title_make(turn);
    }
    chatsession_stream_patience(turn, false);
    if (turn->client_gone) {
        /* Now httpd may know: nothing more is to be sent on this connection. */
        r->connection->aborted = 1;
    }
    return OK;
}

static int reply_stale(request_rec *r, chatsession_server_t *conf, const cs_turn_new_t *turn)
{
    json_t *newer;
    json_t *body;
    apr_status_t rv =
        cs_conversation_newer(&newer, conf->db, turn->user_id, turn->conversation_id, turn->parent_id, r->pool);

    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(r, rv);
    }
    body = chatsession_error_json(r, "stale_parent", "The conversation went on since; here is what is newer.");
    json_object_set_new(body, "newer", newer);
    return chatsession_reply_json(r, HTTP_CONFLICT, body);
}

static int follow_same(request_rec *r, chatsession_server_t *conf, const cs_turn_new_t *turn, const char *answer_id)
{
    const cs_turn_place_t place = {.user_id = turn->user_id,
                                   .session_hash = turn->session_hash,
                                   .conversation_id = turn->conversation_id,
                                   .answer_id = answer_id};

    return chatsession_turn_follow_on(r, conf, &place);
}

/* The model that the turn names, else its conversation's, else the first; one that is configured no more counts as
 * none. */
static const chatsession_backend_t *choose_backend(const chatsession_server_t *conf, const char *turns_own,
                                                   const char *conversations)
{
    const chatsession_backend_t *backend = turns_own ? chatsession_find_backend(conf, turns_own) : NULL;

    if (!backend && conversations) {
        backend = chatsession_find_backend(conf, conversations);
    }
    return backend ? backend : chatsession_find_backend(conf, NULL);
}

/* The question and its answer would be two more. */
static bool is_full(const chatsession_server_t *conf, const cs_conversation_settings_t *settings)
{
    const apr_int64_t most = chatsession_number(conf, CHATSESSION_CONVERSATION_MESSAGES);

    return most && settings->messages + 2 > most;
}

/* Nothing is stored: the browser keeps its text and may send it again. */
static int refuse_unavailable(request_rec *r, const chatsession_backend_t *backend, int seconds)
{
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "CS0343: 503: backend %s is left alone for %d s", backend->name,
                  seconds);
    chatsession_count(CHATSESSION_COUNT_REFUSED_BACKEND, 1);
    apr_table_setn(r->err_headers_out, "Retry-After", apr_itoa(r->pool, seconds));
    return chatsession_reply_error(r, HTTP_SERVICE_UNAVAILABLE, "backend_unavailable",
                                   "The model's server cannot be reached; it is tried again in a moment.");
}

/* What the server knows of a turn that was asked for. */
static void complete(cs_turn_new_t *turn, request_rec *r, const chatsession_server_t *conf,
                     const chatsession_backend_t *backend)
{
    turn->model = backend->name;
    turn->host = r->server->server_hostname ? r->server->server_hostname : "localhost";
    turn->request_id = chatsession_request_id(r);
    turn->limits = chatsession_queue_limits(conf);
    turn->titled = chatsession_number(conf, CHATSESSION_TITLE) != CHATSESSION_TITLE_OFF;
}

/* Who takes the answer instead of a reader of our events: both NULL where one does. */
static void set_taker(chatsession_turn_t *running, request_rec *r, chatsession_relay_t *relay,
                      chatsession_plain_t *plain, const char *answer_id)
{
    running->relay = relay;
    running->plain = plain;
    if (plain) {
        apr_table_setn(r->headers_out, plain->id_header, answer_id);
        plain->headers = r->headers_out;
    }
    if (relay) {
        relay->begun = true;
        relay->headers = r->headers_out;
        relay->held = cs_text_create(r->pool);
    }
}

static int begin(request_rec *r, chatsession_server_t *conf, cs_turn_new_t *turn, chatsession_relay_t *relay,
                 chatsession_plain_t *plain)
{
    cs_conversation_settings_t *settings = apr_palloc(r->pool, sizeof(*settings));
    const chatsession_backend_t *backend;
    chatsession_turn_t *running;
    cs_turn_begun_t begun;
    int seconds;
    apr_status_t rv = cs_conversation_settings(settings, conf->db, turn->user_id, turn->conversation_id, r->pool);

    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(r, rv);
    }
    if (is_full(conf, settings)) {
        return chatsession_reply_error(r, HTTP_CONFLICT, "limit_reached",
                                       "The conversation has as many messages as one may have: begin another.");
    }
    backend = choose_backend(conf, turn->model, settings->model);
    if (chatsession_breaker_is_open(conf, backend, &seconds)) {
        return refuse_unavailable(r, backend, seconds);
    }
    complete(turn, r, conf, backend);
    rv = cs_turn_begin(&begun, conf->db, turn, r->pool);
    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(r, rv);
    }
    switch (begun.outcome) {
    case CS_TURN_BEGUN:
    case CS_TURN_QUEUED:
        running = create(r, conf, backend, turn, &begun);
        running->settings = settings;
        set_taker(running, r, relay, plain, begun.answer_id);
        return stream(running, begun.untitled);
    case CS_TURN_SAME:
        return follow_same(r, conf, turn, begun.answer_id);
    case CS_TURN_STALE:
        return reply_stale(r, conf, turn);
    case CS_TURN_RUNNING:
        if (plain) {
            plain->running = true;
            return OK;
        }
        return chatsession_reply_error(r, HTTP_CONFLICT, "turn_running",
                                       "An answer of this conversation is being written; stop it or wait for its end.");
    case CS_TURN_BUSY:
    case CS_TURN_LIMITED:
        return chatsession_queue_refuse(r, &turn->limits, &begun);
    case CS_TURN_ABSENT:
        break;
    }
    return chatsession_reply_status(r, APR_ENOENT);
}

static int begin_in_share(request_rec *r, chatsession_server_t *conf, cs_turn_new_t *turn, chatsession_relay_t *relay,
                          chatsession_plain_t *plain)
{
    int rv;

    if (!chatsession_streams_enter(conf)) {
        return chatsession_streams_refuse(r);
    }
    rv = begin(r, conf, turn, relay, plain);
    chatsession_streams_leave();
    return rv;
}

int chatsession_turn_run(request_rec *r, chatsession_server_t *conf, cs_turn_new_t *turn)
{
    return begin_in_share(r, conf, turn, NULL, NULL);
}

int chatsession_turn_relay(request_rec *r, chatsession_server_t *conf, cs_turn_new_t *turn, chatsession_relay_t *relay)
{
    return begin_in_share(r, conf, turn, relay, NULL);
}

int chatsession_turn_plain(request_rec *r, chatsession_server_t *conf, cs_turn_new_t *turn, chatsession_plain_t *plain)
{
    return begin_in_share(r, conf, turn, NULL, plain);
}

int chatsession_turn_follow(request_rec *r, chatsession_server_t *conf, const cs_turn_place_t *place)
{
    int rv;

    if (!chatsession_streams_enter(conf)) {
        return chatsession_streams_refuse(r);
    }
    rv = chatsession_turn_follow_on(r, conf, place);
    chatsession_streams_leave();
    return rv;
}
