/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * UTF-8: jansson, which has a reader of its own, judges as we do; a repaired text is text, and repairing changes no
 * more than it must. The first octet is a number of code points, the rest the octets.
 */
#include "core/utf8.h"

#include <apr_strings.h>
#include <jansson.h>
#include "fuzz.h"

static bool jansson_takes(const char *bytes, apr_size_t len)
{
    json_t *string = json_stringn(bytes, len);
    const bool taken = string && !memchr(bytes, '\0', len);

    json_decref(string);
    return taken;
}

static void check_prefix(const char *text, apr_size_t len, apr_size_t points)
{
    const apr_size_t count = cs_utf8_count(text, len), cut = cs_utf8_prefix(text, len, points);

    HOLDS(cut <= len && cs_utf8_is_text(text, cut, NULL) && cs_utf8_is_text(text + cut, len - cut, NULL));
    HOLDS(cs_utf8_count(text, cut) == (points < count ? points : count));
    HOLDS(cs_utf8_prefix(text, len, count) == len && cs_utf8_prefix(text, len, 0) == 0);
}

/* A space ends every sequence, so on its two sides octets are repaired as they are alone. */
static void check_parts(const char *bytes, apr_size_t len, apr_size_t at, apr_pool_t *pool)
{
    apr_size_t lens[3];
    char *joined = apr_palloc(pool, len + 1);
    const char *left, *right, *both;

    memcpy(joined, bytes, at);
    joined[at] = ' ';
    memcpy(joined + at + 1, bytes + at, len - at);
    left = cs_utf8_repair(bytes, at, &lens[0], NULL, pool);
    right = cs_utf8_repair(bytes + at, len - at, &lens[1], NULL, pool);
    both = cs_utf8_repair(joined, len + 1, &lens[2], NULL, pool);
    HOLDS(lens[2] == lens[0] + 1 + lens[1] && strcmp(both, apr_pstrcat(pool, left, " ", right, NULL)) == 0);
}

static void check_repair(const char *bytes, apr_size_t len, apr_pool_t *pool)
{
    apr_size_t bad = FUZZ_UNSET_SIZE, size = FUZZ_UNSET_SIZE, again_size;
    const bool is_text = cs_utf8_is_text(bytes, len, &bad);
    bool repaired = is_text;
    const char *text = cs_utf8_repair(bytes, len, &size, &repaired, pool), *again;

    HOLDS(is_text == jansson_takes(bytes, len) && is_text == (bad == len));
    HOLDS(bad <= len && cs_utf8_is_text(bytes, bad, NULL) && memcmp(text, bytes, bad) == 0);
    HOLDS(repaired == !is_text && strlen(text) == size && size <= 3 * len && cs_utf8_is_text(text, size, NULL));
    again = cs_utf8_repair(text, CS_UTF8_TERMINATED, &again_size, &repaired, pool);
    HOLDS(again == text && again_size == size && !repaired);
    if (!memchr(bytes, '\0', len)) {
        again = cs_utf8_repair(bytes, CS_UTF8_TERMINATED, &again_size, &repaired, pool);
        HOLDS(again_size == size && strcmp(again, text) == 0 && (again == bytes) == is_text);
    }
}

void fuzz_input(const char *bytes, apr_size_t len, apr_pool_t *pool)
{
    fuzz_reader_t reader = {bytes, bytes + len};
    const apr_size_t points = fuzz_octet(&reader), size = fuzz_left(&reader);
    char *exact = fuzz_copy(reader.at, size);
    const char *text;

    check_repair(exact, size, pool);
    check_parts(exact, size, points < size ? points : size, pool);
    text = cs_utf8_repair(exact, size, &len, NULL, pool);
    check_prefix(text, len, points);
    free(exact);
}
