/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* A request's address: a pattern's {id} and {word} take UUIDs and text alone and the path is made of them again; a
 * query string that is read is text, and printed and read again it is the same. Input: a path, NUL, a query string. */
#include "core/address.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include "core/json.h"
#include "core/utf8.h"
#include "fuzz.h"

/* Each kind of segment, in each place. */
static const char *const patterns[] = {"api/session",
                                       "api/conversations/{id}",
                                       "api/conversations/{id}/messages",
                                       "api/{id}/x/{id}",
                                       "api/users/{word}",
                                       "{word}/{id}",
                                       "{word}",
                                       ""};

static void path_holds(const char *pattern, const char *path, apr_pool_t *pool)
{
    cs_path_t found = {{FUZZ_UNSET, FUZZ_UNSET}, FUZZ_UNSET};
    const char *again = "";
    int ids = 0;

    if (!cs_path_match(&found, pattern, path, pool)) {
        HOLDS(!found.ids[0] && !found.ids[1] && !found.word);
        return;
    }
    for (const char *at = pattern;;) {
        const size_t len = strcspn(at, "/");
        const char *segment = apr_pstrndup(pool, at, len);
        if (!strcmp(segment, "{id}")) {
            segment = found.ids[ids++];
            HOLDS(segment && cs_uuid_is(segment) && strcspn(segment, "ABCDEF") == strlen(segment));
        } else if (!strcmp(segment, "{word}")) {
            segment = found.word;
            HOLDS(segment && *segment && !strchr(segment, '/') && cs_utf8_is_text(segment, strlen(segment), NULL));
        }
        again = apr_pstrcat(pool, again, segment, at[len] ? "/" : "", NULL);
        if (!at[len]) {
            break;
        }
        at += len + 1;
    }
    /* The same but for the letters of a UUID, of which both cases are read. */
    HOLDS(strlen(again) == strlen(path) && !strcasecmp(again, path));
    HOLDS(ids > 0 || !strcmp(again, path));
}

static const char *encode(const char *text, apr_pool_t *pool)
{
    char *out = apr_palloc(pool, strlen(text) * 3 + 1);
    char *at = out;

    for (; *text; text++) {
        const unsigned char octet = (unsigned char)*text;
        at += apr_isalnum(octet) ? snprintf(at, 2, "%c", octet) : snprintf(at, 4, "%%%02X", octet);
    }
    *at = '\0';
    return out;
}

static void query_holds(const char *query, apr_pool_t *pool)
{
    apr_table_t *pairs = FUZZ_UNSET;
    apr_table_t *again;
    const bool read = cs_query_read(&pairs, query, pool);
    const apr_array_header_t *found = apr_table_elts(pairs);
    const char *printed = "";

    for (int i = 0; i < found->nelts; i++) {
        const apr_table_entry_t *pair = &APR_ARRAY_IDX(found, i, apr_table_entry_t);
        HOLDS(*pair->key && cs_utf8_is_text(pair->key, strlen(pair->key), NULL));
        HOLDS(cs_utf8_is_text(pair->val, strlen(pair->val), NULL));
        printed = apr_pstrcat(pool, printed, i ? "&" : "", encode(pair->key, pool), "=", encode(pair->val, pool), NULL);
    }
    if (!read) {
        return;
    }
    HOLDS(cs_query_read(&again, printed, pool) && apr_table_elts(again)->nelts == found->nelts);
    for (int i = 0; i < found->nelts; i++) {
        HOLDS(!strcmp(APR_ARRAY_IDX(found, i, apr_table_entry_t).key,
                      APR_ARRAY_IDX(apr_table_elts(again), i, apr_table_entry_t).key));
        HOLDS(!strcmp(APR_ARRAY_IDX(found, i, apr_table_entry_t).val,
                      APR_ARRAY_IDX(apr_table_elts(again), i, apr_table_entry_t).val));
    }
}

void fuzz_input(const char *bytes, apr_size_t len, apr_pool_t *pool)
{
    fuzz_reader_t reader = {bytes, bytes + len};
    char *path = fuzz_part(&reader, '\0', &len);
    char *query = fuzz_part(&reader, '\0', &len);

    if (len > 4096 || strlen(path) > 4096) { /* httpd's line is 8190 octets; the copies here grow with its square */
        free(path);
        free(query);
        return;
    }
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        path_holds(patterns[i], path, pool);
    }
    query_holds(query, pool);
    free(path);
    free(query);
}
