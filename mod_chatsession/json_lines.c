/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "json_lines.h"
#include <apr_strings.h>
#include "core/json.h"

apr_status_t chatsession_lines_create(chatsession_lines_t *lines, request_rec *r, const char *name)
{
    /* Not compressed on the way: what a line says of its reader may stand beside what somebody else wrote. */
    const chatsession_download_form_t form = {.name = name, .type = "application/x-ndjson", .plain = true};

    lines->lines = 0;
    return chatsession_download_create(&lines->download, r, &form);
}

/* NULL: there is no memory. */
static const char *line_text(json_t *line, json_t *members, apr_pool_t *pool)
{
    const char *text;

    if (!line || (members && json_object_update(line, members)) || !(text = cs_json_print(line, NULL, pool))) {
        return NULL;
    }
    return apr_pstrcat(pool, text, "\n", NULL);
}

apr_status_t chatsession_lines_add(chatsession_lines_t *lines, const char *type, json_t *members, apr_pool_t *pool)
{
    const char *text = line_text(cs_json_own(json_pack("{s:s}", "type", type), pool), members, pool);

    lines->lines++;
    return text ? chatsession_download_write(lines->download, text, strlen(text)) : APR_ENOMEM;
}

apr_status_t chatsession_lines_end(chatsession_lines_t *lines, json_t *members, apr_pool_t *pool)
{
    const char *sha256 = chatsession_download_sha256(lines->download, pool);
    json_t *end = cs_json_own(json_pack("{s:s}", "type", "end"), pool);
    json_t *count = cs_json_own(json_pack("{s:I,s:s?}", "lines", (json_int_t)lines->lines, "sha256", sha256), pool);
    const char *text;

    if (!sha256 || !end || !count || (members && json_object_update(end, members)) ||
        !(text = line_text(end, count, pool))) {
        return APR_ENOMEM;
    }
    return chatsession_download_end(lines->download, text);
}
