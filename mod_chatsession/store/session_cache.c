/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/session_cache.h"

#include <apr_shm.h>
#include <apr_strings.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include "core/shared_locks.h"
#include "core/steady.h"

#define STRIPES 256
#define HASH_BYTES 32

typedef struct {
    unsigned char hash[HASH_BYTES];
    bool used;
    bool ageing; /* somebody was told */
    bool second_factor;
    apr_uint32_t epoch; /* the cache's when it was remembered: a later one makes it forgotten */
    apr_time_t loaded;  /* when, by the clock that nobody sets; also the age for replacement together with asked */
    apr_time_t asked;   /* last found */
    apr_time_t db_now;  /* the database's clock at loaded */
    cs_session_times_t times;
    char ref[24];
    char user_id[40];
    char role[16];
    char user[64 * 4 + 1];
    char legacy_id[CS_SESSION_LEGACY_ID_MAX + 1];
} place_t;

typedef struct {
    apr_uint32_t mark;
    place_t places[CS_SESSION_CACHE_WAYS];
} set_t;

/* Somebody who waits for echoes. A waiter that was killed leaves its slot taken: it is given away after its time. */
#define WAITS 64
#define WAIT_LIFETIME apr_time_from_sec(30)

typedef struct {
    char token[CS_SESSION_CACHE_TOKEN + 1]; /* "": free; all under the waits' lock */
    apr_time_t since;
    sem_t echoes;
} wait_t;

struct cs_session_cache {
    int sets;
    atomic_uint epoch;   /* raised to forget everything, without touching memory that nobody used yet */
    pthread_mutex_t ear; /* held by the child that listens, all the time */
    atomic_bool hearing;
    pthread_mutex_t waits_lock;
    wait_t waits[WAITS];
    pthread_mutex_t locks[STRIPES];
    set_t table[];
};

/* --- places --- */

/* Lower-case, as all our hashes are; without a branch, so that a compiler reads many at once. */
static int hex_digit(char c)
{
    return (c & 0xF) + 9 * (c >> 6);
}

static void read_hash(unsigned char hash[HASH_BYTES], const char *id_hash)
{
    for (int i = 0; i < HASH_BYTES; i++) {
        hash[i] = (unsigned char)(hex_digit(id_hash[2 * i]) << 4 | hex_digit(id_hash[2 * i + 1]));
    }
}

/* SHA-256 spreads by itself: any four octets choose a set evenly. */
static int set_of(const cs_session_cache_t *cache, const unsigned char hash[HASH_BYTES])
{
    apr_uint32_t n;

    memcpy(&n, hash, sizeof(n));
    return (int)(n % (apr_uint32_t)cache->sets);
}

static void forget_set(set_t *set)
{
    for (int i = 0; i < CS_SESSION_CACHE_WAYS; i++) {
        set->places[i].used = false;
    }
    set->mark++;
}

/* The set of a session, locked. Whoever died while holding the lock may have left half a place: the stripe starts anew.
 */
static set_t *lock(cs_session_cache_t *cache, int index)
{
    pthread_mutex_t *mutex = &cache->locks[index % STRIPES];

    if (pthread_mutex_lock(mutex) == EOWNERDEAD) {
        for (int i = index % STRIPES; i < cache->sets; i += STRIPES) {
            forget_set(&cache->table[i]);
        }
        pthread_mutex_consistent(mutex);
    }
    return &cache->table[index];
}

static void unlock(cs_session_cache_t *cache, int index)
{
    pthread_mutex_unlock(&cache->locks[index % STRIPES]);
}

static bool is_taken(const cs_session_cache_t *cache, const place_t *place)
{
    return place->used && place->epoch == atomic_load(&cache->epoch);
}

static place_t *find_place(const cs_session_cache_t *cache, set_t *set, const unsigned char hash[HASH_BYTES])
{
    for (int i = 0; i < CS_SESSION_CACHE_WAYS; i++) {
        if (is_taken(cache, &set->places[i]) && !memcmp(set->places[i].hash, hash, HASH_BYTES)) {
            return &set->places[i];
        }
    }
    return NULL;
}

/* The session's place, an empty one, or the one longest unused. */
static place_t *choose_place(const cs_session_cache_t *cache, set_t *set, const unsigned char hash[HASH_BYTES])
{
    place_t *chosen = find_place(cache, set, hash);

    for (int i = 0; !chosen && i < CS_SESSION_CACHE_WAYS; i++) {
        if (!is_taken(cache, &set->places[i])) {
            chosen = &set->places[i];
        }
    }
    if (!chosen) {
        chosen = &set->places[0];
        for (int i = 1; i < CS_SESSION_CACHE_WAYS; i++) {
            chosen = set->places[i].asked < chosen->asked ? &set->places[i] : chosen;
        }
    }
    return chosen;
}

/* --- calls --- */

/* What an anonymous session has not is kept as "". */
static const char *read_text(const char *kept, apr_pool_t *pool)
{
    return *kept ? apr_pstrdup(pool, kept) : NULL;
}

static bool text_fits(const char *text, size_t size)
{
    return !text || strlen(text) < size;
}

static void write_text(char *kept, const char *text, size_t size)
{
    apr_cpystrn(kept, text ? text : "", size);
}

apr_status_t cs_session_cache_find(cs_session_t *session, bool *ageing, cs_session_cache_t *cache, const char *id_hash,
                                   apr_interval_time_t life, apr_pool_t *pool)
{
    const apr_time_t now = cs_steady_now();
    unsigned char hash[HASH_BYTES];
    place_t *place;
    place_t found;
    int index;

    *session = (cs_session_t){0};
    *ageing = false;
    read_hash(hash, id_hash);
    index = set_of(cache, hash);
    place = find_place(cache, lock(cache, index), hash);
    if (!place || now - place->loaded >= life) {
        unlock(cache, index);
        return APR_ENOENT;
    }
    if (now - place->loaded >= life / 2 && !place->ageing) {
        place->ageing = *ageing = true;
    }
    place->asked = now;
    found = *place;
    unlock(cache, index);
    /* Copied in one piece: many requests of one session at once must not wait for each other's strings. */
    session->ref = apr_pstrdup(pool, found.ref);
    session->user_id = read_text(found.user_id, pool);
    session->user = read_text(found.user, pool);
    session->role = read_text(found.role, pool);
    session->legacy_id = read_text(found.legacy_id, pool);
    session->times = found.times;
    session->second_factor = found.second_factor;
    session->now = found.db_now + (now - found.loaded);
    return APR_SUCCESS;
}

apr_uint32_t cs_session_cache_mark(cs_session_cache_t *cache, const char *id_hash)
{
    unsigned char hash[HASH_BYTES];
    apr_uint32_t mark;
    int index;

    read_hash(hash, id_hash);
    index = set_of(cache, hash);
    mark = lock(cache, index)->mark + atomic_load(&cache->epoch);
    unlock(cache, index);
    return mark;
}

static bool fits(const cs_session_t *session)
{
    const place_t *place = NULL; /* only for the sizes */

    return strlen(session->ref) < sizeof(place->ref) && text_fits(session->user_id, sizeof(place->user_id)) &&
           text_fits(session->role, sizeof(place->role)) && text_fits(session->user, sizeof(place->user)) &&
           text_fits(session->legacy_id, sizeof(place->legacy_id));
}

void cs_session_cache_put(cs_session_cache_t *cache, const char *id_hash, const cs_session_t *session,
                          apr_uint32_t mark)
{
    unsigned char hash[HASH_BYTES];
    place_t *place;
    set_t *set;
    int index;

    if (!fits(session)) {
        return;
    }
    read_hash(hash, id_hash);
    index = set_of(cache, hash);
    set = lock(cache, index);
    /* Both only ever rise, so the sum tells of either. */
    if (set->mark + atomic_load(&cache->epoch) == mark) {
        place = choose_place(cache, set, hash);
        memcpy(place->hash, hash, HASH_BYTES);
        place->loaded = place->asked = cs_steady_now();
        place->db_now = session->now;
        place->times = session->times;
        place->second_factor = session->second_factor;
        apr_cpystrn(place->ref, session->ref, sizeof(place->ref));
        write_text(place->user_id, session->user_id, sizeof(place->user_id));
        write_text(place->role, session->role, sizeof(place->role));
        write_text(place->user, session->user, sizeof(place->user));
        write_text(place->legacy_id, session->legacy_id, sizeof(place->legacy_id));
        place->epoch = mark - set->mark;
        place->ageing = false;
        place->used = true;
    }
    unlock(cache, index);
}

static void touch(cs_session_cache_t *cache, const char *id_hash, apr_time_t last_seen, bool console)
{
    unsigned char hash[HASH_BYTES];
    place_t *place;
    int index;

    read_hash(hash, id_hash);
    index = set_of(cache, hash);
    place = find_place(cache, lock(cache, index), hash);
    if (place && place->times.last_seen < last_seen) {
        place->times.last_seen = last_seen;
    }
    if (place && console && place->times.console_seen < last_seen) {
        place->times.console_seen = last_seen;
    }
    unlock(cache, index);
}

void cs_session_cache_touch(cs_session_cache_t *cache, const char *id_hash, apr_time_t last_seen)
{
    touch(cache, id_hash, last_seen, false);
}

void cs_session_cache_touch_console(cs_session_cache_t *cache, const char *id_hash, apr_time_t last_seen)
{
    touch(cache, id_hash, last_seen, true);
}

void cs_session_cache_remove(cs_session_cache_t *cache, const char *id_hash)
{
    unsigned char hash[HASH_BYTES];
    place_t *place;
    set_t *set;
    int index;

    read_hash(hash, id_hash);
    index = set_of(cache, hash);
    set = lock(cache, index);
    set->mark++;
    place = find_place(cache, set, hash);
    if (place) {
        place->used = false;
    }
    unlock(cache, index);
}

void cs_session_cache_clear(cs_session_cache_t *cache)
{
    atomic_fetch_add(&cache->epoch, 1);
}

int cs_session_cache_count(cs_session_cache_t *cache)
{
    int count = 0;

    for (int i = 0; i < cache->sets; i++) {
        const set_t *set = lock(cache, i);
        for (int way = 0; way < CS_SESSION_CACHE_WAYS; way++) {
            count += is_taken(cache, &set->places[way]);
        }
        unlock(cache, i);
    }
    return count;
}

/* --- the ear --- */

static struct timespec in(apr_interval_time_t limit)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)apr_time_sec(limit);
    until.tv_nsec += (long)apr_time_usec(limit) * 1000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    return until;
}

apr_status_t cs_session_cache_take_ear(cs_session_cache_t *cache, apr_interval_time_t limit)
{
    const struct timespec until = in(limit);

    switch (pthread_mutex_timedlock(&cache->ear, &until)) {
    case 0:
        return APR_SUCCESS;
    case EOWNERDEAD:
        atomic_store(&cache->hearing, false);
        pthread_mutex_consistent(&cache->ear);
        return APR_SUCCESS;
    default:
        return APR_TIMEUP;
    }
}

void cs_session_cache_leave_ear(cs_session_cache_t *cache)
{
    pthread_mutex_unlock(&cache->ear);
}

void cs_session_cache_set_hearing(cs_session_cache_t *cache, bool hearing)
{
    atomic_store(&cache->hearing, hearing);
}

bool cs_session_cache_is_hearing(const cs_session_cache_t *cache)
{
    return atomic_load(&cache->hearing);
}

/* --- echoes --- */

static void lock_waits(cs_session_cache_t *cache)
{
    /* A token half written by somebody who died waits for nobody. */
    if (pthread_mutex_lock(&cache->waits_lock) == EOWNERDEAD) {
        pthread_mutex_consistent(&cache->waits_lock);
    }
}

static void empty(wait_t *wait)
{
    while (sem_trywait(&wait->echoes) == 0) {
        /* echoes that came too late */
    }
}

int cs_session_cache_expect(cs_session_cache_t *cache, const char *token)
{
    const apr_time_t now = cs_steady_now();
    int slot = 0;

    lock_waits(cache);
    while (slot < WAITS && cache->waits[slot].token[0] && now - cache->waits[slot].since < WAIT_LIFETIME) {
        slot++;
    }
    if (slot < WAITS) {
        empty(&cache->waits[slot]);
        apr_cpystrn(cache->waits[slot].token, token, sizeof(cache->waits[slot].token));
        cache->waits[slot].since = now;
    }
    pthread_mutex_unlock(&cache->waits_lock);
    return slot < WAITS ? slot : -1;
}

void cs_session_cache_echo(cs_session_cache_t *cache, const char *token)
{
    lock_waits(cache);
    for (int i = 0; i < WAITS; i++) {
        if (!strcmp(cache->waits[i].token, token)) {
            sem_post(&cache->waits[i].echoes);
        }
    }
    pthread_mutex_unlock(&cache->waits_lock);
}

apr_status_t cs_session_cache_await(cs_session_cache_t *cache, int slot, int count, apr_interval_time_t limit)
{
    const struct timespec until = cs_steady_timespec(cs_steady_now() + limit);
    int missing = count;

    while (missing > 0) {
        const bool echoed = sem_clockwait(&cache->waits[slot].echoes, CLOCK_MONOTONIC, &until) == 0;
        if (!echoed && errno != EINTR) {
            break;
        }
        missing -= echoed;
    }
    lock_waits(cache);
    cache->waits[slot].token[0] = '\0';
    pthread_mutex_unlock(&cache->waits_lock);
    return missing > 0 ? APR_TIMEUP : APR_SUCCESS;
}

/* --- making --- */

static apr_status_t make_locks(cs_session_cache_t *cache)
{
    apr_status_t rv = cs_shared_locks_init(&cache->ear, 1);

    if (rv == APR_SUCCESS) {
        rv = cs_shared_locks_init(&cache->waits_lock, 1);
    }
    if (rv == APR_SUCCESS) {
        rv = cs_shared_locks_init(cache->locks, STRIPES);
    }
    for (int i = 0; rv == APR_SUCCESS && i < WAITS; i++) {
        rv = sem_init(&cache->waits[i].echoes, 1, 0) == 0 ? APR_SUCCESS : APR_FROM_OS_ERROR(errno);
    }
    return rv;
}

apr_status_t cs_session_cache_create(cs_session_cache_t **cache, int entries, apr_pool_t *pool)
{
    const int sets = (entries + CS_SESSION_CACHE_WAYS - 1) / CS_SESSION_CACHE_WAYS;
    const apr_size_t size = sizeof(cs_session_cache_t) + (apr_size_t)sets * sizeof(set_t);
    apr_shm_t *shm;
    apr_status_t rv = apr_shm_create(&shm, size, NULL, pool);

    *cache = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    /* Anonymous shared memory begins as zeros, and only pages that are used take memory. */
    (*cache) = apr_shm_baseaddr_get(shm);
    (*cache)->sets = sets;
    rv = make_locks(*cache);
    if (rv != APR_SUCCESS) {
        *cache = NULL;
    }
    return rv;
}
