/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "stream.h"
#include <http_connection.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <util_filter.h>
#include <apr_portable.h>
#include <apr_strings.h>
#include <apr_support.h>
#include <poll.h>
#include "breaker.h"
#include "core/json.h"
#include "core/sse.h"
#include "core/steady.h"
#include "core/utf8.h"
#include "events.h"
#include "prompt.h"
#include "recorder.h"

APLOG_USE_MODULE(chatsession);

/* How long tick waits at most before it looks around: a stop or a client's leaving is seen this soon. */
#define SLICE (100 * 1000)
/* After [DONE]: the end of the body lets mod_proxy keep the connection, but is not worth a longer wait. */
#define DRAIN_LIMIT (500 * 1000)
/* Of what has come from the model at once, so many octets of events go to the browser together. */
#define TOGETHER 8192
/* A browser that takes nothing for so long is let go; it takes the answer up again from where it was. */
#define CLIENT_PATIENCE apr_time_from_sec(10)

static ap_filter_rec_t *replay_filter, *record_filter, *tick_filter;

/* What record keeps of one answer. */
typedef struct {
    chatsession_turn_t *turn;
    cs_sse_reader_t *sse; /* NULL: not an event stream */
    cs_text_t *whole;     /* then: the body so far */
    apr_bucket_brigade *out;
    apr_pool_t *scratch; /* cleared after every piece */
    bool looked;         /* at status and type */
    bool broken;         /* mod_proxy says that the backend's body broke off */
    int status;
} record_t;

/* --- to the browser --- */

/* Whether an answer whose browser has left is stopped. */
static bool ends_with_client(const chatsession_turn_t *turn)
{
    return turn->plain || chatsession_number(turn->conf, CHATSESSION_ON_DISCONNECT) == CHATSESSION_DISCONNECT_STOP;
}

static void leave(chatsession_turn_t *turn)
{
    const bool ends = ends_with_client(turn);

    turn->client_gone = true;
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, turn->r, "CS0050: turn %s: the browser left; the answer %s",
                  turn->answer_id, ends ? "is stopped" : "goes on");
    if (ends) {
        atomic_store(&turn->stop, true);
    }
    /* mod_proxy would end the exchange: the answer is to be received and recorded all the same. */
    turn->browser->aborted = 0;
}

/* Who is sent no heartbeats leaves unseen while the model is silent: there is nothing to write that could fail. */
static void look_for_client(chatsession_turn_t *turn)
{
    conn_rec *c = turn->browser;
    struct pollfd fd = {.fd = -1, .events = POLLRDHUP};

    if (turn->client_gone || chatsession_turn_has_events(turn) || !ends_with_client(turn)) {
        return;
    }
    /* A stream of HTTP/2 has no socket of its own; mod_http2 marks its connection. */
    if (!c->master && apr_os_sock_get(&fd.fd, ap_get_conn_socket(c)) == APR_SUCCESS && fd.fd >= 0) {
        poll(&fd, 1, 0);
    }
    if (c->aborted || fd.revents & (POLLRDHUP | POLLHUP | POLLERR)) {
        leave(turn);
    }
}

void chatsession_stream_send(chatsession_turn_t *turn, apr_bucket_brigade *bb)
{
    conn_rec *c = turn->browser;

    if (turn->unsent && turn->unsent != bb) {
        APR_BRIGADE_PREPEND(bb, turn->unsent);
    }
    if (APR_BRIGADE_EMPTY(bb)) {
        return;
    }
    if (!turn->client_gone) {
        APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_flush_create(bb->bucket_alloc));
        if (ap_pass_brigade(turn->client, bb) != APR_SUCCESS || c->aborted) {
            leave(turn);
        }
    }
    apr_brigade_cleanup(bb);
    turn->last_sent = cs_steady_now();
}

void chatsession_stream_flush(chatsession_turn_t *turn)
{
    if (turn->unsent) {
        chatsession_stream_send(turn, turn->unsent);
    }
}

void chatsession_stream_end(chatsession_turn_t *turn)
{
    conn_rec *c = turn->browser;
    apr_bucket_brigade *bb;

    if (turn->client_gone) {
        return;
    }
    bb = apr_brigade_create(turn->r->pool, c->bucket_alloc);
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(c->bucket_alloc));
    turn->client_ended = true;
    chatsession_stream_send(turn, bb);
    turn->client_gone = true;
    if (!c->master) {
        /* This thread stays with the answer, so a browser that kept the connection would wait for it with its next
         * request. A stream of HTTP/2 has none to close: the others go on. */
        apr_socket_shutdown(ap_get_conn_socket(c), APR_SHUTDOWN_WRITE);
    }
}

void chatsession_stream_cut(chatsession_turn_t *turn)
{
    if (turn->client_gone) {
        return;
    }
    chatsession_stream_end(turn);
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, turn->r,
                  "CS0053: turn %s: the session ended, so the browser hears no more; the answer goes on",
                  turn->answer_id);
}

void chatsession_stream_patience(chatsession_turn_t *turn, bool begin)
{
    conn_rec *c = turn->browser;
    apr_socket_t *socket = c->master ? NULL : ap_get_conn_socket(c);

    /* A stream of HTTP/2 has no socket of its own: mod_http2 does its writing elsewhere. */
    if (socket && begin && apr_socket_timeout_get(socket, &turn->client_timeout) == APR_SUCCESS) {
        apr_socket_timeout_set(socket, turn->client_timeout < CLIENT_PATIENCE ? turn->client_timeout : CLIENT_PATIENCE);
    } else if (socket && !begin) {
        apr_socket_timeout_set(socket, turn->client_timeout);
    }
}

void chatsession_stream_heartbeat(chatsession_turn_t *turn)
{
    if (!turn->client_gone && chatsession_turn_has_events(turn) &&
        cs_steady_now() - turn->last_sent >= chatsession_number(turn->conf, CHATSESSION_HEARTBEAT)) {
        apr_bucket_brigade *bb = apr_brigade_create(turn->r->pool, turn->r->connection->bucket_alloc);
        chatsession_event_add_heartbeat(bb);
        chatsession_stream_send(turn, bb);
        apr_brigade_destroy(bb);
    }
}

/* --- replay --- */

static apr_status_t replay(ap_filter_t *f, apr_bucket_brigade *bb, ap_input_mode_t mode, apr_read_type_e block,
                           apr_off_t readbytes)
{
    chatsession_turn_t *turn = f->ctx;
    apr_bucket_alloc_t *alloc = f->c->bucket_alloc;

    (void)mode;
    (void)block;
    (void)readbytes;
    if (turn) {
        APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_pool_create(turn->body, turn->body_len, f->r->pool, alloc));
        f->ctx = NULL;
    }
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(alloc));
    return APR_SUCCESS;
}

/* --- record --- */

/* The turn fails, and it is the fault of the model's server: it does not answer as it should, whatever it was asked. */
static void blame(chatsession_turn_t *turn, const char *error, const char *detail)
{
    if (turn->state == CHATSESSION_TURN_RUNNING) {
        turn->backend_failed = true;
    }
    chatsession_turn_transit(turn, CHATSESSION_TURN_ERROR, error, detail);
}

static apr_status_t too_long(chatsession_turn_t *turn, apr_size_t limit)
{
    chatsession_turn_transit(turn, CHATSESSION_TURN_ERROR, "answer_too_long",
                             apr_psprintf(turn->r->pool, "The answer is longer than %" APR_SIZE_T_FMT " octets.",
                                          limit));
    return APR_ECONNABORTED;
}

static bool is_text_alone(const cs_completion_t *piece)
{
    return piece->content && !piece->reasoning && !piece->tool_calls && !piece->parts && !piece->finish_reason;
}

/* Append text to the answer. */
static apr_status_t append_text(record_t *record, const char *text, apr_size_t len, apr_size_t limit)
{
    chatsession_turn_t *turn = record->turn;

    if (chatsession_recorder_append(turn, text, len, limit) != APR_SUCCESS) {
        return too_long(turn, limit);
    }
    turn->points += (apr_int64_t)cs_utf8_count(text, len);
    if (turn->plain) {
        turn->plain->sending = true;
        apr_brigade_write(record->out, NULL, NULL, cs_text_get(turn->text), cs_text_length(turn->text));
        apr_brigade_puts(record->out, NULL, NULL, turn->plain->mark);
    }
    return APR_SUCCESS;
}

/* What the template leaves of a piece's text takes its place. */
static apr_status_t pass_template(record_t *record, cs_completion_t *piece)
{
    cs_text_t *text = record->turn->answer_text ? cs_text_create(record->scratch) : NULL;
    apr_status_t rv;

    if (!text) {
        return APR_SUCCESS;
    }
    rv = chatsession_prompt_text(record->turn, piece->content ? piece->content : "", piece->content_len,
                                 piece->finish_reason || piece->done, text);
    piece->content_len = cs_text_length(text);
    piece->content = piece->content_len ? cs_text_get(text) : NULL;
    if (rv == APR_SUCCESS && cs_answertext_is_stopped(record->turn->answer_text) && !piece->finish_reason) {
        piece->finish_reason = "stop";
    }
    return rv;
}

/* Append what has come to the answer and the event that tells the browser. */
static apr_status_t take_text(record_t *record, const cs_completion_t *piece)
{
    chatsession_turn_t *turn = record->turn;
    const apr_size_t limit = (apr_size_t)chatsession_number(turn->conf, CHATSESSION_ANSWER_LIMIT);
    json_t *delta;

    if (piece->content_len) {
        if (append_text(record, piece->content, piece->content_len, limit) != APR_SUCCESS) {
            return APR_ECONNABORTED;
        }
    }
    if ((piece->reasoning || piece->tool_calls || piece->parts) &&
        chatsession_recorder_add_extra(turn, piece, limit) != APR_SUCCESS) {
        return too_long(turn, limit);
    }
    turn->thought += (apr_int64_t)cs_utf8_count(piece->reasoning ? piece->reasoning : "", piece->reasoning_len);
    if (is_text_alone(piece)) {
        if (chatsession_turn_has_events(turn)) {
            chatsession_event_add_text(record->out, turn->points, turn->thought, turn->answer_id, turn->backend->name,
                                       piece->content, piece->content_len, record->scratch);
        }
        return APR_SUCCESS;
    }
    delta = json_object();
    if (piece->content) {
        json_object_set_new(delta, "content", json_stringn(piece->content, piece->content_len));
    }
    if (piece->reasoning) {
        json_object_set_new(delta, "reasoning_content", json_stringn(piece->reasoning, piece->reasoning_len));
    }
    if (piece->tool_calls) {
        json_object_set(delta, "tool_calls", piece->tool_calls);
    }
    if (piece->parts) {
        json_object_set(delta, "parts", piece->parts);
    }
    if (chatsession_turn_has_events(turn) && (json_object_size(delta) || piece->finish_reason)) {
        chatsession_event_add_chunk(record->out, turn->points, turn->thought,
                                    chatsession_chunk_json(turn->answer_id, turn->backend->name, delta,
                                                           piece->finish_reason),
                                    record->scratch);
    } else {
        json_decref(delta);
    }
    return APR_SUCCESS;
}

/* Some servers count in every chunk: the last count stays, in one buffer. */
static apr_status_t keep_usage(record_t *record, const json_t *usage)
{
    apr_size_t len = 0;
    const char *text = cs_json_print(usage, &len, record->scratch);

    if (!text) {
        return APR_ENOMEM;
    }
    cs_text_clear(record->turn->usage);
    return cs_text_append(record->turn->usage, text, len, 0);
}

/* One event's data, or the whole body of an answer that is not streamed. */
static apr_status_t take_piece(void *baton, const char *name, const char *data, apr_size_t len)
{
    record_t *record = baton;
    chatsession_turn_t *turn = record->turn;
    cs_completion_t piece;
    apr_status_t rv;

    (void)name;
    if (turn->state == CHATSESSION_TURN_COMPLETE) {
        return APR_SUCCESS; /* nothing counts after [DONE] */
    }
    if (cs_completion_read(&piece, turn->reader, data, len, record->scratch) != APR_SUCCESS) {
        blame(turn, "backend_malformed", "The model's server sent something that is no chat completion.");
        return APR_ECONNABORTED;
    }
    if (piece.error) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, turn->r,
                      "CS0051: turn %s: backend %s reported an error within its answer", turn->answer_id,
                      turn->backend->name);
        chatsession_turn_transit(turn, CHATSESSION_TURN_ERROR, "backend_error",
                                 "The model's server reported an error.");
        return APR_ECONNABORTED;
    }
    if (piece.usage && keep_usage(record, piece.usage) != APR_SUCCESS) {
        return APR_ENOMEM;
    }
    if (!turn->heard && (piece.content_len || piece.reasoning || piece.tool_calls || piece.parts)) {
        turn->heard = true;
        chatsession_breaker_hear(turn);
    }
    if (pass_template(record, &piece) != APR_SUCCESS) {
        return APR_ENOMEM;
    }
    if (piece.finish_reason && !turn->finish_reason) {
        turn->finish_reason = apr_pstrdup(turn->r->pool, piece.finish_reason);
    }
    if (piece.done) {
        chatsession_turn_transit(turn, CHATSESSION_TURN_COMPLETE, NULL, NULL);
    }
    rv = take_text(record, &piece);
    if (rv == APR_SUCCESS && turn->state == CHATSESSION_TURN_RUNNING && turn->answer_text &&
        cs_answertext_is_stopped(turn->answer_text)) {
        /* A server that does not know the stop text goes on writing: it is left. */
        chatsession_turn_transit(turn, CHATSESSION_TURN_COMPLETE, NULL, NULL);
        rv = APR_ECONNABORTED;
    }
    return rv;
}

/* The caller gets the answer under our headers, not under those of the model's server. */
static void begin_relay(chatsession_relay_t *relay, request_rec *r)
{
    relay->status = r->status;
    relay->content_type = r->content_type;
    r->headers_out = relay->headers;
    r->status_line = NULL;
    r->content_encoding = NULL;
}

/* Pass on what has come, but for the end of it: that waits until it is committed. */
static void relay_bytes(record_t *record, const char *bytes, apr_size_t len)
{
    chatsession_turn_t *turn = record->turn;

    if (!record->sse) {
        return; /* all of it is kept as one body */
    }
    if (turn->state == CHATSESSION_TURN_RUNNING) {
        turn->relay->sending = true;
        apr_brigade_write(record->out, NULL, NULL, bytes, len);
    } else if (turn->state == CHATSESSION_TURN_COMPLETE &&
               cs_text_append(turn->relay->held, bytes, len, 0) != APR_SUCCESS) {
        chatsession_stream_end(turn);
    }
}

/* At the first bytes: what kind of answer is this? */
static void look(record_t *record)
{
    request_rec *r = record->turn->r;

    record->looked = true;
    record->status = r->status;
    if (record->turn->relay) {
        begin_relay(record->turn->relay, r);
    }
    if (r->status == HTTP_OK && r->content_type && !ap_cstr_casecmpn(r->content_type, "text/event-stream", 17)) {
        if (cs_sse_reader_create(&record->sse, take_piece, record, r->pool) != APR_SUCCESS) {
            chatsession_turn_transit(record->turn, CHATSESSION_TURN_INTERRUPTED, "internal_error",
                                     "The server is out of memory.");
        }
        return;
    }
    record->whole = record->turn->relay ? record->turn->relay->held : cs_text_create(r->pool);
}

static void look_once(record_t *record)
{
    request_rec *r = record->turn->r;

    if (record->looked) {
        return;
    }
    look(record);
    if (record->turn->plain) {
        r->status = HTTP_OK;
        r->status_line = NULL;
        r->headers_out = record->turn->plain->headers;
        ap_set_content_type(r, "text/plain; charset=utf-8");
    }
}

static apr_status_t take_bytes(record_t *record, const char *bytes, apr_size_t len)
{
    apr_status_t rv;

    look_once(record);
    if (record->whole) {
        const apr_size_t limit = (apr_size_t)chatsession_number(record->turn->conf, CHATSESSION_ANSWER_LIMIT);
        rv = cs_text_append(record->whole, bytes, len, limit);
        return rv == CS_ETOOBIG ? too_long(record->turn, limit) : rv;
    }
    rv = record->sse ? cs_sse_feed(record->sse, bytes, len) : APR_ENOMEM;
    if (rv == CS_ETOOBIG) {
        blame(record->turn, "backend_malformed", "The model's server sent an event that is too long.");
    }
    return rv;
}

/* The end of the backend's body: an answer that was not streamed is read now. */
static void take_end(record_t *record)
{
    chatsession_turn_t *turn = record->turn;

    look_once(record);
    if (!record->whole || record->broken || turn->state != CHATSESSION_TURN_RUNNING) {
        return;
    }
    if (record->status != HTTP_OK) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, turn->r, "CS0052: turn %s: backend %s answered with status %d",
                      turn->answer_id, turn->backend->name, record->status);
        /* What it refuses is the question's fault. */
        turn->backend_failed = record->status >= HTTP_INTERNAL_SERVER_ERROR;
        chatsession_turn_transit(turn, CHATSESSION_TURN_ERROR, "backend_error",
                                 apr_psprintf(turn->r->pool, "The model's server answered with status %d.",
                                              record->status));
        return;
    }
    if (take_piece(record, "message", cs_text_get(record->whole), cs_text_length(record->whole)) == APR_SUCCESS) {
        chatsession_turn_transit(turn, CHATSESSION_TURN_COMPLETE, NULL, NULL);
    }
}

/* httpd closes the sockets of its children's connections when it is stopped, and not when it is restarted gracefully.
 */
bool chatsession_stream_is_stopping(const chatsession_turn_t *turn)
{
    conn_rec *c = turn->browser;
    apr_os_sock_t fd = -1;

    apr_os_sock_get(&fd, ap_get_conn_socket(c->master ? c->master : c));
    return fd < 0;
}

void chatsession_stream_obey(chatsession_turn_t *turn)
{
    if (atomic_load(&turn->cut)) {
        chatsession_stream_cut(turn);
    }
    if (atomic_load(&turn->stop)) {
        chatsession_turn_transit(turn, CHATSESSION_TURN_STOPPED, NULL, NULL);
    } else if (chatsession_stream_is_stopping(turn)) {
        chatsession_turn_transit(turn, CHATSESSION_TURN_INTERRUPTED, "server_stopping", "The server was stopped.");
    } else if (atomic_load(&turn->gone)) {
        chatsession_turn_transit(turn, CHATSESSION_TURN_INTERRUPTED, "conversation_gone",
                                 "The conversation was deleted.");
    }
}

/* What others want of the turn, and its total time. False: it is to end. */
static bool obey(chatsession_turn_t *turn)
{
    if (turn->state == CHATSESSION_TURN_COMPLETE) {
        /* All is said; a server that does not end its body, or goes on sending, is not waited for. */
        return cs_steady_now() - turn->last_heard < DRAIN_LIMIT;
    }
    chatsession_stream_obey(turn);
    if (turn->state == CHATSESSION_TURN_RUNNING &&
        cs_steady_now() - turn->began >= chatsession_number(turn->conf, CHATSESSION_ANSWER_TIMEOUT)) {
        chatsession_turn_transit(turn, CHATSESSION_TURN_ERROR, "backend_timeout", "The answer took too long.");
    }
    return turn->state == CHATSESSION_TURN_RUNNING;
}

/* Whether more events may be sent together with what is unsent. mod_proxy passes each piece of an answer by itself,
 * also where many came in one packet, and a flush before it waits for more. */
static bool may_grow(const record_t *record)
{
    apr_off_t len = 0;

    return record->turn->state == CHATSESSION_TURN_RUNNING && apr_brigade_length(record->out, 0, &len) == APR_SUCCESS &&
           len < TOGETHER;
}

static apr_status_t record(ap_filter_t *f, apr_bucket_brigade *bb)
{
    record_t *ctx = f->ctx;
    chatsession_turn_t *turn = ctx->turn;
    apr_status_t rv = APR_SUCCESS;
    bool flush = false;

    for (apr_bucket *b = APR_BRIGADE_FIRST(bb); rv == APR_SUCCESS && b != APR_BRIGADE_SENTINEL(bb);
         b = APR_BUCKET_NEXT(b)) {
        const char *bytes;
        apr_size_t len;

        flush = flush || APR_BUCKET_IS_METADATA(b);
        if (AP_BUCKET_IS_EOC(b)) {
            /* mod_proxy lost the connection before the first octet, and would have the browser's closed as well. */
            blame(turn, "backend_unavailable", "The model's server cannot be reached.");
        } else if (AP_BUCKET_IS_ERROR(b)) {
            ctx->broken = true;
        } else if (APR_BUCKET_IS_EOS(b)) {
            take_end(ctx);
        } else if (!APR_BUCKET_IS_METADATA(b)) {
            rv = apr_bucket_read(b, &bytes, &len, APR_BLOCK_READ);
            if (rv == APR_SUCCESS && len) {
                if (turn->state == CHATSESSION_TURN_RUNNING) {
                    turn->last_heard = cs_steady_now();
                }
                rv = take_bytes(ctx, bytes, len);
                if (turn->relay) {
                    relay_bytes(ctx, bytes, len);
                }
            }
        }
    }
    apr_brigade_cleanup(bb);
    if (flush || rv != APR_SUCCESS || !may_grow(ctx)) {
        chatsession_stream_send(turn, ctx->out);
    }
    apr_pool_clear(ctx->scratch);
    /* Anything but success makes mod_proxy close the backend's connection and return. */
    return rv == APR_SUCCESS && obey(turn) ? APR_SUCCESS : APR_ECONNABORTED;
}

/* --- tick --- */

/* Between two slices of silence. Anything but success ends the exchange. */
static apr_status_t look_around(chatsession_turn_t *turn)
{
    const apr_interval_time_t silence = cs_steady_now() - turn->last_heard;
    const chatsession_setting_e limit = turn->heard ? CHATSESSION_TOKEN_TIMEOUT : CHATSESSION_FIRST_TOKEN_TIMEOUT;

    chatsession_stream_heartbeat(turn);
    look_for_client(turn);
    if (turn->state == CHATSESSION_TURN_COMPLETE) {
        return obey(turn) ? APR_SUCCESS : APR_EOF;
    }
    if (obey(turn) && silence >= chatsession_number(turn->conf, limit)) {
        blame(turn, "backend_timeout", "The model fell silent for too long.");
    }
    return turn->state == CHATSESSION_TURN_RUNNING ? APR_SUCCESS : APR_ECONNABORTED;
}

static apr_status_t wait_a_slice(conn_rec *c)
{
    apr_socket_t *socket = ap_get_conn_socket(c);
    apr_interval_time_t timeout;
    apr_status_t rv = apr_socket_timeout_get(socket, &timeout);

    if (rv == APR_SUCCESS) {
        apr_socket_timeout_set(socket, SLICE);
        rv = apr_wait_for_io_or_timeout(NULL, socket, 1);
        apr_socket_timeout_set(socket, timeout);
    }
    return APR_STATUS_IS_TIMEUP(rv) || APR_STATUS_IS_EINTR(rv) ? APR_SUCCESS : rv;
}

static apr_status_t tick(ap_filter_t *f, apr_bucket_brigade *bb, ap_input_mode_t mode, apr_read_type_e block,
                         apr_off_t readbytes)
{
    chatsession_turn_t *turn = chatsession_turn_current();
    apr_status_t rv;

    if (!turn || block == APR_NONBLOCK_READ || mode == AP_MODE_INIT || mode == AP_MODE_EATCRLF) {
        rv = ap_get_brigade(f->next, bb, mode, block, readbytes);
        if (turn) {
            /* mod_proxy asks so before it waits: what is known to be dry is not asked a second time. */
            turn->dry = block == APR_NONBLOCK_READ &&
                        (APR_STATUS_IS_EAGAIN(rv) || (rv == APR_SUCCESS && APR_BRIGADE_EMPTY(bb)));
        }
        return rv;
    }
    for (;;) {
        rv = turn->dry ? APR_EAGAIN : ap_get_brigade(f->next, bb, mode, APR_NONBLOCK_READ, readbytes);
        turn->dry = false;
        if (rv == APR_SUCCESS && !APR_BRIGADE_EMPTY(bb)) {
            return rv;
        }
        if (rv != APR_SUCCESS && !APR_STATUS_IS_EAGAIN(rv)) {
            return rv;
        }
        chatsession_stream_flush(turn); /* nothing waits with us */
        rv = look_around(turn);
        if (rv == APR_SUCCESS) {
            rv = wait_a_slice(f->c);
        }
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
}

/* --- set-up and end --- */

/* One below RESOURCE: before any other filter on the request, so that nobody alters what goes to or comes from the
 * model. */
void chatsession_stream_register(void)
{
    replay_filter = ap_register_input_filter("CHATSESSION_REPLAY", replay, NULL, AP_FTYPE_RESOURCE - 1);
    record_filter = ap_register_output_filter("CHATSESSION_RECORD", record, NULL, AP_FTYPE_RESOURCE - 1);
    tick_filter = ap_register_input_filter("CHATSESSION_TICK", tick, NULL, AP_FTYPE_CONNECTION);
}

int chatsession_stream_pre_connection(conn_rec *c, void *csd)
{
    (void)csd;
    if (c->outgoing) {
        ap_add_input_filter_handle(tick_filter, NULL, NULL, c);
    }
    return OK;
}

void chatsession_stream_attach(chatsession_turn_t *turn)
{
    request_rec *r = turn->r;
    record_t *ctx = apr_pcalloc(r->pool, sizeof(*ctx));

    ctx->turn = turn;
    ctx->out = turn->unsent = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    apr_pool_create(&ctx->scratch, r->pool);
    turn->began = turn->last_heard = cs_steady_now();
    ap_add_input_filter_handle(replay_filter, turn, r, r->connection);
    ap_add_output_filter_handle(record_filter, ctx, r, r->connection);
}

void chatsession_stream_ended(chatsession_turn_t *turn, int status)
{
    chatsession_stream_flush(turn);
    turn->unsent = NULL;
    if (turn->state != CHATSESSION_TURN_RUNNING) {
        return;
    }
    if (atomic_load(&turn->stop)) {
        chatsession_turn_transit(turn, CHATSESSION_TURN_STOPPED, NULL, NULL);
    } else if (turn->finish_reason) {
        /* Some servers close without [DONE]; a finish reason says as much. */
        chatsession_turn_transit(turn, CHATSESSION_TURN_COMPLETE, NULL, NULL);
    } else if (status != OK && status != DONE) {
        blame(turn, "backend_unavailable", "The model's server cannot be reached.");
    } else {
        blame(turn, "backend_cut", "The model's server ended the answer before its end.");
    }
}
