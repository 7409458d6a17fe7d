/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STATUS_H
#define CS_STATUS_H
/*
 * The outcomes that APR has no name for. Core and store return apr_status_t: APR_SUCCESS is "found" or "done",
 * APR_ENOENT is "absent", everything else is a failure, and each failure that a caller may treat in its own way has a
 * value here.
 */
#include <apr_errno.h>

#define CS_STATUS_BASE (APR_OS_START_USERERR + 7000)

/** Bytes that do not have the form they must have (a cookie, a JSON text, a number). */
#define CS_EMALFORMED (CS_STATUS_BASE + 1)
/** Well-formed, but the signature is not ours or the key is unknown. */
#define CS_EBADSIG (CS_STATUS_BASE + 2)
/** Authentic, but its time has passed (or lies in the future by more than the allowed skew). */
#define CS_EEXPIRED (CS_STATUS_BASE + 3)
/** Larger than the limit that the caller gave. */
#define CS_ETOOBIG (CS_STATUS_BASE + 4)
/** Text that is not UTF-8, or holds a NUL, which PostgreSQL's text cannot. */
#define CS_ENOTTEXT (CS_STATUS_BASE + 5)
/** The same name twice with different values. */
#define CS_EDUPLICATE (CS_STATUS_BASE + 6)
/** The state of the object does not allow it (HTTP 409). */
#define CS_ECONFLICT (CS_STATUS_BASE + 7)
/** The database cannot be reached or gave no connection in time (HTTP 503); trying again later is right. */
#define CS_EUNAVAILABLE (CS_STATUS_BASE + 8)
/** The database refused the statement: a defect of ours or of the schema, never an empty result. */
#define CS_EDATABASE (CS_STATUS_BASE + 9)
/** Does not fit a rule for people (a password too short, a value out of range); the out-parameter says which. */
#define CS_EREFUSED (CS_STATUS_BASE + 10)
/** There are as many as there may be (HTTP 409). */
#define CS_EFULL (CS_STATUS_BASE + 11)

/** Makes the compiler insist that a result is looked at. */
#define CS_MUSTCHECK __attribute__((warn_unused_result))
#define CS_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))

/** One plain English phrase for a status of this file, or apr_strerror's for any other; buf is used for the latter. */
const char *cs_strstatus(apr_status_t status, char *buf, apr_size_t size);

#endif
