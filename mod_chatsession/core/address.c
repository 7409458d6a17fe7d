/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "core/address.h"
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>
#include "core/json.h"
#include "core/utf8.h"

/* --- path --- */

static const char *lower(char *text)
{
    for (char *c = text; *c; c++) {
        *c = (char)apr_tolower(*c);
    }
    return text;
}

/* One segment of the path against one of the pattern. */
static bool match_segment(cs_path_t *found, int *ids, const char *pattern, size_t want, const char *path, size_t have,
                          apr_pool_t *pool)
{
    if (want == 4 && !strncmp(pattern, "{id}", 4)) {
        char *id = apr_pstrndup(pool, path, have);
        if (*ids == CS_PATH_IDS || !cs_uuid_is(id)) {
            return false;
        }
        found->ids[(*ids)++] = lower(id);
        return true;
    }
    if (want == 6 && !strncmp(pattern, "{word}", 6)) {
        /* httpd has decoded the path; an encoded slash does not come this far (AllowEncodedSlashes). */
        if (!have || !cs_utf8_is_text(path, have, NULL)) {
            return false;
        }
        found->word = apr_pstrndup(pool, path, have);
        return true;
    }
    return want == have && !strncmp(pattern, path, want);
}

bool cs_path_match(cs_path_t *found, const char *pattern, const char *path, apr_pool_t *pool)
{
    int ids = 0;

    *found = (cs_path_t){0};
    for (;;) {
        const size_t want = strcspn(pattern, "/");
        const size_t have = strcspn(path, "/");
        const bool same = match_segment(found, &ids, pattern, want, path, have, pool);

        if (same && !pattern[want] && !path[have]) {
            return true;
        }
        if (!same || !pattern[want] || !path[have]) {
            *found = (cs_path_t){0};
            return false;
        }
        pattern += want + 1;
        path += have + 1;
    }
}

/* --- query --- */

static int hex_value(char digit)
{
    return apr_isdigit(digit) ? digit - '0' : apr_tolower(digit) - 'a' + 10;
}

/* Decode in place, as a form encodes; false for a % that two digits do not follow, for a NUL and for what is no UTF-8.
 */
static bool decode(char *text)
{
    char *out = text;

    for (const char *in = text; *in; in++) {
        if (*in == '%') {
            if (!apr_isxdigit(in[1]) || !apr_isxdigit(in[2])) {
                return false;
            }
            *out = (char)(hex_value(in[1]) * 16 + hex_value(in[2]));
            if (!*out) {
                return false;
            }
            in += 2;
        } else {
            *out = (char)(*in == '+' ? ' ' : *in);
        }
        out++;
    }
    *out = '\0';
    return cs_utf8_is_text(text, strlen(text), NULL);
}

static bool add_pair(apr_table_t *pairs, char *pair)
{
    char *value = strchr(pair, '=');

    if (value) {
        *value++ = '\0';
    }
    if (!*pair || !decode(pair) || (value && !decode(value))) {
        return false;
    }
    apr_table_addn(pairs, pair, value ? value : "");
    return true;
}

bool cs_query_read(apr_table_t **pairs, const char *query, apr_pool_t *pool)
{
    char *rest = query ? apr_pstrdup(pool, query) : NULL;
    char *state;

    *pairs = apr_table_make(pool, 4);
    for (char *pair = rest && *rest ? apr_strtok(rest, "&", &state) : NULL; pair;
         pair = apr_strtok(NULL, "&", &state)) {
        if (!add_pair(*pairs, pair)) {
            return false;
        }
    }
    return true;
}
