/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_UTF8_H
#define CS_UTF8_H
/*
 * UTF-8 as Unicode 15 chapter 3.9 (table 3-7) has it: no overlong forms, no surrogates, nothing past U+10FFFF.
 * PostgreSQL's text also has no NUL, so text here means valid UTF-8 without U+0000.
 */
#include <apr_pools.h>
#include <stdbool.h>
#include "core/status.h"

/** Whether the len octets are text. *bad, if not NULL, is the offset of the first octet that is not (len when all are).
 */
bool cs_utf8_is_text(const char *bytes, apr_size_t len, apr_size_t *bad);

/** Code points in valid UTF-8. */
apr_size_t cs_utf8_count(const char *text, apr_size_t len);

/** The octets that the first points code points take; len when there are fewer. Valid UTF-8 only. */
apr_size_t cs_utf8_prefix(const char *text, apr_size_t len, apr_size_t points);

/**
 * The same octets with each maximal ill-formed subsequence and each NUL replaced by U+FFFD (Unicode's recommended
 * practice), in pool, NUL-terminated. *repaired, if not NULL, says whether anything was. With len CS_UTF8_TERMINATED
 * bytes is a C string, and comes back as it is, without a copy, when it is text already.
 */
#define CS_UTF8_TERMINATED APR_SIZE_MAX
const char *cs_utf8_repair(const char *bytes, apr_size_t len, apr_size_t *out_len, bool *repaired, apr_pool_t *pool);

#endif
