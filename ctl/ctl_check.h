/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CTL_CHECK_H
#define CTL_CHECK_H
/*
 * What `chatsessionctl check` is made of. A check is a row of a table: its name and a function that looks at what is
 * known and adds findings. A finding is a sentence on what is and one on what to do; the same finding of two virtual
 * hosts is told once.
 */
#include <jansson.h>
#include "ctl.h"

typedef enum {
    CTL_PROBLEM, /* something is lost, open or broken, or will be */
    CTL_WARNING, /* it works until something else happens */
    CTL_ADVICE   /* it could be better */
} ctl_level_e;

typedef struct {
    const json_t *httpd;  /* all that -D CHATSESSION_SETTINGS printed */
    const json_t *server; /* the virtual host that is looked at */
    const json_t *facts;  /* of its database (store/health.h); NULL: not reached */
    const char *name;     /* of the check */
    json_t *findings;
    apr_pool_t *pool;
} ctl_look_t;

typedef void ctl_check_fn(ctl_look_t *look);

typedef struct {
    const char *name;
    ctl_check_fn *run;
    bool needs_facts;
} ctl_check_t;

extern const ctl_check_t ctl_httpd_checks[], ctl_database_checks[]; /* end with a name of NULL */

/** Add a finding: what is, and what to do. Both in pool. */
void ctl_find(ctl_look_t *look, ctl_level_e level, const char *what, const char *todo);

/** A setting of the server: a number (durations in milliseconds; 0 where there is none), or a word ("" likewise). */
apr_int64_t ctl_setting_number(const ctl_look_t *look, const char *name);
const char *ctl_setting_word(const ctl_look_t *look, const char *name);
/** A member of the database's facts. */
apr_int64_t ctl_fact_number(const ctl_look_t *look, const char *name);
bool ctl_fact(const ctl_look_t *look, const char *name);
const char *ctl_fact_word(const ctl_look_t *look, const char *name);

#endif
