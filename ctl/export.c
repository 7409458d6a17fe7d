/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Is an exported file whole and as it left the server? Each format but one ends with a piece that holds the SHA-256 of
 * all octets before it; that piece is found from the end of the file, so a file of any size is read once and kept
 * nowhere.
 */
#include <apr_escape.h>
#include <apr_file_io.h>
#include <apr_strings.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ctl.h"

/* More than any end takes. */
#define TAIL 2048
#define HEX 64

typedef struct {
    apr_off_t at; /* where the piece begins: the digest is over what is before */
    char sha256[HEX + 1];
    long long lines;
} end_t;

/* What an end looks like in each format: how it begins, what it ends with, and what is before digest and lines. */
static const struct {
    const char *begins, *ends, *digest, *lines;
} ends[] = {
    {"{\"type\":\"end\",", "}\n", "\"sha256\":\"", "\"lines\":"},
    {"{\"type\":\"end\",", "}\n]\n", "\"sha256\":\"", "\"lines\":"},
    {"<!-- {\"type\":\"end\",", "} -->\n", "\"sha256\":\"", "\"lines\":"},
    {"\"end\",\"", "\r\n", "\"end\",\"", "\"\",\"\",\"\","},
};

/* The last place in text, at the beginning of a line, where begins stands. */
static const char *last_line_with(const char *text, const char *begins)
{
    const char *found = NULL;

    for (const char *at = text; (at = strstr(at, begins)); at++) {
        if (at == text || at[-1] == '\n') {
            found = at;
        }
    }
    return found;
}

static bool has_ending(const char *text, const char *ending)
{
    const size_t len = strlen(text);
    const size_t want = strlen(ending);

    return len >= want && !strcmp(text + len - want, ending);
}

/* Find the end in the last octets of the file, which begin at offset. */
static bool find_end(end_t *end, const char *tail, apr_off_t offset)
{
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        const char *piece = last_line_with(tail, ends[i].begins);
        const char *digest = piece && has_ending(piece, ends[i].ends) ? strstr(piece, ends[i].digest) : NULL;
        const char *lines = digest ? strstr(piece, ends[i].lines) : NULL;

        if (lines && strspn(digest + strlen(ends[i].digest), "0123456789abcdef") == HEX) {
            apr_cpystrn(end->sha256, digest + strlen(ends[i].digest), HEX + 1);
            end->at = offset + (piece - tail);
            end->lines = strtoll(lines + strlen(ends[i].lines), NULL, 10);
            return true;
        }
    }
    return false;
}

/* SHA-256 of the first len octets, as hex. */
static bool digest_of(char hex[HEX + 1], apr_file_t *file, apr_off_t len)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    unsigned char sum[EVP_MAX_MD_SIZE];
    static char buffer[65536];
    apr_off_t start = 0;
    unsigned int size = 0;
    bool done =
        digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) && apr_file_seek(file, APR_SET, &start) == APR_SUCCESS;

    while (done && len > 0) {
        apr_size_t want = len < (apr_off_t)sizeof(buffer) ? (apr_size_t)len : sizeof(buffer);
        done = apr_file_read_full(file, buffer, want, &want) == APR_SUCCESS && EVP_DigestUpdate(digest, buffer, want);
        len -= (apr_off_t)want;
    }
    done = done && EVP_DigestFinal_ex(digest, sum, &size);
    EVP_MD_CTX_free(digest);
    if (done) {
        apr_escape_hex(hex, sum, size, 0, NULL);
    }
    return done;
}

/* The file's last octets as a string; false when it cannot be read or holds a NUL there, which no export does. */
static bool read_tail(char tail[TAIL + 1], apr_off_t *offset, apr_file_t *file, apr_off_t size)
{
    apr_size_t len = size < TAIL ? (apr_size_t)size : TAIL;

    *offset = size - (apr_off_t)len;
    if (apr_file_seek(file, APR_SET, offset) != APR_SUCCESS ||
        (len && apr_file_read_full(file, tail, len, &len) != APR_SUCCESS)) {
        return false;
    }
    tail[len] = '\0';
    return strlen(tail) == len;
}

int ctl_export_verify(ctl_t *ctl, apr_pool_t *pool)
{
    char tail[TAIL + 1];
    char sum[HEX + 1];
    char reason[120];
    end_t end = {0};
    apr_finfo_t info;
    apr_off_t offset;
    apr_file_t *file;
    apr_status_t rv = apr_file_open(&file, ctl->name, APR_READ | APR_BINARY, APR_OS_DEFAULT, pool);

    if (rv == APR_SUCCESS) {
        rv = apr_file_info_get(&info, APR_FINFO_SIZE, file);
    }
    if (rv != APR_SUCCESS) {
        return ctl_fail("%s cannot be read: %s", ctl->name, apr_strerror(rv, reason, sizeof(reason)));
    }
    if (ctl->sha256) {
        end.at = info.size;
        apr_cpystrn(end.sha256, ctl->sha256, sizeof(end.sha256));
    } else if (!read_tail(tail, &offset, file, info.size) || !find_end(&end, tail, offset)) {
        return ctl_fail("%s has no last line that vouches for it: it was cut, or it is of a format without one; "
                        "--sha256 takes the digest that the audit log has",
                        ctl->name);
    }
    if (!digest_of(sum, file, end.at)) {
        return ctl_fail("%s cannot be read to its end", ctl->name);
    }
    if (strcmp(sum, end.sha256) != 0) {
        return ctl_fail("%s was changed: its SHA-256 is %s, not %s", ctl->name, sum, end.sha256);
    }
    if (ctl->sha256) {
        printf("whole: SHA-256 %s\n", sum);
    } else {
        printf("whole: %lld lines, SHA-256 %s\n", end.lines, sum);
    }
    return CTL_DONE;
}
