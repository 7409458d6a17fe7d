/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_ARCHIVE_H
#define CHATSESSION_ARCHIVE_H
/* All that is here of one person as a download of JSON lines; the last line has the count and the SHA-256 of those
 * before it, so that a file which was cut shows. The same from the person's own page and from the console. */
#include "route.h"

/** Answer with the archive of the user of that id. */
int chatsession_archive_reply(chatsession_call_t *call, const char *user_id);

#endif
