/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * The phrases stand in one table in the order of the values, so that a new status without a phrase shows as a number
 * and never reads past the end.
 */
#include "core/status.h"

static const char *const phrases[] = {
    "not in the form it must have",
    "the signature is not ours",
    "its time has passed",
    "larger than the limit",
    "not UTF-8 text without NUL",
    "the same name twice with different values",
    "the state of the object does not allow it",
    "the database is unavailable",
    "the database refused the statement",
    "refused by a rule",
    "as many as there may be",
};

const char *cs_strstatus(apr_status_t status, char *buf, apr_size_t size)
{
    const int count = (int)(sizeof(phrases) / sizeof(phrases[0]));

    if (status >= CS_EMALFORMED && status - CS_EMALFORMED < count)
        return phrases[status - CS_EMALFORMED];
    if (status == APR_SUCCESS)
        return "success";
    return apr_strerror(status, buf, size);
}
