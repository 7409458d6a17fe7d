/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * chatsessionctl: schema, users, sessions, secrets and housekeeping from the command line. A command is a row of the
 * table: its words, its operands, the options that it takes and needs, its line of help, its function. Usage text and
 * checks come from the rows.
 */
#include <apr_general.h>
#include <apr_strings.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/duration.h"
#include "core/version.h"
#include "ctl.h"

#define ACQUIRE_TIMEOUT apr_time_from_sec(30)

enum {
    TAKES_DIR = 1,
    TAKES_ROLE = 2, /* and needs it */
    TAKES_PASSWORD = 4,
    TAKES_JSON = 8,
    TAKES_USER = 16,
    TAKES_ALL = 32,
    TAKES_TIMES = 64,
    NO_DATABASE = 128,
    TAKES_GRACE = 256,
    TAKES_KEYS = 512,
    TAKES_SHA256 = 1024,
    TAKES_SETUP = 1 << 20,
    TAKES_HTTPD = 1 << 21,
    TAKES_CONFIRM = 2048,
    TAKES_DRY_RUN = 4096,
};

#define ANY_NUMBER (-1)
/* The longest time-outs that httpd can be told: what they end, no server has left. */
#define LONGEST_TIMEOUT (400 * apr_time_from_sec(86400))
#define TRASH_GRACE (30 * apr_time_from_sec(86400))
#define TURN_SILENCE apr_time_from_sec(10)

typedef struct {
    const char *noun, *verb; /* verb "": the noun alone is the command */
    int operands;            /* 0; 1: NAME; 2: NAME ROLE; ANY_NUMBER */
    int options;
    const char *arguments;
    const char *help;
    ctl_command_fn *run;
} command_t;

#define PASSWORD_ARGUMENTS "(--password-stdin | --random-password)"

static const command_t commands[] = {
    {"setup", "", 0, NO_DATABASE | TAKES_SETUP | TAKES_DIR,
     "[--as USER] [--operator NAME] [--backend \"NAME URL ...\"] [--httpd-user USER] [--folder DIR] [--dir DIR]",
     "make what a chat needs: database, roles, schema, httpd's way in, secret, configuration, administrator",
     ctl_setup},
    {"check", "", 0, NO_DATABASE | TAKES_HTTPD | TAKES_JSON, "[--httpd COMMAND | --settings FILE] [--json]",
     "look over a running set-up and say what to change and why; changes nothing", ctl_check},
    {"schema", "apply", 0, TAKES_DIR, "[--dir DIR]", "bring the database to the last step in DIR", ctl_schema_apply},
    {"schema", "status", 0, TAKES_DIR, "[--dir DIR]", "compare the database with DIR", ctl_schema_status},
    {"user", "add", 1, TAKES_ROLE | TAKES_PASSWORD, "NAME --role ROLE " PASSWORD_ARGUMENTS, "make a user",
     ctl_user_add},
    {"user", "invite", 1, TAKES_ROLE | TAKES_KEYS, "NAME --role ROLE [--key-file FILE]",
     "print a token with which NAME, made where missing, sets the own password: once, within the hour",
     ctl_user_invite},
    {"user", "list", 0, TAKES_JSON, "[--json]", "all users", ctl_user_list},
    {"user", "show", 1, TAKES_JSON, "NAME [--json]", "one user and the sessions that were not ended", ctl_user_show},
    {"user", "disable", 1, 0, "NAME", "no login any more; ends the user's sessions", ctl_user_disable},
    {"user", "enable", 1, 0, "NAME", "undo disable", ctl_user_enable},
    {"user", "password", 1, TAKES_PASSWORD, "NAME " PASSWORD_ARGUMENTS, "set a password; ends the user's sessions",
     ctl_user_password},
    {"user", "role", 2, 0, "NAME ROLE", "give another role; ends the user's sessions", ctl_user_role},
    {"user", "second-factor", 2, 0, "reset NAME", "take the second factor away; ends the user's sessions",
     ctl_user_second_factor},
    {"user", "archive", 1, 0, "NAME", "all that is here of a user, as JSON lines on standard output", ctl_user_archive},
    {"user", "erase", 1, TAKES_CONFIRM | TAKES_KEYS, "NAME [--confirm CONVERSATIONS/MESSAGES --key-file FILE]",
     "what an erasure would take; with --confirm: erase, and print the certificate", ctl_user_erase},
    {"erasure", "list", 0, 0, "", "the certificates of all erasures as JSON lines: keep them beside the backups",
     ctl_erasure_list},
    {"erasure", "apply", 1, TAKES_KEYS, "FILE --key-file FILE",
     "after a restore: erase again whom FILE, from erasure list, names", ctl_erasure_apply},
    {"session", "list", 0, TAKES_USER | TAKES_JSON, "[--user NAME] [--json]", "the sessions that were not ended",
     ctl_session_list},
    {"session", "revoke", ANY_NUMBER, TAKES_USER | TAKES_ALL, "(REF... | --user NAME | --all)",
     "end sessions at once, on every host", ctl_session_revoke},
    {"secret", "new", 1, NO_DATABASE, "FILE", "make a file with a secret that signs cookies", ctl_secret_new},
    {"secret", "rotate", 1, NO_DATABASE, "FILE", "make the secret that will follow FILE, and say what to do with it",
     ctl_secret_rotate},
    {"sweep", "", 0, TAKES_TIMES, "[--turn-silence TIME] [--idle-timeout TIME] [--max-lifetime TIME]",
     "one pass of housekeeping: dead answers, conversations to be purged, old sessions and attempts to log in",
     ctl_sweep},
    {"hold", "list", 0, TAKES_ALL | TAKES_JSON, "[--all] [--json]",
     "the open matters and what they hold; --all: released ones too", ctl_hold_list},
    {"retention", "list", 0, TAKES_JSON, "[--json]", "how long conversations are kept", ctl_retention_list},
    {"retention", "run", 0, TAKES_GRACE, "[--grace TIME]", "expire what the rules end, now and to the end",
     ctl_retention_run},
    {"audit", "verify", 0, TAKES_KEYS | TAKES_JSON, "--key-file FILE... [--anchor SEQ:SEAL] [--json]",
     "is the audit log whole? FILE as ChatSessionAuditKeyFile or ChatSessionSecretFile", ctl_audit_verify},
    {"export", "verify", ANY_NUMBER, TAKES_SHA256 | NO_DATABASE, "FILE... [--manifest FILE] [--sha256 HEX]",
     "is an exported file, compressed or in parts too, whole? By its last line, its manifest, or the audit log's "
     "digest",
     ctl_export_verify},
    {"import", "", ANY_NUMBER, TAKES_DRY_RUN | TAKES_USER | TAKES_KEYS,
     "FILE... (--key-file FILE | --dry-run) [--user NAME]",
     "take an export as JSON lines in, with all ids; what is there stays; --user: whose it becomes", ctl_import},
    {"job", "list", 0, TAKES_JSON, "[--json]", "expiries and runs of the rules, newest first", ctl_job_list},
};

static void print_help(void)
{
    apr_size_t i;

    printf("chatsessionctl [--database CONNINFO] COMMAND\n\nCommands:\n");
    for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        printf("  %s%s%s %s\n      %s\n", commands[i].noun, *commands[i].verb ? " " : "", commands[i].verb,
               commands[i].arguments, commands[i].help);
    }
    printf("\nCONNINFO   a connection string of libpq (keywords or URI); default: $CHATSESSION_DATABASE\n"
           "ROLE       user, viewer, auditor, operator or admin\n"
           "--password-stdin    take the password from standard input, without the end of the line\n"
           "--random-password   make one and print it, alone, on standard output\n"
           "--        before the first REF, where one begins with \"-\"\n"
           "--json    for machines: what the HTTP API shows\n"
           "TIME      a number with ms, s, min, h or d, as ChatSessionTurnSilence, ChatSessionIdleTimeout and\n"
           "          ChatSessionMaxLifetime; default: 10s, 400d, 400d; for --grace as ChatSessionTrashGrace: 30d\n"
           "--as      the user of this system who is PostgreSQL's superuser; root becomes it, by default postgres\n"
           "--folder  where secret, password and configuration are put; default: /etc/chatsession\n"
           "--httpd-user   whom httpd runs as; default: www-data\n"
           "--operator     the first administrator; default: operator\n"
           "--backend      the first model, as ChatSessionBackend; default: Ollama's on this host\n"
           "--httpd        how httpd is called, with its -f and -d; default: apache2ctl, apachectl or httpd\n"
           "--settings     what httpd printed for -t -D CHATSESSION_SETTINGS, instead of calling it\n"
           "--help, --version\n\n"
           "Exit code: 0 done, 1 refused or failed, 2 wrong usage.\n");
}

int ctl_fail(const char *format, ...)
{
    va_list args;

    fputs("chatsessionctl: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return CTL_FAILED;
}

int ctl_fail_status(const ctl_t *ctl, apr_status_t status, const char *what)
{
    char reason[120];

    if (ctl->last_error) {
        return ctl_fail("%s: %s", what, ctl->last_error);
    }
    return ctl_fail("%s: %s", what, cs_strstatus(status, reason, sizeof(reason)));
}

static int usage(const char *problem, const char *word)
{
    ctl_fail("%s%s%s; chatsessionctl --help lists the commands", problem, word ? " " : "", word ? word : "");
    return CTL_USAGE;
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

/* verb may be NULL: there is only one word. */
static const command_t *find_command(const char *noun, const char *verb)
{
    apr_size_t i;

    for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].noun, noun) == 0 &&
            (!*commands[i].verb || (verb && strcmp(commands[i].verb, verb) == 0))) {
            return &commands[i];
        }
    }
    return NULL;
}

int ctl_open_database(ctl_t *ctl, apr_pool_t *pool)
{
    const cs_db_config_t config = {ctl->database, 1, ACQUIRE_TIMEOUT, 0, keep_error, ctl};
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

    if (!(command->options & NO_DATABASE)) {
        if (!ctl->database) {
            return usage("no database: give --database CONNINFO or set CHATSESSION_DATABASE", NULL);
        }
        code = ctl_open_database(ctl, pool);
    }
    return code == CTL_DONE ? command->run(ctl, pool) : code;
}

/* The words of the command line after the options were taken out of it. */
static int run_command(ctl_t *ctl, int options, char **words, apr_pool_t *pool)
{
    const command_t *command;
    int count = 0;

    while (words[count]) {
        count++;
    }
    command = count ? find_command(words[0], words[1]) : NULL;
    if (!command && count < 2) {
        return usage("no command", NULL);
    }
    if (!command) {
        return usage("no such command:", apr_pstrcat(pool, words[0], " ", words[1], NULL));
    }
    ctl->operands = words + (*command->verb ? 2 : 1);
    ctl->operand_count = count - (*command->verb ? 2 : 1);
    if ((command->operands != ANY_NUMBER && ctl->operand_count != command->operands) || (options & ~command->options) ||
        ((command->options & TAKES_ROLE) && !ctl->role)) {
        return usage("expected:", apr_pstrcat(pool, command->noun, " ", command->verb, " ", command->arguments, NULL));
    }
    ctl->name = command->operands >= 1 ? ctl->operands[0] : ctl->name;
    ctl->role = command->operands >= 2 ? ctl->operands[1] : ctl->role;
    return connect_and_run(command, ctl, pool);
}

/* The value of an option that is a TIME; false when it is none. */
static bool read_time(apr_interval_time_t *value, const char *text)
{
    if (cs_duration_parse(value, text) && *value > 0) {
        return true;
    }
    usage("not a time such as 90s, 12h or 30d:", text);
    return false;
}

#define CTL_GO_ON (-1)

/* Options whose value is a word; beyond all letters. */
enum {
    WORD_OPTIONS = 1000,
    SETUP_AS,
    SETUP_FOLDER,
    SETUP_HTTPD_USER,
    SETUP_OPERATOR,
    SETUP_BACKEND,
    CHECK_HTTPD,
    CHECK_SETTINGS
};

static const struct option known_options[] = {
    {"database", required_argument, NULL, 'd'},
    {"dir", required_argument, NULL, 'D'},
    {"role", required_argument, NULL, 'r'},
    {"password-stdin", no_argument, NULL, 's'},
    {"random-password", no_argument, NULL, 'p'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'v'},
    {"json", no_argument, NULL, 'j'},
    {"user", required_argument, NULL, 'u'},
    {"all", no_argument, NULL, 'a'},
    {"grace", required_argument, NULL, 'g'},
    {"sha256", required_argument, NULL, 'S'},
    {"manifest", required_argument, NULL, 'M'},
    {"dry-run", no_argument, NULL, 'n'},
    {"key-file", required_argument, NULL, 'k'},
    {"anchor", required_argument, NULL, 'A'},
    {"confirm", required_argument, NULL, 'c'},
    {"turn-silence", required_argument, NULL, 't'},
    {"idle-timeout", required_argument, NULL, 'i'},
    {"max-lifetime", required_argument, NULL, 'm'},
    {"as", required_argument, NULL, SETUP_AS},
    {"folder", required_argument, NULL, SETUP_FOLDER},
    {"httpd-user", required_argument, NULL, SETUP_HTTPD_USER},
    {"operator", required_argument, NULL, SETUP_OPERATOR},
    {"backend", required_argument, NULL, SETUP_BACKEND},
    {"httpd", required_argument, NULL, CHECK_HTTPD},
    {"settings", required_argument, NULL, CHECK_SETTINGS},
    {NULL, 0, NULL, 0},
};

/* An option of setup or check whose value is kept as it is; false: it is another command's. */
static bool keep_word(ctl_t *ctl, int option, int *options)
{
    const char **places[] = {[SETUP_AS - WORD_OPTIONS] = &ctl->setup.as,
                             [SETUP_FOLDER - WORD_OPTIONS] = &ctl->setup.folder,
                             [SETUP_HTTPD_USER - WORD_OPTIONS] = &ctl->setup.httpd_user,
                             [SETUP_OPERATOR - WORD_OPTIONS] = &ctl->setup.operator_name,
                             [SETUP_BACKEND - WORD_OPTIONS] = &ctl->setup.backend,
                             [CHECK_HTTPD - WORD_OPTIONS] = &ctl->check.httpd,
                             [CHECK_SETTINGS - WORD_OPTIONS] = &ctl->check.settings};

    if (option < SETUP_AS || option > CHECK_SETTINGS) {
        return false;
    }
    *places[option - WORD_OPTIONS] = optarg;
    *options |= option >= CHECK_HTTPD ? TAKES_HTTPD : TAKES_SETUP;
    return true;
}

/* Take one option. CTL_GO_ON, or the exit code when there is nothing more to do. */
static int read_option(ctl_t *ctl, int option, int *options)
{
    if (keep_word(ctl, option, options)) {
        return CTL_GO_ON;
    }
    switch (option) {
    case 'd':
        ctl->database = optarg;
        break;
    case 'D':
        ctl->dir = optarg;
        *options |= TAKES_DIR;
        break;
    case 'r':
        ctl->role = optarg;
        *options |= TAKES_ROLE;
        break;
    case 's':
        ctl->password_stdin = true;
        *options |= TAKES_PASSWORD;
        break;
    case 'p':
        ctl->random_password = true;
        *options |= TAKES_PASSWORD;
        break;
    case 'j':
        ctl->json = true;
        *options |= TAKES_JSON;
        break;
    case 'u':
        ctl->name = optarg;
        *options |= TAKES_USER;
        break;
    case 'a':
        ctl->all = true;
        *options |= TAKES_ALL;
        break;
    case 't':
    case 'i':
    case 'm':
        if (!read_time(option == 't'   ? &ctl->turn_silence
                       : option == 'i' ? &ctl->limits.idle_timeout
                                       : &ctl->limits.max_lifetime,
                       optarg)) {
            return CTL_USAGE;
        }
        *options |= TAKES_TIMES;
        break;
    case 'S':
        ctl->sha256 = optarg;
        *options |= TAKES_SHA256;
        break;
    case 'M':
        ctl->manifest = optarg;
        *options |= TAKES_SHA256;
        break;
    case 'n':
        ctl->dry_run = true;
        *options |= TAKES_DRY_RUN;
        break;
    case 'k':
        if (ctl->key_file_count == CTL_KEY_FILES) {
            return usage("too many times:", "--key-file");
        }
        ctl->key_files[ctl->key_file_count++] = optarg;
        *options |= TAKES_KEYS;
        break;
    case 'c':
        ctl->confirm = optarg;
        *options |= TAKES_CONFIRM;
        break;
    case 'A':
        ctl->anchor = optarg;
        *options |= TAKES_KEYS;
        break;
    case 'g':
        if (!read_time(&ctl->grace, optarg)) {
            return CTL_USAGE;
        }
        *options |= TAKES_GRACE;
        break;
    case 'h':
        print_help();
        return CTL_DONE;
    case 'v':
        printf("chatsessionctl %s\n", CS_VERSION);
        return CTL_DONE;
    default: /* getopt_long has said what is wrong */
        return CTL_USAGE;
    }
    return CTL_GO_ON;
}

static int parse_and_run(int argc, char **argv, apr_pool_t *pool)
{
    ctl_t ctl = {.database = getenv("CHATSESSION_DATABASE"),
                 .limits = {LONGEST_TIMEOUT, LONGEST_TIMEOUT},
                 .turn_silence = TURN_SILENCE,
                 .grace = TRASH_GRACE};
    int options = 0;
    int option;

    while ((option = getopt_long(argc, argv, "", known_options, NULL)) != -1) {
        const int code = read_option(&ctl, option, &options);
        if (code != CTL_GO_ON) {
            return code;
        }
    }
    return run_command(&ctl, options, argv + optind, pool);
}

int main(int argc, char **argv)
{
    apr_pool_t *pool;
    int code;

    if (apr_initialize() != APR_SUCCESS) {
        return ctl_fail("APR cannot be initialised");
    }
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    code = parse_and_run(argc, argv, pool);
    apr_pool_destroy(pool);
    return fflush(stdout) == 0 ? code : ctl_fail("standard output cannot be written");
}
