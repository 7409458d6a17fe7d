/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "assets.h"
#include <http_protocol.h>
#include <http_request.h>
#include <apr_file_io.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include <openssl/evp.h>

/* No page's file is larger; a larger one is a mistake in the folder. */
#define ASSET_MAX (8 * 1024 * 1024)

typedef struct {
    const char *bytes;
    apr_size_t len;
    const char *type;
    const char *etag;
} asset_t;

struct chatsession_assets {
    apr_hash_t *files; /* "page/js/main.js" → asset_t */
};

static const struct {
    const char *suffix, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".json", "application/json"},
    {".webmanifest", "application/manifest+json"},
};

static const char *type_of(const char *name)
{
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++) {
        if (!strcmp(dot, types[i].suffix)) {
            return types[i].type;
        }
    }
    return NULL;
}

static const char *etag_of(const char *bytes, apr_size_t len, apr_pool_t *pool)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;

    if (!EVP_Digest(bytes, len, digest, &size, EVP_sha256(), NULL)) {
        return NULL;
    }
    return apr_psprintf(pool, "\"%s\"", cs_base64url_encode(digest, 12, pool));
}

static const char *load_file(chatsession_assets_t *assets, const char *path, const char *name, apr_off_t size,
                             apr_pool_t *pool)
{
    asset_t *asset;
    apr_file_t *file;
    char *bytes;

    if (!type_of(name)) {
        return NULL;
    }
    if (size > ASSET_MAX) {
        return apr_psprintf(pool, "ChatSessionPages: %s is larger than 8 MiB", path);
    }
    bytes = apr_palloc(pool, (apr_size_t)size + 1);
    if (apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BINARY, 0, pool) != APR_SUCCESS) {
        return apr_psprintf(pool, "ChatSessionPages: cannot open %s", path);
    }
    asset = apr_palloc(pool, sizeof(*asset));
    if (apr_file_read_full(file, bytes, (apr_size_t)size, &asset->len) != APR_SUCCESS) {
        apr_file_close(file);
        return apr_psprintf(pool, "ChatSessionPages: cannot read %s", path);
    }
    apr_file_close(file);
    asset->bytes = bytes;
    asset->type = type_of(name);
    asset->etag = etag_of(bytes, asset->len, pool);
    apr_hash_set(assets->files, name, APR_HASH_KEY_STRING, asset);
    return NULL;
}

/* All files below folder; name is what the hash knows the folder as. */
static const char *load_folder(chatsession_assets_t *assets, const char *folder, const char *name, apr_pool_t *pool)
{
    const char *problem = NULL;
    apr_dir_t *dir;
    apr_finfo_t entry;
    char buf[120];
    apr_status_t rv = apr_dir_open(&dir, folder, pool);

    if (rv != APR_SUCCESS) {
        return apr_psprintf(pool, "ChatSessionPages: cannot read the folder %s: %s", folder,
                            apr_strerror(rv, buf, sizeof(buf)));
    }
    while (!problem && apr_dir_read(&entry, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        const char *path = apr_pstrcat(pool, folder, "/", entry.name, NULL);
        const char *key = apr_pstrcat(pool, name, "/", entry.name, NULL);
        apr_finfo_t info;

        if (entry.name[0] == '.' || apr_stat(&info, path, APR_FINFO_TYPE | APR_FINFO_SIZE, pool) != APR_SUCCESS) {
            continue;
        }
        if (info.filetype == APR_DIR) {
            problem = load_folder(assets, path, key, pool);
        } else if (info.filetype == APR_REG) {
            problem = load_file(assets, path, key, info.size, pool);
        }
    }
    apr_dir_close(dir);
    return problem;
}

const char *chatsession_assets_load(chatsession_assets_t **assets, const char *folder, apr_pool_t *pool)
{
    static const char *const parts[] = {"page", "console", "shared", "vendor"};
    const char *problem = NULL;

    *assets = apr_palloc(pool, sizeof(**assets));
    (*assets)->files = apr_hash_make(pool);
    for (size_t i = 0; !problem && i < sizeof(parts) / sizeof(parts[0]); i++) {
        problem = load_folder(*assets, apr_pstrcat(pool, folder, "/", parts[i], NULL), parts[i], pool);
    }
    if (!problem && (!apr_hash_get((*assets)->files, "page/index.html", APR_HASH_KEY_STRING) ||
                     !apr_hash_get((*assets)->files, "console/index.html", APR_HASH_KEY_STRING))) {
        problem = apr_psprintf(pool, "ChatSessionPages: %s has no page/index.html and console/index.html", folder);
    }
    return problem;
}

/* Files that both pages use stand outside their folders. */
static bool is_common(const char *path)
{
    return !strncmp(path, "shared/", 7) || !strncmp(path, "vendor/", 7);
}

int chatsession_assets_serve(request_rec *r, const chatsession_assets_t *assets, const char *page, const char *path)
{
    const char *name = is_common(path) ? path : apr_pstrcat(r->pool, page, "/", *path ? path : "index.html", NULL);
    const asset_t *asset = apr_hash_get(assets->files, name, APR_HASH_KEY_STRING);
    int rv;

    if (!asset) {
        return DECLINED;
    }
    ap_set_content_type(r, asset->type);
    /* Not the answers' no-store: a page holds nothing of anybody and may be asked for by its ETag. */
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-cache");
    if (asset->etag) {
        apr_table_setn(r->headers_out, "ETag", asset->etag);
    }
    ap_set_content_length(r, (apr_off_t)asset->len);
    rv = ap_meets_conditions(r);
    if (rv != OK) {
        r->status = rv;
        return OK;
    }
    if (!r->header_only) {
        ap_rwrite(asset->bytes, (int)asset->len, r);
    }
    return OK;
}
