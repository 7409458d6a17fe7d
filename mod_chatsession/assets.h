/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_ASSETS_H
#define CHATSESSION_ASSETS_H
/*
 * The pages' files, read once into memory when the configuration is checked and served from there: an exact path or
 * nothing, so there is no way out of the folder, and no file is opened per request. A new version of the files wants a
 * graceful restart.
 */
#include <httpd.h>
#include "config.h"

/**
 * Read folder (page, console, shared, vendor below it; every regular file) into memory of pool. A sentence when it
 * cannot be read or a page's index.html is missing, NULL when all is well.
 */
const char *chatsession_assets_load(chatsession_assets_t **assets, const char *folder, apr_pool_t *pool);

/**
 * Answer GET or HEAD of path below a mount whose own files stand in page ("page" or "console"). OK when answered,
 * DECLINED when there is no such file.
 */
int chatsession_assets_serve(request_rec *r, const chatsession_assets_t *assets, const char *page, const char *path);

#endif
