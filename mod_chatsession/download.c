/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * The stations of a file on its way: text → digest → (gzip, when the file is one) → the part that its reader has is
 * taken off → (gzip, when the way is) → httpd. A piece is handed to httpd without a copy and left there until it is
 * written, so there is one buffer however slow the reader is.
 */
#include "download.h"
#include <http_protocol.h>
#include <openssl/evp.h>
#include <zlib.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include "core/sha256.h"

#define PIECE 65536
/* Quick, because the text is made at the speed of a disk; half of what the best level saves. */
#define LEVEL 2

typedef apr_status_t sink_fn(chatsession_download_t *download, const char *octets, apr_size_t len);

typedef struct {
    z_stream stream;
    char out[PIECE];
    sink_fn *sink;
} gzip_t;

struct chatsession_download {
    request_rec *r;
    chatsession_download_form_t form;
    EVP_MD_CTX *digest, *part; /* of the text; of what is not sent */
    gzip_t *file, *way;        /* NULL: not compressed */
    apr_bucket_brigade *bb;
    char text[PIECE];
    apr_size_t filled, digested; /* of text */
    apr_int64_t total;           /* octets of text */
    apr_int64_t position;        /* octets of the file */
    bool begun;
    bool sealed; /* the digest is known: what follows is not in it */
};

static apr_status_t end_stream(void *stream)
{
    deflateEnd(stream);
    return APR_SUCCESS;
}

static apr_status_t make_gzip(gzip_t **gzip, sink_fn *sink, apr_pool_t *pool)
{
    *gzip = apr_pcalloc(pool, sizeof(**gzip));
    (*gzip)->sink = sink;
    if (deflateInit2(&(*gzip)->stream, LEVEL, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        return APR_ENOMEM;
    }
    apr_pool_cleanup_register(pool, &(*gzip)->stream, end_stream, apr_pool_cleanup_null);
    return APR_SUCCESS;
}

static apr_status_t compress_into(chatsession_download_t *download, gzip_t *gzip, const char *octets, apr_size_t len,
                                  int flush)
{
    z_stream *stream = &gzip->stream;
    apr_status_t rv = APR_SUCCESS;

    stream->next_in = (unsigned char *)octets;
    stream->avail_in = (unsigned int)len;
    do {
        stream->next_out = (unsigned char *)gzip->out;
        stream->avail_out = PIECE;
        if (deflate(stream, flush) == Z_STREAM_ERROR) {
            return APR_EGENERAL;
        }
        if (stream->avail_out < PIECE) {
            rv = gzip->sink(download, gzip->out, PIECE - stream->avail_out);
        }
    } while (rv == APR_SUCCESS && !stream->avail_out);
    return rv;
}

/* --- httpd --- */

/* Does the reader take gzip? RFC 9110, 12.5.3: a weight of 0 means no. */
static bool takes_gzip(request_rec *r)
{
    const char *header = apr_table_get(r->headers_in, "Accept-Encoding");
    char *rest = header ? apr_pstrdup(r->pool, header) : NULL;
    char *state;

    for (char *one = rest ? apr_strtok(rest, ",", &state) : NULL; one; one = apr_strtok(NULL, ",", &state)) {
        const char *name = one + strspn(one, " \t");
        const size_t len = strcspn(name, "; \t");
        const char *weight = strstr(name + len, "q=");

        if (len == 4 && !ap_cstr_casecmpn(name, "gzip", 4)) {
            return !weight || weight[2 + strspn(weight + 2, "0.")];
        }
    }
    return false;
}

static void begin(chatsession_download_t *download)
{
    request_rec *r = download->r;
    const bool gzip = download->form.gzip;

    download->begun = true;
    ap_set_content_type(r, gzip ? "application/gzip" : download->form.type);
    apr_table_setn(r->headers_out, "Content-Disposition",
                   apr_psprintf(r->pool, "attachment; filename=\"%s%s\"", download->form.name, gzip ? ".gz" : ""));
    apr_table_setn(r->subprocess_env, "no-gzip", "1");
    if (download->way) {
        apr_table_setn(r->headers_out, "Content-Encoding", "gzip");
    }
    if (!gzip && !download->form.plain) {
        apr_table_mergen(r->err_headers_out, "Vary", "Accept-Encoding");
    }
}

static apr_status_t hand_over(chatsession_download_t *download, const char *octets, apr_size_t len)
{
    apr_bucket_alloc_t *alloc = download->r->connection->bucket_alloc;
    apr_bucket_brigade *bb = download->bb;
    apr_status_t rv;

    if (!download->begun) {
        begin(download);
    }
    if (len) {
        APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_transient_create(octets, len, alloc));
    }
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_flush_create(alloc));
    rv = ap_pass_brigade(download->r->output_filters, bb);
    apr_brigade_cleanup(bb);
    return download->r->connection->aborted ? APR_ECONNABORTED : rv;
}

static apr_status_t send_octets(chatsession_download_t *download, const char *octets, apr_size_t len)
{
    return download->way ? compress_into(download, download->way, octets, len, Z_NO_FLUSH)
                         : hand_over(download, octets, len);
}

/* --- the part that the reader has --- */

static bool is_as_known(const chatsession_known_t *known, const char *sha256)
{
    return !known->sha256 || (sha256 && !strcmp(known->sha256, sha256));
}

static apr_status_t take_part_off(chatsession_download_t *download, const char *octets, apr_size_t len)
{
    const chatsession_known_t *part = &download->form.part;
    const apr_int64_t left = part->octets - download->position;
    const apr_size_t taken = left <= 0 ? 0 : left < (apr_int64_t)len ? (apr_size_t)left : len;

    download->position += (apr_int64_t)len;
    if (taken && !EVP_DigestUpdate(download->part, octets, taken)) {
        return APR_EGENERAL;
    }
    if (taken && (apr_int64_t)taken == left &&
        !is_as_known(part, cs_sha256_so_far(download->part, "", 0, download->r->pool))) {
        return CS_ECONFLICT;
    }
    return taken < len ? send_octets(download, octets + taken, len - taken) : APR_SUCCESS;
}

/* --- text --- */

static apr_status_t digest_text(chatsession_download_t *download)
{
    const apr_size_t fresh = download->filled - download->digested;
    const char *from = download->text + download->digested;

    download->digested = download->filled;
    return download->sealed || !fresh || EVP_DigestUpdate(download->digest, from, fresh) ? APR_SUCCESS : APR_EGENERAL;
}

static apr_status_t pass_piece(chatsession_download_t *download)
{
    apr_status_t rv = digest_text(download);
    const apr_size_t len = download->filled;

    download->filled = download->digested = 0;
    if (rv == APR_SUCCESS && len) {
        rv = download->file ? compress_into(download, download->file, download->text, len, Z_NO_FLUSH)
                            : take_part_off(download, download->text, len);
    }
    return rv == APR_SUCCESS && download->form.tick && !download->sealed
               ? download->form.tick(download->form.tick_baton)
               : rv;
}

static apr_status_t check_point(chatsession_download_t *download)
{
    const char *sha256 = chatsession_download_sha256(download, download->r->pool);

    return is_as_known(&download->form.checkpoint, sha256) ? APR_SUCCESS : CS_ECONFLICT;
}

apr_status_t chatsession_download_write(chatsession_download_t *download, const char *text, apr_size_t len)
{
    apr_status_t rv = APR_SUCCESS;

    while (rv == APR_SUCCESS && len) {
        const apr_int64_t ahead = download->form.checkpoint.octets - download->total;
        apr_size_t now = PIECE - download->filled < len ? PIECE - download->filled : len;

        if (ahead > 0 && ahead < (apr_int64_t)now) {
            now = (apr_size_t)ahead;
        }
        memcpy(download->text + download->filled, text, now);
        download->filled += now;
        download->total += (apr_int64_t)now;
        text += now;
        len -= now;
        if (ahead == (apr_int64_t)now) {
            rv = check_point(download);
        }
        if (rv == APR_SUCCESS && download->filled == PIECE) {
            rv = pass_piece(download);
        }
    }
    return rv;
}

apr_status_t chatsession_download_flush(chatsession_download_t *download)
{
    return download->file || download->way ? APR_SUCCESS : pass_piece(download);
}

const char *chatsession_download_sha256(const chatsession_download_t *download, apr_pool_t *pool)
{
    return cs_sha256_so_far(download->digest, download->text + download->digested,
                            download->filled - download->digested, pool);
}

apr_int64_t chatsession_download_octets(const chatsession_download_t *download)
{
    return download->total;
}

apr_status_t chatsession_download_end(chatsession_download_t *download, const char *text)
{
    apr_status_t rv = digest_text(download);

    download->sealed = true;
    rv = rv == APR_SUCCESS ? chatsession_download_write(download, text, strlen(text)) : rv;
    rv = rv == APR_SUCCESS ? pass_piece(download) : rv;
    if (rv == APR_SUCCESS && download->file) {
        rv = compress_into(download, download->file, "", 0, Z_FINISH);
    }
    if (rv == APR_SUCCESS && download->position < download->form.part.octets) {
        return CS_ECONFLICT; /* the reader has more than there is */
    }
    if (rv == APR_SUCCESS && download->way) {
        rv = compress_into(download, download->way, "", 0, Z_FINISH);
    }
    return rv == APR_SUCCESS ? hand_over(download, "", 0) : rv;
}

bool chatsession_download_has_begun(const chatsession_download_t *download)
{
    return download->begun;
}

void chatsession_download_break_off(chatsession_download_t *download)
{
    download->r->connection->aborted = 1;
}

apr_status_t chatsession_download_create(chatsession_download_t **download, request_rec *r,
                                         const chatsession_download_form_t *form)
{
    chatsession_download_t *made = apr_pcalloc(r->pool, sizeof(*made));
    apr_status_t rv;

    *download = made;
    made->r = r;
    made->form = *form;
    made->bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    rv = cs_sha256_begin(&made->digest, r->pool);
    rv = rv == APR_SUCCESS ? cs_sha256_begin(&made->part, r->pool) : rv;
    if (rv == APR_SUCCESS && form->gzip) {
        rv = make_gzip(&made->file, take_part_off, r->pool);
    } else if (rv == APR_SUCCESS && !form->plain && takes_gzip(r)) {
        rv = make_gzip(&made->way, hand_over, r->pool);
    }
    return rv;
}
