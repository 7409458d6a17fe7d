/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Sets of four places, found by the tag, in memory that the children of httpd share: it takes a page when something is
 * written there first, and what one child has verified the others know. Whoever dies while holding a lock may have left
 * half a place: its sets are forgotten.
 */
#include "core/token_memo.h"

#include <apr_shm.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include "core/shared_locks.h"

#define SETS 8192
#define PLACES 4
#define LOCKS 64
#define KEY_BYTES 16

typedef struct {
    cs_token_tag_t tag;
    apr_time_t issued;
    char hash[CS_TOKEN_HASH_CHARS];
    bool old_key;
    bool taken;
} place_t;

typedef struct {
    place_t places[PLACES];
    unsigned int next; /* which one goes next */
} set_t;

typedef struct {
    pthread_mutex_t locks[LOCKS];
    set_t sets[SETS];
} shared_t;

struct cs_token_memo {
    EVP_MAC *siphash;
    EVP_MAC_CTX *keyed; /* copied for each tag */
    shared_t *shared;
};

static apr_status_t memo_free(void *data)
{
    cs_token_memo_t *memo = data;

    EVP_MAC_CTX_free(memo->keyed);
    EVP_MAC_free(memo->siphash);
    return APR_SUCCESS;
}

static bool draw_key(cs_token_memo_t *memo)
{
    unsigned char key[KEY_BYTES];
    size_t size = CS_TOKEN_TAG_BYTES;
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_construct_end()};
    const bool drawn =
        cs_token_random(key, sizeof(key)) == APR_SUCCESS && EVP_MAC_init(memo->keyed, key, sizeof(key), params);

    OPENSSL_cleanse(key, sizeof(key));
    return drawn;
}

/* NULL: no memory, or no locks in it. Gone with pool. */
static shared_t *make_shared(apr_pool_t *pool)
{
    shared_t *shared;
    apr_shm_t *shm;

    if (apr_shm_create(&shm, sizeof(*shared), NULL, pool) != APR_SUCCESS)
        return NULL;
    shared = apr_shm_baseaddr_get(shm); /* begins as zeros */
    return cs_shared_locks_init(shared->locks, LOCKS) == APR_SUCCESS ? shared : NULL;
}

apr_status_t cs_token_memo_create(cs_token_memo_t **memo, apr_pool_t *pool)
{
    cs_token_memo_t *made = apr_pcalloc(pool, sizeof(*made));

    *memo = NULL;
    made->siphash = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_SIPHASH, NULL);
    made->keyed = made->siphash ? EVP_MAC_CTX_new(made->siphash) : NULL;
    made->shared = make_shared(pool);
    apr_pool_cleanup_register(pool, made, memo_free, apr_pool_cleanup_null);
    if (!made->siphash)
        return APR_ENOTIMPL;
    if (!made->keyed || !made->shared)
        return APR_ENOMEM;
    if (!draw_key(made))
        return APR_EGENERAL;
    *memo = made;
    return APR_SUCCESS;
}

bool cs_token_memo_tag(cs_token_tag_t *tag, cs_token_memo_t *memo, cs_purpose_e purpose, const char *text,
                       apr_size_t len)
{
    EVP_MAC_CTX *mac = EVP_MAC_CTX_dup(memo->keyed);
    size_t written = 0;
    const bool done = mac && EVP_MAC_update(mac, (const unsigned char *)text, len) &&
                      EVP_MAC_final(mac, tag->bytes, &written, sizeof(tag->bytes)) && written == sizeof(tag->bytes);

    EVP_MAC_CTX_free(mac);
    tag->purpose = purpose;
    return done;
}

static unsigned int set_of(const cs_token_tag_t *tag)
{
    unsigned int number;

    memcpy(&number, tag->bytes, sizeof(number));
    return number % SETS;
}

/* The set of a tag, locked. */
static set_t *lock(cs_token_memo_t *memo, unsigned int number)
{
    pthread_mutex_t *mutex = &memo->shared->locks[number % LOCKS];

    if (pthread_mutex_lock(mutex) == EOWNERDEAD) {
        for (unsigned int i = number % LOCKS; i < SETS; i += LOCKS)
            memset(&memo->shared->sets[i], 0, sizeof(set_t));
        pthread_mutex_consistent(mutex);
    }
    return &memo->shared->sets[number];
}

static void unlock(cs_token_memo_t *memo, unsigned int number)
{
    pthread_mutex_unlock(&memo->shared->locks[number % LOCKS]);
}

static bool is_of(const place_t *place, const cs_token_tag_t *tag)
{
    return place->taken && place->tag.purpose == tag->purpose &&
           CRYPTO_memcmp(place->tag.bytes, tag->bytes, sizeof(tag->bytes)) == 0;
}

bool cs_token_memo_find(cs_token_t *token, cs_token_memo_t *memo, const cs_token_tag_t *tag)
{
    const unsigned int number = set_of(tag);
    const set_t *set = lock(memo, number);
    bool found = false;

    for (int i = 0; !found && i < PLACES; i++) {
        const place_t *place = &set->places[i];
        if ((found = is_of(place, tag))) {
            memcpy(token->hash, place->hash, sizeof(place->hash));
            token->hash[CS_TOKEN_HASH_CHARS] = '\0';
            token->issued = place->issued;
            token->old_key = place->old_key;
        }
    }
    unlock(memo, number);
    return found;
}

void cs_token_memo_keep(cs_token_memo_t *memo, const cs_token_tag_t *tag, const cs_token_t *token)
{
    const unsigned int number = set_of(tag);
    set_t *set = lock(memo, number);
    place_t *place = &set->places[set->next++ % PLACES];

    place->tag = *tag;
    place->issued = token->issued;
    memcpy(place->hash, token->hash, sizeof(place->hash));
    place->old_key = token->old_key;
    place->taken = true;
    unlock(memo, number);
}
