/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * The lines of an export, back into the database, a piece of whole conversations per call: a file of any size comes by
 * calls of a bounded one, and a call that is sent again adds nothing.
 */
#include "admin/admin.h"
#include "reply.h"
#include "store/import_lines.h"

/* The route bounds the body. */
#define IMPORT_LINES_MAX (8 * 1024 * 1024)

const cs_json_member_t chatsession_import_lines_members[5] = {
    {"lines", CS_JSON_STRING, CS_JSON_REQUIRED, 1, IMPORT_LINES_MAX},
    {"user", CS_JSON_STRING, CS_JSON_NULLABLE, 1, 255},
    {"dry_run", CS_JSON_BOOLEAN, CS_JSON_REQUIRED, 0, 0},
    {"first_line", CS_JSON_INTEGER, 0, 1, 1000000000000},
    {"complete", CS_JSON_BOOLEAN, 0, 0, 0},
};

enum { LINES, USER, DRY_RUN, FIRST_LINE, COMPLETE };

static json_t *problems_json(const cs_import_piece_t *piece, apr_pool_t *pool)
{
    json_t *problems = json_array();

    for (int i = 0; i < piece->problems->nelts; i++) {
        const cs_import_problem_t *problem = &APR_ARRAY_IDX(piece->problems, i, cs_import_problem_t);

        json_array_append_new(problems, json_pack("{s:I,s:s,s:s?,s:s}", "line", (json_int_t)problem->line, "problem",
                                                  cs_import_problem_name(problem->kind), "value", problem->value,
                                                  "detail", cs_import_problem_text(problem, pool)));
    }
    return problems;
}

int chatsession_admin_import(chatsession_call_t *call)
{
    const cs_json_field_t *fields = call->fields;
    apr_pool_t *pool = call->r->pool;
    cs_import_piece_t *piece =
        cs_import_piece_make(fields[FIRST_LINE].given ? (long)fields[FIRST_LINE].integer : 1, pool);
    const cs_audit_entry_t entry = chatsession_audit_entry(call, "conversation.import", NULL);
    const cs_import_how_t how = {fields[USER].string, fields[DRY_RUN].boolean, &entry};
    cs_imported_t imported;
    apr_status_t rv;
    int answer;

    if (!how.dry_run && !chatsession_admin_is_fresh(call, &answer)) {
        return answer;
    }
    cs_import_piece_add_all(piece, fields[LINES].string, fields[LINES].length);
    if (fields[COMPLETE].given && !fields[COMPLETE].boolean) {
        cs_import_piece_finish(piece);
    }
    rv = cs_import_lines(&imported, piece, call->conf->db, &how, pool);
    if (rv != APR_SUCCESS) {
        return chatsession_reply_status(call->r, rv);
    }
    return chatsession_reply_json(call->r, HTTP_OK,
                                  json_pack("{s:b,s:{s:I,s:I},s:{s:I,s:I},s:I,s:o}", "dry_run", how.dry_run,
                                            "conversations", "made", (json_int_t)imported.made, "there",
                                            (json_int_t)imported.there, "messages", "made",
                                            (json_int_t)imported.messages_made, "there",
                                            (json_int_t)imported.messages_there, "problem_count",
                                            (json_int_t)piece->problem_count, "problems", problems_json(piece, pool)));
}
