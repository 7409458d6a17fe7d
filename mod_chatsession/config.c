/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * The directives. A setting with one value is a row of `settings`; its default, its bounds, its error sentence and its
 * merging come from that row. Directives that build something have a function each: those of models are in
 * config_backend.c, of keys in config_keys.c, of visitors in config_visitors.c, of users whom others know in
 * config_users.c. What only all lines together show is in config_check.c, what core wants of several settings at once
 * in config_core.c.
 */
#include "config.h"
#include "config_private.h"
#include <http_core.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <jansson.h>
#include "core/duration.h"
#include "core/json.h"
#include "core/utf8.h"
#include "networks.h"
#include "socache.h"

typedef enum { TYPE_STRING, TYPE_PATH, TYPE_NUMBER, TYPE_DURATION, TYPE_CHOICE } setting_type_e;

typedef struct {
    const char *name;
    setting_type_e type;
    const char *fallback_string;
    apr_int64_t fallback, min, max;
    const char *choices; /* TYPE_CHOICE: words in the order of their enum, separated by | */
    const char *help;
} setting_t;

/* clang-format off */
#define TEXT(fallback) fallback, 0, 0, 0, NULL
#define RANGE(fallback, min, max) NULL, fallback, min, max, NULL
#define CHOICE(fallback, words) NULL, fallback, 0, 0, words

/* One row a setting: constant, directive, setter, type, default and bounds, help. */
#define SETTINGS(ROW) \
    ROW(DATABASE, "ChatSessionDatabase", set_database, TYPE_STRING, TEXT(NULL), \
        "PostgreSQL, as libpq's connection string or URI") \
    ROW(DATABASE_CONNECTIONS, "ChatSessionDatabaseConnections", set_setting, TYPE_NUMBER, RANGE(8, 1, 1000), \
        "connections per child process") \
    ROW(DATABASE_WAIT, "ChatSessionDatabaseWait", set_setting, TYPE_DURATION, RANGE(SECONDS(2), MILLISECONDS(100), SECONDS(60)), \
        "longest wait for a free connection") \
    ROW(STATEMENT_TIMEOUT, "ChatSessionStatementTimeout", set_setting, TYPE_DURATION, RANGE(SECONDS(5), MILLISECONDS(100), MINUTES(10)), \
        "longest time of one database statement") \
    ROW(PAGES, "ChatSessionPages", set_setting, TYPE_PATH, TEXT(CHATSESSION_SHARE), \
        "folder of the pages: page, console, shared, vendor") \
    ROW(COOKIE_NAME, "ChatSessionCookieName", set_setting, TYPE_STRING, TEXT(NULL), \
        "name of the session cookie; __Host-sid when it is secure, else sid") \
    ROW(COOKIE_PATH, "ChatSessionCookiePath", set_setting, TYPE_STRING, TEXT("/"), \
        "path of the session cookie") \
    ROW(COOKIE_DOMAIN, "ChatSessionCookieDomain", set_setting, TYPE_STRING, TEXT(NULL), \
        "domain of the session cookie; none: this host only") \
    ROW(COOKIE_SECURE, "ChatSessionCookieSecure", set_setting, TYPE_CHOICE, CHOICE(CHATSESSION_SECURE_ON, "on|off|auto"), \
        "send the cookie over https only; auto follows the connection") \
    ROW(COOKIE_SAMESITE, "ChatSessionCookieSameSite", set_setting, TYPE_CHOICE, CHOICE(CS_SAMESITE_LAX, "Lax|Strict|None"), \
        "SameSite of the session cookie") \
    ROW(COOKIE_MAX_AGE, "ChatSessionCookieMaxAge", set_setting, TYPE_DURATION, RANGE(0, 0, DAYS(400)), \
        "lifetime of the cookie in the browser; 0: until the browser closes") \
    ROW(COOKIE_HTTP_ONLY, "ChatSessionCookieHttpOnly", set_setting, TYPE_CHOICE, CHOICE(0, "on|off"), \
        "hide the cookie from scripts") \
    ROW(IDLE_TIMEOUT, "ChatSessionIdleTimeout", set_setting, TYPE_DURATION, RANGE(MINUTES(30), SECONDS(1), DAYS(400)), \
        "a session ends when it was not used for so long") \
    ROW(MAX_LIFETIME, "ChatSessionMaxLifetime", set_setting, TYPE_DURATION, RANGE(HOURS(12), SECONDS(1), DAYS(400)), \
        "a session ends so long after the login") \
    ROW(CONSOLE_IDLE_TIMEOUT, "ChatSessionConsoleIdleTimeout", set_setting, TYPE_DURATION, RANGE(MINUTES(15), SECONDS(1), DAYS(400)), \
        "the console asks for a new login when it was not used for so long") \
    ROW(CONSOLE_MAX_LIFETIME, "ChatSessionConsoleMaxLifetime", set_setting, TYPE_DURATION, RANGE(HOURS(8), SECONDS(1), DAYS(400)), \
        "the console asks for a new login so long after the last one") \
    ROW(REAUTHENTICATE, "ChatSessionReauthenticate", set_setting, TYPE_DURATION, RANGE(MINUTES(15), 0, DAYS(400)), \
        "the console asks for the password again before it exposes or destroys much, so long after the login; 0: never") \
    ROW(GRACE, "ChatSessionGrace", set_setting, TYPE_DURATION, RANGE(SECONDS(10), 0, SECONDS(60)), \
        "requests with the id of before a new login of the same user are served for so long") \
    ROW(MAX_PER_USER, "ChatSessionMaxPerUser", set_setting, TYPE_NUMBER, RANGE(10, 0, 1000), \
        "live sessions of one user; a login beyond ends the longest unseen") \
    ROW(ANONYMOUS, "ChatSessionAnonymous", set_setting, TYPE_CHOICE, CHOICE(0, "off|on"), \
        "sessions of visitors who are not logged in, made when something is stored in one") \
    ROW(GUESTS, "ChatSessionGuests", set_setting, TYPE_NUMBER, RANGE(0, 0, 100000), \
        "visitors may chat without logging in: so many new ones from one network in an hour; 0: nobody may") \
    ROW(ADOPT, "ChatSessionAdopt", set_setting, TYPE_CHOICE, CHOICE(0, "off|on"), \
        "what a guest wrote goes over to the user who logs in from the same browser") \
    ROW(SESSION_CACHE_ENTRIES, "ChatSessionCacheEntries", set_setting, TYPE_NUMBER, RANGE(65536, 0, 16777216), \
        "sessions remembered in shared memory; 0: none, each request asks the database") \
    ROW(SESSION_CACHE_LIFE, "ChatSessionCacheLife", set_setting, TYPE_DURATION, RANGE(SECONDS(30), SECONDS(1), HOURS(1)), \
        "a remembered session is asked for again after so long") \
    ROW(PASSWORD_MEMORY, "ChatSessionPasswordMemory", set_setting, TYPE_NUMBER, RANGE(19456, 64, 4194304), \
        "memory of one Argon2id hash in KiB") \
    ROW(PASSWORD_ITERATIONS, "ChatSessionPasswordIterations", set_setting, TYPE_NUMBER, RANGE(2, 1, 100), \
        "passes of one Argon2id hash") \
    ROW(PASSWORD_PARALLELISM, "ChatSessionPasswordParallelism", set_setting, TYPE_NUMBER, RANGE(1, 1, 16), \
        "lanes of one Argon2id hash") \
    ROW(PASSWORD_CONCURRENCY, "ChatSessionPasswordConcurrency", set_global_setting, TYPE_NUMBER, RANGE(2, 1, 64), \
        "password hashes at once per child process") \
    ROW(LOGIN_LIMIT, "ChatSessionLoginLimit", set_setting, TYPE_NUMBER, RANGE(100, 5, 1000), \
        "failed logins in an hour per account and per network") \
    ROW(LOGIN_DELAY, "ChatSessionLoginDelay", set_setting, TYPE_DURATION, RANGE(SECONDS(1), 0, MINUTES(15)), \
        "wait after the third failed login in a row, doubling with each one more") \
    ROW(KNOWN_DEVICE, "ChatSessionKnownDevice", set_setting, TYPE_CHOICE, CHOICE(0, "on|off"), \
        "a browser that logged in before does not wait for the attempts of others") \
    ROW(FIRST_TOKEN_TIMEOUT, "ChatSessionFirstTokenTimeout", set_setting, TYPE_DURATION, RANGE(SECONDS(60), MILLISECONDS(100), HOURS(1)), \
        "longest wait for the first token of an answer") \
    ROW(TOKEN_TIMEOUT, "ChatSessionTokenTimeout", set_setting, TYPE_DURATION, RANGE(SECONDS(60), MILLISECONDS(100), HOURS(1)), \
        "longest silence within an answer") \
    ROW(ANSWER_TIMEOUT, "ChatSessionAnswerTimeout", set_setting, TYPE_DURATION, RANGE(MINUTES(15), SECONDS(1), HOURS(24)), \
        "longest time of one answer") \
    ROW(ANSWER_LIMIT, "ChatSessionAnswerLimit", set_setting, TYPE_NUMBER, RANGE(4194304, 1024, 67108864), \
        "octets of one answer") \
    ROW(BREAKER_FAILURES, "ChatSessionBreakerFailures", set_setting, TYPE_NUMBER, RANGE(5, 0, 1000), \
        "failures in a row after which a model's server is left alone; 0: never") \
    ROW(BREAKER_PAUSE, "ChatSessionBreakerPause", set_setting, TYPE_DURATION, RANGE(SECONDS(10), MILLISECONDS(100), HOURS(1)), \
        "a server that is left alone is tried once in so long") \
    ROW(HEARTBEAT, "ChatSessionHeartbeat", set_setting, TYPE_DURATION, RANGE(SECONDS(1), MILLISECONDS(100), SECONDS(60)), \
        "a comment is sent to the browser after so much silence") \
    ROW(CHECKPOINT, "ChatSessionCheckpoint", set_setting, TYPE_DURATION, RANGE(MILLISECONDS(200), MILLISECONDS(10), SECONDS(5)), \
        "running answers are recorded this often") \
    ROW(SWEEP, "ChatSessionSweepInterval", set_setting, TYPE_DURATION, RANGE(SECONDS(2), MILLISECONDS(100), HOURS(1)), \
        "dead answers, due conversations and old sessions are looked for this often") \
    ROW(TURN_SILENCE, "ChatSessionTurnSilence", set_setting, TYPE_DURATION, RANGE(SECONDS(10), SECONDS(1), HOURS(1)), \
        "an answer whose server was not heard of for so long is interrupted") \
    ROW(TRASH_GRACE, "ChatSessionTrashGrace", set_setting, TYPE_DURATION, RANGE(DAYS(30), 0, DAYS(4000)), \
        "a conversation in the trash is purged after so long") \
    ROW(TEMPORARY, "ChatSessionTemporary", set_setting, TYPE_DURATION, RANGE(DAYS(1), SECONDS(1), DAYS(365)), \
        "a temporary conversation is purged after so long") \
    ROW(RETENTION_INTERVAL, "ChatSessionRetentionInterval", set_setting, TYPE_DURATION, RANGE(HOURS(1), SECONDS(1), DAYS(30)), \
        "the retention rules are run this often") \
    ROW(LOGIN_URL, "ChatSessionLoginUrl", set_login_url, TYPE_STRING, TEXT(NULL), \
        "local address of a login page for AuthType ChatSession; none: a bare 401") \
    ROW(SECOND_FACTOR, "ChatSessionSecondFactor", set_setting, TYPE_CHOICE, CHOICE(CHATSESSION_FACTOR_OPTIONAL, "optional|off|operators|everyone"), \
        "who must log in with a one-time code as well; optional: who has set it up") \
    ROW(MAX_TURNS, "ChatSessionMaxTurns", set_setting, TYPE_NUMBER, RANGE(0, 0, 100000), \
        "answers written at once, over all children and hosts; 0: no limit") \
    ROW(MAX_WAITING, "ChatSessionMaxWaiting", set_setting, TYPE_NUMBER, RANGE(20, 0, 100000), \
        "turns that wait for one of ChatSessionMaxTurns; one more is refused") \
    ROW(STREAM_SHARE, "ChatSessionStreamShare", set_setting, TYPE_NUMBER, RANGE(80, 1, 100), \
        "percent of a child's workers that may stream at once") \
    ROW(USER_TURNS, "ChatSessionUserTurns", set_setting, TYPE_NUMBER, RANGE(0, 0, 10000), \
        "answers of one user at once, waiting ones too; 0: no limit") \
    ROW(USER_RATE, "ChatSessionUserRequests", set_setting, TYPE_NUMBER, RANGE(0, 0, 100000), \
        "turns that one user begins in a minute; 0: no limit") \
    ROW(USER_TOKENS, "ChatSessionUserTokens", set_setting, TYPE_NUMBER, RANGE(0, 0, 1000000000000), \
        "tokens of one user's answers in a UTC day; 0: no limit") \
    ROW(USER_CONVERSATIONS, "ChatSessionUserConversations", set_setting, TYPE_NUMBER, RANGE(10000, 0, 100000000), \
        "conversations of one user outside of the trash; 0: no limit") \
    ROW(CONVERSATION_MESSAGES, "ChatSessionConversationMessages", set_setting, TYPE_NUMBER, RANGE(100000, 0, 100000000), \
        "messages of one conversation; 0: no limit") \
    ROW(ON_DISCONNECT, "ChatSessionOnDisconnect", set_setting, TYPE_CHOICE, CHOICE(CHATSESSION_DISCONNECT_FINISH, "finish|stop"), \
        "what becomes of an answer whose browser has left") \
    ROW(TITLE, "ChatSessionTitle", set_setting, TYPE_CHOICE, CHOICE(CHATSESSION_TITLE_FIRST_WORDS, "first-words|model|off"), \
        "what a conversation is called until its owner says") \
    ROW(SHOW_ACCESS, "ChatSessionShowAccess", set_setting, TYPE_CHOICE, CHOICE(CHATSESSION_ACCESS_HIDDEN, "off|role|name"), \
        "users see when an operator opened their conversations, and the operator's role or also name") \
    ROW(READ_REASON, "ChatSessionReadReason", set_setting, TYPE_CHOICE, CHOICE(0, "off|on"), \
        "the API refuses to show operators what was said in a conversation without their reason; the console always asks") \
    ROW(SHARING, "ChatSessionShare", set_setting, TYPE_CHOICE, CHOICE(CHATSESSION_SHARE_ON, "on|off"), \
        "users may let others who log in read a conversation, by a link") \
    ROW(SELF_ERASE, "ChatSessionSelfErase", set_setting, TYPE_CHOICE, CHOICE(0, "off|on"), \
        "users may erase their own account with all that is in it") \
    ROW(CHATSTREAM, "ChatSessionChatStream", set_setting, TYPE_CHOICE, CHOICE(0, "off|on"), \
        "ChatStream's interface under the mount of the chat") \
    ROW(CHATSTREAM_PROMPT, "ChatSessionChatStreamPrompt", set_setting, TYPE_STRING, TEXT("redpajama"), \
        "the template with which get_prompt writes a history: redpajama, rinna or one of ChatSessionPromptTemplate")

#define SETTING_ROW(index, name, set, type, values, help) [CHATSESSION_##index] = {name, type, values, help},
static const setting_t settings[CHATSESSION_SETTINGS] = {SETTINGS(SETTING_ROW)};
/* clang-format on */

chatsession_server_t *chatsession_server(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &chatsession_module);
}

chatsession_dir_t *chatsession_dir(const request_rec *r)
{
    return ap_get_module_config(r->per_dir_config, &chatsession_module);
}

apr_int64_t chatsession_number(const chatsession_server_t *conf, chatsession_setting_e setting)
{
    return conf->values[setting].set ? conf->values[setting].number : settings[setting].fallback;
}

const char *chatsession_string(const chatsession_server_t *conf, chatsession_setting_e setting)
{
    return conf->values[setting].set ? conf->values[setting].string : settings[setting].fallback_string;
}

/* The word of a choice that stands for number. */
static json_t *choice_word(const char *choices, apr_int64_t number)
{
    for (; number > 0; number--) {
        choices += strcspn(choices, "|") + 1;
    }
    return json_stringn(choices, strcspn(choices, "|"));
}

/* A value as the directive takes it; NULL: none. */
static const char *setting_text(const setting_t *row, apr_int64_t number, const char *string, apr_pool_t *pool)
{
    switch (row->type) {
    case TYPE_NUMBER:
        return apr_psprintf(pool, "%" APR_INT64_T_FMT, number);
    case TYPE_DURATION:
        return cs_duration_print(number, pool);
    case TYPE_CHOICE:
        return json_string_value(cs_json_own(choice_word(row->choices, number), pool));
    case TYPE_STRING:
    case TYPE_PATH:
        break;
    }
    return string;
}

json_t *chatsession_setting_json(const chatsession_server_t *conf, chatsession_setting_e setting, apr_pool_t *pool)
{
    const setting_t *row = &settings[setting];
    const char *value = setting_text(row, chatsession_number(conf, setting), chatsession_string(conf, setting), pool);

    return json_pack("{s:s,s:s?,s:s?,s:b,s:s}", "name", row->name, "value",
                     setting == CHATSESSION_DATABASE ? NULL : value, "default",
                     setting_text(row, row->fallback, row->fallback_string, pool), "set", conf->values[setting].set,
                     "help", row->help);
}

json_t *chatsession_settings_json(const chatsession_server_t *conf)
{
    json_t *all = json_object();

    for (int i = 0; i < CHATSESSION_SETTINGS; i++) {
        const chatsession_setting_e index = (chatsession_setting_e)i;
        const apr_int64_t number = chatsession_number(conf, index);
        const char *string = chatsession_string(conf, index);

        json_object_set_new(all, settings[i].name,
                            settings[i].type == TYPE_CHOICE     ? choice_word(settings[i].choices, number)
                            : settings[i].type == TYPE_DURATION ? json_integer(apr_time_as_msec(number))
                            : settings[i].type == TYPE_NUMBER   ? json_integer(number)
                            : string                            ? json_string(string)
                                                                : json_null());
    }
    return all;
}

/* --- values from text --- */

bool chatsession_parse_choice(apr_int64_t *value, const char *choices, const char *text)
{
    size_t len = strlen(text);

    for (*value = 0;; (*value)++) {
        size_t word = strcspn(choices, "|");
        if (word == len && !ap_cstr_casecmpn(choices, text, len)) {
            return true;
        }
        if (!choices[word]) {
            return false;
        }
        choices += word + 1;
    }
}

static const char *parse_number_setting(apr_pool_t *pool, const setting_t *row, apr_int64_t *number, const char *arg)
{
    char *end;

    if (row->type == TYPE_DURATION) {
        if (!cs_duration_parse(number, arg) || *number < row->min || *number > row->max) {
            return apr_psprintf(pool,
                                "%s: \"%s\" is not a duration from %s to %s; write a number with ms, s, min, h or d",
                                row->name, arg, cs_duration_print(row->min, pool), cs_duration_print(row->max, pool));
        }
        return NULL;
    }
    errno = 0;
    *number = apr_strtoi64(arg, &end, 10);
    if (errno || !*arg || *end || apr_isspace(*arg) || *number < row->min || *number > row->max) {
        return apr_psprintf(pool, "%s: \"%s\" is not a whole number from %" APR_INT64_T_FMT " to %" APR_INT64_T_FMT,
                            row->name, arg, row->min, row->max);
    }
    return NULL;
}

static const char *set_setting(cmd_parms *cmd, void *dir, const char *arg)
{
    const setting_t *row = cmd->info;
    chatsession_server_t *conf = chatsession_server(cmd->server);
    const size_t index = (size_t)(row - settings);
    apr_int64_t number = 0;
    const char *problem;

    (void)dir;
    /* The console and chatsessionctl show it in JSON. */
    if (!cs_utf8_is_text(arg, strlen(arg), NULL)) {
        return apr_psprintf(cmd->pool, "%s: its value is no UTF-8", row->name);
    }
    switch (row->type) {
    case TYPE_NUMBER:
    case TYPE_DURATION:
        problem = parse_number_setting(cmd->pool, row, &number, arg);
        if (problem) {
            return problem;
        }
        break;
    case TYPE_CHOICE:
        if (!chatsession_parse_choice(&number, row->choices, arg)) {
            return apr_psprintf(cmd->pool, "%s: \"%s\" is none of %s", row->name, arg, row->choices);
        }
        break;
    case TYPE_PATH:
        arg = ap_server_root_relative(cmd->pool, arg);
        if (!arg) {
            return apr_psprintf(cmd->pool, "%s: not a path that can be made absolute", row->name);
        }
        break;
    case TYPE_STRING:
        break;
    }
    conf->values[index].set = true;
    conf->values[index].number = number;
    conf->values[index].string = apr_pstrdup(cmd->pool, arg);
    return NULL;
}

/* What the processes share cannot differ between virtual hosts. */
static const char *set_global_setting(cmd_parms *cmd, void *dir, const char *arg)
{
    const char *problem = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    return problem ? problem : set_setting(cmd, dir, arg);
}

static const char *set_database(cmd_parms *cmd, void *dir, const char *arg)
{
    const char *problem = cs_db_conninfo_problem(arg, cmd->pool);

    if (problem) {
        return apr_psprintf(cmd->pool, "ChatSessionDatabase: not a PostgreSQL connection string: %s", problem);
    }
    return set_setting(cmd, dir, arg);
}

static const char *set_login_url(cmd_parms *cmd, void *dir, const char *arg)
{
    /* "//host" and a backslash lead to other sites. */
    if (arg[0] != '/' || arg[1] == '/' || strpbrk(arg, "\\?#\r\n")) {
        return apr_psprintf(cmd->pool, "ChatSessionLoginUrl: \"%s\" is no path of this site such as /chat/", arg);
    }
    return set_setting(cmd, dir, arg);
}

/* --- other directives --- */

static const char *add_origin(cmd_parms *cmd, void *dir, const char *arg)
{
    chatsession_server_t *conf = chatsession_server(cmd->server);
    const char *host = !strncmp(arg, "https://", 8) ? arg + 8 : !strncmp(arg, "http://", 7) ? arg + 7 : "";

    (void)dir;
    if (!*host || strpbrk(host, "/?#* \t")) {
        return apr_psprintf(cmd->pool, "ChatSessionAllowOrigin: \"%s\" is no origin such as https://chat.example.org",
                            arg);
    }
    if (!conf->origins) {
        conf->origins = apr_array_make(cmd->pool, 2, sizeof(const char *));
    }
    APR_ARRAY_PUSH(conf->origins, const char *) = apr_pstrdup(cmd->pool, arg);
    return NULL;
}

static const char *add_metrics_from(cmd_parms *cmd, void *dir, const char *arg)
{
    chatsession_server_t *conf = chatsession_server(cmd->server);
    const char *problem;

    (void)dir;
    if (!conf->metrics_from) {
        conf->metrics_from = apr_array_make(cmd->pool, 2, sizeof(apr_ipsubnet_t *));
    }
    problem = chatsession_networks_add(conf->metrics_from, arg, cmd->pool);
    return problem ? apr_psprintf(cmd->pool, "ChatSessionMetricsFrom: %s", problem) : NULL;
}

static const char *set_mock(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    chatsession_dir_t *conf = dir;
    apr_int64_t mode;

    if (argc < 1 || !chatsession_parse_choice(&mode, "echo|round|long", argv[0])) {
        return apr_psprintf(cmd->pool, "ChatSessionMock: \"%s\" is none of echo|round|long", argc ? argv[0] : "");
    }
    conf->mock_set = 1;
    conf->mock = (chatsession_mock_e)mode;
    for (int i = 1; i < argc; i++) {
        apr_interval_time_t *value = !strncmp(argv[i], "wait=", 5)   ? &conf->mock_wait
                                     : !strncmp(argv[i], "pace=", 5) ? &conf->mock_pace
                                                                     : NULL;
        if (!value || !cs_duration_parse(value, argv[i] + 5) || *value > MINUTES(10)) {
            return apr_psprintf(cmd->pool,
                                "ChatSessionMock: \"%s\" is neither wait=DURATION nor pace=DURATION, up to 10min",
                                argv[i]);
        }
    }
    return NULL;
}

/* A flag of a directory: where ap_set_flag_slot puts it, which httpd has as an offset in a pointer. */
/* NOLINTNEXTLINE(performance-no-int-to-ptr) */
#define MEMBER(member) (void *)APR_OFFSETOF(chatsession_dir_t, member)
#define COMMAND_ROW(index, name, set, type, values, help)                                                              \
    AP_INIT_TAKE1(name, set, (void *)&settings[CHATSESSION_##index], RSRC_CONF, help),

const command_rec chatsession_commands[] = {
    SETTINGS(COMMAND_ROW)
        AP_INIT_ITERATE("ChatSessionSecretFile", chatsession_add_secret_file, NULL, RSRC_CONF,
                        "file with a secret of at least 32 bytes, or exec: and a program; the first signs, all verify"),
    AP_INIT_ITERATE("ChatSessionAuditKeyFile", chatsession_add_audit_key_file, NULL, RSRC_CONF,
                    "file with a key of at least 32 bytes for the audit log; the first seals, all verify"),
    AP_INIT_TAKE_ARGV("ChatSessionBackend", chatsession_add_backend, NULL, RSRC_CONF,
                      "a model: NAME URL [model=NAME] [key-file=PATH] [context=TOKENS] [turns=N] [chat-mode=on|off] "
                      "[form=chat|completions|llamacpp] [template=NAME] [connect=DURATION]; the first is the default"),
    AP_INIT_TAKE_ARGV("ChatSessionPromptTemplate", chatsession_add_template, NULL, RSRC_CONF,
                      "how a history becomes one text: NAME OPTION=TEXT ..."),
    AP_INIT_ITERATE("ChatSessionAllowOrigin", add_origin, NULL, RSRC_CONF,
                    "other origins whose pages may send state-changing requests"),
    AP_INIT_ITERATE("ChatSessionMetricsFrom", add_metrics_from, NULL, RSRC_CONF,
                    "addresses and networks that may read the metrics without a login"),
    AP_INIT_TAKE_ARGV("ChatSessionSkipHeader", chatsession_add_skip_header, NULL, RSRC_CONF,
                      "requests with this header are served without a session: NAME VALUE|* [from CIDR ...]"),
    AP_INIT_TAKE12("ChatSessionStore", chatsession_set_store, NULL, RSRC_CONF,
                   "where visitors' sessions live: postgresql, or socache:PROVIDER[:ARGUMENTS] [host=N/M]"),
    AP_INIT_TAKE_ARGV("ChatSessionLegacyCookie", chatsession_set_legacy_cookie, NULL, RSRC_CONF,
                      "a cookie of the Python middleware, taken once: NAME secret-file=PATH [max-age=DURATION]"),
    AP_INIT_FLAG("ChatSession", ap_set_flag_slot, MEMBER(expose), RSRC_CONF | ACCESS_CONF,
                 "on: the session and its user are in the environment of this location's requests"),
    AP_INIT_FLAG("ChatSessionData", ap_set_flag_slot, MEMBER(expose_data), RSRC_CONF | ACCESS_CONF,
                 "on: what modules keep in the session is in the environment of this location's requests"),
    AP_INIT_FLAG("ChatSessionHideCookie", ap_set_flag_slot, MEMBER(hide_cookie), RSRC_CONF | ACCESS_CONF,
                 "on: our cookies are taken out of what CGI, PHP and proxied applications see of a request"),
    AP_INIT_FLAG("ChatSessionProvideSession", ap_set_flag_slot, MEMBER(provide_session), ACCESS_CONF,
                 "on: mod_session's data are kept in our session"),
    AP_INIT_FLAG("ChatSessionTrustUser", ap_set_flag_slot, MEMBER(trust_user), ACCESS_CONF,
                 "on: the user that another module has authenticated is logged in here"),
    AP_INIT_ITERATE("ChatSessionLoginProvider", chatsession_add_login_provider, NULL, RSRC_CONF,
                    "who checks a login, in this order: chatsession (our own users) or httpd's authn providers"),
    AP_INIT_TAKE2("ChatSessionRole", chatsession_add_role_rule, NULL, RSRC_CONF,
                  "ROLE EXPRESSION: the role of a user whom somebody else authenticates; the first that holds"),
    AP_INIT_TAKE_ARGV("ChatSessionChatStreamRole", chatsession_add_chatstream_role, NULL, RSRC_CONF,
                      "ROLE NAME ...: what a role, and those above it, may call of ChatStream's interface"),
    AP_INIT_TAKE_ARGV("ChatSessionMock", set_mock, NULL, ACCESS_CONF,
                      "the built-in model for trials: echo, round or long, with wait= and pace="),
    {NULL, {NULL}, NULL, 0, RAW_ARGS, NULL},
};

/* --- create and merge --- */

void *chatsession_create_server(apr_pool_t *pool, server_rec *s)
{
    (void)s;
    return apr_pcalloc(pool, sizeof(chatsession_server_t));
}

#define INHERIT(member) merged->member = merged->member ? merged->member : parent->member

/* A virtual host has what the main server has, but for what it says itself. */
void *chatsession_merge_server(apr_pool_t *pool, void *base, void *add)
{
    const chatsession_server_t *parent = base;
    chatsession_server_t *merged = apr_pmemdup(pool, add, sizeof(*merged));

    for (int i = 0; i < CHATSESSION_SETTINGS; i++) {
        if (!merged->values[i].set) {
            merged->values[i] = parent->values[i];
        }
    }
    INHERIT(keys);
    INHERIT(key_sources);
    INHERIT(audit_keys);
    INHERIT(secret_audit_keys);
    INHERIT(backends);
    INHERIT(templates);
    INHERIT(login_providers);
    INHERIT(role_rules);
    INHERIT(origins);
    INHERIT(chatstream_roles);
    INHERIT(metrics_from);
    INHERIT(skips);
    INHERIT(legacy);
    merged->cache = merged->store_set ? merged->cache : parent->cache;
    return merged;
}
#undef INHERIT

void *chatsession_create_dir(apr_pool_t *pool, char *dir)
{
    chatsession_dir_t *conf = apr_pcalloc(pool, sizeof(*conf));

    (void)dir;
    conf->expose = -1;
    conf->hide_cookie = -1;
    conf->trust_user = -1;
    conf->expose_data = -1;
    conf->provide_session = -1;
    return conf;
}

#define INHERIT_FLAG(flag) merged->flag = merged->flag < 0 ? parent->flag : merged->flag

void *chatsession_merge_dir(apr_pool_t *pool, void *base, void *add)
{
    const chatsession_dir_t *parent = base;
    chatsession_dir_t *merged = apr_pmemdup(pool, add, sizeof(*merged));

    INHERIT_FLAG(expose);
    INHERIT_FLAG(hide_cookie);
    INHERIT_FLAG(trust_user);
    INHERIT_FLAG(expose_data);
    INHERIT_FLAG(provide_session);
    if (!merged->mock_set) {
        merged->mock_set = parent->mock_set;
        merged->mock = parent->mock;
        merged->mock_wait = parent->mock_wait;
        merged->mock_pace = parent->mock_pace;
    }
    return merged;
}
#undef INHERIT_FLAG
