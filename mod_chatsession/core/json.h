/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_JSON_H
#define CS_JSON_H
/*
 * JSON in and out, by jansson, with the limits that a server needs: size by the caller, depth and number of values
 * here, duplicate keys and trailing data refused, no NUL in strings. A json_t belongs to one thread and is released
 * when its pool goes.
 */
#include <apr_pools.h>
#include <jansson.h>
#include <stdbool.h>
#include "core/status.h"
#include "core/text.h"

#define CS_JSON_MAX_DEPTH 32
#define CS_JSON_MAX_VALUES 10000

/**
 * Parse len octets. APR_SUCCESS and *value, owned by pool; CS_EMALFORMED (or APR_ENOMEM) with a sentence in *problem
 * (in pool) that names what is wrong and where, never the text itself. Depth and number of values are checked before
 * jansson sees the text, in linear time.
 */
apr_status_t cs_json_parse(json_t **value, const char *bytes, apr_size_t len, const char **problem,
                           apr_pool_t *pool) CS_MUSTCHECK;

/** Compact text of value in pool; *len may be NULL. NULL only when value cannot be written (out of memory). */
const char *cs_json_print(const json_t *value, apr_size_t *len, apr_pool_t *pool);

/** How many octets at the beginning of bytes stand in a JSON string as they are: up to the first quotation mark,
 * backslash or control character, else len. */
apr_size_t cs_json_plain_length(const char *bytes, apr_size_t len);

/** Write bytes, which are text (core/utf8.h), at out as a JSON string, as cs_json_print writes it, without building a
 * value: for what is sent by the token. Returns where it ends; out has room for CS_JSON_STRING_ROOM(len). */
char *cs_json_write_string(char *out, const char *bytes, apr_size_t len);
#define CS_JSON_STRING_ROOM(len) (6 * (len) + 2)

/** The same at the end of a growing text. */
apr_status_t cs_json_append_string(cs_text_t *text, const char *bytes, apr_size_t len) CS_MUSTCHECK;

/** Hand value to pool: json_decref when the pool goes. Returns value. */
json_t *cs_json_own(json_t *value, apr_pool_t *pool);

/*
 * Members of a request's body by a table: each row names a member, its type, whether it must be there, and its bounds.
 * cs_json_read refuses members that no row names, so a client cannot smuggle "role" in (mass assignment,
 * ASVS 5.0 15.3.3).
 */
typedef enum {
    CS_JSON_STRING,
    CS_JSON_INTEGER,
    CS_JSON_BOOLEAN,
    CS_JSON_UUID,
    CS_JSON_OBJECT,
    CS_JSON_ARRAY
} cs_json_type_e;

typedef enum {
    CS_JSON_REQUIRED = 1, /* must be there */
    CS_JSON_NULLABLE = 2  /* null is allowed and reads as absent with given = true */
} cs_json_flag_e;

typedef struct {
    const char *name;
    cs_json_type_e type;
    int flags;
    json_int_t min, max; /* STRING: code points; INTEGER: value; ARRAY: members; others: unused */
} cs_json_member_t;

typedef struct {
    bool given;         /* the member was there (also as null) */
    bool null;          /* it was null */
    const char *string; /* STRING, UUID (in lower case); in pool */
    apr_size_t length;  /* octets of string */
    json_int_t integer;
    bool boolean;
    json_t *value; /* OBJECT, ARRAY: borrowed from the body */
} cs_json_field_t;

/**
 * Read the members of body into fields[0..count-1], in the table's order. CS_EMALFORMED and a sentence in *problem (in
 * pool) naming the member, what was there and what was expected: for an unknown member, a wrong type, a missing
 * required one, a value out of bounds.
 */
apr_status_t cs_json_read(cs_json_field_t *fields, const cs_json_member_t *members, int count, const json_t *body,
                          const char **problem, apr_pool_t *pool) CS_MUSTCHECK;

/** Whether text is a UUID in its 36-character form (either case). */
bool cs_uuid_is(const char *text);

#endif
