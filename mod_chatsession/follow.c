/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Following an answer that another request is writing, here or on another host, or one that has ended: the recorded
 * text is read again every checkpoint. Any event id is a place to begin, because ids count the code points of the text.
 */
#include "turn.h"
#include <http_protocol.h>
#include <apr_strings.h>
#include "core/extra.h"
#include "core/steady.h"
#include "events.h"
#include "queue.h"
#include "reply.h"

/* One look at the database may fail while it restarts; the follower goes on for this long. */
#define FOLLOW_PATIENCE (10 * APR_USEC_PER_SEC)

typedef struct {
    request_rec *r;
    chatsession_server_t *conf;
    cs_turn_place_t place; /* moves on with what was sent */
    apr_bucket_brigade *bb;
    apr_time_t last_sent, failing_since;
    int queue_place; /* as last told */
    json_t *extra;   /* calls and parts as last told; NULL: none */
} follow_t;

static bool flush(follow_t *follow)
{
    apr_status_t rv;

    APR_BRIGADE_INSERT_TAIL(follow->bb, apr_bucket_flush_create(follow->bb->bucket_alloc));
    rv = ap_pass_brigade(follow->r->output_filters, follow->bb);
    apr_brigade_cleanup(follow->bb);
    follow->last_sent = cs_steady_now();
    return rv == APR_SUCCESS && !follow->r->connection->aborted;
}

static void add_chunk(follow_t *follow, const cs_turn_progress_t *progress, json_t *delta, apr_pool_t *pool)
{
    chatsession_event_add_chunk(follow->bb, follow->place.from_point, follow->place.from_thought,
                                chatsession_chunk_json(follow->place.answer_id, progress->model, delta, NULL), pool);
}

/* What calls and parts have gained since they were told last. */
static void add_extra(follow_t *follow, const cs_turn_progress_t *progress, apr_pool_t *pool)
{
    json_t *extra = progress->extra ? json_loads(progress->extra, 0, NULL) : NULL;
    json_t *news = extra ? cs_extra_news(follow->extra, extra) : NULL;

    if (news) {
        add_chunk(follow, progress, news, pool);
    }
    if (extra) {
        json_decref(follow->extra);
        follow->extra = extra;
    }
}

/* Send what is new, the reasoning before the text, as models do; true when the answer has ended. */
static bool send_progress(follow_t *follow, const cs_turn_progress_t *progress, apr_pool_t *pool)
{
    if (progress->thought_len) {
        follow->place.from_thought += progress->thought_points;
        add_chunk(follow, progress, json_pack("{s:s%}", "reasoning_content", progress->thought, progress->thought_len),
                  pool);
    }
    if (progress->text_len) {
        follow->place.from_point += progress->points;
        add_chunk(follow, progress, json_pack("{s:s%}", "content", progress->text, progress->text_len), pool);
    }
    add_extra(follow, progress, pool);
    if (progress->place && progress->place != follow->queue_place) {
        follow->queue_place = progress->place;
        chatsession_event_add(follow->bb, "queue", chatsession_queue_json(progress->place, -1), pool);
    }
    if (!strcmp(progress->status, "streaming")) {
        return false;
    }
    chatsession_event_add(follow->bb, "done",
                          chatsession_done_json(follow->place.answer_id, progress->status, progress->finish_reason,
                                                progress->usage, progress->detail),
                          pool);
    return true;
}

/* One look. APR_SUCCESS: look again later; APR_EOF: ended; anything else: give up. */
static apr_status_t look(follow_t *follow, apr_pool_t *pool)
{
    cs_turn_progress_t progress;
    apr_status_t rv = cs_turn_follow(&progress, follow->conf->db, &follow->place, pool);

    if (rv == CS_EUNAVAILABLE) {
        follow->failing_since = follow->failing_since ? follow->failing_since : cs_steady_now();
        return cs_steady_now() - follow->failing_since < FOLLOW_PATIENCE ? APR_SUCCESS : rv;
    }
    follow->failing_since = 0;
    if (rv == APR_SUCCESS && send_progress(follow, &progress, pool)) {
        rv = APR_EOF;
    }
    return rv;
}

static void run(follow_t *follow)
{
    apr_pool_t *pool;
    apr_status_t rv = APR_SUCCESS;

    apr_pool_create(&pool, follow->r->pool);
    for (;;) {
        if (cs_steady_now() - follow->last_sent >= chatsession_number(follow->conf, CHATSESSION_HEARTBEAT)) {
            chatsession_event_add_heartbeat(follow->bb);
        }
        if ((!APR_BRIGADE_EMPTY(follow->bb) && !flush(follow)) || rv != APR_SUCCESS) {
            break;
        }
        apr_sleep(chatsession_number(follow->conf, CHATSESSION_CHECKPOINT));
        apr_pool_clear(pool);
        rv = look(follow, pool);
    }
    /* Without "done" the client knows that it was cut and asks again. */
    apr_pool_destroy(pool);
}

int chatsession_turn_follow_on(request_rec *r, chatsession_server_t *conf, const cs_turn_place_t *place)
{
    follow_t follow = {.r = r, .conf = conf, .place = *place, .last_sent = cs_steady_now()};
    cs_turn_progress_t progress;
    apr_status_t rv = cs_turn_follow(&progress, conf->db, place, r->pool);

    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(r, rv);
    }
    chatsession_events_begin(r);
    follow.place.answer_id = progress.answer_id;
    follow.bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    chatsession_event_add(follow.bb, "turn",
                          json_pack("{s:s,s:s,s:s,s:s?}", "conversation_id", place->conversation_id, "message_id",
                                    progress.message_id, "answer_id", progress.answer_id, "model", progress.model),
                          r->pool);
    /* Who asks for the headers alone waits for nothing. */
    if (send_progress(&follow, &progress, r->pool) || r->header_only) {
        flush(&follow);
    } else {
        run(&follow);
    }
    json_decref(follow.extra);
    return OK;
}
