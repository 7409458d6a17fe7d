/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "archive.h"
#include <http_log.h>
#include <apr_strings.h>
#include "json_lines.h"
#include "reply.h"
#include "store/archive.h"

APLOG_USE_MODULE(chatsession);

static apr_status_t add_line(void *lines, const char *type, json_t *members, apr_pool_t *pool)
{
    return chatsession_lines_add(lines, type, members, pool);
}

int chatsession_archive_reply(chatsession_call_t *call, const char *user_id)
{
    request_rec *r = call->r;
    chatsession_lines_t lines;
    /* The id alone is in the name: nothing that a person chose gets into a header. */
    apr_status_t rv = chatsession_lines_create(&lines, r, apr_psprintf(r->pool, "person-%s.ndjson", user_id));

    if (rv == APR_SUCCESS) {
        rv = cs_archive_walk(call->conf->db, user_id, add_line, &lines, r->pool);
    }
    rv = rv == APR_SUCCESS ? chatsession_lines_end(&lines, NULL, r->pool) : rv;
    if (rv != APR_SUCCESS && !chatsession_download_has_begun(lines.download)) {
        return chatsession_reply_status(r, rv);
    }
    if (rv != APR_SUCCESS && rv != APR_ECONNABORTED) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, rv, r,
                      "CS0311: a person's archive ended early, after %" APR_INT64_T_FMT " lines", lines.lines);
        chatsession_download_break_off(lines.download);
    }
    return OK;
}
