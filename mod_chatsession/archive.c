/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "archive.h"
#include <http_log.h>
#include <http_protocol.h>
#include <openssl/evp.h>
#include <apr_escape.h>
#include <apr_strings.h>
#include "reply.h"
#include "store/archive.h"

APLOG_USE_MODULE(chatsession);

typedef struct {
    request_rec *r;
    EVP_MD_CTX *digest;
    json_int_t lines;
} archive_t;

static apr_status_t free_digest(void *digest)
{
    EVP_MD_CTX_free(digest);
    return APR_SUCCESS;
}

/* The id alone is in the name: nothing that a person chose gets into a header. */
static void begin(request_rec *r, const char *user_id)
{
    ap_set_content_type(r, "application/x-ndjson");
    apr_table_setn(r->headers_out, "Content-Disposition",
                   apr_psprintf(r->pool, "attachment; filename=\"person-%s.ndjson\"", user_id));
    apr_table_setn(r->subprocess_env, "no-gzip", "1");
}

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
    if (!EVP_DigestUpdate(archive->digest, text, len + 1)) {
        return APR_EGENERAL;
    }
    return ap_rwrite(text, (int)len + 1, archive->r) < 0 || archive->r->connection->aborted ? APR_ECONNABORTED
                                                                                            : APR_SUCCESS;
}

static void finish(archive_t *archive)
{
    request_rec *r = archive->r;
    unsigned char sum[EVP_MAX_MD_SIZE];
    char hex[EVP_MAX_MD_SIZE * 2 + 1];
    unsigned int size = 0;

    EVP_DigestFinal_ex(archive->digest, sum, &size);
    apr_escape_hex(hex, sum, size, 0, NULL);
    ap_rputs(cs_json_print(cs_json_own(json_pack("{s:s,s:I,s:s}", "type", "end", "lines", archive->lines, "sha256",
                                                 hex),
                                       r->pool),
                           NULL, r->pool),
             r);
    ap_rputs("\n", r);
}

int chatsession_archive_reply(chatsession_call_t *call, const char *user_id)
{
    request_rec *r = call->r;
    archive_t archive = {.r = r, .digest = EVP_MD_CTX_new()};
    apr_status_t rv;

    apr_pool_cleanup_register(r->pool, archive.digest, free_digest, apr_pool_cleanup_null);
    if (!archive.digest || !EVP_DigestInit_ex(archive.digest, EVP_sha256(), NULL)) {
        return chatsession_reply_status(r, APR_ENOMEM);
    }
    begin(r, user_id);
    rv = cs_archive_walk(call->conf->db, user_id, print_line, &archive, r->pool);
    if (rv != APR_SUCCESS && !archive.lines) {
        apr_table_unset(r->headers_out, "Content-Disposition");
        return chatsession_reply_status(r, rv);
    }
    if (rv == APR_SUCCESS) {
        finish(&archive);
    } else if (rv != APR_ECONNABORTED) {
        /* Breaking the connection off is the one way left to say that this is not all of it. */
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, rv, r,
                      "CS0311: a person's archive ended early, after %" APR_INT64_T_FMT " lines",
                      (apr_int64_t)archive.lines);
        r->connection->aborted = 1;
    }
    return OK;
}
