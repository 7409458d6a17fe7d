/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Exports as objects: asked for, followed, cancelled, gone on with. The file itself comes by a link that works once,
 * for ten minutes, and for the operator who asked for it: a browser can save it like any other file, and the filter,
 * which may be long, need not stand in an address.
 */
#include "admin/admin.h"
#include "core/export_format.h"
#include <http_protocol.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include "core/token.h"
#include "reply.h"

/* The largest whole number that every JSON reader takes. */
#define OCTETS_MAX 9007199254740991

const cs_json_member_t chatsession_export_members[4] = {
    {"ids", CS_JSON_ARRAY, 0, 1, 10000},
    {"filter", CS_JSON_OBJECT, 0, 0, 0},
    {"format", CS_JSON_STRING, 0, 1, 16},
    {"compress", CS_JSON_STRING, 0, 1, 16},
};

const cs_json_member_t chatsession_export_link_members[2] = {
    {"octets", CS_JSON_INTEGER, CS_JSON_REQUIRED, 0, OCTETS_MAX},
    {"sha256", CS_JSON_STRING, CS_JSON_NULLABLE, 64, 64},
};

/* A link: what opens the file, signed, and what the row keeps of it. */
static apr_status_t make_link(const char **link, const char **sha256, chatsession_call_t *call)
{
    apr_pool_t *pool = call->r->pool;
    unsigned char id[CS_TOKEN_ID_BYTES];
    apr_status_t rv = cs_token_random(id, sizeof(id));

    if (rv == APR_SUCCESS) {
        *sha256 = cs_token_hash(id, pool);
        rv = *sha256
                 ? cs_seal(link, call->conf->keys, CS_PURPOSE_EXPORT, cs_base64url_encode(id, sizeof(id), pool), pool)
                 : APR_ENOMEM;
    }
    return rv;
}

/* What the row keeps of a link; NULL: it is none of ours. */
static const char *link_sha256(chatsession_call_t *call, const char *link)
{
    unsigned char id[CS_TOKEN_ID_BYTES];
    apr_size_t size;
    const char *text;

    return link && cs_unseal(&text, call->conf->keys, CS_PURPOSE_EXPORT, link, call->r->pool) == APR_SUCCESS &&
                   cs_base64url_decode(id, sizeof(id), &size, text, strlen(text)) == APR_SUCCESS && size == sizeof(id)
               ? cs_token_hash(id, call->r->pool)
               : NULL;
}

static int reply_with_link(chatsession_call_t *call, int status, json_t *export, const char *link)
{
    const char *path = apr_pstrcat(call->r->pool, "api/exports/", json_string_value(json_object_get(export, "id")),
                                   "/file?link=", link, NULL);

    return chatsession_reply_json(call->r, status,
                                  json_pack("{s:o,s:s,s:s}", "export", export, "link", path, "token", link));
}

int chatsession_admin_export_create(chatsession_call_t *call)
{
    const char *compress = call->fields[3].given ? call->fields[3].string : "none";
    const cs_export_format_t *format = cs_export_format_find(call->fields[2].given ? call->fields[2].string : NULL);
    cs_console_filter_t filter;
    cs_export_want_t want = {.filter = &filter};
    cs_export_t export;
    cs_audit_entry_t entry;
    const char *link;
    json_t *shown;
    apr_status_t rv;
    int answer;

    if (!format || (strcmp(compress, "gzip") != 0 && strcmp(compress, "none") != 0)) {
        return chatsession_bad_request(call, format ? "compress is neither gzip nor none."
                                                    : "format is none of ndjson, json, csv, md, openai.");
    }
    if (!chatsession_admin_read_target(&filter, call, &answer) || !chatsession_admin_is_fresh(call, &answer)) {
        return answer;
    }
    want.format = format->name;
    want.gzip = !strcmp(compress, "gzip");
    entry = chatsession_audit_entry(call, "conversation.export",
                                    cs_json_own(cs_console_filter_detail(&filter), call->r->pool));
    rv = make_link(&link, &want.link_sha256, call);
    rv = rv == APR_SUCCESS ? cs_export_make(&export, &shown, call->conf->db, &want, &entry, call->r->pool) : rv;
    return rv == APR_SUCCESS ? reply_with_link(call, HTTP_CREATED, shown, link) : chatsession_reply_status(call->r, rv);
}

int chatsession_admin_export_link(chatsession_call_t *call)
{
    const char *sha256 = call->fields[1].given ? call->fields[1].string : NULL;
    const cs_export_part_t have = {call->fields[0].integer, sha256};
    const cs_audit_entry_t entry = chatsession_audit_entry(call, "export.resume", NULL);
    const char *link;
    const char *hash;
    json_t *shown;
    apr_status_t rv;
    int answer;

    if (sha256 && strspn(sha256, "0123456789abcdef") != 64) {
        return chatsession_bad_request(call, "sha256 is not 64 lower-case hexadecimal digits.");
    }
    if (!chatsession_admin_is_fresh(call, &answer)) {
        return answer;
    }
    rv = make_link(&link, &hash, call);
    rv = rv == APR_SUCCESS ? cs_export_relink(&shown, call->conf->db, call->ids[0], hash, &have, &entry, call->r->pool)
                           : rv;
    return rv == APR_SUCCESS ? reply_with_link(call, HTTP_OK, shown, link) : chatsession_reply_status(call->r, rv);
}

int chatsession_admin_export_file(chatsession_call_t *call)
{
    const char *sha256 = link_sha256(call, chatsession_query(call, "link"));
    cs_export_t *export = apr_palloc(call->r->pool, sizeof(*export));
    apr_status_t rv;

    if (call->r->header_only) {
        return chatsession_reply_empty(call->r, HTTP_NO_CONTENT); /* the link is for the file */
    }
    rv = sha256 ? cs_export_open(export, call->conf->db, call->ids[0], call->session->user, sha256, call->r->pool)
                : APR_ENOENT;
    if (rv == APR_ENOENT) {
        return chatsession_reply_error(call->r, HTTP_NOT_FOUND, "not_found",
                                       "This link opens nothing (any more): it works once, for ten minutes, and for "
                                       "whom it was made.");
    }
    return rv == APR_SUCCESS ? chatsession_admin_send_export(call, export, false)
                             : chatsession_reply_status(call->r, rv);
}

int chatsession_admin_exports(chatsession_call_t *call)
{
    json_t *exports;
    const char *next;
    apr_status_t rv;
    int limit;
    int answer;

    if (!chatsession_query_int(&limit, call, "limit", 50, 1, 200, &answer)) {
        return answer;
    }
    rv = cs_export_list(&exports, &next, call->conf->db, chatsession_query(call, "after"), limit, call->r->pool);
    return chatsession_admin_reply_page(call, rv, "exports", exports, next);
}

int chatsession_admin_export_show(chatsession_call_t *call)
{
    json_t *export;
    const apr_status_t rv = cs_export_get(&export, call->conf->db, call->ids[0], call->r->pool);

    return rv == APR_SUCCESS ? chatsession_reply_json(call->r, HTTP_OK, export) : chatsession_reply_status(call->r, rv);
}

int chatsession_admin_export_cancel(chatsession_call_t *call)
{
    const cs_audit_entry_t entry = chatsession_audit_entry(call, "export.cancel", NULL);
    json_t *shown;
    const apr_status_t rv = cs_export_cancel(&shown, call->conf->db, call->ids[0], &entry, call->r->pool);

    return rv == APR_SUCCESS ? chatsession_reply_json(call->r, HTTP_OK, shown) : chatsession_reply_status(call->r, rv);
}

int chatsession_admin_export_manifest(chatsession_call_t *call)
{
    json_t *manifest;
    const apr_status_t rv = cs_export_manifest(&manifest, call->conf->db, call->ids[0], call->r->pool);

    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    apr_table_setn(call->r->headers_out, "Content-Disposition",
                   apr_psprintf(call->r->pool, "attachment; filename=\"export-%s.manifest.json\"", call->ids[0]));
    return chatsession_reply_json(call->r, HTTP_OK, manifest);
}
