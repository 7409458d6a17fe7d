/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CTL_PRINT_H
#define CTL_PRINT_H
/*
 * What commands print: tables for people, what the API shows for scripts (--json). Nothing that comes from the database
 * can move a terminal's cursor.
 */
#include <jansson.h>
#include "ctl.h"

/** A column: what stands above it, and the member of the rows that it shows. A member may be one of an object in the
 * row: "detail.lines". */
typedef struct {
    const char *head;
    const char *member;
} ctl_column_t;

/** The rows as a table whose columns are as wide as they must be; numbers stand on the right. Columns end with a head
 * of NULL. The caller keeps rows. */
void ctl_print_table(const json_t *rows, const ctl_column_t *columns, apr_pool_t *pool);

/** The members of one object, a line each; those that are null are left out. The caller keeps it. */
void ctl_print_facts(const json_t *object, const ctl_column_t *columns, apr_pool_t *pool);
/** An object, as JSON or by those facts. Takes the reference. */
int ctl_print_object(const ctl_t *ctl, json_t *object, const ctl_column_t *columns, apr_pool_t *pool);

/** A page of rows: {"name": rows, "next"} as JSON, or a table; and where the next page begins, if there is one. Takes
 * the reference. */
int ctl_print_page(const ctl_t *ctl, const char *name, json_t *rows, const char *next, const ctl_column_t *columns,
                   apr_pool_t *pool);

/** --after was none of ours; CTL_USAGE. */
int ctl_no_such_page(void);

/** value on standard output as JSON; takes the reference. */
int ctl_print_json(json_t *value);
/** text without what could move a terminal's cursor: control characters become "?". */
const char *ctl_printable(const char *text, apr_pool_t *pool);
/** What a cell says of a value: "-" for null, printable. */
const char *ctl_cell(const json_t *value, apr_pool_t *pool);
/** "1 conversation", "2 conversations": a number and a noun. */
const char *ctl_count(apr_int64_t number, const char *noun, apr_pool_t *pool);
/** A session's table; the caller keeps the reference. */
void ctl_print_sessions(const json_t *sessions, apr_pool_t *pool);

#endif
