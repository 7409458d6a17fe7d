/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * The operators' export as JSON lines, back into a database. It is read once, a piece of whole conversations at a time;
 * what is wrong with a line is said with its number and the rest goes on. Each piece has its entry in the audit log.
 */
#include <stdio.h>
#include "ctl_print.h"
#include "ctl_source.h"
#include "store/import_lines.h"

/* A conversation that begins after so many octets goes into the next piece. */
#define PIECE (1024 * 1024)

typedef struct {
    const ctl_t *ctl;
    cs_import_piece_t *piece;
    cs_audit_entry_t entry;
    cs_imported_t imported; /* by all pieces before */
    long failed;
    apr_pool_t *pool; /* of one piece */
} import_t;

static void say_problems(const cs_import_piece_t *piece, apr_pool_t *pool)
{
    for (int i = 0; i < piece->problems->nelts; i++) {
        const cs_import_problem_t *problem = &APR_ARRAY_IDX(piece->problems, i, cs_import_problem_t);

        ctl_fail("line %ld: %s", problem->line, ctl_printable(cs_import_problem_text(problem, pool), pool));
    }
    if (piece->problem_count > piece->problems->nelts) {
        ctl_fail("and %ld more until line %ld", piece->problem_count - piece->problems->nelts, piece->line);
    }
}

/* Store what is read, and begin the next piece. */
static apr_status_t store(import_t *import)
{
    const cs_import_how_t how = {import->ctl->name, import->ctl->dry_run, &import->entry};
    const long next = import->piece->line + 1;
    cs_imported_t imported;
    const apr_status_t rv = cs_import_lines(&imported, import->piece, import->ctl->db, &how, import->pool);

    say_problems(import->piece, import->pool);
    import->failed += import->piece->problem_count;
    if (rv == APR_SUCCESS) {
        import->imported.made += imported.made;
        import->imported.there += imported.there;
        import->imported.messages_made += imported.messages_made;
        import->imported.messages_there += imported.messages_there;
    }
    apr_pool_clear(import->pool);
    import->piece = cs_import_piece_make(next, import->pool);
    return rv;
}

static apr_status_t add_line(import_t *import, const char *text, apr_size_t len)
{
    apr_status_t rv = cs_import_piece_add(import->piece, text, len, PIECE);

    if (APR_STATUS_IS_EAGAIN(rv)) {
        rv = store(import);
        rv = rv == APR_SUCCESS ? cs_import_piece_add(import->piece, text, len, 0) : rv;
    }
    return rv;
}

static int report(const import_t *import)
{
    return printf("%s%" APR_INT64_T_FMT " conversations (%" APR_INT64_T_FMT " were there), %" APR_INT64_T_FMT
                  " messages (%" APR_INT64_T_FMT " were there), %ld problems\n",
                  import->ctl->dry_run ? "would import " : "imported ", import->imported.made, import->imported.there,
                  import->imported.messages_made, import->imported.messages_there, import->failed);
}

/* Until the file is over, or a piece could not be stored. *ended: its last line was read. */
static int import_all(bool *ended, import_t *import, ctl_source_t *source)
{
    char reason[120];
    const char *text;
    apr_size_t len;
    apr_status_t read, rv = APR_SUCCESS;

    *ended = false;
    while (rv == APR_SUCCESS && (read = ctl_source_line(source, &text, &len)) == APR_SUCCESS) {
        rv = add_line(import, text, len);
    }
    if (rv == APR_SUCCESS) {
        *ended = import->piece->ended;
        cs_import_piece_finish(import->piece);
        rv = store(import);
    }
    report(import);
    if (rv != APR_SUCCESS) {
        return ctl_fail_status(import->ctl, rv, "not all could be stored; import the file again, what is there stays");
    }
    return read == APR_EOF ? CTL_DONE
                           : ctl_fail("%s cannot be read to its end: %s", import->ctl->operands[0],
                                      cs_strstatus(read, reason, sizeof(reason)));
}

int ctl_import(ctl_t *ctl, apr_pool_t *pool)
{
    import_t import = {.ctl = ctl};
    ctl_source_t *source;
    bool ended;
    int answer;

    if (!ctl->operand_count) {
        return ctl_fail("no FILE to import");
    }
    if (!ctl->dry_run && !ctl->key_files) {
        ctl_fail("expected: import FILE... --key-file FILE, with the file of ChatSessionAuditKeyFile or "
                 "ChatSessionSecretFile, whose key seals the entry in the audit log; or --dry-run");
        return CTL_USAGE;
    }
    if (!ctl->dry_run && ctl_make_entry(&import.entry, ctl, "conversation.import", NULL, pool) != CTL_DONE) {
        return CTL_FAILED;
    }
    answer = ctl_source_open(&source, ctl->operands, ctl->operand_count, pool);
    if (answer != CTL_DONE) {
        return answer;
    }
    apr_pool_create(&import.pool, pool);
    import.piece = cs_import_piece_make(1, import.pool);
    answer = import_all(&ended, &import, source);
    if (answer == CTL_DONE && !ended) {
        return ctl_fail("%s has no last line: it was cut", ctl->operands[0]);
    }
    return answer == CTL_DONE && import.failed ? CTL_FAILED : answer;
}
