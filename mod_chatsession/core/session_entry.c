/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "core/session_entry.h"

#include <apr_strings.h>
#include <errno.h>
#include <openssl/evp.h>
#include <string.h>
#include "core/utf8.h"

#define NAME_LENGTH 64
#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"

/* An entry is a version, its kind's letter and what it holds, words with one space between. */
#define SESSION "1s "
#define USED "1u "
#define NAMES "1n"
#define VALUE "1v "
#define REMOVED "1r"

apr_status_t cs_session_entry_key(unsigned char key[CS_SESSION_ENTRY_KEY_BYTES], cs_session_entry_e kind,
                                  const char *id_hash, const char *part)
{
    const char first = (char)kind;
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    const bool done = digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) && EVP_DigestUpdate(digest, &first, 1) &&
                      EVP_DigestUpdate(digest, id_hash, strlen(id_hash)) &&
                      EVP_DigestUpdate(digest, part, strlen(part)) && EVP_DigestFinal_ex(digest, key, NULL);

    EVP_MD_CTX_free(digest);
    return done ? APR_SUCCESS : APR_EGENERAL;
}

bool cs_session_entry_is_name(const char *name)
{
    const size_t len = strlen(name);

    return len >= 1 && len <= NAME_LENGTH && strspn(name, NAME_CHARACTERS) == len;
}

/* What follows the mark, as a string in pool; NULL: the entry does not begin with it or is no text. */
static char *content(const char *mark, const char *text, apr_size_t len, apr_pool_t *pool)
{
    const size_t skip = strlen(mark);

    if (len < skip || memcmp(text, mark, skip) != 0 || !cs_utf8_is_text(text, len, NULL)) {
        return NULL;
    }
    return apr_pstrmemdup(pool, text + skip, len - skip);
}

/* The next word of *rest; NULL when there is none. */
static char *next_word(char **rest)
{
    char *word = *rest;
    char *end;

    if (!word || !*word || *word == ' ') {
        return NULL;
    }
    end = strchr(word, ' ');
    *rest = end ? end + 1 : NULL;
    if (end) {
        *end = '\0';
    }
    return word;
}

/* A time in its one spelling. */
/* word is not "": that would be read as 0. */
static bool read_time(apr_time_t *time, const char *word)
{
    char *end;

    *time = 0;
    if (strspn(word, "0123456789") != strlen(word) || (word[0] == '0' && word[1])) {
        return false;
    }
    errno = 0;
    *time = apr_strtoi64(word, &end, 10);
    return !errno;
}

const char *cs_session_entry_print(const cs_session_entry_t *entry, apr_pool_t *pool)
{
    return apr_psprintf(pool, SESSION "%s %" APR_TIME_T_FMT " %" APR_TIME_T_FMT " %s", entry->ref, entry->created,
                        entry->revoked, entry->revoked ? entry->cause : "-");
}

apr_status_t cs_session_entry_parse(cs_session_entry_t *entry, const char *text, apr_size_t len, apr_pool_t *pool)
{
    char *rest = content(SESSION, text, len, pool);
    const char *created, *revoked;

    *entry = (cs_session_entry_t){.ref = next_word(&rest)};
    created = next_word(&rest);
    revoked = next_word(&rest);
    entry->cause = next_word(&rest);
    if (!entry->cause || rest || !cs_session_entry_is_name(entry->ref) || !cs_session_entry_is_name(entry->cause) ||
        !read_time(&entry->created, created) || !entry->created || !read_time(&entry->revoked, revoked)) {
        *entry = (cs_session_entry_t){.ref = NULL};
        return CS_EMALFORMED;
    }
    return APR_SUCCESS;
}

const char *cs_session_entry_print_used(apr_time_t used, apr_pool_t *pool)
{
    return apr_psprintf(pool, USED "%" APR_TIME_T_FMT, used);
}

apr_status_t cs_session_entry_parse_used(apr_time_t *used, const char *text, apr_size_t len)
{
    char word[32];
    const size_t skip = sizeof(USED) - 1;

    *used = 0;
    if (len <= skip || len - skip >= sizeof(word) || memcmp(text, USED, skip) != 0 || memchr(text, '\0', len) != NULL) {
        return CS_EMALFORMED;
    }
    memcpy(word, text + skip, len - skip);
    word[len - skip] = '\0';
    return read_time(used, word) && *used ? APR_SUCCESS : CS_EMALFORMED;
}

const char *cs_session_entry_print_names(const apr_array_header_t *names, apr_pool_t *pool)
{
    return names->nelts ? apr_pstrcat(pool, NAMES " ", apr_array_pstrcat(pool, names, ' '), NULL) : NAMES;
}

apr_status_t cs_session_entry_parse_names(apr_array_header_t **names, const char *text, apr_size_t len,
                                          apr_pool_t *pool)
{
    char *rest = content(NAMES, text, len, pool);

    *names = apr_array_make(pool, 8, sizeof(const char *));
    if (rest && !*rest) {
        return APR_SUCCESS;
    }
    if (!rest || *rest++ != ' ') {
        return CS_EMALFORMED;
    }
    while (rest) {
        const char *name = next_word(&rest);
        if (!name || !cs_session_entry_is_name(name)) {
            apr_array_clear(*names);
            return CS_EMALFORMED;
        }
        APR_ARRAY_PUSH(*names, const char *) = name;
    }
    return APR_SUCCESS;
}

const char *cs_session_entry_print_value(const char *value, apr_pool_t *pool)
{
    return value ? apr_pstrcat(pool, VALUE, value, NULL) : REMOVED;
}

apr_status_t cs_session_entry_parse_value(const char **value, const char *text, apr_size_t len, apr_pool_t *pool)
{
    *value = NULL;
    if (len == sizeof(REMOVED) - 1 && !memcmp(text, REMOVED, len)) {
        return APR_ENOENT;
    }
    *value = content(VALUE, text, len, pool);
    return *value ? APR_SUCCESS : CS_EMALFORMED;
}
