/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "archive.h"
#include <http_log.h>
#include <apr_strings.h>
#include "download.h"
#include "reply.h"
#include "store/archive.h"

APLOG_USE_MODULE(chatsession);

typedef struct {
    chatsession_download_t *download;
    json_int_t lines;
} archive_t;

static apr_status_t print_line(void *baton, const char *type, json_t *members, apr_pool_t *pool)
{
    archive_t *archive = baton;
    json_t *line = cs_json_own(json_pack("{s:s}", "type", type), pool);
    const char *text;
    apr_size_t len;

    if (!line || json_object_update(line, members) || !(text = cs_json_print(line, &len, pool))) {
        return APR_ENOMEM;
    }
    text = apr_pstrcat(pool, text, "\n", NULL);
    archive->lines++;
    return chatsession_download_write(archive->download, text, len + 1);
}

static apr_status_t finish(archive_t *archive, apr_pool_t *pool)
{
    const char *sha256 = chatsession_download_sha256(archive->download, pool);
    const json_t *end =
        cs_json_own(json_pack("{s:s,s:I,s:s?}", "type", "end", "lines", archive->lines, "sha256", sha256), pool);

    return sha256 && end ? chatsession_download_end(archive->download,
                                                    apr_pstrcat(pool, cs_json_print(end, NULL, pool), "\n", NULL))
                         : APR_ENOMEM;
}

int chatsession_archive_reply(chatsession_call_t *call, const char *user_id)
{
    request_rec *r = call->r;
    /* The id alone is in the name: nothing that a person chose gets into a header. */
    const chatsession_download_form_t form = {.name = apr_psprintf(r->pool, "person-%s.ndjson", user_id),
                                              .type = "application/x-ndjson",
                                              .plain = true};
    archive_t archive = {0};
    apr_status_t rv = chatsession_download_create(&archive.download, r, &form);

    if (rv == APR_SUCCESS) {
        rv = cs_archive_walk(call->conf->db, user_id, print_line, &archive, r->pool);
    }
    rv = rv == APR_SUCCESS ? finish(&archive, r->pool) : rv;
    if (rv != APR_SUCCESS && !chatsession_download_has_begun(archive.download)) {
        return chatsession_reply_status(r, rv);
    }
    if (rv != APR_SUCCESS && rv != APR_ECONNABORTED) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, rv, r,
                      "CS0311: a person's archive ended early, after %" APR_INT64_T_FMT " lines",
                      (apr_int64_t)archive.lines);
        chatsession_download_break_off(archive.download);
    }
    return OK;
}
