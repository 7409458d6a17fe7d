/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * The commands. A command is a row of the table: its words, its operands, its arguments as they are shown, its line of
 * help, its function. The arguments say which options it takes (ctl_options.h), so a page of help cannot say otherwise
 * than the program does.
 */
#include "ctl_commands.h"
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>
#include "core/json.h"
#include "ctl_options.h"

#define ACQUIRE_TIMEOUT apr_time_from_sec(30)
#define CONNECTIONS 2 /* an export reads by one and says by the other how far it is */

typedef enum {
    NOTHING,
    NAME,      /* one word: a name or a file */
    NAME_ROLE, /* two words */
    ID,        /* a UUID */
    IDS,       /* any number of UUIDs */
    WORDS      /* any number of words */
} operands_e;

typedef struct {
    const char *noun, *verb; /* verb "": the noun alone is the command */
    operands_e operands;
    const char *arguments;
    const char *help;
    ctl_command_fn *run;
    bool no_database;
} command_t;

#define PASSWORD "(--password-stdin | --random-password)"
#define KEY "[--key-file FILE]"
#define PAGE "[--limit N] [--after NEXT] [--json]"
#define COUNTED "[--dry-run | --confirm N]"
#define LIMITS "[--max-turns N] [--max-requests N] [--max-tokens N]"
#define RULE "SUBJECT [VALUE] --keep DAYS [--clock WORD] [--pinned-too] " COUNTED " [--json] " KEY
#define ENTRIES "[--operator NAME] [--action WORD] [--user NAME] [--conversation ID] [--from WHEN] [--to WHEN]"

/* clang-format off */
static const command_t commands[] = {
    {"setup", "", NOTHING, "[--as USER] [--operator NAME] [--backend \"NAME URL ...\"] [--httpd-user USER] [--folder DIR] [--dir DIR]",
     "make what a chat needs: database, roles, schema, httpd's way in, secret, configuration, administrator", ctl_setup, true},
    {"check", "", NOTHING, "[--httpd COMMAND | --settings FILE] [--json]",
     "look over a running set-up and say what to change and why; changes nothing", ctl_check, true},
    {"schema", "apply", NOTHING, "[--dir DIR]", "bring the database to the last step in DIR", ctl_schema_apply, false},
    {"schema", "status", NOTHING, "[--dir DIR]", "compare the database with DIR", ctl_schema_status, false},
    {"overview", "", NOTHING, "[--json]", "how much there is and what is going on, out of the database", ctl_overview, false},
    {"conversation", "list", NOTHING, "[FILTER] [--sort WORD] [--order WORD] [--metadata] " PAGE " " KEY,
     "everybody's conversations; with --query a search, which is recorded", ctl_conversation_list, false},
    {"conversation", "show", ID, "ID (--reason TEXT | --metadata) [--json] " KEY,
     "one with all that was said in it, which is recorded", ctl_conversation_show, false},
    {"conversation", "expire", IDS, "(ID... | FILTER) " COUNTED " [--job] [--grace TIME] [--reason TEXT] [--json] " KEY,
     "out of sight now, purged after the grace: say how many, and with --confirm do it; more than 1000 by a job",
     ctl_conversation_expire, false},
    {"conversation", "restore", IDS, "ID... [--reason TEXT] [--json] " KEY, "back out of the trash", ctl_conversation_restore, false},
    {"conversation", "purge", IDS, "ID... " COUNTED " [--reason TEXT] [--json] " KEY,
     "out of the trash for ever, before the grace is over: say how many, and with --confirm do it", ctl_conversation_purge, false},
    {"conversation", "tag", IDS, "ID... [--add TAG]... [--remove TAG]... [--json] " KEY, "put tags on and take others off",
     ctl_conversation_tag, false},
    {"feedback", "list", NOTHING,
     "[--feedback WORD] [--user NAME] [--model MODEL] [--from WHEN] [--to WHEN] " PAGE " " KEY,
     "what users said of answers, newest first, which is recorded", ctl_feedback_list, false},
    {"hold", "list", NOTHING, "[--all] " PAGE, "the open matters and what they hold; --all: released ones too", ctl_hold_list, false},
    {"hold", "show", ID, "MATTER [--json]", "one matter with what it holds", ctl_hold_show, false},
    {"hold", "open", NAME, "NAME --reason TEXT [FILTER] [--custodian NAME]... [--json] " KEY,
     "make a matter that holds what FILTER chooses now, and all of its custodians from now on", ctl_hold_open, false},
    {"hold", "add", IDS, "MATTER (ID... | FILTER | --custodian NAME)... [--reason TEXT] [--json] " KEY, "hold more in a matter",
     ctl_hold_add, false},
    {"hold", "release", ID, "MATTER --reason TEXT [--json] " KEY, "from now on the rules count again", ctl_hold_release, false},
    {"retention", "list", NOTHING, "[--json]", "how long conversations are kept", ctl_retention_list, false},
    {"retention", "add", WORDS, RULE,
     "a rule for a tag, user, model or role (VALUE), or for everyone: say what a run would take, and with --confirm add it",
     ctl_retention_add, false},
    {"retention", "change", WORDS, "ID " RULE, "another rule in place of one, likewise", ctl_retention_change, false},
    {"retention", "remove", ID, "ID " COUNTED " [--json] " KEY, "take a rule away, likewise", ctl_retention_remove, false},
    {"retention", "explain", ID, "ID [--json]", "why is this conversation kept, and when does it go?", ctl_retention_explain, false},
    {"retention", "run", NOTHING, "[--dry-run] [--grace TIME] [--json] " KEY, "expire what the rules end, now and to the end; recorded where FILE is given",
     ctl_retention_run, false},
    {"job", "list", NOTHING, "[--kind WORD] " PAGE, "expiries and runs of the rules, newest first", ctl_job_list, false},
    {"job", "show", ID, "ID [--json]", "how far it is, or how it ended", ctl_job_show, false},
    {"job", "cancel", ID, "ID [--json] " KEY, "no further batch of it; what was expired stays so, and can be restored",
     ctl_job_cancel, false},
    {"export", "make", IDS, "[ID... | FILTER] [--format WORD] [--gzip] [--output FILE] [--manifest FILE] [--reason TEXT] " KEY,
     "conversations with all that was said, to a new file or standard output, which is recorded", ctl_export_make, false},
    {"export", "list", NOTHING, PAGE, "who exported what, newest first", ctl_export_list, false},
    {"export", "show", ID, "ID [--json]", "how far it is, or what it was", ctl_export_show, false},
    {"export", "manifest", ID, "ID", "what stands beside its file, as JSON", ctl_export_manifest, false},
    {"export", "cancel", ID, "ID [--json] " KEY, "end it, whoever reads it", ctl_export_cancel, false},
    {"export", "verify", WORDS, "FILE... [--manifest FILE] [--sha256 HEX]",
     "is an exported file, compressed or in parts too, whole? By its last line, its manifest, or the audit log's digest",
     ctl_export_verify, true},
    {"import", "", WORDS, "FILE... (--key-file FILE | --dry-run) [--user NAME]",
     "take an export as JSON lines in, with all ids; what is there stays; --user: whose it becomes", ctl_import, false},
    {"user", "add", NAME, "NAME --role ROLE " PASSWORD " " KEY, "make a user", ctl_user_add, false},
    {"user", "invite", NAME, "NAME --role ROLE " KEY,
     "print a token with which NAME, made where missing, sets the own password: once, within the hour", ctl_user_invite, false},
    {"user", "list", NOTHING, "[--query TEXT] [--role ROLE] [--state WORD] " PAGE, "users by name; --query: a part of it",
     ctl_user_list, false},
    {"user", "show", NAME, "NAME [--json]", "one user and the sessions that were not ended", ctl_user_show, false},
    {"user", "disable", NAME, "NAME " KEY, "no login any more; ends the user's sessions", ctl_user_disable, false},
    {"user", "enable", NAME, "NAME " KEY, "undo disable", ctl_user_enable, false},
    {"user", "password", NAME, "NAME " PASSWORD " " KEY, "set a password; ends the user's sessions", ctl_user_password, false},
    {"user", "role", NAME_ROLE, "NAME ROLE " KEY, "give another role; ends the user's sessions", ctl_user_role, false},
    {"user", "limits", NAME, "NAME " LIMITS " " KEY, "the user's own limits in place of the configured ones", ctl_user_limits, false},
    {"user", "second-factor", NAME_ROLE, "reset NAME " KEY, "take the second factor away; ends the user's sessions",
     ctl_user_second_factor, false},
    {"user", "archive", NAME, "NAME [--reason TEXT] " KEY, "all that is here of a user, as JSON lines on standard output, which is recorded",
     ctl_user_archive, false},
    {"user", "erase", NAME, "NAME [--dry-run | --confirm CONVERSATIONS/MESSAGES] [--reason TEXT] " KEY,
     "what an erasure would take; with --confirm: erase, and print the certificate", ctl_user_erase, false},
    {"erasure", "list", NOTHING, "", "the certificates of all erasures as JSON lines: keep them beside the backups",
     ctl_erasure_list, false},
    {"erasure", "show", ID, "USER_ID", "the certificate of one", ctl_erasure_show, false},
    {"erasure", "apply", NAME, "FILE " KEY, "after a restore: erase again whom FILE, from erasure list, names", ctl_erasure_apply, false},
    {"session", "list", NOTHING, "[--user NAME] [--json]", "the sessions that were not ended", ctl_session_list, false},
    {"session", "revoke", WORDS, "(REF... | --user NAME | --all) " KEY, "end sessions at once, on every host", ctl_session_revoke, false},
    {"view", "list", NOTHING, "--user NAME [--json]", "an operator's saved lists, and those that others share", ctl_view_list, false},
    {"view", "save", NAME, "NAME --user NAME --list QUERY [--shared] " KEY, "give a list a name, as that operator", ctl_view_save, false},
    {"view", "delete", ID, "ID --user NAME " KEY, "take one of that operator's away", ctl_view_delete, false},
    {"audit", "list", NOTHING, ENTRIES " " PAGE, "what operators did, newest first", ctl_audit_list, false},
    {"audit", "export", NOTHING, ENTRIES " " KEY, "the same as JSON lines with their seals, oldest first, which is recorded",
     ctl_audit_export, false},
    {"audit", "verify", NOTHING, "--key-file FILE... [--anchor SEQ:SEAL] [--json]", "is the audit log whole?", ctl_audit_verify, false},
    {"secret", "new", NAME, "FILE", "make a file with a secret that signs cookies", ctl_secret_new, true},
    {"secret", "rotate", NAME, "FILE", "make the secret that will follow FILE, and say what to do with it", ctl_secret_rotate, true},
    {"sweep", "", NOTHING, "[--turn-silence TIME] [--idle-timeout TIME] [--max-lifetime TIME]",
     "one pass of housekeeping: dead answers, conversations to be purged, old sessions and attempts to log in", ctl_sweep, false},
};
/* clang-format on */
#define COMMANDS ((int)(sizeof(commands) / sizeof(commands[0])))

void ctl_commands_print(void)
{
    printf("chatsessionctl [--database CONNINFO] COMMAND\n\nCommands:\n");
    for (int i = 0; i < COMMANDS; i++) {
        printf("  %s%s%s %s\n      %s\n", commands[i].noun, *commands[i].verb ? " " : "", commands[i].verb,
               commands[i].arguments, commands[i].help);
    }
    printf("\nFILTER    any of the options that choose conversations; what changes something wants at least one\n"
           "TIME      a number with ms, s, min, h or d\n"
           "--        before the first REF, where one begins with \"-\"\n\nOptions:\n");
    ctl_options_print();
    printf("\nExit code: 0 done; 1 failed, or refused for what the sentence says; 2 wrong usage; 3 there is no such\n"
           "thing; 4 an open matter holds it; 5 there is more or less than --confirm says.\n");
}

/* verb may be NULL: there is only one word. */
static const command_t *find_command(const char *noun, const char *verb)
{
    for (int i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].noun, noun) == 0 &&
            (!*commands[i].verb || (verb && strcmp(commands[i].verb, verb) == 0))) {
            return &commands[i];
        }
    }
    return NULL;
}

static bool takes_so_many(const command_t *command, int count)
{
    static const int numbers[] = {[NOTHING] = 0, [NAME] = 1, [NAME_ROLE] = 2, [ID] = 1, [IDS] = -1, [WORDS] = -1};

    return numbers[command->operands] < 0 || numbers[command->operands] == count;
}

/* Where the operands go; false: one that must be an id is none. */
static bool keep_operands(ctl_t *ctl, const command_t *command, char **words, int count)
{
    ctl->operands = words;
    ctl->operand_count = count;
    ctl->name = command->operands == NAME || command->operands == NAME_ROLE ? words[0] : ctl->filter.user;
    ctl->role = command->operands == NAME_ROLE ? words[1] : ctl->role;
    ctl->id = command->operands == ID ? words[0] : NULL;
    for (int i = 0; i < count && (command->operands == ID || command->operands == IDS); i++) {
        if (!cs_uuid_is(words[i])) {
            ctl_usage("not an id:", words[i]);
            return false;
        }
    }
    return true;
}

static void keep_error(void *baton, int level, const char *number, const char *message)
{
    ctl_t *ctl = baton;
    static char kept[1200];

    if (level <= 4) {
        apr_snprintf(kept, sizeof(kept), "%s (%s)", message, number);
        ctl->last_error = kept;
    }
}

int ctl_open_database(ctl_t *ctl, apr_pool_t *pool)
{
    const cs_db_config_t config = {ctl->database, CONNECTIONS, ACQUIRE_TIMEOUT, 0, keep_error, ctl};
    const char *problem;
    apr_status_t rv = cs_db_init(&problem, pool);

    if (rv != APR_SUCCESS) {
        return ctl_fail("%s", problem);
    }
    rv = cs_db_create(&ctl->db, &config, pool);
    return rv == APR_SUCCESS ? CTL_DONE : ctl_fail_status(ctl, rv, "the database cannot be used");
}

static int connect_and_run(const command_t *command, ctl_t *ctl, apr_pool_t *pool)
{
    int code = CTL_DONE;

    if (!command->no_database) {
        if (!ctl->database) {
            return ctl_usage("no database: give --database CONNINFO or set CHATSESSION_DATABASE", NULL);
        }
        code = ctl_open_database(ctl, pool);
    }
    return code == CTL_DONE ? command->run(ctl, pool) : code;
}

int ctl_commands_run(ctl_t *ctl, char **words, apr_pool_t *pool)
{
    const command_t *command;
    int count = 0, own;

    while (words[count]) {
        count++;
    }
    command = count ? find_command(words[0], words[1]) : NULL;
    if (!command) {
        return count < 2 ? ctl_usage("no command", NULL)
                         : ctl_usage("no such command:", apr_pstrcat(pool, words[0], " ", words[1], NULL));
    }
    own = *command->verb ? 2 : 1;
    if (!takes_so_many(command, count - own) || ctl_options_problem(ctl, command->arguments)) {
        return ctl_usage("expected:",
                         apr_pstrcat(pool, command->noun, " ", command->verb, " ", command->arguments, NULL));
    }
    return keep_operands(ctl, command, words + own, count - own) ? connect_and_run(command, ctl, pool) : CTL_USAGE;
}
