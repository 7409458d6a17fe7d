/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * The capacity doubles, so that n octets cost O(n) however they arrive. One octet more than the length is always
 * allocated for the NUL.
 */
#include "core/text.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 256

struct cs_text {
    char *bytes; /* NULL until the first append */
    apr_size_t length;
    apr_size_t capacity;
};

static apr_status_t text_free(void *data)
{
    cs_text_t *text = data;

    free(text->bytes);
    text->bytes = NULL;
    text->length = text->capacity = 0;
    return APR_SUCCESS;
}

cs_text_t *cs_text_create(apr_pool_t *pool)
{
    cs_text_t *text = apr_pcalloc(pool, sizeof(*text));

    apr_pool_cleanup_register(pool, text, text_free, apr_pool_cleanup_null);
    return text;
}

static apr_status_t grow(cs_text_t *text, apr_size_t needed)
{
    apr_size_t capacity = text->capacity ? text->capacity : FIRST_CAPACITY;
    char *bytes;

    while (capacity < needed)
        capacity = capacity > APR_SIZE_MAX / 2 ? needed : capacity * 2;
    if (!(bytes = realloc(text->bytes, capacity)))
        return APR_ENOMEM;
    text->bytes = bytes;
    text->capacity = capacity;
    return APR_SUCCESS;
}

apr_status_t cs_text_room(char **room, cs_text_t *text, apr_size_t len)
{
    apr_status_t rv = APR_SUCCESS;

    *room = NULL;
    if (len >= APR_SIZE_MAX - text->length)
        return CS_ETOOBIG;
    if (text->length + len + 1 > text->capacity)
        rv = grow(text, text->length + len + 1);
    if (rv == APR_SUCCESS)
        *room = text->bytes + text->length;
    return rv;
}

void cs_text_grew(cs_text_t *text, apr_size_t len)
{
    text->length += len;
    text->bytes[text->length] = '\0';
}

apr_status_t cs_text_append(cs_text_t *text, const char *bytes, apr_size_t len, apr_size_t limit)
{
    char *room;
    apr_status_t rv;

    if (limit && (text->length > limit || len > limit - text->length))
        return CS_ETOOBIG;
    if (!len)
        return APR_SUCCESS;
    if ((rv = cs_text_room(&room, text, len)) != APR_SUCCESS)
        return rv;
    memcpy(room, bytes, len);
    cs_text_grew(text, len);
    return APR_SUCCESS;
}

const char *cs_text_get(const cs_text_t *text)
{
    return text->bytes ? text->bytes : "";
}

apr_size_t cs_text_length(const cs_text_t *text)
{
    return text->length;
}

void cs_text_clear(cs_text_t *text)
{
    text->length = 0;
    if (text->bytes)
        text->bytes[0] = '\0';
}
