/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_TURN_H
#define CHATSESSION_TURN_H
/*
 * One answer while it is being written, in the thread of the request that asked for it:
 *
 *     begin (store)  →  event "turn"  →  queue.c: wait to be let in  →  backend_ask: mod_proxy calls the model  →
 * finish (store)  →  event "done" │ stream.c reads what comes, appends it here, sends it on │ recorder.c (another
 * thread) saves it every ChatSessionCheckpoint
 *
 * The text grows in the request's thread and is read by the recorder's: both hold the recorder's lock for that. The
 * flags are atomics: the recorder sets stop and gone, the request's thread reads them.
 */
#include <httpd.h>
#include <util_filter.h>
#include <apr_ring.h>
#include <stdatomic.h>
#include "config.h"
#include "core/answertext.h"
#include "core/completion.h"
#include "core/extra.h"
#include "core/text.h"
#include "store/conversation.h"
#include "store/turn.h"

typedef enum {
    CHATSESSION_TURN_QUEUED = 0, /* waits until it is let in */
    CHATSESSION_TURN_RUNNING,
    CHATSESSION_TURN_COMPLETE,   /* the model said that it is done */
    CHATSESSION_TURN_STOPPED,    /* its user said so */
    CHATSESSION_TURN_ERROR,      /* the backend failed; what came is kept */
    CHATSESSION_TURN_INTERRUPTED /* we could not go on: recorded as far as it got */
} chatsession_turn_state_e;

typedef struct chatsession_turn chatsession_turn_t;

/** A request that goes to the model, and its answer that goes to the caller, as they are. */
typedef struct {
    const char *body; /* to the model */
    apr_size_t body_len;
    bool stream; /* events are wanted */

    /* set while it runs */
    bool begun;   /* the turn is in the database */
    bool sending; /* the answer's status and headers are on their way */
    int status;   /* the model server's; 0: it did not answer */
    const char *content_type;
    apr_table_t *headers; /* ours */
    cs_text_t *held;      /* what is passed on only when the answer's end is committed */
} chatsession_relay_t;

/** An answer in ChatStream's form: each piece is the whole text so far and a mark. */
typedef struct {
    const char *mark;
    const char *id_header; /* carries the answer's id */
    bool running;          /* nothing was begun and nothing answered: another answer is being written */
    bool sending;          /* its status and headers are on their way */
    apr_table_t *headers;  /* ours */
    bool rest;             /* more text came at the end than was sent */
} chatsession_plain_t;

struct chatsession_saving;

struct chatsession_turn {
    request_rec *r;
    conn_rec *browser; /* r->connection, but for while mod_proxy has r: see backend.c */
    chatsession_server_t *conf;
    const chatsession_backend_t *backend;
    const cs_conversation_settings_t *settings; /* how its conversation asks */
    const char *user_id, *conversation_id, *message_id, *answer_id;
    chatsession_turn_state_e state;

    /* to the browser */
    ap_filter_t *client;        /* what events are passed to */
    apr_bucket_brigade *unsent; /* events that the next may be sent together with; NULL: outside of the exchange */
    bool client_gone;
    bool client_ended;                  /* its answer has been ended already */
    apr_interval_time_t client_timeout; /* of its socket, put back at the end */
    apr_time_t last_sent;

    /* from the backend */
    const char *body; /* the request to it */
    apr_size_t body_len;
    apr_size_t prompt_octets; /* of the texts in it */
    cs_completion_reader_t *reader;
    cs_answertext_t *answer_text; /* what its text goes through; NULL: it is as it comes */
    apr_time_t began, last_heard;
    bool dry;            /* nothing is left of what its connection brought */
    bool heard;          /* at least one token */
    bool backend_failed; /* the fault was its server's */
    const char *finish_reason;
    cs_text_t *usage;           /* JSON, or empty */
    const char *error, *detail; /* code and sentence of what went wrong */

    chatsession_relay_t *relay; /* both NULL: the browser hears our events */
    chatsession_plain_t *plain;

    /* the answer */
    cs_text_t *text;        /* under the recorder's lock */
    cs_extra_t *extra;      /* what comes beside it; the same */
    apr_int64_t points;     /* code points of text; only the request's thread */
    apr_int64_t thought;    /* of the reasoning; the same */
    apr_size_t saved_bytes; /* these five: only the recorder, under its lock */
    apr_int64_t saved_points;
    apr_size_t saved_thought_bytes;
    apr_int64_t saved_thought;
    apr_time_t unsaved_since; /* under the lock: the oldest of what is not recorded came then; 0: all is */
    unsigned saved_extra;     /* version of what else is beside the text */
    atomic_bool stop;         /* asked to stop */
    atomic_bool cut;          /* its session has ended: nothing more may reach the browser */
    atomic_bool gone;         /* the conversation was deleted */
    atomic_bool admitted;     /* it waits no more */
    int place;                /* in the queue; this and estimate under the recorder's lock */
    double estimate;
    APR_RING_ENTRY(chatsession_turn) link; /* among the recorder's; this and the next two under its lock */
    struct chatsession_saving *saving;     /* what is being saved of it just now */
    apr_time_t asked;                      /* when that was taken last */
    bool reaped; /* given up for dead while it lived: only its end can still be recorded; under the lock */
};

/** The turn that this thread is working on, NULL outside of one: how filters on mod_proxy's own connections find it. */
chatsession_turn_t *chatsession_turn_current(void);
void chatsession_turn_set_current(chatsession_turn_t *turn);

/** The one door that changes a turn's state; logs old → new. An end stays: later causes are symptoms. */
void chatsession_turn_transit(chatsession_turn_t *turn, chatsession_turn_state_e state, const char *error,
                              const char *detail);

/** Answer the call with the stream of a new turn, or with the error that beginning it gave. */
int chatsession_turn_run(request_rec *r, chatsession_server_t *conf, cs_turn_new_t *turn);

/** Run the turn with the model turn->model, relaying what is said. */
int chatsession_turn_relay(request_rec *r, chatsession_server_t *conf, cs_turn_new_t *turn, chatsession_relay_t *relay);

/** Run the turn, answering in ChatStream's form. Who leaves stops it. */
int chatsession_turn_plain(request_rec *r, chatsession_server_t *conf, cs_turn_new_t *turn, chatsession_plain_t *plain);

/** Whether the browser hears our events. */
bool chatsession_turn_has_events(const chatsession_turn_t *turn);

/** Answer with the stream of a turn that runs elsewhere or has ended, from place on. */
int chatsession_turn_follow(request_rec *r, chatsession_server_t *conf, const cs_turn_place_t *place);

/** The same within a request that has its place among the child's streams already. */
int chatsession_turn_follow_on(request_rec *r, chatsession_server_t *conf, const cs_turn_place_t *place);

#endif
