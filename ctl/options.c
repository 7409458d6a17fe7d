/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "ctl_options.h"
#include <apr_lib.h>
#include <apr_strings.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/duration.h"
#include "core/version.h"
#include "ctl_commands.h"

/* The longest time-outs that httpd can be told: what they end, no server has left. */
#define LONGEST_TIMEOUT (400 * apr_time_from_sec(86400))
#define TRASH_GRACE (30 * apr_time_from_sec(86400))
#define TURN_SILENCE apr_time_from_sec(10)
/* Rows of a list. */
#define PAGE 1000
#define LONGEST_PAGE 10000

typedef enum {
    FLAG, /* bool */
    WORD, /* const char * */
    TIME, /* apr_interval_time_t */
    ROWS, /* apr_int64_t, how long a page is */
    LIST, /* apr_array_header_t * of const char *: may be given more than once */
    HELP, /* these two are the whole command */
    VERSION
} kind_e;

typedef struct {
    const char *name;
    kind_e kind;
    size_t place; /* in ctl_t */
    bool filters; /* it is one of FILTER */
    const char *value;
    const char *help;
} option_t;

#define AT(member) offsetof(ctl_t, member)

static const option_t options[] = {
    {"database", WORD, AT(database), false, "CONNINFO",
     "a connection string of libpq (keywords or URI); default: $CHATSESSION_DATABASE"},
    {"json", FLAG, AT(json), false, NULL, "for machines: what the HTTP API shows"},
    {"limit", ROWS, AT(limit), false, "N", "at most so many rows; default: 1000"},
    {"after", WORD, AT(after), false, "NEXT", "go on where the page before ended"},
    {"key-file", LIST, AT(key_files), false, "FILE",
     "whose key seals the entry in the audit log, needed once one is sealed: as ChatSessionAuditKeyFile or "
     "ChatSessionSecretFile; default: $CHATSESSION_KEY_FILE"},
    {"reason", WORD, AT(reason), false, "TEXT", "why, for the audit log"},
    {"dry-run", FLAG, AT(dry_run), false, NULL, "say what would happen, change nothing"},
    {"confirm", WORD, AT(confirm), false, "N",
     "do it, if it is still as many as --dry-run said; without it: --dry-run"},
    {"user", WORD, AT(filter.user), true, "NAME", "of that user"},
    {"from", WORD, AT(filter.from), true, "WHEN", "last changed at or after: 2026-11-23 or 2026-11-23T05:31:07Z"},
    {"to", WORD, AT(filter.to), true, "WHEN", "last changed before"},
    {"query", WORD, AT(filter.query), true, "WORDS", "all of them in the title or in one message; a look at content"},
    {"state", WORD, AT(filter.state), true, "WORD",
     "active (the default), pinned, archived, expiring, trashed, held, all; of a user: active, disabled"},
    {"tag", WORD, AT(filter.tag), true, "TAG", "with this tag"},
    {"model", WORD, AT(filter.model), true, "MODEL", "that answered in it"},
    {"matter", WORD, AT(filter.matter), true, "ID", "that a matter holds or held"},
    {"status", WORD, AT(filter.status), true, "WORD", "with an answer that was stopped, interrupted, error, streaming"},
    {"feedback", WORD, AT(filter.feedback), true, "WORD", "with feedback: any, up, down, comment"},
    {"min-messages", WORD, AT(filter.min_messages), true, "N", "with at least so many messages"},
    {"max-messages", WORD, AT(filter.max_messages), true, "N", "with at most so many messages"},
    {"sort", WORD, AT(sort), false, "WORD", "updated (the default), created, messages, title, user"},
    {"order", WORD, AT(order), false, "WORD", "asc, desc"},
    {"metadata", FLAG, AT(metadata), false, NULL, "without title and texts, as a viewer sees it"},
    {"job", FLAG, AT(job), false, NULL, "only make the job: httpd's sweep, or chatsessionctl sweep, does it"},
    {"grace", TIME, AT(grace), false, "TIME", "how long it lies in the trash, as ChatSessionTrashGrace; default: 30d"},
    {"add", LIST, AT(add), false, "TAG", "put this tag on, as often as needed"},
    {"remove", LIST, AT(remove), false, "TAG", "take this tag off, likewise"},
    {"custodian", LIST, AT(custodian), false, "NAME", "hold all of this user's, also from now on; likewise"},
    {"keep", WORD, AT(rule.keep), false, "DAYS", "how long, or \"forever\""},
    {"clock", WORD, AT(rule.clock), false, "WORD",
     "idle (since the last change) or age (since the first); default: idle"},
    {"pinned-too", FLAG, AT(rule.pinned_too), false, NULL, "the rule ends pinned ones too"},
    {"kind", WORD, AT(kind), false, "WORD", "expire, retention"},
    {"format", WORD, AT(format), false, "WORD", "ndjson (the default), json, csv, md, openai"},
    {"output", WORD, AT(output), false, "FILE", "a new file of mode 600; default: standard output"},
    {"gzip", FLAG, AT(gzip), false, NULL, "compressed"},
    {"manifest", WORD, AT(manifest), false, "FILE", "what stands beside an exported file; export make writes it"},
    {"sha256", WORD, AT(sha256), false, "HEX", "the digest that the audit log has"},
    {"role", WORD, AT(role), false, "ROLE", "user, viewer, auditor, operator or admin"},
    {"password-stdin", FLAG, AT(password_stdin), false, NULL,
     "take the password from standard input, without the end of the line"},
    {"random-password", FLAG, AT(random_password), false, NULL, "make one and print it, alone, on standard output"},
    {"max-turns", WORD, AT(own_limits.turns), false, "N",
     "answers at once, as ChatSessionMaxTurnsPerUser; \"default\": as configured"},
    {"max-requests", WORD, AT(own_limits.requests), false, "N", "turns in an hour, likewise"},
    {"max-tokens", WORD, AT(own_limits.tokens), false, "N", "tokens in a day, likewise"},
    {"all", FLAG, AT(all), false, NULL, "every one"},
    {"operator", WORD, AT(operator_name), false, "NAME",
     "who did it; of setup: the first administrator, by default operator"},
    {"action", WORD, AT(action), false, "WORD", "noun.verb, or the noun alone"},
    {"conversation", WORD, AT(conversation), false, "ID", "that it was about"},
    {"anchor", WORD, AT(anchor), false, "SEQ:SEAL", "a head that was seen before, as a line CS0252 of httpd has it"},
    {"list", WORD, AT(list), false, "QUERY", "the part of the list's address after its \"?\""},
    {"shared", FLAG, AT(shared), false, NULL, "for all operators"},
    {"turn-silence", TIME, AT(turn_silence), false, "TIME", "as ChatSessionTurnSilence; default: 10s"},
    {"idle-timeout", TIME, AT(limits.idle_timeout), false, "TIME", "as ChatSessionIdleTimeout; default: 400d"},
    {"max-lifetime", TIME, AT(limits.max_lifetime), false, "TIME", "as ChatSessionMaxLifetime; default: 400d"},
    {"dir", WORD, AT(dir), false, "DIR", "the schema's steps; default: where they were installed"},
    {"as", WORD, AT(setup.as), false, "USER",
     "the user of this system who is PostgreSQL's superuser; root becomes it, by default postgres"},
    {"folder", WORD, AT(setup.folder), false, "DIR",
     "where secret, password and configuration are put; default: /etc/chatsession"},
    {"httpd-user", WORD, AT(setup.httpd_user), false, "USER", "whom httpd runs as; default: www-data"},
    {"backend", WORD, AT(setup.backend), false, "\"NAME URL ...\"",
     "the first model, as ChatSessionBackend; default: Ollama's on this host"},
    {"httpd", WORD, AT(check.httpd), false, "COMMAND",
     "how httpd is called, with its -f and -d; default: apache2ctl, apachectl or httpd"},
    {"settings", WORD, AT(check.settings), false, "FILE",
     "what httpd printed for -t -D CHATSESSION_SETTINGS, instead of calling it"},
    {"help", HELP, 0, false, NULL, "print this"},
    {"version", VERSION, 0, false, NULL, "print the version"},
};
#define OPTIONS ((int)(sizeof(options) / sizeof(options[0])))

/* --database is every command's. */
#define EVERYWHERE "database"

static bool given[OPTIONS];

int ctl_usage(const char *problem, const char *word)
{
    return ctl_refuse(CTL_USAGE, "%s%s%s; chatsessionctl --help lists the commands", problem, word ? " " : "",
                      word ? word : "");
}

static void *place_of(ctl_t *ctl, const option_t *option)
{
    return (char *)ctl + option->place;
}

static bool read_rows(apr_int64_t *rows, const char *text)
{
    *rows = apr_atoi64(text);
    return strspn(text, "0123456789") == strlen(text) && strlen(text) < 10 && *rows >= 1 && *rows <= LONGEST_PAGE;
}

static void add_to_list(apr_array_header_t **list, const char *text, apr_pool_t *pool)
{
    if (!*list) {
        *list = apr_array_make(pool, 4, sizeof(const char *));
    }
    APR_ARRAY_PUSH(*list, const char *) = text;
}

/* Keep one option's value; CTL_GO_ON, or it was said what is wrong with it. */
static int keep(ctl_t *ctl, const option_t *option, const char *value, apr_pool_t *pool)
{
    void *place = place_of(ctl, option);

    switch (option->kind) {
    case FLAG:
        *(bool *)place = true;
        break;
    case WORD:
        *(const char **)place = value;
        break;
    case TIME:
        if (!cs_duration_parse(place, value) || *(apr_interval_time_t *)place <= 0) {
            return ctl_usage("not a time such as 90s, 12h or 30d:", value);
        }
        break;
    case ROWS:
        if (!read_rows(place, value)) {
            return ctl_usage("not a number from 1 to 10000:", value);
        }
        break;
    case LIST:
        add_to_list(place, value, pool);
        break;
    case HELP:
        ctl_commands_print();
        return CTL_DONE;
    case VERSION:
        printf("chatsessionctl %s\n", CS_VERSION);
        return CTL_DONE;
    }
    return CTL_GO_ON;
}

/* getopt's form of the table. */
static struct option *known_options(apr_pool_t *pool)
{
    struct option *known = apr_pcalloc(pool, (OPTIONS + 1) * sizeof(*known));

    for (int i = 0; i < OPTIONS; i++) {
        known[i].name = options[i].name;
        known[i].has_arg = options[i].value ? required_argument : no_argument;
        known[i].val = i + 1;
    }
    return known;
}

static void set_defaults(ctl_t *ctl)
{
    memset(given, 0, sizeof(given));
    *ctl = (ctl_t){.database = getenv("CHATSESSION_DATABASE"),
                   .limit = PAGE,
                   .limits = {.idle_timeout = LONGEST_TIMEOUT, .max_lifetime = LONGEST_TIMEOUT},
                   .turn_silence = TURN_SILENCE,
                   .grace = TRASH_GRACE};
}

int ctl_options_read(ctl_t *ctl, char ***words, int argc, char **argv, apr_pool_t *pool)
{
    const struct option *known = known_options(pool);
    const char *key_file = getenv("CHATSESSION_KEY_FILE");
    int found;
    int code = CTL_GO_ON;

    set_defaults(ctl);
    while (code == CTL_GO_ON && (found = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (found < 1 || found > OPTIONS) {
            return CTL_USAGE; /* getopt_long has said what is wrong */
        }
        given[found - 1] = true;
        code = keep(ctl, &options[found - 1], optarg, pool);
    }
    if (!ctl->key_files && key_file && *key_file) {
        add_to_list(&ctl->key_files, key_file, pool);
    }
    *words = argv + optind;
    return code;
}

static bool is_of_a_name(char c)
{
    return apr_islower(c) || c == '-' || apr_isdigit(c);
}

/* Where an option stands in a command's arguments: how deep in brackets; -1: it does not. */
static int depth_in(const char *arguments, const char *name)
{
    const size_t len = strlen(name);
    int depth = 0;

    for (const char *at = arguments; *at; at++) {
        depth += (*at == '[' || *at == '(') - (*at == ']' || *at == ')');
        if (!strncmp(at, "--", 2) && !strncmp(at + 2, name, len) && !is_of_a_name(at[2 + len])) {
            return depth;
        }
    }
    return -1;
}

static bool has_value(const ctl_t *ctl, const option_t *option)
{
    const void *place = (const char *)ctl + option->place;

    return (option->kind != WORD && option->kind != LIST) || *(void *const *)place != NULL;
}

const char *ctl_options_problem(const ctl_t *ctl, const char *arguments)
{
    const bool filters = strstr(arguments, "FILTER") != NULL;

    for (int i = 0; i < OPTIONS; i++) {
        const int depth = depth_in(arguments, options[i].name);
        const bool taken = depth >= 0 || (filters && options[i].filters) || !strcmp(options[i].name, EVERYWHERE);

        if ((given[i] && !taken) || (depth == 0 && !has_value(ctl, &options[i]))) {
            return options[i].name;
        }
    }
    return NULL;
}

void ctl_options_print(void)
{
    for (int i = 0; i < OPTIONS; i++) {
        printf("  --%s%s%s\n      %s%s\n", options[i].name, options[i].value ? " " : "",
               options[i].value ? options[i].value : "", options[i].filters ? "FILTER: " : "", options[i].help);
    }
}
