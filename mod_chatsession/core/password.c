/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * libargon2 does the work. A PHC string from the database is read here, because its numbers say how much memory and
 * time a login will take: a damaged row must not stop the server. The memory is mapped for each hash and goes back to
 * the system after it: malloc would keep a hash's worth in every thread that ever logged somebody in.
 */
#include "core/password.h"

#include <string.h>
#include <apr_strings.h>
#include <argon2.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <strings.h>
#include <sys/mman.h>
#include "core/common_password.h"
#include "core/token.h"
#include "core/utf8.h"

#define SALT_BYTES 16
#define TAG_BYTES 32
#define MAX_PHC 512
/* Of a salt or tag in a string that others made: argon2's own bounds from below, what MAX_PHC leaves from above. */
#define MIN_SALT_BYTES 8
#define MIN_TAG_BYTES 4
#define MAX_FIELD_BYTES 256
#define RANDOM_CHARS 20

const cs_password_cost_t cs_password_default_cost = {19 * 1024, 2, 1};

static bool is_cost(const cs_password_cost_t *cost)
{
    return cost->memory_kib >= 8 && cost->memory_kib <= 4194304 && cost->iterations >= 1 && cost->iterations <= 100 &&
           cost->parallelism >= 1 && cost->parallelism <= 16 && cost->memory_kib >= 8 * cost->parallelism;
}

enum { TOO_LONG, NOT_TEXT, TOO_SHORT, COMMON, HAS_USER_NAME, HAS_SITE_NAME };

static const cs_password_problem_t problems[] = {
    [TOO_LONG] = {"password_too_long", "The password is longer than 1024 bytes; choose a shorter one."},
    [NOT_TEXT] = {"password_not_text",
                  "The password is not UTF-8 text, or contains a NUL character; choose another one."},
    [TOO_SHORT] = {"password_too_short", "The password is shorter than 8 characters; choose a longer one."},
    [COMMON] = {"password_too_common",
                "The password is one of those that are tried first, or made like them (a word with digits, a walk over "
                "the keyboard, a date); choose another one."},
    [HAS_USER_NAME] = {"password_has_user_name", "The password contains the user name; choose another one."},
    [HAS_SITE_NAME] = {"password_has_site_name", "The password contains the name of this site; choose another one."},
};

/* Whether needle stands somewhere in text, capitals or not. Shorter ones than four octets stand everywhere by chance.
 */
static bool contains(const char *text, apr_size_t len, const char *needle, apr_size_t size)
{
    for (apr_size_t at = 0; size >= 4 && at + size <= len; at++) {
        if (!strncasecmp(text + at, needle, size))
            return true;
    }
    return false;
}

/* The labels of a host's name but the last, which many sites share, and but "chat"; an address has none. */
static bool contains_label(const char *text, apr_size_t len, const char *host)
{
    if (strspn(host, "0123456789.:[]") == strlen(host))
        return false;
    for (const char *dot = strchr(host, '.'); dot; host = dot + 1, dot = strchr(host, '.')) {
        if (contains(text, len, host, (apr_size_t)(dot - host)) && strncasecmp(host, "chat.", 5) != 0)
            return true;
    }
    return false;
}

static const cs_password_problem_t *find_problem(const char *password, apr_size_t len, const char *user,
                                                 const char *site)
{
    if (len > CS_PASSWORD_MAX_BYTES)
        return &problems[TOO_LONG];
    if (!cs_utf8_is_text(password, len, NULL))
        return &problems[NOT_TEXT];
    if (cs_utf8_count(password, len) < CS_PASSWORD_MIN_CHARS)
        return &problems[TOO_SHORT];
    if (cs_password_is_common(password, len))
        return &problems[COMMON];
    if (user && contains(password, len, user, strlen(user)))
        return &problems[HAS_USER_NAME];
    if (site && (contains(password, len, site, strlen(site)) || contains_label(password, len, site)))
        return &problems[HAS_SITE_NAME];
    return NULL;
}

apr_status_t cs_password_acceptable_for(const cs_password_problem_t **problem, const char *password, apr_size_t len,
                                        const char *user, const char *site)
{
    *problem = find_problem(password, len, user, site);
    return *problem ? CS_EREFUSED : APR_SUCCESS;
}

static apr_status_t status_of(int argon2_code)
{
    switch (argon2_code) {
    case ARGON2_OK:
        return APR_SUCCESS;
    case ARGON2_MEMORY_ALLOCATION_ERROR:
    case ARGON2_THREAD_FAIL:
        return APR_ENOMEM;
    default:
        return CS_EMALFORMED;
    }
}

/* --- the work --- */

static int map_memory(uint8_t **memory, size_t size)
{
    void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    *memory = mapped == MAP_FAILED ? NULL : mapped;
    return *memory ? ARGON2_OK : ARGON2_MEMORY_ALLOCATION_ERROR;
}

static void unmap_memory(uint8_t *memory, size_t size)
{
    munmap(memory, size);
}

typedef struct {
    unsigned char octets[MAX_FIELD_BYTES];
    apr_size_t len;
} field_t;

/* libargon2 declares what it only reads as it declares what it writes. */
static uint8_t *unconst(const void *octets)
{
    return (uint8_t *)octets;
}

/* Argon2id of password into tag, whose len says how long it is to be. */
static apr_status_t derive(field_t *tag, const char *password, apr_size_t len, const field_t *salt,
                           const cs_password_cost_t *cost)
{
    argon2_context work = {.out = tag->octets,
                           .outlen = (uint32_t)tag->len,
                           .pwd = unconst(password),
                           .pwdlen = (uint32_t)len,
                           .salt = unconst(salt->octets),
                           .saltlen = (uint32_t)salt->len,
                           .t_cost = cost->iterations,
                           .m_cost = cost->memory_kib,
                           .lanes = cost->parallelism,
                           .threads = cost->parallelism,
                           .version = ARGON2_VERSION_13,
                           .allocate_cbk = map_memory,
                           .free_cbk = unmap_memory,
                           .flags = ARGON2_DEFAULT_FLAGS};

    return status_of(argon2id_ctx(&work));
}

/* --- PHC strings --- */

/* Base64 without padding. */
static const char *encode(const field_t *field, apr_pool_t *pool)
{
    char *text = apr_palloc(pool, 4 * (field->len / 3 + 1) + 1);

    EVP_EncodeBlock((unsigned char *)text, field->octets, (int)field->len);
    text[strcspn(text, "=")] = '\0';
    return text;
}

apr_status_t cs_password_hash(const char **phc, const char *password, apr_size_t len, const cs_password_cost_t *cost,
                              apr_pool_t *pool)
{
    field_t salt = {.len = SALT_BYTES};
    field_t tag = {.len = TAG_BYTES};
    apr_status_t rv;

    *phc = NULL;
    if (len > CS_PASSWORD_MAX_BYTES || !is_cost(cost))
        return CS_EREFUSED;
    if (!cs_utf8_is_text(password, len, NULL))
        return CS_ENOTTEXT;
    rv = cs_token_random(salt.octets, salt.len);
    if (rv == APR_SUCCESS)
        rv = derive(&tag, password, len, &salt, cost);
    if (rv == APR_SUCCESS)
        *phc = apr_psprintf(pool, "$argon2id$v=19$m=%u,t=%u,p=%u$%s$%s", cost->memory_kib, cost->iterations,
                            cost->parallelism, encode(&salt, pool), encode(&tag, pool));
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

/** Base64 without padding at *at, up to end and past it, of at least min octets. */
static bool read_field(field_t *field, const char **at, char end, apr_size_t min)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char padded[MAX_PHC + 4];
    const apr_size_t chars = strspn(*at, digits);
    const apr_size_t whole = (chars + 3) / 4 * 4;

    field->len = chars * 3 / 4;
    if ((*at)[chars] != end || chars % 4 == 1 || field->len < min || whole / 4 * 3 > MAX_FIELD_BYTES)
        return false;
    memset(padded, '=', whole);
    memcpy(padded, *at, chars);
    *at += chars + 1;
    return EVP_DecodeBlock(field->octets, padded, (int)whole) >= 0;
}

static bool read_phc(cs_password_cost_t *cost, field_t *salt, field_t *tag, const char *phc)
{
    const char *at = phc;

    return strlen(phc) <= MAX_PHC && skip(&at, "$argon2id$v=19$m=") && read_number(&at, &cost->memory_kib) &&
           skip(&at, ",t=") && read_number(&at, &cost->iterations) && skip(&at, ",p=") &&
           read_number(&at, &cost->parallelism) && skip(&at, "$") && is_cost(cost) &&
           read_field(salt, &at, '$', MIN_SALT_BYTES) && read_field(tag, &at, '\0', MIN_TAG_BYTES);
}

static bool is_lower(const cs_password_cost_t *cost, const cs_password_cost_t *wanted)
{
    return cost->memory_kib < wanted->memory_kib || cost->iterations < wanted->iterations ||
           cost->parallelism < wanted->parallelism;
}

/** The work of a mismatch under cost, for a user who does not exist. */
static apr_status_t work_for_nobody(const char *password, apr_size_t len, const cs_password_cost_t *cost)
{
    static const field_t salt = {.len = SALT_BYTES};
    field_t tag = {.len = TAG_BYTES};
    apr_status_t rv;

    if (!is_cost(cost))
        return CS_EREFUSED;
    rv = derive(&tag, password, len, &salt, cost);
    OPENSSL_cleanse(&tag, sizeof(tag));
    return rv == APR_SUCCESS ? CS_EBADSIG : rv;
}

apr_status_t cs_password_verify(bool *rehash, const char *phc, const char *password, apr_size_t len,
                                const cs_password_cost_t *cost)
{
    cs_password_cost_t made;
    field_t salt;
    field_t known;
    field_t tag;
    apr_status_t rv;

    *rehash = false;
    /* None that long was ever set, whoever the user is: answering at once tells nothing about a user. */
    if (len > CS_PASSWORD_MAX_BYTES)
        return CS_EBADSIG;
    if (!phc)
        return work_for_nobody(password, len, cost);
    if (!read_phc(&made, &salt, &known, phc))
        return CS_EMALFORMED;
    tag.len = known.len;
    rv = derive(&tag, password, len, &salt, &made);
    if (rv == APR_SUCCESS && CRYPTO_memcmp(tag.octets, known.octets, known.len) != 0)
        rv = CS_EBADSIG;
    OPENSSL_cleanse(&tag, sizeof(tag));
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
