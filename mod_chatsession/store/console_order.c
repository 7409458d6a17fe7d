/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "store/console_order.h"
#include <apr_escape.h>
#include <apr_strings.h>
#include "core/json.h"
#include "core/utf8.h"

/* clang-format off */
#define MOMENT "to_timestamp(0) + $15::bigint * interval '1 microsecond'"
#define HEX(text) "encode(convert_to(" text ", 'UTF8'), 'hex')"

static const cs_console_order_t orders[] = {
    {"updated", false, true, CS_CURSOR_NUMBER, "chatsession.usec(c.updated_at)",
     {"c.updated_at, c.id", "c.updated_at DESC, c.id DESC"},
     {"(c.updated_at, c.id) > (" MOMENT ", $16::uuid)", "(c.updated_at, c.id) < (" MOMENT ", $16::uuid)"}},
    {"created", false, true, CS_CURSOR_NUMBER, "chatsession.usec(c.created_at)",
     {"c.created_at, c.id", "c.created_at DESC, c.id DESC"},
     {"(c.created_at, c.id) > (" MOMENT ", $16::uuid)", "(c.created_at, c.id) < (" MOMENT ", $16::uuid)"}},
    {"messages", false, true, CS_CURSOR_NUMBER, "c.message_count",
     {"c.message_count, c.id", "c.message_count DESC, c.id DESC"},
     {"(c.message_count, c.id) > ($15::integer, $16::uuid)", "(c.message_count, c.id) < ($15::integer, $16::uuid)"}},
    {"title", true, false, CS_CURSOR_TEXT, HEX("coalesce(c.title, '')"),
     {"coalesce(c.title, ''), c.id", "coalesce(c.title, '') DESC, c.id DESC"},
     {"(coalesce(c.title, ''), c.id) > ($14::text, $16::uuid)", "(coalesce(c.title, ''), c.id) < ($14::text, $16::uuid)"}},
    /* Those of one user newest first, either way. The first half of each is what the index of names can begin with. */
    {"user", false, false, CS_CURSOR_TEXT_AND_NUMBER, HEX("u.canonical_name") " || '.' || chatsession.usec(c.updated_at)",
     {"u.canonical_name, c.updated_at DESC, c.id DESC", "u.canonical_name DESC, c.updated_at DESC, c.id DESC"},
     {"u.canonical_name >= $14::text AND (u.canonical_name > $14::text OR (c.updated_at, c.id) < (" MOMENT ", $16::uuid))",
      "u.canonical_name <= $14::text AND (u.canonical_name < $14::text OR (c.updated_at, c.id) < (" MOMENT ", $16::uuid))"}},
};
/* clang-format on */

const cs_console_order_t *cs_console_order(const char *name)
{
    for (apr_size_t i = 0; name && i < sizeof(orders) / sizeof(orders[0]); i++) {
        if (!strcmp(orders[i].name, name)) {
            return &orders[i];
        }
    }
    return name ? NULL : &orders[0];
}

/* At most 17 digits: no number of ours is longer, and none overflows a bigint. */
static bool is_number(const char *text, apr_size_t most)
{
    const apr_size_t digits = strspn(text, "0123456789");

    return digits > 0 && digits <= most && !text[digits];
}

static const char *from_hex(const char *hex, apr_pool_t *pool)
{
    const apr_size_t len = strlen(hex);
    apr_size_t size;
    char *text = apr_pcalloc(pool, len / 2 + 1);

    if (len % 2 || strspn(hex, "0123456789abcdef") != len ||
        apr_unescape_hex(text, hex, (apr_ssize_t)len, 0, &size) != APR_SUCCESS || strlen(text) != len / 2 ||
        !cs_utf8_is_text(text, len / 2, NULL)) {
        return NULL;
    }
    return text;
}

apr_status_t cs_console_cursor_parse(cs_console_cursor_t *place, const cs_console_order_t *order, const char *cursor,
                                     apr_pool_t *pool)
{
    const char *underscore = cursor ? strchr(cursor, '_') : NULL;
    char *key;
    char *dot;

    *place = (cs_console_cursor_t){NULL, NULL, NULL};
    if (!cursor) {
        return APR_SUCCESS;
    }
    if (!underscore || !cs_uuid_is(underscore + 1)) {
        return CS_EMALFORMED;
    }
    key = apr_pstrmemdup(pool, cursor, (apr_size_t)(underscore - cursor));
    dot = strchr(key, '.');
    if ((dot != NULL) != (order->cursor == CS_CURSOR_TEXT_AND_NUMBER)) {
        return CS_EMALFORMED;
    }
    if (dot) {
        *dot = '\0';
    }
    place->number = order->cursor == CS_CURSOR_NUMBER ? key : dot ? dot + 1 : NULL;
    place->text = order->cursor != CS_CURSOR_NUMBER ? from_hex(key, pool) : NULL;
    if ((place->number && !is_number(place->number, strcmp(order->name, "messages") != 0 ? 17 : 9)) ||
        (order->cursor != CS_CURSOR_NUMBER && !place->text)) {
        *place = (cs_console_cursor_t){NULL, NULL, NULL};
        return CS_EMALFORMED;
    }
    place->id = apr_pstrdup(pool, underscore + 1);
    return APR_SUCCESS;
}
