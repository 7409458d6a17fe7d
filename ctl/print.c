/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "ctl_print.h"
#include <apr_strings.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "core/json.h"
#include "core/utf8.h"

#define GAP 2

CS_PRINTF(1, 0) static void say(const char *format, va_list args)
{
    fputs("chatsessionctl: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

int ctl_fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(format, args);
    va_end(args);
    return CTL_FAILED;
}

int ctl_refuse(int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(format, args);
    va_end(args);
    return code;
}

int ctl_fail_status(const ctl_t *ctl, apr_status_t status, const char *what)
{
    char reason[120];

    if (ctl->last_error) {
        return ctl_fail("%s: %s", what, ctl->last_error);
    }
    return ctl_fail("%s: %s", what, cs_strstatus(status, reason, sizeof(reason)));
}

int ctl_print_json(json_t *value)
{
    const int rv = json_dumpf(value, stdout, JSON_INDENT(2));

    json_decref(value);
    return rv == 0 && putchar('\n') != EOF ? CTL_DONE : ctl_fail("standard output cannot be written");
}

const char *ctl_printable(const char *text, apr_pool_t *pool)
{
    char *copy = apr_pstrdup(pool, text);
    unsigned char *c;

    for (c = (unsigned char *)copy; *c; c++) {
        /* C0, DEL, and the second octet of C1 */
        if (*c < 0x20 || *c == 0x7f || (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)) {
            if (*c == 0xc2) {
                *c++ = '?';
            }
            *c = '?';
        }
    }
    return copy;
}

const char *ctl_count(apr_int64_t number, const char *noun, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%" APR_INT64_T_FMT " %s%s", number, noun, number == 1 ? "" : "s");
}

const char *ctl_cell(const json_t *value, apr_pool_t *pool)
{
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_STRING:
        return ctl_printable(json_string_value(value), pool);
    case JSON_INTEGER:
        return apr_psprintf(pool, "%" APR_INT64_T_FMT, (apr_int64_t)json_integer_value(value));
    case JSON_TRUE:
        return "yes";
    case JSON_FALSE:
        return "no";
    case JSON_NULL:
        return "-";
    default:
        return ctl_printable(cs_json_print(value, NULL, pool), pool);
    }
}

/* The member of a row, or of an object in it: "detail.lines". */
static const json_t *member_of(const json_t *row, const char *name)
{
    const char *dot = strchr(name, '.');
    char first[40];

    if (!dot) {
        return json_object_get(row, name);
    }
    apr_cpystrn(first, name,
                (apr_size_t)(dot - name) + 1 < sizeof(first) ? (apr_size_t)(dot - name) + 1 : sizeof(first));
    return member_of(json_object_get(row, first), dot + 1);
}

/* Code points: close enough to what a terminal takes for names, and never in the way of a script. */
static int width_of(const char *text)
{
    return (int)cs_utf8_count(text, strlen(text));
}

static void print_cell(const char *text, int width, bool right, bool last)
{
    const int space = last ? 0 : width - width_of(text);

    printf("%*s%s%*s%*s", right && space > 0 ? space : 0, "", text, !right && space > 0 ? space : 0, "", last ? 0 : GAP,
           "");
}

static int column_width(const json_t *rows, const ctl_column_t *column, apr_pool_t *pool)
{
    int width = width_of(column->head);
    size_t i;
    const json_t *row;

    json_array_foreach(rows, i, row)
    {
        const int own = width_of(ctl_cell(member_of(row, column->member), pool));

        width = own > width ? own : width;
    }
    return width;
}

static bool is_number(const json_t *rows, const char *member)
{
    size_t i;
    const json_t *row;

    json_array_foreach(rows, i, row)
    {
        if (json_is_string(member_of(row, member))) {
            return false;
        }
    }
    return json_array_size(rows) > 0 && json_is_integer(member_of(json_array_get(rows, 0), member));
}

void ctl_print_table(const json_t *rows, const ctl_column_t *columns, apr_pool_t *pool)
{
    int count = 0;
    int *widths;
    bool *right;
    size_t i;
    const json_t *row;

    while (columns[count].head) {
        count++;
    }
    widths = apr_pcalloc(pool, (apr_size_t)count * sizeof(*widths));
    right = apr_pcalloc(pool, (apr_size_t)count * sizeof(*right));
    for (int c = 0; c < count; c++) {
        widths[c] = column_width(rows, &columns[c], pool);
        right[c] = is_number(rows, columns[c].member);
        print_cell(columns[c].head, widths[c], right[c], c == count - 1);
    }
    putchar('\n');
    json_array_foreach(rows, i, row)
    {
        for (int c = 0; c < count; c++) {
            print_cell(ctl_cell(member_of(row, columns[c].member), pool), widths[c], right[c], c == count - 1);
        }
        putchar('\n');
    }
}

void ctl_print_facts(const json_t *object, const ctl_column_t *columns, apr_pool_t *pool)
{
    int width = 0;

    for (const ctl_column_t *column = columns; column->head; column++) {
        width = width_of(column->head) > width ? width_of(column->head) : width;
    }
    for (const ctl_column_t *column = columns; column->head; column++) {
        const json_t *value = member_of(object, column->member);

        if (value && !json_is_null(value)) {
            printf("%-*s  %s\n", width, column->head, ctl_cell(value, pool));
        }
    }
}

int ctl_print_object(const ctl_t *ctl, json_t *object, const ctl_column_t *columns, apr_pool_t *pool)
{
    if (ctl->json) {
        return ctl_print_json(object);
    }
    ctl_print_facts(object, columns, pool);
    json_decref(object);
    return CTL_DONE;
}

int ctl_print_page(const ctl_t *ctl, const char *name, json_t *rows, const char *next, const ctl_column_t *columns,
                   apr_pool_t *pool)
{
    if (next) {
        fprintf(stderr, "chatsessionctl: there are more: --after %s\n", next);
    }
    if (ctl->json) {
        return ctl_print_json(json_pack("{s:o,s:s?}", name, rows, "next", next));
    }
    ctl_print_table(rows, columns, pool);
    json_decref(rows);
    return CTL_DONE;
}

int ctl_no_such_page(void)
{
    return ctl_refuse(CTL_USAGE, "--after is not what the page before said");
}
