/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_STATUS_PAGE_H
#define CHATSESSION_STATUS_PAGE_H
/* Our section of mod_status's page: the numbers of this host, without asking the database. */
#include <httpd.h>

/** mod_status's hook status_hook. */
int chatsession_status_page(request_rec *r, int flags);

#endif
