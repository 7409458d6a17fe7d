/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CTL_H
#define CTL_H
/*
 * What the commands of chatsessionctl get and give. A command prints its result on standard output; when it cannot do
 * its work, it says why by ctl_fail and returns what that returns, or the exit code that tells its kind of refusal.
 */
#include <apr_pools.h>
#include <apr_tables.h>
#include <sys/types.h>
#include "core/audit_seal.h"
#include "core/session.h"
#include "store/console.h"
#include "store/job.h"
#include "store/user.h"

/** What setup is told; NULL: not given. */
typedef struct {
    const char *as;         /* --as: the user of the system who is PostgreSQL's superuser */
    const char *folder;     /* --folder */
    const char *httpd_user; /* --httpd-user */
    const char *backend;    /* --backend */
} ctl_setup_t;

/** What check is told; NULL: not given. */
typedef struct {
    const char *httpd;    /* --httpd: a command */
    const char *settings; /* --settings: what it printed */
    const char *database; /* --database */
} ctl_checked_t;

/** A rule of retention; NULL: not given. */
typedef struct {
    const char *keep;  /* --keep */
    const char *clock; /* --clock */
    bool pinned_too;   /* --pinned-too */
} ctl_rule_t;

/** A user's own limits; NULL: not given. */
typedef struct {
    const char *turns, *requests, *tokens; /* --max-turns, --max-requests, --max-tokens */
} ctl_limits_t;

/** What the options say, each named as it is, and the operands. A text that was not given is NULL, a list of texts
 * too. */
typedef struct {
    cs_db_t *db;
    const char *database; /* --database, or of the environment; NULL: neither */
    ctl_setup_t setup;
    ctl_checked_t check;
    ctl_rule_t rule;
    ctl_limits_t own_limits;
    cs_console_filter_t filter;    /* --user, --from, …: the FILTER of the help */
    const char *id;                /* the operand ID */
    const char *name;              /* the operand NAME, or else --user */
    const char *role;              /* the operand ROLE, or else --role */
    const char *operator_name;     /* --operator */
    const char *action;            /* --action */
    const char *conversation;      /* --conversation */
    const char *kind;              /* --kind */
    const char *sort, *order;      /* --sort, --order */
    const char *after;             /* --after: where a page begins */
    apr_int64_t limit;             /* --limit: how long it is */
    const char *reason;            /* --reason */
    const char *format, *output;   /* --format, --output */
    const char *list;              /* --list: the query string of a view */
    apr_array_header_t *add;       /* --add, as often as it was given: const char * */
    apr_array_header_t *remove;    /* --remove */
    apr_array_header_t *custodian; /* --custodian */
    apr_array_header_t *key_files; /* --key-file; of the environment where none is given */
    const char *dir;               /* --dir */
    bool password_stdin, random_password;
    bool json;                        /* --json */
    bool all;                         /* --all */
    bool metadata;                    /* --metadata: no content */
    bool job;                         /* --job: httpd's sweep is to do it */
    bool gzip;                        /* --gzip */
    bool shared;                      /* --shared */
    bool dry_run;                     /* --dry-run */
    cs_session_limits_t limits;       /* --idle-timeout, --max-lifetime; the longest that httpd takes */
    apr_interval_time_t turn_silence; /* --turn-silence */
    apr_interval_time_t grace;        /* --grace */
    const char *confirm;              /* --confirm */
    const char *anchor;               /* --anchor */
    const char *sha256;               /* --sha256 */
    const char *manifest;             /* --manifest */
    char *const *operands;            /* all, for a command that takes any number */
    int operand_count;
    const char *last_error; /* what the database door logged last; NULL: nothing */
} ctl_t;

/** A command's function: the exit code. */
typedef int ctl_command_fn(ctl_t *ctl, apr_pool_t *pool);

/* Exit codes: a script tells by them what is worth doing again. */
#define CTL_DONE 0
#define CTL_FAILED 1  /* it could not be done, or was refused for a reason that the sentence has */
#define CTL_USAGE 2   /* the command line is wrong */
#define CTL_ABSENT 3  /* what it names is not there */
#define CTL_HELD 4    /* an open matter holds it */
#define CTL_CHANGED 5 /* there is more or less than --confirm says: look again */

/** A sentence on standard error; CTL_FAILED. */
int ctl_fail(const char *format, ...) CS_PRINTF(1, 2);
/** The same, and code. */
int ctl_refuse(int code, const char *format, ...) CS_PRINTF(2, 3);
/** "what failed: why" from a status, with what the door logged; CTL_FAILED. */
int ctl_fail_status(const ctl_t *ctl, apr_status_t status, const char *what);

/** Look ctl->name up; CTL_DONE, or it was said that there is no such user. */
int ctl_find_user(cs_user_t *user, const ctl_t *ctl, apr_pool_t *pool);

ctl_command_fn ctl_schema_apply, ctl_schema_status;
ctl_command_fn ctl_user_add, ctl_user_invite, ctl_user_list, ctl_user_show, ctl_user_disable, ctl_user_enable,
    ctl_user_password, ctl_user_role, ctl_user_limits, ctl_user_second_factor;
ctl_command_fn ctl_user_archive, ctl_user_erase, ctl_erasure_list, ctl_erasure_show, ctl_erasure_apply;
ctl_command_fn ctl_session_list, ctl_session_revoke;
ctl_command_fn ctl_secret_new, ctl_secret_rotate;
ctl_command_fn ctl_setup, ctl_check;
ctl_command_fn ctl_overview, ctl_sweep;
ctl_command_fn ctl_conversation_list, ctl_conversation_show, ctl_conversation_expire, ctl_conversation_restore,
    ctl_conversation_purge, ctl_conversation_tag;
ctl_command_fn ctl_hold_list, ctl_hold_show, ctl_hold_open, ctl_hold_add, ctl_hold_release;
ctl_command_fn ctl_retention_list, ctl_retention_add, ctl_retention_change, ctl_retention_remove, ctl_retention_explain,
    ctl_retention_run;
ctl_command_fn ctl_job_list, ctl_job_show, ctl_job_cancel;
ctl_command_fn ctl_audit_list, ctl_audit_verify, ctl_audit_export;
ctl_command_fn ctl_feedback_list;
ctl_command_fn ctl_view_list, ctl_view_save, ctl_view_delete;
ctl_command_fn ctl_export_make, ctl_export_list, ctl_export_show, ctl_export_manifest, ctl_export_cancel,
    ctl_export_verify, ctl_import;

/** ctl->db for ctl->database. Nothing is asked yet. */
int ctl_open_database(ctl_t *ctl, apr_pool_t *pool);
/** The folder of the schema's steps: --dir, or where they were installed. */
const char *ctl_schema_dir(const ctl_t *ctl, apr_pool_t *pool);

/** A new file at path that holds text, with that mode from its first moment on; one that is there is not touched. */
int ctl_make_file(const char *path, const char *text, mode_t mode);
bool ctl_is_there(const char *path, apr_pool_t *pool);
/** A new file with a secret; and whether httpd would take what is in one. */
int ctl_secret_make(const char *path);
int ctl_secret_check(const char *path, apr_pool_t *pool);

/*
 * Root acts for another user for a while: PostgreSQL's peer authentication and the rights of a passfile go by the
 * effective user. Whoever is not root stays who they are, and PostgreSQL says what it thinks of that.
 */
/** Be that user of the system from now on; NULL: nobody else. CTL_DONE, or it was said that there is none. */
int ctl_become(const char *user);
/** Be again who began. */
void ctl_become_oneself(void);
/** Give the file at path to that user, where that is possible. */
int ctl_give_file(const char *path, const char *user);

/** The keys of the --key-file options, in their order (NULL: none was given); CTL_DONE, or it was said what is wrong.
 */
int ctl_read_keys(cs_audit_key_t **keys, const ctl_t *ctl, apr_pool_t *pool);
/** What a command records: an entry of that action and detail (borrowed; may be NULL), with --reason and the key that
 * seals it. Without --key-file only where no entry is sealed yet; CTL_DONE, or it was said what is wrong. */
int ctl_make_entry(cs_audit_entry_t *entry, const ctl_t *ctl, const char *action, json_t *detail, apr_pool_t *pool);
/** Who did it, in such an entry. */
#define CTL_OPERATOR "(chatsessionctl)"

/** Batch after batch: of the job called only, or of all (NULL), until there is none left. */
apr_status_t ctl_run_job(cs_job_step_t *step, cs_db_t *db, const char *only, apr_pool_t *pool);

#endif
