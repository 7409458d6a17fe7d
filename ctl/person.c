/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * One person's data: handed out, and erased. A backup that is brought back brings erased people back too; the list of
 * certificates, kept beside the backups, says whom to erase again.
 */
#include <apr_file_io.h>
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>
#include "core/json.h"
#include "ctl_print.h"
#include "ctl_user.h"
#include "store/archive.h"
#include "store/erasure.h"

#define LINE_MAX_BYTES 65536

static apr_status_t print_line(void *baton, const char *type, json_t *members, apr_pool_t *pool)
{
    json_t *line = cs_json_own(json_pack("{s:s}", "type", type), pool);
    const char *text;

    (void)baton;
    if (!line || json_object_update(line, members) || !(text = cs_json_print(line, NULL, pool))) {
        return APR_ENOMEM;
    }
    return puts(text) >= 0 ? APR_SUCCESS : APR_EGENERAL;
}

/* Everything of one person: recorded before the first line leaves. */
int ctl_user_archive(ctl_t *ctl, apr_pool_t *pool)
{
    cs_audit_entry_t entry;
    json_t *found;
    apr_status_t rv;
    const int code = ctl_make_entry(&entry, ctl, "user.archive", NULL, pool);

    if (code != CTL_DONE) {
        return code;
    }
    rv = cs_erasure_preview(&found, ctl->db, ctl->name, pool);
    if (rv == APR_ENOENT) {
        return ctl_no_such_user(ctl->name);
    }
    if (rv == APR_SUCCESS) {
        cs_json_own(found, pool);
        entry.target_user = json_string_value(json_object_get(found, "name"));
        entry.detail = json_object_get(found, "removed");
        rv = cs_audit_write(ctl->db, &entry, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = cs_archive_walk(ctl->db, json_string_value(json_object_get(found, "id")), print_line, NULL, pool);
    }
    return rv == APR_SUCCESS ? CTL_DONE : ctl_fail_status(ctl, rv, "the archive is not whole");
}

/* --- erasing --- */

static int fail_outcome(const char *who, cs_erasure_outcome_e outcome)
{
    switch (outcome) {
    case CS_ERASURE_HELD:
        return ctl_refuse(CTL_HELD, "%s: an open matter holds conversations of this user; release it first", who);
    case CS_ERASURE_CHANGED:
        return ctl_refuse(CTL_CHANGED,
                          "%s: there are more or fewer conversations or messages than that; look again without "
                          "--confirm",
                          who);
    case CS_ERASURE_LAST_ADMIN:
        return ctl_fail("%s is the last enabled administrator; make another one first", who);
    case CS_ERASURE_ABSENT:
        return ctl_no_such_user(who);
    case CS_ERASURE_DONE:
    case CS_ERASURE_BEFORE:
        break;
    }
    return CTL_DONE;
}

/* The digits that text begins with; *end is what follows. False: there are none, or too many. */
static bool read_count(apr_int64_t *count, const char **end, const char *text)
{
    const size_t digits = strspn(text, "0123456789");

    *count = apr_atoi64(text);
    *end = text + digits;
    return digits > 0 && digits <= 18;
}

/* "3/12"; false: neither. */
static bool read_counts(cs_erasure_t *erasure, const char *text)
{
    const char *end;

    return read_count(&erasure->conversations, &end, text) && *end == '/' &&
           read_count(&erasure->messages, &end, end + 1) && !*end;
}

static int show_preview(json_t *preview)
{
    const json_t *removed = json_object_get(preview, "removed");

    ctl_fail("nothing was erased; to do it: --confirm %" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT
             " --key-file FILE, with the file of ChatSessionAuditKeyFile or ChatSessionSecretFile",
             json_integer_value(json_object_get(removed, "conversations")),
             json_integer_value(json_object_get(removed, "messages")));
    return ctl_print_json(json_incref(preview));
}

int ctl_user_erase(ctl_t *ctl, apr_pool_t *pool)
{
    cs_erasure_t erasure = {.by = CTL_OPERATOR};
    cs_erasure_outcome_e outcome;
    cs_audit_entry_t entry;
    json_t *certificate;
    json_t *preview;
    int code;
    apr_status_t rv = cs_erasure_preview(&preview, ctl->db, ctl->name, pool);

    if (rv == APR_ENOENT) {
        return ctl_no_such_user(ctl->name);
    }
    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv, "the user could not be looked up");
    }
    cs_json_own(preview, pool);
    if (!ctl->confirm || ctl->dry_run) {
        return show_preview(preview);
    }
    if (!read_counts(&erasure, ctl->confirm) || !ctl->key_files) {
        return ctl_refuse(CTL_USAGE, "expected: user erase NAME --confirm CONVERSATIONS/MESSAGES --key-file FILE");
    }
    if (ctl_make_entry(&entry, ctl, "user.erase", NULL, pool) != CTL_DONE) {
        return CTL_FAILED;
    }
    erasure.user_id = json_string_value(json_object_get(preview, "id"));
    rv = cs_erasure_run(&outcome, &certificate, ctl->db, &erasure, &entry, pool);
    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv, "the user could not be erased");
    }
    code = fail_outcome(ctl->name, outcome);
    return code == CTL_DONE ? ctl_print_json(certificate) : code;
}

int ctl_erasure_show(ctl_t *ctl, apr_pool_t *pool)
{
    json_t *certificate;
    apr_status_t rv = cs_erasure_certificate(&certificate, ctl->db, ctl->id, pool);

    if (rv == APR_ENOENT) {
        return ctl_refuse(CTL_ABSENT, "nobody with this id was erased");
    }
    return rv == APR_SUCCESS ? ctl_print_json(certificate)
                             : ctl_fail_status(ctl, rv, "the certificate could not be read");
}

int ctl_erasure_list(ctl_t *ctl, apr_pool_t *pool)
{
    const char *next = NULL;
    json_t *page, *one;
    size_t i;
    apr_status_t rv;

    do {
        rv = cs_erasure_list(&page, &next, ctl->db, next, 200, pool);
        json_array_foreach(page, i, one)
        {
            puts(cs_json_print(one, NULL, pool));
        }
        json_decref(page);
    } while (rv == APR_SUCCESS && next);
    return rv == APR_SUCCESS ? CTL_DONE : ctl_fail_status(ctl, rv, "the erasures could not be read");
}

/* --- after a restore --- */

/* The user of a line; NULL: the line is no certificate. */
static const char *user_of_line(const char *text, apr_pool_t *pool)
{
    json_t *line = json_loads(text, 0, NULL);
    const char *id = json_string_value(json_object_get(line, "user_id"));

    id = id && cs_uuid_is(id) ? apr_pstrdup(pool, id) : NULL;
    json_decref(line);
    return id;
}

/* One line of the file. Whoever is here is erased; who is not is left as it is. */
static int apply_line(const ctl_t *ctl, const char *text, const cs_audit_entry_t *entry, int *erased, apr_pool_t *pool)
{
    const cs_erasure_t erasure = {.user_id = user_of_line(text, pool),
                                  .by = CTL_OPERATOR,
                                  .conversations = -1,
                                  .messages = -1};
    cs_erasure_outcome_e outcome;
    apr_status_t rv;

    if (!erasure.user_id) {
        return ctl_fail("a line of %s is no certificate as \"erasure list\" prints them", ctl->name);
    }
    rv = cs_erasure_run(&outcome, NULL, ctl->db, &erasure, entry, pool);
    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv,
                               apr_pstrcat(pool, "user ", erasure.user_id, " could not be erased again", NULL));
    }
    *erased += outcome == CS_ERASURE_DONE;
    return outcome == CS_ERASURE_ABSENT ? CTL_DONE : fail_outcome(erasure.user_id, outcome);
}

int ctl_erasure_apply(ctl_t *ctl, apr_pool_t *pool)
{
    char line[LINE_MAX_BYTES];
    cs_audit_entry_t entry;
    apr_file_t *file;
    int erased = 0, code = CTL_DONE;
    char reason[120];
    apr_status_t rv;

    if (ctl_make_entry(&entry, ctl, "user.erase", NULL, pool) != CTL_DONE) {
        return CTL_FAILED;
    }
    rv = apr_file_open(&file, ctl->name, APR_READ | APR_BUFFERED, APR_OS_DEFAULT, pool);
    if (rv != APR_SUCCESS) {
        return ctl_fail("%s cannot be read: %s", ctl->name, apr_strerror(rv, reason, sizeof(reason)));
    }
    while (apr_file_gets(line, sizeof(line), file) == APR_SUCCESS) {
        if (*line != '\n' && apply_line(ctl, line, &entry, &erased, pool) != CTL_DONE) {
            code = CTL_FAILED;
        }
    }
    apr_file_close(file);
    printf("%d erased again\n", erased);
    return code;
}
