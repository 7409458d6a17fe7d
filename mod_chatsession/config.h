/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_CONFIG_H
#define CHATSESSION_CONFIG_H
/*
 * The configuration as the rest of the module sees it. A setting is one row of the table in config.c: name, type,
 * default, bounds, help. Values of a server are read by chatsession_number() and chatsession_string(); what is made of
 * several directives (keys, backends, pages, mounts) stands in named fields.
 */
#include <httpd.h>
#include <ap_expr.h>
#include <http_config.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include "core/audit_seal.h"
#include "core/breaker.h"
#include "core/cookie.h"
#include "core/itsdangerous.h"
#include "core/password.h"
#include "core/prompttext.h"
#include "core/session.h"
#include "core/token.h"
#include "store/db.h"
#include "store/session_cache.h"
#include "store/session_store.h"

/* httpd looks this one symbol up; all others are hidden. */
extern module AP_MODULE_DECLARE_DATA chatsession_module __attribute__((visibility("default")));

/** Settings of a server, one row each in config.c. Durations are microseconds. */
typedef enum {
    CHATSESSION_DATABASE,
    CHATSESSION_DATABASE_CONNECTIONS,
    CHATSESSION_DATABASE_WAIT,
    CHATSESSION_STATEMENT_TIMEOUT,
    CHATSESSION_PAGES,
    CHATSESSION_COOKIE_NAME,
    CHATSESSION_COOKIE_PATH,
    CHATSESSION_COOKIE_DOMAIN,
    CHATSESSION_COOKIE_SECURE,
    CHATSESSION_COOKIE_SAMESITE,
    CHATSESSION_COOKIE_MAX_AGE,
    CHATSESSION_COOKIE_HTTP_ONLY,
    CHATSESSION_IDLE_TIMEOUT,
    CHATSESSION_MAX_LIFETIME,
    CHATSESSION_CONSOLE_IDLE_TIMEOUT,
    CHATSESSION_CONSOLE_MAX_LIFETIME,
    CHATSESSION_REAUTHENTICATE,
    CHATSESSION_GRACE,
    CHATSESSION_MAX_PER_USER,
    CHATSESSION_ANONYMOUS,
    CHATSESSION_GUESTS,
    CHATSESSION_ADOPT,
    CHATSESSION_SESSION_CACHE_ENTRIES,
    CHATSESSION_SESSION_CACHE_LIFE,
    CHATSESSION_PASSWORD_MEMORY,
    CHATSESSION_PASSWORD_ITERATIONS,
    CHATSESSION_PASSWORD_PARALLELISM,
    CHATSESSION_PASSWORD_CONCURRENCY,
    CHATSESSION_LOGIN_LIMIT,
    CHATSESSION_LOGIN_DELAY,
    CHATSESSION_KNOWN_DEVICE,
    CHATSESSION_FIRST_TOKEN_TIMEOUT,
    CHATSESSION_TOKEN_TIMEOUT,
    CHATSESSION_ANSWER_TIMEOUT,
    CHATSESSION_ANSWER_LIMIT,
    CHATSESSION_BREAKER_FAILURES,
    CHATSESSION_BREAKER_PAUSE,
    CHATSESSION_HEARTBEAT,
    CHATSESSION_CHECKPOINT,
    CHATSESSION_SWEEP,
    CHATSESSION_TURN_SILENCE,
    CHATSESSION_TRASH_GRACE,
    CHATSESSION_TEMPORARY,
    CHATSESSION_SHARING,
    CHATSESSION_RETENTION_INTERVAL,
    CHATSESSION_LOGIN_URL,
    CHATSESSION_SECOND_FACTOR,
    CHATSESSION_MAX_TURNS,
    CHATSESSION_MAX_WAITING,
    CHATSESSION_STREAM_SHARE,
    CHATSESSION_USER_TURNS,
    CHATSESSION_USER_RATE,
    CHATSESSION_USER_TOKENS,
    CHATSESSION_USER_CONVERSATIONS,
    CHATSESSION_CONVERSATION_MESSAGES,
    CHATSESSION_ON_DISCONNECT,
    CHATSESSION_TITLE,
    CHATSESSION_SHOW_ACCESS,
    CHATSESSION_READ_REASON,
    CHATSESSION_SELF_ERASE,
    CHATSESSION_CHATSTREAM,
    CHATSESSION_CHATSTREAM_PROMPT,
    CHATSESSION_SETTINGS
} chatsession_setting_e;

/** CHATSESSION_COOKIE_SECURE: AUTO follows the connection. */
typedef enum { CHATSESSION_SECURE_ON, CHATSESSION_SECURE_OFF, CHATSESSION_SECURE_AUTO } chatsession_secure_e;

/** CHATSESSION_SECOND_FACTOR: who must have one. */
typedef enum {
    CHATSESSION_FACTOR_OPTIONAL,
    CHATSESSION_FACTOR_OFF,
    CHATSESSION_FACTOR_OPERATORS,
    CHATSESSION_FACTOR_EVERYONE
} chatsession_factor_e;

/** CHATSESSION_ON_DISCONNECT: what becomes of an answer whose browser has left. */
typedef enum { CHATSESSION_DISCONNECT_FINISH, CHATSESSION_DISCONNECT_STOP } chatsession_disconnect_e;

/** CHATSESSION_SHOW_ACCESS: what users see of who opened their conversations. */
typedef enum { CHATSESSION_ACCESS_HIDDEN, CHATSESSION_ACCESS_ROLE, CHATSESSION_ACCESS_NAME } chatsession_show_access_e;

/** CHATSESSION_SHARING: whether users may let others read. */
typedef enum { CHATSESSION_SHARE_ON, CHATSESSION_SHARE_OFF } chatsession_share_e;

/** CHATSESSION_TITLE: what a conversation is called until its owner says. */
typedef enum { CHATSESSION_TITLE_FIRST_WORDS, CHATSESSION_TITLE_MODEL, CHATSESSION_TITLE_OFF } chatsession_title_e;

/** One model behind the site: a line ChatSessionBackend. */
typedef struct {
    const char *name;  /* what the API and the pages call it */
    const char *url;   /* of the OpenAI API, without a trailing slash; also balancer:// and unix:…|http://… */
    const char *model; /* what the backend calls it */
    const char *authorization; /* the whole header value, or NULL; never logged */
    apr_int64_t context;       /* tokens of a request and its answer; 0: unknown */
    int turns;                 /* so many turns are sent; 0: all */
    bool last_alone;           /* nothing is sent but the system text and the last message */
    cs_prompt_form_e form;
    const char *template_name;            /* NULL: none given */
    const cs_prompt_template_t *template; /* of a form with one text; set when the configuration is checked */
    apr_interval_time_t connect;          /* longest time of making a connection */
    cs_breaker_t *breaker;                /* shared by all children; set when the configuration is complete */
    atomic_uint *density;                 /* tokens in 1,000 octets of a request, as this child has seen; never NULL */
} chatsession_backend_t;

/** Which role a user has whom somebody else authenticates: the first rule whose expression holds. */
typedef struct {
    const char *role;
    const ap_expr_info_t *condition;
} chatsession_role_rule_t;

/** A cookie of the Python middleware that is taken once: ChatSessionLegacyCookie NAME secret-file=PATH [max-age=…]. */
typedef struct {
    cs_cookie_attrs_t cookie; /* what removes it */
    unsigned char key[CS_ITSDANGEROUS_KEY_BYTES];
    bool keyed;
    apr_int64_t max_age;
} chatsession_legacy_t;

/** Where a key came from, in the order of the keys. */
typedef struct {
    const char *id;     /* the key's, which cookies name */
    apr_time_t changed; /* the file's last change; 0: a program gave it */
} chatsession_key_source_t;

typedef struct chatsession_socache chatsession_socache_t;
typedef struct chatsession_assets chatsession_assets_t;
typedef struct chatsession_recorder chatsession_recorder_t;

typedef struct {
    struct {
        bool set;
        apr_int64_t number;
        const char *string;
    } values[CHATSESSION_SETTINGS];
    cs_keyring_t *keys;                  /* NULL: none configured */
    apr_array_header_t *key_sources;     /* of chatsession_key_source_t, with keys */
    cs_audit_key_t *audit_keys;          /* of ChatSessionAuditKeyFile; NULL: none */
    cs_audit_key_t *secret_audit_keys;   /* of ChatSessionSecretFile */
    apr_array_header_t *backends;        /* of chatsession_backend_t; the first is the default; NULL: none */
    apr_array_header_t *templates;       /* of cs_prompt_template_t *; NULL: none but those that core knows */
    apr_array_header_t *login_providers; /* of const char *: who checks a login; NULL: our own users alone */
    apr_array_header_t *role_rules;      /* of chatsession_role_rule_t; NULL: none */
    apr_array_header_t *origins; /* of const char *: other origins that may send state-changing requests; NULL: none */
    apr_array_header_t *metrics_from; /* of apr_ipsubnet_t *: who may read the metrics without a login; NULL: nobody */
    apr_array_header_t *skips;        /* of chatsession_skip_t; NULL: none */
    const chatsession_legacy_t *legacy; /* NULL: none */
    apr_array_header_t *mounts;         /* of chatsession_mount_t, found when the configuration is checked */
    chatsession_assets_t *assets;       /* the pages, in memory */
    cs_session_cache_t *sessions;       /* what this host remembers of sessions; NULL: nothing */
    cs_session_review_t
        *review; /* this child's, who writes back when they were used and looks them up anew; NULL as sessions or db */
    cs_db_t *db; /* this child's; NULL before child_init or when not configured */
    apr_time_t was_away;                  /* steady: the sweep found db away then; 0: never. The sweep's own */
    chatsession_recorder_t *recorder;     /* of db's running answers; NULL as db */
    chatsession_socache_t *cache;         /* where visitors' sessions live (socache.h); NULL: in the database */
    bool store_set;                       /* there is a line ChatSessionStore */
    const cs_session_store_t *users;      /* this child's: of the sessions of users; NULL as db */
    const cs_session_store_t *visitors;   /* of the sessions of nobody: the same, or cache's */
    apr_array_header_t *chatstream_roles; /* of chatsession_chatstream_role_t; NULL: the defaults */
} chatsession_server_t;

typedef enum { CHATSESSION_MOCK_ECHO, CHATSESSION_MOCK_ROUND, CHATSESSION_MOCK_LONG } chatsession_mock_e;

/** Of a directory or location. */
typedef struct {
    int expose;          /* ChatSession on: session and user in the environment; -1 unset */
    int hide_cookie;     /* ChatSessionHideCookie: our cookies are not for other handlers; -1 unset, which is on */
    int trust_user;      /* ChatSessionTrustUser: r->user of another module is ours; -1 unset */
    int expose_data;     /* ChatSessionData: the session's values in the environment; -1 unset */
    int provide_session; /* ChatSessionProvideSession: a place for mod_session's data; -1 unset */
    int mock_set;
    chatsession_mock_e mock;
    apr_interval_time_t mock_wait; /* before the first token */
    apr_interval_time_t mock_pace; /* between tokens */
} chatsession_dir_t;

extern const command_rec chatsession_commands[];
void *chatsession_create_server(apr_pool_t *pool, server_rec *s);
void *chatsession_merge_server(apr_pool_t *pool, void *base, void *add);
void *chatsession_create_dir(apr_pool_t *pool, char *dir);
void *chatsession_merge_dir(apr_pool_t *pool, void *base, void *add);

/** Hook check_config: what only several directives together can get wrong. Runs under apachectl configtest too. */
int chatsession_check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

chatsession_server_t *chatsession_server(const server_rec *s);
chatsession_dir_t *chatsession_dir(const request_rec *r);

/** The value of a setting, or its default. */
apr_int64_t chatsession_number(const chatsession_server_t *conf, chatsession_setting_e setting);
const char *chatsession_string(const chatsession_server_t *conf, chatsession_setting_e setting);

/** What a setting is, for whoever shows the configuration: {"name","value","default","set","help"}; new reference. A
 * value that may hold a password is null. */
json_t *chatsession_setting_json(const chatsession_server_t *conf, chatsession_setting_e setting, apr_pool_t *pool);

/** Every setting by its directive's name, as it counts: numbers, durations in milliseconds, words; null: none. New
 * reference. */
json_t *chatsession_settings_json(const chatsession_server_t *conf);

/** The keys of the audit log: the first seals. With ChatSessionAuditKeyFile, those, followed by what the secrets stand
 * for, which sealed before; NULL: none. */
const cs_audit_key_t *chatsession_audit_keys(const chatsession_server_t *conf);

/** The settings that core wants as its own structures. */
cs_cookie_attrs_t chatsession_cookie(const chatsession_server_t *conf, const request_rec *r);
cs_session_limits_t chatsession_limits(const chatsession_server_t *conf);
/** For the times of cs_session_console_times; never wider than chatsession_limits. */
cs_session_limits_t chatsession_console_limits(const chatsession_server_t *conf);
cs_password_cost_t chatsession_password_cost(const chatsession_server_t *conf);

/** The backend of that name, the first one for NULL, or NULL. */
const chatsession_backend_t *chatsession_find_backend(const chatsession_server_t *conf, const char *name);

/** The template of that name, the configuration's own before those that core knows, or NULL. */
const cs_prompt_template_t *chatsession_find_template(const chatsession_server_t *conf, const char *name);

#endif
