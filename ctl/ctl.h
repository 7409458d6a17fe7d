/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CTL_H
#define CTL_H
/*
 * What the commands of chatsessionctl get and give. A command prints its result on standard output; when it cannot do
 * its work, it says why by ctl_fail and returns what that returns.
 */
#include <apr_pools.h>
#include <sys/types.h>
#include "core/audit_seal.h"
#include "core/session.h"
#include "store/db.h"
#include "store/job.h"
#include "store/user.h"

#define CTL_KEY_FILES 8

/** What setup is told; NULL: not given. */
typedef struct {
    const char *as;            /* --as: the user of the system who is PostgreSQL's superuser */
    const char *folder;        /* --folder */
    const char *httpd_user;    /* --httpd-user */
    const char *operator_name; /* --operator */
    const char *backend;       /* --backend */
} ctl_setup_t;

/** What check is told; NULL: not given. */
typedef struct {
    const char *httpd;    /* --httpd: a command */
    const char *settings; /* --settings: what it printed */
    const char *database; /* --database */
} ctl_checked_t;

typedef struct {
    cs_db_t *db;
    const char *database; /* --database, or of the environment; NULL: neither */
    ctl_setup_t setup;
    ctl_checked_t check;
    const char *dir;  /* --dir; NULL: not given */
    const char *name; /* the operand NAME, or that of --user */
    const char *role; /* the operand ROLE or --role */
    bool password_stdin;
    bool random_password;
    bool json;                            /* --json */
    bool all;                             /* --all */
    cs_session_limits_t limits;           /* --idle-timeout, --max-lifetime; the longest that httpd takes */
    apr_interval_time_t turn_silence;     /* --turn-silence */
    apr_interval_time_t grace;            /* --grace */
    const char *key_files[CTL_KEY_FILES]; /* --key-file, as often as it was given */
    int key_file_count;
    const char *confirm;   /* --confirm; NULL: not given */
    const char *anchor;    /* --anchor; NULL: not given */
    const char *sha256;    /* --sha256; NULL: not given */
    const char *manifest;  /* --manifest; NULL: not given */
    bool dry_run;          /* --dry-run */
    char *const *operands; /* all, for a command that takes any number */
    int operand_count;
    const char *last_error; /* what the database door logged last; NULL: nothing */
} ctl_t;

/** A command's function: the exit code. */
typedef int ctl_command_fn(ctl_t *ctl, apr_pool_t *pool);

#define CTL_DONE 0
#define CTL_FAILED 1
#define CTL_USAGE 2

/** A sentence on standard error; CTL_FAILED. */
int ctl_fail(const char *format, ...) CS_PRINTF(1, 2);
/** "what failed: why" from a status, with what the door logged; CTL_FAILED. */
int ctl_fail_status(const ctl_t *ctl, apr_status_t status, const char *what);

/** Look ctl->name up; CTL_DONE, or it was said that there is no such user. */
int ctl_find_user(cs_user_t *user, const ctl_t *ctl, apr_pool_t *pool);
/** value on standard output as JSON; takes the reference. */
int ctl_print_json(json_t *value);
/** text without what could move a terminal's cursor: control characters become "?". */
const char *ctl_printable(const char *text, apr_pool_t *pool);
/** A session's table; the caller keeps the reference. */
void ctl_print_sessions(const json_t *sessions, apr_pool_t *pool);

ctl_command_fn ctl_schema_apply, ctl_schema_status;
ctl_command_fn ctl_user_add, ctl_user_invite, ctl_user_list, ctl_user_show, ctl_user_disable, ctl_user_enable,
    ctl_user_password, ctl_user_role, ctl_user_second_factor;
ctl_command_fn ctl_user_archive, ctl_user_erase, ctl_erasure_list, ctl_erasure_apply;
ctl_command_fn ctl_session_list, ctl_session_revoke;
ctl_command_fn ctl_secret_new, ctl_secret_rotate;
ctl_command_fn ctl_setup, ctl_check;
ctl_command_fn ctl_sweep;
ctl_command_fn ctl_audit_verify, ctl_export_verify, ctl_import, ctl_hold_list, ctl_retention_list, ctl_retention_run,
    ctl_job_list;

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
/** The same for a command that records what it does: without --key-file only where no entry is sealed yet. */
int ctl_read_entry_keys(cs_audit_key_t **keys, const ctl_t *ctl, apr_pool_t *pool);
/** Who did it, in such an entry. */
#define CTL_OPERATOR "(chatsessionctl)"

/** Batch after batch: of the job called only, or of all (NULL), until there is none left. */
apr_status_t ctl_run_job(cs_job_step_t *step, cs_db_t *db, const char *only, apr_pool_t *pool);

#endif
