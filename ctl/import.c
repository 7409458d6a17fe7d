/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * The operators' export as JSON lines, back into a database. It is read once, a conversation at a time; what is wrong
 * with a line is said with its number and the rest goes on.
 */
#include <apr_strings.h>
#include <apr_tables.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include "ctl.h"
#include "ctl_source.h"
#include "store/import_lines.h"

typedef struct {
    ctl_t *ctl;
    json_t *conversation;         /* that is being read; NULL: none */
    const char *text;             /* of its line, as it stands: a number is not to be read and written anew */
    apr_array_header_t *messages; /* the texts of theirs */
    long line, first;             /* the line that was read last; that of the conversation */
    long made, there, failed;
    apr_int64_t messages_made, messages_there;
    bool ended;
    apr_pool_t *pool; /* of one conversation */
} import_t;

static void complain(import_t *import, long line, const char *what)
{
    import->failed++;
    ctl_fail("line %ld: %s", line, what);
}

static const char *reason_of(const import_t *import, apr_status_t rv)
{
    char buffer[120];

    if (rv == APR_ENOENT) {
        return import->ctl->name
                   ? "there is no such user as --user names"
                   : apr_pstrcat(import->pool, "there is no user ",
                                 ctl_printable(json_string_value(json_object_get(import->conversation, "user")),
                                               import->pool),
                                 ": make one, or give --user", NULL);
    }
    if (rv == CS_ECONFLICT) {
        return "something else, or somebody else's, has the id of this conversation or of a message of it; it was left "
               "out";
    }
    if (rv == CS_EDATABASE) {
        return apr_pstrcat(import->pool, "this conversation or a message of it is not as an export has it: SQLSTATE ",
                           cs_db_last_sqlstate(), NULL);
    }
    return apr_pstrdup(import->pool, cs_strstatus(rv, buffer, sizeof(buffer)));
}

/* The conversation that was read is over: store it. */
static void store(import_t *import)
{
    cs_import_lines_t lines = {.user = import->ctl->name, .dry_run = import->ctl->dry_run};
    cs_imported_t imported;
    apr_status_t rv;

    if (!import->conversation) {
        return;
    }
    lines.conversation = import->text;
    lines.messages = apr_pstrcat(import->pool, "[", apr_array_pstrcat(import->pool, import->messages, ','), "]", NULL);
    rv = cs_import_lines(&imported, import->ctl->db, &lines, import->pool);
    if (rv == APR_SUCCESS) {
        *(imported.made ? &import->made : &import->there) += 1;
        import->messages_made += imported.messages_made;
        import->messages_there += imported.messages_there;
    } else {
        complain(import, import->first, reason_of(import, rv));
    }
    json_decref(import->conversation);
    import->conversation = NULL;
    apr_pool_clear(import->pool);
}

static const char *member(const json_t *line, const char *name)
{
    const char *text = json_string_value(json_object_get(line, name));

    return text ? text : "";
}

/* One line, whose reference is taken, and its text. */
static void take_line(import_t *import, json_t *line, const char *text, apr_size_t len)
{
    const char *type = member(line, "type");

    if (!strcmp(type, "message")) {
        if (import->conversation && !strcmp(member(line, "conversation_id"), member(import->conversation, "id"))) {
            APR_ARRAY_PUSH(import->messages, const char *) = apr_pstrmemdup(import->pool, text, len);
        } else {
            complain(import, import->line, "a message without its conversation before it");
        }
        json_decref(line);
        return;
    }
    store(import);
    if (!strcmp(type, "conversation") && json_is_string(json_object_get(line, "user"))) {
        import->conversation = line;
        import->text = apr_pstrmemdup(import->pool, text, len);
        import->messages = apr_array_make(import->pool, 16, sizeof(const char *));
        import->first = import->line;
        return;
    }
    import->ended = !strcmp(type, "end");
    if (!import->ended) {
        complain(import, import->line, "neither a conversation nor a message of an export");
    }
    json_decref(line);
}

static apr_status_t read_lines(import_t *import, ctl_source_t *source)
{
    const char *text;
    apr_size_t len;
    apr_status_t rv;

    while ((rv = ctl_source_line(source, &text, &len)) == APR_SUCCESS) {
        json_t *line = json_loadb(text, len, 0, NULL);

        import->line++;
        import->ended = false;
        if (line) {
            take_line(import, line, text, len);
        } else {
            complain(import, import->line, "no JSON: this is no export as JSON lines, or it was cut here");
        }
    }
    return rv == APR_EOF ? APR_SUCCESS : rv;
}

int ctl_import(ctl_t *ctl, apr_pool_t *pool)
{
    import_t import = {.ctl = ctl};
    char reason[120];
    ctl_source_t *source;
    apr_status_t rv;
    int answer;

    if (!ctl->operand_count) {
        return ctl_fail("no FILE to import");
    }
    answer = ctl_source_open(&source, ctl->operands, ctl->operand_count, pool);
    if (answer != CTL_DONE) {
        return answer;
    }
    apr_pool_create(&import.pool, pool);
    rv = read_lines(&import, source);
    if (rv == APR_SUCCESS && import.ended) {
        store(&import);
    } else if (import.conversation) {
        complain(&import, import.first, "the file ends in the middle of this conversation, which was left out");
        json_decref(import.conversation);
    }
    printf("%s%ld conversations (%ld were there), %" APR_INT64_T_FMT " messages (%" APR_INT64_T_FMT " were there), "
           "%ld problems\n",
           ctl->dry_run ? "would import " : "imported ", import.made, import.there, import.messages_made,
           import.messages_there, import.failed);
    if (rv != APR_SUCCESS) {
        return ctl_fail("%s cannot be read to its end: %s", ctl->operands[0], cs_strstatus(rv, reason, sizeof(reason)));
    }
    if (!import.ended) {
        return ctl_fail("%s has no last line: it was cut", ctl->operands[0]);
    }
    return import.failed ? CTL_FAILED : CTL_DONE;
}
