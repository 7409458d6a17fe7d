/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_TOKEN_MEMO_H
#define CS_TOKEN_MEMO_H
/*
 * Which tokens a keyring has found authentic lately, so that a cookie that comes with every request has its signature
 * computed once. A token is known again by a tag: its SipHash-2-4 of 128 bits (Aumasson and Bernstein, 2012) under a
 * key that each memo draws for itself, so who does not have that key can make no text that is taken for another.
 * Neither a token nor its id is kept. Only what was verified is remembered, so strangers cannot fill it.
 *
 * Safe to share between threads, and between processes that come of a fork. Whether a token has expired is judged anew
 * each time, by its issued time.
 */
#include <apr_pools.h>
#include "core/token.h"

#define CS_TOKEN_TAG_BYTES 16

typedef struct cs_token_memo cs_token_memo_t;

typedef struct {
    unsigned char bytes[CS_TOKEN_TAG_BYTES];
    cs_purpose_e purpose;
} cs_token_tag_t;

/** Room for some 30,000 tokens, of which memory is taken as they come (100 octets each). APR_ENOTIMPL: OpenSSL has no
 * SipHash (in FIPS mode), so nothing is remembered; APR_ENOMEM, APR_EGENERAL: no memory, no random key. *memo is NULL
 * then. */
apr_status_t cs_token_memo_create(cs_token_memo_t **memo, apr_pool_t *pool) CS_MUSTCHECK;

/** The tag of a token of this purpose; false: it could not be computed, and the token is verified as if it were new. */
bool cs_token_memo_tag(cs_token_tag_t *tag, cs_token_memo_t *memo, cs_purpose_e purpose, const char *text,
                       apr_size_t len);

/** What is known of it, all but the id; false: nothing. */
bool cs_token_memo_find(cs_token_t *token, cs_token_memo_t *memo, const cs_token_tag_t *tag);

/** It is authentic. Of the tokens in the same place one is forgotten when they are too many. */
void cs_token_memo_keep(cs_token_memo_t *memo, const cs_token_tag_t *tag, const cs_token_t *token);

#endif
