/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * libargon2 makes and checks the strings. A PHC string from the database is read here first, because its numbers say
 * how much memory and time a login will take: a damaged row must not stop the server.
 */
#include "core/password.h"

#include <string.h>
#include <argon2.h>
#include <openssl/crypto.h>
#include "core/token.h"
#include "core/utf8.h"

#define SALT_BYTES 16
#define TAG_BYTES 32
#define MAX_PHC 512
#define RANDOM_CHARS 20

const cs_password_cost_t cs_password_default_cost = {19 * 1024, 2, 1};

static bool is_cost(const cs_password_cost_t *cost)
{
    return cost->memory_kib >= 8 && cost->memory_kib <= 4194304 && cost->iterations >= 1 && cost->iterations <= 100 &&
           cost->parallelism >= 1 && cost->parallelism <= 16 && cost->memory_kib >= 8 * cost->parallelism;
}

apr_status_t cs_password_acceptable(const char *password, apr_size_t len, const char **problem)
{
    *problem = NULL;
    if (len > CS_PASSWORD_MAX_BYTES)
        *problem = "The password is longer than 1024 bytes; choose a shorter one.";
    else if (!cs_utf8_is_text(password, len, NULL))
        *problem = "The password is not UTF-8 text, or contains a NUL character; choose another one.";
    else if (cs_utf8_count(password, len) < CS_PASSWORD_MIN_CHARS)
        *problem = "The password is shorter than 8 characters; choose a longer one.";
    return *problem ? CS_EREFUSED : APR_SUCCESS;
}

static apr_status_t status_of(int argon2_code)
{
    switch (argon2_code) {
    case ARGON2_OK:
        return APR_SUCCESS;
    case ARGON2_VERIFY_MISMATCH:
        return CS_EBADSIG;
    case ARGON2_MEMORY_ALLOCATION_ERROR:
    case ARGON2_THREAD_FAIL:
        return APR_ENOMEM;
    default:
        return CS_EMALFORMED;
    }
}

apr_status_t cs_password_hash(const char **phc, const char *password, apr_size_t len, const cs_password_cost_t *cost,
                              apr_pool_t *pool)
{
    unsigned char salt[SALT_BYTES];
    apr_size_t size;
    apr_status_t rv;
    char *text;

    *phc = NULL;
    if (len > CS_PASSWORD_MAX_BYTES || !is_cost(cost))
        return CS_EREFUSED;
    if (!cs_utf8_is_text(password, len, NULL))
        return CS_ENOTTEXT;
    if ((rv = cs_token_random(salt, sizeof(salt))) != APR_SUCCESS)
        return rv;
    size = argon2_encodedlen(cost->iterations, cost->memory_kib, cost->parallelism, SALT_BYTES, TAG_BYTES, Argon2_id);
    text = apr_palloc(pool, size);
    rv = status_of(argon2id_hash_encoded(cost->iterations, cost->memory_kib, cost->parallelism, password, len, salt,
                                         sizeof(salt), TAG_BYTES, text, size));
    if (rv == APR_SUCCESS)
        *phc = text;
    return rv;
}

/** Passes over word at *at. */
static bool skip(const char **at, const char *word)
{
    apr_size_t len = strlen(word);

    if (strncmp(*at, word, len) != 0)
        return false;
    *at += len;
    return true;
}

/** A decimal number without leading zeros at *at. */
static bool read_number(const char **at, unsigned int *number)
{
    const char *start = *at;

    *number = 0;
    while (**at >= '0' && **at <= '9' && *at - start < 9)
        *number = *number * 10 + (unsigned int)(*(*at)++ - '0');
    return *at > start && (*start != '0' || *at - start == 1);
}

static bool read_cost(cs_password_cost_t *cost, const char *phc)
{
    const char *at = phc;

    return skip(&at, "$argon2id$v=19$m=") && read_number(&at, &cost->memory_kib) && skip(&at, ",t=") &&
           read_number(&at, &cost->iterations) && skip(&at, ",p=") && read_number(&at, &cost->parallelism) &&
           *at == '$' && is_cost(cost) && strlen(phc) <= MAX_PHC;
}

static bool is_lower(const cs_password_cost_t *cost, const cs_password_cost_t *wanted)
{
    return cost->memory_kib < wanted->memory_kib || cost->iterations < wanted->iterations ||
           cost->parallelism < wanted->parallelism;
}

/** The work of a mismatch under cost, for a user who does not exist. */
static apr_status_t work_for_nobody(const char *password, apr_size_t len, const cs_password_cost_t *cost)
{
    static const unsigned char salt[SALT_BYTES] = {0};
    unsigned char tag[TAG_BYTES];
    apr_status_t rv;

    if (!is_cost(cost))
        return CS_EREFUSED;
    rv = status_of(argon2id_hash_raw(cost->iterations, cost->memory_kib, cost->parallelism, password, len, salt,
                                     sizeof(salt), tag, sizeof(tag)));
    OPENSSL_cleanse(tag, sizeof(tag));
    return rv == APR_SUCCESS ? CS_EBADSIG : rv;
}

apr_status_t cs_password_verify(bool *rehash, const char *phc, const char *password, apr_size_t len,
                                const cs_password_cost_t *cost)
{
    cs_password_cost_t made;
    apr_status_t rv;

    *rehash = false;
    /* None that long was ever set, whoever the user is: answering at once tells nothing about a user. */
    if (len > CS_PASSWORD_MAX_BYTES)
        return CS_EBADSIG;
    if (!phc)
        return work_for_nobody(password, len, cost);
    if (!read_cost(&made, phc))
        return CS_EMALFORMED;
    rv = status_of(argon2id_verify(phc, password, len));
    if (rv == APR_SUCCESS)
        *rehash = is_lower(&made, cost);
    return rv;
}

apr_status_t cs_password_random(const char **password, apr_pool_t *pool)
{
    /* 52 characters; without B I L O S i l o 0 1, which people read as one another or as digits. */
    static const char alphabet[] = "23456789ACDEFGHJKMNPQRTUVWXYZabcdefghjkmnpqrstuvwxyz";
    const unsigned int size = sizeof(alphabet) - 1;
    char *text = apr_palloc(pool, RANDOM_CHARS + 1);
    apr_status_t rv;
    int at = 0;

    *password = NULL;
    while (at < RANDOM_CHARS) {
        unsigned char byte;

        if ((rv = cs_token_random(&byte, 1)) != APR_SUCCESS)
            return rv;
        /* A byte past the last whole multiple would favour the first characters. */
        if (byte < 256 / size * size)
            text[at++] = alphabet[byte % size];
    }
    text[RANDOM_CHARS] = '\0';
    *password = text;
    return APR_SUCCESS;
}
