/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_EXPORT_H
#define CS_STORE_EXPORT_H
/*
 * Exports as rows: what was asked for, how far the download is, and what it takes to go on after it was cut. A file is
 * kept nowhere; it is made while it is sent. What makes it the same file the second time is its watermark: what is
 * newer is not in it, and an answer that had not ended by then is in it without its text, whenever it is read. What
 * cannot be kept out that way (a title changed, a conversation purged) shows by the digest of what was sent before.
 *
 * A download is a run: it begins with cs_export_make (at once) or with cs_export_open (by a link), tells how far it is,
 * and ends. A link opens one run, for the operator who asked for it, within ten minutes.
 */
#include "store/console.h"

typedef struct {
    const char *id, *format, *watermark;
    bool gzip;
    cs_console_filter_t filter;
    int run;
    apr_int64_t conversations, messages; /* that are expected, or more: what is purged meanwhile is missing */
    apr_int64_t from;                    /* octets of the file that its reader has */
    const char *from_sha256;             /* what they are, in hex; NULL: the reader did not say */
    apr_int64_t octets;                  /* octets of text that an earlier run sent, and what they were; 0, NULL */
    const char *octets_sha256;
    apr_time_t created;
} cs_export_t;

typedef struct {
    const cs_console_filter_t *filter;
    const char *format;
    bool gzip;
    const char *link_sha256; /* of the link that will open it, in hex; NULL: it is being sent already */
} cs_export_want_t;

typedef struct {
    apr_int64_t lines, conversations, octets; /* of text, before compression */
    const char *octets_sha256;                /* in hex */
} cs_export_progress_t;

/** Count what matches, make the row and write the entry, with what was counted, in one transaction. *shown, here and
 * below, is the row as cs_export_get gives it; here shown may be NULL. */
apr_status_t cs_export_make(cs_export_t *export, json_t **shown, cs_db_t *db, const cs_export_want_t *want,
                            const cs_audit_entry_t *entry, apr_pool_t *pool) CS_MUSTCHECK;

/** What a reader has of the file. */
typedef struct {
    apr_int64_t octets;
    const char *sha256; /* in hex; may be NULL */
} cs_export_part_t;

/** A new link to one's own export that was cut, less than a day old; the last link is void. APR_ENOENT: there is no
 * such export, or it ended. */
apr_status_t cs_export_relink(json_t **shown, cs_db_t *db, const char *id, const char *link_sha256,
                              const cs_export_part_t *have, const cs_audit_entry_t *entry,
                              apr_pool_t *pool) CS_MUSTCHECK;

/** Begin the run that the link stands for, as the operator; the link is used up. APR_ENOENT: it opens nothing. */
apr_status_t cs_export_open(cs_export_t *export, cs_db_t *db, const char *id, const char *operator_name,
                            const char *link_sha256, apr_pool_t *pool) CS_MUSTCHECK;

/** All that match as JSON lines, a conversation before its messages, from one snapshot at constant memory. */
apr_status_t cs_export_walk(cs_db_t *db, const cs_export_t *export, cs_db_row_cb *row,
                            apr_status_t (*flush)(void *baton), void *baton, apr_pool_t *pool) CS_MUSTCHECK;

/** How far the run is. CS_EREFUSED: it was cancelled, or another run has taken over; it shall end. */
apr_status_t cs_export_report(cs_db_t *db, const cs_export_t *export, const cs_export_progress_t *progress,
                              apr_pool_t *pool) CS_MUSTCHECK;

/** The run ends: whole, with the digest (hex) of all before the last line; or cut (sha256 NULL). With its entry. */
apr_status_t cs_export_end(cs_db_t *db, const cs_export_t *export, const cs_export_progress_t *progress,
                           const char *sha256, const cs_audit_entry_t *entry, apr_pool_t *pool) CS_MUSTCHECK;

/** A page, newest first; one; new references. The text that was searched for is not shown. */
apr_status_t cs_export_list(json_t **exports, const char **next, cs_db_t *db, const char *after, int limit,
                            apr_pool_t *pool) CS_MUSTCHECK;
apr_status_t cs_export_get(json_t **export, cs_db_t *db, const char *id, apr_pool_t *pool) CS_MUSTCHECK;

/** What stands beside the file: what was asked for, by whom, as of when, what came, and where the audit log stood. New
 * reference. */
apr_status_t cs_export_manifest(json_t **manifest, cs_db_t *db, const char *id, apr_pool_t *pool) CS_MUSTCHECK;

/** End a run, and let there be no other. An export that has ended stays as it ended. */
apr_status_t cs_export_cancel(json_t **shown, cs_db_t *db, const char *id, const cs_audit_entry_t *entry,
                              apr_pool_t *pool) CS_MUSTCHECK;

#endif
