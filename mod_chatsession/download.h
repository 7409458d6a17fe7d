/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_DOWNLOAD_H
#define CHATSESSION_DOWNLOAD_H
/*
 * A file that is made while it is sent, at constant memory, with the SHA-256 of its text. Text goes in; what comes out
 * is the text, or a gzip file of it, from any octet on (a download that is resumed: everything is made anew and the
 * beginning is held against what it was, not sent). The same text makes the same octets each time: it is compressed in
 * pieces of one size. A reader who says so (Accept-Encoding) gets the text compressed on the way.
 *
 * Nothing has been said to the browser until chatsession_download_has_begun: a failure before can be any answer.
 */
#include <httpd.h>
#include <stdbool.h>
#include "core/status.h"

/** Before this many octets of text, a digest that they must have. */
typedef struct {
    apr_int64_t octets;
    const char *sha256; /* hex; NULL: there is nothing to compare */
} chatsession_known_t;

typedef struct {
    const char *name, *type;           /* the file's name, of ASCII letters, digits, ".-" alone; its media type */
    bool gzip;                         /* the file itself is compressed; name and type are completed here */
    bool plain;                        /* never compressed on the way */
    chatsession_known_t part;          /* octets of the file that the reader has */
    chatsession_known_t checkpoint;    /* octets of text that an earlier run sent */
    apr_status_t (*tick)(void *baton); /* called after each piece that left; may be NULL. A failure ends the download */
    void *tick_baton;
} chatsession_download_form_t;

typedef struct chatsession_download chatsession_download_t;

apr_status_t chatsession_download_create(chatsession_download_t **download, request_rec *r,
                                         const chatsession_download_form_t *form) CS_MUSTCHECK;

/** More text. CS_ECONFLICT: it is not what an earlier run sent; APR_ECONNABORTED: the reader has left. */
apr_status_t chatsession_download_write(chatsession_download_t *download, const char *text,
                                        apr_size_t len) CS_MUSTCHECK;

/** Send what there is (a compressed file waits for whole pieces all the same). */
apr_status_t chatsession_download_flush(chatsession_download_t *download) CS_MUSTCHECK;

/** The SHA-256 of all text until now, in hex; NULL when OpenSSL has none to give. */
const char *chatsession_download_sha256(const chatsession_download_t *download, apr_pool_t *pool);
apr_int64_t chatsession_download_octets(const chatsession_download_t *download);

/** The last text, which does not count for the digest (may be ""), and the end of the file. */
apr_status_t chatsession_download_end(chatsession_download_t *download, const char *text) CS_MUSTCHECK;

/** Have the first octets left? Then an error can no longer be a status. */
bool chatsession_download_has_begun(const chatsession_download_t *download);

/** What is not whole does not end as if it were: the connection is cut. */
void chatsession_download_break_off(chatsession_download_t *download);

#endif
