/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Is an exported file whole and as it left the server? Each format but one ends with a piece that holds the SHA-256 of
 * all octets before it. The text is read once and kept nowhere: what is hashed stays behind by more than an end takes,
 * so that the end can still be told from it when the text is over.
 */
#include <apr_strings.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/sha256.h"
#include "ctl.h"
#include "ctl_source.h"

/* More than any end takes. */
#define TAIL 2048
#define HEX 64

typedef struct {
    apr_size_t at; /* where in the tail the piece begins: the digest is over what is before */
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

/* The text's last octets, and the digest of all before them. */
typedef struct {
    EVP_MD_CTX *digest;
    char tail[TAIL + 1];
    apr_size_t len;
} text_t;

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

/* Find the end in the last octets of the text; they hold no NUL, which no export does. */
static bool find_end(end_t *end, const text_t *text)
{
    for (size_t i = 0; strlen(text->tail) == text->len && i < sizeof(ends) / sizeof(ends[0]); i++) {
        const char *piece = last_line_with(text->tail, ends[i].begins);
        const char *digest = piece && has_ending(piece, ends[i].ends) ? strstr(piece, ends[i].digest) : NULL;
        const char *lines = digest ? strstr(piece, ends[i].lines) : NULL;

        if (lines && strspn(digest + strlen(ends[i].digest), "0123456789abcdef") == HEX) {
            apr_cpystrn(end->sha256, digest + strlen(ends[i].digest), HEX + 1);
            end->at = (apr_size_t)(piece - text->tail);
            end->lines = strtoll(lines + strlen(ends[i].lines), NULL, 10);
            return true;
        }
    }
    return false;
}

/* More text: what no longer fits into the tail is hashed. */
static bool add_text(text_t *text, const char *octets, apr_size_t len)
{
    const apr_size_t over = text->len + len > TAIL ? text->len + len - TAIL : 0;
    const apr_size_t old = over < text->len ? over : text->len;

    if (!EVP_DigestUpdate(text->digest, text->tail, old) || !EVP_DigestUpdate(text->digest, octets, over - old)) {
        return false;
    }
    memmove(text->tail, text->tail + old, text->len - old);
    memcpy(text->tail + text->len - old, octets + (over - old), len - (over - old));
    text->len += len - over;
    text->tail[text->len] = '\0';
    return true;
}

static apr_status_t read_text(text_t *text, ctl_source_t *source)
{
    static char piece[65536];
    apr_size_t len;
    apr_status_t rv;

    while ((rv = ctl_source_read(source, piece, sizeof(piece), &len)) == APR_SUCCESS) {
        if (!add_text(text, piece, len)) {
            return APR_EGENERAL;
        }
    }
    return rv == APR_EOF ? APR_SUCCESS : rv;
}

/* The digest that a manifest has. */
static bool read_manifest(end_t *end, const char *name)
{
    json_t *manifest = json_load_file(name, 0, NULL);
    const json_t *export = json_object_get(manifest, "export");
    const char *sha256 = json_string_value(json_object_get(export, "sha256"));

    if (sha256) {
        apr_cpystrn(end->sha256, sha256, sizeof(end->sha256));
        end->lines = (long long)json_integer_value(json_object_get(export, "lines"));
    }
    json_decref(manifest);
    return sha256 != NULL;
}

/* Which digest counts: the file's own, or the one given; where both are there, they must agree. False: it was said. */
static bool find_digest(end_t *end, const ctl_t *ctl, const text_t *text)
{
    end_t known = {.lines = -1};
    const bool own = find_end(end, text);

    if (ctl->manifest && !read_manifest(&known, ctl->manifest)) {
        ctl_fail("%s is no manifest of an export that was finished", ctl->manifest);
        return false;
    }
    if (ctl->sha256) {
        apr_cpystrn(known.sha256, ctl->sha256, sizeof(known.sha256));
    }
    if (!own && !*known.sha256) {
        ctl_fail("%s has no last line that vouches for it: it was cut, or it is of a format without one; "
                 "--manifest takes what was saved beside it, --sha256 the digest that the audit log has",
                 ctl->operands[0]);
        return false;
    }
    if (!own) {
        *end = known;
        end->at = text->len;
    } else if (*known.sha256 && strcmp(known.sha256, end->sha256) != 0) {
        ctl_fail("%s is another export: its last line says %s, not %s", ctl->operands[0], end->sha256, known.sha256);
        return false;
    }
    return true;
}

static int judge(const ctl_t *ctl, const text_t *text, apr_pool_t *pool)
{
    end_t end = {.lines = -1};
    const char *sha256;

    if (!find_digest(&end, ctl, text)) {
        return CTL_FAILED;
    }
    sha256 = cs_sha256_so_far(text->digest, text->tail, end.at, pool);
    if (!sha256) {
        return ctl_fail("OpenSSL has no SHA-256 to give");
    }
    if (strcmp(sha256, end.sha256) != 0) {
        return ctl_fail("%s was changed: its SHA-256 is %s, not %s", ctl->operands[0], sha256, end.sha256);
    }
    if (end.lines < 0) {
        printf("whole: SHA-256 %s\n", sha256);
    } else {
        printf("whole: %lld lines, SHA-256 %s\n", end.lines, sha256);
    }
    return CTL_DONE;
}

int ctl_export_verify(ctl_t *ctl, apr_pool_t *pool)
{
    char reason[120];
    ctl_source_t *source;
    text_t text = {.len = 0};
    apr_status_t rv;
    int answer;

    if (!ctl->operand_count) {
        return ctl_fail("no FILE to verify");
    }
    answer = ctl_source_open(&source, ctl->operands, ctl->operand_count, pool);
    if (answer != CTL_DONE) {
        return answer;
    }
    rv = cs_sha256_begin(&text.digest, pool);
    rv = rv == APR_SUCCESS ? read_text(&text, source) : rv;
    if (rv == CS_EMALFORMED) {
        answer = ctl_fail("%s was cut or changed: it does not decompress to its end", ctl->operands[0]);
    } else if (rv != APR_SUCCESS) {
        answer =
            ctl_fail("%s cannot be read to its end: %s", ctl->operands[0], cs_strstatus(rv, reason, sizeof(reason)));
    } else {
        answer = judge(ctl, &text, pool);
    }
    return answer;
}
