/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_CONSOLE_ORDER_H
#define CS_STORE_CONSOLE_ORDER_H
/*
 * In which order operators list conversations, each with an index of its own, and by keyset: a page begins after the
 * last row of the one before. The cursor is "<key>_<id>", the key in the form that its order has; it only says where to
 * begin, never what may be seen.
 */
#include "store/db.h"

typedef enum { CS_CURSOR_NUMBER, CS_CURSOR_TEXT, CS_CURSOR_TEXT_AND_NUMBER } cs_cursor_e;

typedef struct {
    const char *name;
    bool content;    /* the key is content, and so is the cursor */
    bool descending; /* unless asked otherwise */
    cs_cursor_e cursor;
    const char *key;      /* of chatsession.conversations c and chatsession.users u, as the cursor has it */
    const char *by[2];    /* ORDER BY: ascending, descending */
    const char *after[2]; /* what comes after the cursor: $14 its text, $15 its number, $16 its id */
} cs_console_order_t;

/** NULL: there is none of that name. NULL as the name is the usual one, by the last change. */
const cs_console_order_t *cs_console_order(const char *name);

typedef struct {
    const char *text, *number, *id; /* NULL: from the first */
} cs_console_cursor_t;

/** CS_EMALFORMED unless cursor is NULL or a text of this order; strings in pool. */
apr_status_t cs_console_cursor_parse(cs_console_cursor_t *place, const cs_console_order_t *order, const char *cursor,
                                     apr_pool_t *pool) CS_MUSTCHECK;

#endif
