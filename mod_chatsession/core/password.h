/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_PASSWORD_H
#define CS_PASSWORD_H
/*
 * Passwords: Argon2id in PHC strings, by libargon2 (ASVS 5.0 11.4.2). A password is any bytes that are UTF-8 text
 * without NUL, taken exactly as they are: no trim, no case change, no truncation (6.2.8).
 */
#include <apr_pools.h>
#include <stdbool.h>
#include "core/status.h"

/** In code points and in octets (ASVS 5.0 6.2.1, 6.2.9; an upper bound keeps a login's cost bounded). */
#define CS_PASSWORD_MIN_CHARS 8
#define CS_PASSWORD_MAX_BYTES 1024

typedef struct {
    unsigned int memory_kib;  /* m, 8 to 4194304 */
    unsigned int iterations;  /* t, 1 to 100 */
    unsigned int parallelism; /* p, 1 to 16 */
} cs_password_cost_t;

/** OWASP's password storage cheat sheet: m = 19 MiB, t = 2, p = 1. */
extern const cs_password_cost_t cs_password_default_cost;

/** Why a password may not be set. */
typedef struct {
    const char *code;     /* snake_case, for programs */
    const char *sentence; /* for people */
} cs_password_problem_t;

/**
 * May this be set as the password of user at site? The names may be NULL, where they are not known. APR_SUCCESS and
 * NULL, or CS_EREFUSED and why in *problem (static): its length, no text, a common one (core/common_password.h), or one
 * with the user's name or the site's in it (ASVS 5.0 6.2.11), which are what a stranger tries next.
 */
apr_status_t cs_password_acceptable_for(const cs_password_problem_t **problem, const char *password, apr_size_t len,
                                        const char *user, const char *site) CS_MUSTCHECK;

/** The PHC string of password with a fresh 16-byte salt, in pool. CS_EREFUSED when password is longer than
 * CS_PASSWORD_MAX_BYTES or cost is out of its bounds (or m below 8 p, which Argon2 excludes); CS_ENOTTEXT. */
apr_status_t cs_password_hash(const char **phc, const char *password, apr_size_t len, const cs_password_cost_t *cost,
                              apr_pool_t *pool) CS_MUSTCHECK;

/**
 * APR_SUCCESS: it matches, and *rehash says whether phc was made with a lower cost than asked for. CS_EBADSIG: it does
 * not match. CS_EMALFORMED: phc is no Argon2id PHC string. phc NULL does the same work as a mismatch under cost and
 * returns CS_EBADSIG: an unknown user costs what a wrong password costs (ASVS 5.0 6.3.8).
 */
apr_status_t cs_password_verify(bool *rehash, const char *phc, const char *password, apr_size_t len,
                                const cs_password_cost_t *cost) CS_MUSTCHECK;

/** A random password that people can type: 20 characters of an alphabet without look-alikes (about 114 bits), in pool.
 */
apr_status_t cs_password_random(const char **password, apr_pool_t *pool) CS_MUSTCHECK;

#endif
