/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/session_locks.h"
#include <apr_shm.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "core/shared_locks.h"

#define LOCKS 256

struct cs_session_locks {
    pthread_mutex_t locks[LOCKS];
};

/* SHA-256 spreads by itself. */
static pthread_mutex_t *lock_of(cs_session_locks_t *locks, const char *id_hash)
{
    char first[3] = {id_hash[0], id_hash[1], '\0'};

    return &locks->locks[strtoul(first, NULL, 16) % LOCKS];
}

void cs_session_lock(cs_session_locks_t *locks, const char *id_hash)
{
    pthread_mutex_t *lock = lock_of(locks, id_hash);

    /* Each write of a store is whole or not done, so nothing is broken when somebody dies between two. */
    if (pthread_mutex_lock(lock) == EOWNERDEAD) {
        pthread_mutex_consistent(lock);
    }
}

void cs_session_unlock(cs_session_locks_t *locks, const char *id_hash)
{
    pthread_mutex_unlock(lock_of(locks, id_hash));
}

apr_status_t cs_session_locks_create(cs_session_locks_t **locks, apr_pool_t *pool)
{
    apr_shm_t *shm;
    apr_status_t rv = apr_shm_create(&shm, sizeof(cs_session_locks_t), NULL, pool);

    *locks = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    *locks = apr_shm_baseaddr_get(shm);
    rv = cs_shared_locks_init((*locks)->locks, LOCKS);
    if (rv != APR_SUCCESS) {
        *locks = NULL;
    }
    return rv;
}
