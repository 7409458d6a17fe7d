/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_COMPLETION_H
#define CS_COMPLETION_H
/*
 * What an OpenAI-compatible model answers: one chat.completion.chunk of a stream, or one whole chat.completion;
 * or, of one that is asked with a text, one text_completion, or a piece of llama.cpp's own /completion. A reader lives
 * as long as one answer, because a character outside the BMP may be split into two "\uD83D" "\uDE00" escapes that
 * arrive in different chunks: the first half is held back and joined; a half that stays alone becomes U+FFFD, as does
 * NUL and each ill-formed sequence of octets; the rest of the text is kept.
 */
#include <apr_pools.h>
#include <jansson.h>
#include <stdbool.h>
#include "core/status.h"

typedef struct cs_completion_reader cs_completion_reader_t;

typedef struct {
    bool done;              /* the "[DONE]" mark */
    const char *content;    /* text of this piece, NULL when it has none; in pool */
    apr_size_t content_len; /* octets */
    const char *reasoning;  /* delta.reasoning_content or delta.reasoning; NULL when none */
    apr_size_t reasoning_len;
    json_t *tool_calls;        /* delta.tool_calls, borrowed from json; NULL when none */
    json_t *parts;             /* of a content in parts: those that are no text, borrowed from json; NULL when none */
    const char *finish_reason; /* "stop", "length", …; NULL when not given */
    json_t *usage;             /* borrowed from json; NULL when not given */
    const char *model;         /* as the backend names it; NULL when not given */
    const char *error;         /* the backend's error message (an "error" member instead of choices); NULL when none */
    json_t *json;              /* the whole piece, owned by pool; NULL for [DONE] and where no tree was needed */
} cs_completion_t;

apr_status_t cs_completion_reader_create(cs_completion_reader_t **reader, apr_pool_t *pool) CS_MUSTCHECK;

/**
 * Read one event's data, or the whole body of an answer that is not streamed ("message" is read like "delta"; its end
 * is done and nothing is held back). Only the choice with index 0 is read; its text also stands joined in json, where
 * there is one. CS_EMALFORMED when it is no JSON object of that form, APR_ENOMEM; nothing is lost of what came before.
 * Results live in pool.
 */
apr_status_t cs_completion_read(cs_completion_t *piece, cs_completion_reader_t *reader, const char *data,
                                apr_size_t len, apr_pool_t *pool) CS_MUSTCHECK;

/** What the content still holds back at the end of the stream: "\xEF\xBF\xBD" when half a character was waiting, else
 * "". (Half a character of the reasoning comes as the reasoning of the [DONE] piece.) */
const char *cs_completion_rest(cs_completion_reader_t *reader);

#endif
