/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * An export into a file or a pipe, as httpd sends it: a row that says how far it is and can be cancelled, entries in
 * the audit log before the first and after the last octet, a last line or a manifest that vouches for the whole. A file
 * that did not come whole is taken away again; what went into a pipe lacks its last line.
 */
#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include "core/export_format.h"
#include "core/json.h"
#include "core/sha256.h"
#include "ctl_filter.h"
#include "ctl_print.h"
#include "store/export.h"

#define REPORT_EVERY apr_time_from_sec(1)

typedef struct {
    const ctl_t *ctl;
    cs_export_t export;
    cs_export_writer_t writer;
    EVP_MD_CTX *digest; /* of all text but the last line */
    apr_int64_t octets; /* of that text */
    int fd;
    gzFile file; /* of fd; compresses, or hands on what it gets */
    apr_time_t report_at;
    apr_pool_t *line_pool; /* of one line */
} work_t;

/* --- octets out --- */

/* What went wrong with the file, when something did. */
static apr_status_t file_status(const work_t *work, bool done)
{
    int kind;

    if (done) {
        return APR_SUCCESS;
    }
    gzerror(work->file, &kind);
    return kind == Z_MEM_ERROR ? APR_ENOMEM : APR_FROM_OS_ERROR(errno);
}

static apr_status_t write_text(const work_t *work, const char *text, apr_size_t len)
{
    return file_status(work, gzfwrite(text, 1, len, work->file) == len);
}

/* Text that counts for the digest. */
static apr_status_t emit(void *baton, const char *text, apr_size_t len)
{
    work_t *work = baton;

    if (!EVP_DigestUpdate(work->digest, text, len)) {
        return APR_EGENERAL;
    }
    work->octets += (apr_int64_t)len;
    return write_text(work, text, len);
}

static const char *sha256_of(const work_t *work, apr_pool_t *pool)
{
    return cs_sha256_so_far(work->digest, "", 0, pool);
}

/* --- the run --- */

static cs_export_progress_t progress_of(const work_t *work, apr_pool_t *pool)
{
    return (cs_export_progress_t){work->writer.lines, work->writer.conversations, work->octets, sha256_of(work, pool)};
}

static apr_status_t add_line(void *baton, const char *text, apr_size_t len)
{
    work_t *work = baton;
    const apr_status_t rv = cs_export_write_line(&work->writer, text, len, work->line_pool);

    apr_pool_clear(work->line_pool);
    return rv;
}

/* Tell the row once a second how far it is; CS_EREFUSED: somebody cancelled it. */
static apr_status_t report(void *baton)
{
    work_t *work = baton;
    const apr_time_t now = apr_time_now();
    cs_export_progress_t progress;
    apr_status_t rv;

    if (now < work->report_at) {
        return APR_SUCCESS;
    }
    progress = progress_of(work, work->line_pool);
    rv = cs_export_report(work->ctl->db, &work->export, &progress, work->line_pool);
    apr_pool_clear(work->line_pool);
    work->report_at = now + REPORT_EVERY;
    return rv == CS_EREFUSED ? rv : APR_SUCCESS;
}

/* All that was written, out of our hands: what does not fit on a disk shows before the row says that it is whole. */
static apr_status_t let_go(const work_t *work)
{
    return file_status(work, gzflush(work->file, Z_SYNC_FLUSH) == Z_OK && (!work->ctl->output || fsync(work->fd) == 0));
}

/* All lines are written: the note that it is done, then the last line. */
static apr_status_t finish(work_t *work, const cs_audit_entry_t *begun, apr_pool_t *pool)
{
    cs_audit_entry_t entry = *begun;
    cs_export_progress_t progress;
    const char *last;
    json_t *end;
    apr_status_t rv = cs_export_write_finish(&work->writer, pool);

    rv = rv == APR_SUCCESS ? let_go(work) : rv;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    progress = progress_of(work, pool);
    end =
        cs_json_own(cs_export_end_json(&work->writer, work->export.id, work->export.watermark, progress.octets_sha256),
                    pool);
    if (!end) {
        return APR_ENOMEM;
    }
    entry.action = "export.complete";
    entry.detail = end;
    rv = cs_export_end(work->ctl->db, &work->export, &progress, progress.octets_sha256, &entry, pool);
    last = work->writer.format->end ? work->writer.format->end(end, pool) : "";
    return rv == APR_SUCCESS ? write_text(work, last, strlen(last)) : rv;
}

/* It ended early: note how far it came. */
static int give_up(const work_t *work, const cs_audit_entry_t *begun, apr_status_t why, apr_pool_t *pool)
{
    const cs_export_progress_t progress = progress_of(work, pool);
    cs_audit_entry_t entry = *begun;
    char reason[120];

    entry.action = "export.cut";
    entry.detail =
        cs_json_own(json_pack("{s:s,s:I}", "export", work->export.id, "lines", (json_int_t)work->writer.lines), pool);
    if (cs_export_end(work->ctl->db, &work->export, &progress, NULL, &entry, pool) != APR_SUCCESS &&
        why != CS_EREFUSED) {
        ctl_fail("that the export was cut could not be noted");
    }
    return why == CS_EREFUSED
               ? ctl_fail("the export was cancelled after %" APR_INT64_T_FMT " lines", work->writer.lines)
               : ctl_fail("the export is not whole: %s",
                          work->ctl->last_error ? work->ctl->last_error : cs_strstatus(why, reason, sizeof(reason)));
}

static int run(work_t *work, const cs_audit_entry_t *entry, apr_pool_t *pool)
{
    apr_status_t rv = cs_sha256_begin(&work->digest, pool);

    if (rv == APR_SUCCESS) {
        rv = cs_export_walk(work->ctl->db, &work->export, add_line, report, work, pool);
    }
    rv = rv == APR_SUCCESS ? finish(work, entry, pool) : rv;
    json_decref(work->writer.messages);
    return rv == APR_SUCCESS ? CTL_DONE : give_up(work, entry, rv, pool);
}

/* --- the files --- */

/* A new file, or standard output. */
static int open_file(work_t *work)
{
    const char *path = work->ctl->output;

    work->fd = path ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : dup(STDOUT_FILENO);
    work->file = work->fd >= 0 ? gzdopen(work->fd, work->ctl->gzip ? "wb" : "wbT") : NULL;
    return work->file ? CTL_DONE : ctl_fail("%s cannot be made: %s", path ? path : "the output", strerror(errno));
}

/* What is left of it goes out; a failure is said where nothing was before. */
static int close_file(const work_t *work, int code)
{
    const char *path = work->ctl->output;

    return gzclose(work->file) == Z_OK || code != CTL_DONE
               ? code
               : ctl_fail("%s could not be written: %s", path ? path : "the output", strerror(errno));
}

static int write_manifest(const ctl_t *ctl, const char *id, apr_pool_t *pool)
{
    json_t *manifest;
    apr_status_t rv = cs_export_manifest(&manifest, ctl->db, id, pool);
    char *text;
    int code;

    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv, "the manifest could not be made; export manifest prints it");
    }
    text = json_dumps(manifest, JSON_INDENT(2));
    json_decref(manifest);
    code = ctl_make_file(ctl->manifest, apr_pstrcat(pool, text, "\n", NULL), 0600);
    free(text);
    return code;
}

static void say_done(const work_t *work, apr_pool_t *pool)
{
    fprintf(stderr, "exported %s, %s; export %s, SHA-256 %s\n",
            ctl_count(work->writer.conversations, "conversation", pool),
            ctl_count(work->writer.lines - work->writer.conversations, "message", pool), work->export.id,
            sha256_of(work, pool));
}

/* The row and its entry, and with them the file. */
static int export_to(work_t *work, const cs_export_want_t *want, const cs_audit_entry_t *entry, apr_pool_t *pool)
{
    const ctl_t *ctl = work->ctl;
    apr_status_t rv = cs_export_make(&work->export, NULL, ctl->db, want, entry, pool);
    int code;

    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv, "the export could not be begun");
    }
    code = run(work, entry, pool);
    if (code == CTL_DONE && ctl->manifest) {
        code = write_manifest(ctl, work->export.id, pool);
    }
    return code;
}

int ctl_export_make(ctl_t *ctl, apr_pool_t *pool)
{
    const cs_export_format_t *format = cs_export_format_find(ctl->format);
    const cs_export_want_t want = {&ctl->filter, format ? format->name : NULL, ctl->gzip, NULL};
    work_t work = {.ctl = ctl, .report_at = apr_time_now() + REPORT_EVERY};
    cs_audit_entry_t entry;
    int code = CTL_DONE;

    if (!format) {
        return ctl_refuse(CTL_USAGE, "--format is none of ndjson, json, csv, md, openai");
    }
    if (ctl->operand_count || ctl_has_filter(ctl)) {
        code = ctl_read_target(ctl, pool);
    }
    if (code == CTL_DONE) {
        code = ctl_make_entry(&entry, ctl, "conversation.export", ctl_filter_detail(ctl, pool), pool);
    }
    if (code != CTL_DONE) {
        return code;
    }
    work.writer = (cs_export_writer_t){.format = format, .emit = emit, .baton = &work};
    code = open_file(&work);
    if (code != CTL_DONE) {
        return code;
    }
    apr_pool_create(&work.line_pool, pool);
    code = close_file(&work, export_to(&work, &want, &entry, pool));
    if (code == CTL_DONE) {
        say_done(&work, pool);
    } else if (ctl->output) {
        unlink(ctl->output);
    }
    return code;
}
