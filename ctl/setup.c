/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * From a PostgreSQL and an httpd to a chat: database, roles, schema, a way in for httpd's user, the secret, the lines
 * of configuration, the first administrator. Each step looks first whether its work is done, so a second run after a
 * failure goes on where the first one ended, and one after a success changes nothing.
 *
 * Who may do what: the database part runs as a superuser of PostgreSQL, the look at httpd's way in as httpd's user,
 * the files as whoever runs this. Root changes its effective user for the first two.
 */
#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/json.h"
#include "core/password.h"
#include "ctl_print.h"
#include "store/db_cluster.h"
#include "store/schema.h"
#include "store/user_admin.h"

#define DEFAULT_DATABASE "host=/var/run/postgresql dbname=chatsession user=postgres"
#define DEFAULT_BACKEND "ollama http://localhost:11434/v1 model=llama3.1"
#define ROLE "chatsession"

static void tell(const char *what, const char *how)
{
    printf("%-18s %s\n", what, how);
    fflush(stdout);
}

/* --- questions --- */

/* The answer to a question at a terminal; fallback for an empty line, and where nobody is there to ask. */
static const char *ask(const char *question, const char *given, const char *fallback, apr_pool_t *pool)
{
    char line[1024];

    if (given || !isatty(STDIN_FILENO)) {
        return given ? given : fallback;
    }
    printf("%s [%s]: ", question, fallback);
    fflush(stdout);
    if (!fgets(line, sizeof(line), stdin)) {
        return fallback;
    }
    line[strcspn(line, "\r\n")] = '\0';
    return *line ? apr_pstrdup(pool, line) : fallback;
}

static bool is_local(const char *conninfo, apr_pool_t *pool)
{
    const char *host = cs_db_conninfo_value(conninfo, "host", pool);

    return !host || !*host || *host == '/' || *host == '@';
}

/* What is written into files that httpd, systemd and shells read must mean there what it means here. */
static int check_plain(const char *what, const char *text, const char *unwanted)
{
    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f || strchr(unwanted, *c)) {
            return ctl_fail("%s holds a character that httpd's configuration or a shell would read as something else; "
                            "expected none of %s and no control character",
                            what, unwanted);
        }
    }
    return CTL_DONE;
}

static int check_answers(const ctl_t *ctl)
{
    static const char special[] = "\"$`\\";

    if (check_plain("--database", ctl->database, special) != CTL_DONE ||
        check_plain("--folder", ctl->setup.folder, special) != CTL_DONE) {
        return CTL_FAILED;
    }
    return check_plain("--backend", ctl->setup.backend, "$`");
}

static int read_answers(ctl_t *ctl, apr_pool_t *pool)
{
    const char *problem;

    ctl->database = ask("PostgreSQL's superuser, as a connection string", ctl->database, DEFAULT_DATABASE, pool);
    problem = cs_db_conninfo_problem(ctl->database, pool);
    if (problem) {
        return ctl_fail("not a PostgreSQL connection string: %s", problem);
    }
    if (!cs_db_conninfo_value(ctl->database, "dbname", pool)) {
        ctl->database = cs_db_conninfo_with(ctl->database, "dbname", "chatsession", pool);
    }
    ctl->operator_name = ask("The first administrator's name", ctl->operator_name, "operator", pool);
    ctl->setup.backend = ask("The model, as NAME URL [model=NAME]", ctl->setup.backend, DEFAULT_BACKEND, pool);
    ctl->setup.folder = ctl->setup.folder ? ctl->setup.folder : "/etc/chatsession";
    ctl->setup.httpd_user = ctl->setup.httpd_user ? ctl->setup.httpd_user : "www-data";
    if (!ctl->setup.as && geteuid() == 0 && is_local(ctl->database, pool)) {
        ctl->setup.as = "postgres";
    }
    return check_answers(ctl);
}

/* --- the database --- */

static void count_step(void *baton, const cs_schema_step_t *step)
{
    (void)step;
    ++*(int *)baton;
}

static int prepare_database(ctl_t *ctl, apr_pool_t *pool)
{
    const char *problem;
    bool made = false;
    int steps = 0;

    if (cs_db_make_database(&made, ctl->database, &problem, pool) != APR_SUCCESS) {
        return ctl_fail("the database cannot be made or reached%s%s: %s", ctl->setup.as ? " as " : "",
                        ctl->setup.as ? ctl->setup.as : "", problem);
    }
    tell("database", made ? "made" : "there already");
    if (ctl_open_database(ctl, pool) != CTL_DONE) {
        return CTL_FAILED;
    }
    if (cs_schema_apply(ctl->db, ctl_schema_dir(ctl, pool), count_step, &steps, &problem, pool) != APR_SUCCESS) {
        return ctl_fail("the schema could not be applied: %s", problem);
    }
    tell("schema", steps ? apr_psprintf(pool, "%d steps applied", steps) : "up to date");
    return CTL_DONE;
}

/* --- httpd's way in --- */

/* The first of these that lets httpd's user in as the module's role: the kernel's word for it, the password at the same
 * address, the password over TCP, which Debian's PostgreSQL takes as it is installed. */
static const char *find_way_in(const ctl_t *ctl, const char *passfile, const char **problem, apr_pool_t *pool)
{
    const char *plain =
        cs_db_conninfo_with(cs_db_conninfo_with(ctl->database, "password", NULL, pool), "user", ROLE, pool);
    const char *with_password = cs_db_conninfo_with(plain, "passfile", passfile, pool);
    const char *ways[] = {plain, passfile ? with_password : NULL,
                          passfile && is_local(plain, pool)
                              ? cs_db_conninfo_with(with_password, "host", "127.0.0.1", pool)
                              : NULL};

    *problem = NULL;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        const char *reason;

        if (ways[i] && cs_db_try(ways[i], &reason, pool) == APR_SUCCESS) {
            return ways[i];
        }
        *problem = ways[i] ? reason : *problem;
    }
    return NULL;
}

static const char *try_as_httpd(ctl_t *ctl, const char *passfile, const char **problem, apr_pool_t *pool)
{
    const char *way = NULL;

    if (ctl_become(ctl->setup.httpd_user) == CTL_DONE) {
        way = find_way_in(ctl, passfile, problem, pool);
        ctl_become_oneself();
    } else {
        *problem = "see above";
    }
    return way;
}

static int make_password(ctl_t *ctl, const char *passfile, apr_pool_t *pool)
{
    const char *password, *problem;
    int code;

    if (cs_password_random(&password, pool) != APR_SUCCESS) {
        return ctl_fail("there are no random bytes to be had");
    }
    code = ctl_become(ctl->setup.as);
    if (code == CTL_DONE) {
        if (cs_db_set_role_password(ctl->database, ROLE, password, &problem, pool) != APR_SUCCESS) {
            code = ctl_fail("the role " ROLE " could not be given a password: %s", problem);
        }
        ctl_become_oneself();
    }
    if (code == CTL_DONE) {
        code = ctl_make_file(passfile, apr_psprintf(pool, "*:*:*:" ROLE ":%s\n", password), 0600);
    }
    return code == CTL_DONE ? ctl_give_file(passfile, ctl->setup.httpd_user) : code;
}

static int open_way_in(ctl_t *ctl, const char **way, apr_pool_t *pool)
{
    const char *passfile = apr_pstrcat(pool, ctl->setup.folder, "/pgpass", NULL);
    const bool known = ctl_is_there(passfile, pool);
    const char *problem;
    int code;

    *way = try_as_httpd(ctl, known ? passfile : NULL, &problem, pool);
    if (!*way && !known) {
        code = make_password(ctl, passfile, pool);
        if (code != CTL_DONE) {
            return code;
        }
        *way = try_as_httpd(ctl, passfile, &problem, pool);
    }
    if (!*way) {
        return ctl_fail("PostgreSQL does not let %s in as the role " ROLE ": %s\n"
                        "Add to pg_hba.conf, before other lines for that database, and reload PostgreSQL:\n"
                        "  host %s " ROLE " 127.0.0.1/32 scram-sha-256\n"
                        "then run this again",
                        ctl->setup.httpd_user, problem, cs_db_conninfo_value(ctl->database, "dbname", pool));
    }
    tell("httpd's way in", *way);
    return CTL_DONE;
}

/* --- files --- */

static int make_folder(const ctl_t *ctl, apr_pool_t *pool)
{
    const apr_status_t rv =
        apr_dir_make_recursive(ctl->setup.folder,
                               APR_FPROT_UREAD | APR_FPROT_UWRITE | APR_FPROT_UEXECUTE | APR_FPROT_GREAD |
                                   APR_FPROT_GEXECUTE | APR_FPROT_WREAD | APR_FPROT_WEXECUTE,
                               pool);
    char reason[120];

    return rv == APR_SUCCESS
               ? CTL_DONE
               : ctl_fail("%s cannot be made: %s", ctl->setup.folder, apr_strerror(rv, reason, sizeof(reason)));
}

static int make_secret(const ctl_t *ctl, apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, ctl->setup.folder, "/secret", NULL);
    int code;

    if (ctl_is_there(path, pool)) {
        code = ctl_secret_check(path, pool);
        tell("secret", "there already");
        return code;
    }
    code = ctl_secret_make(path);
    if (code == CTL_DONE) {
        tell("secret", path);
    }
    return code;
}

static int make_once(const char *what, const char *path, const char *content, mode_t mode, apr_pool_t *pool)
{
    int code = CTL_DONE;

    if (ctl_is_there(path, pool)) {
        tell(what, "there already");
        return CTL_DONE;
    }
    code = ctl_make_file(path, content, mode);
    if (code == CTL_DONE) {
        tell(what, path);
    }
    return code;
}

static int make_configuration(const ctl_t *ctl, const char *way, apr_pool_t *pool)
{
    const char *folder = ctl->setup.folder;
    int code = make_once("configuration", apr_pstrcat(pool, folder, "/httpd.conf", NULL),
                         apr_psprintf(pool,
                                      "# Made by chatsessionctl setup, which never writes over it.\n"
                                      "ChatSessionDatabase   \"%s\"\n"
                                      "ChatSessionSecretFile \"%s/secret\"\n"
                                      "ChatSessionBackend    %s\n",
                                      way, folder, ctl->setup.backend),
                         0644, pool);

    if (code == CTL_DONE) {
        code = make_once("environment", apr_pstrcat(pool, folder, "/environment", NULL),
                         apr_psprintf(pool,
                                      "# For chatsession-sweep.service, and for a shell: set -a; . %s/environment\n"
                                      "CHATSESSION_DATABASE=\"%s\"\n"
                                      "CHATSESSION_KEY_FILE=\"%s/secret\"\n"
                                      "# As the directives of these names, where they are not the defaults:\n"
                                      "#SWEEP_OPTIONS=\"--turn-silence 10s --idle-timeout 30min --max-lifetime 12h\"\n"
                                      "#RETENTION_OPTIONS=\"--grace 30d\"\n",
                                      folder, way, folder),
                         0644, pool);
    }
    return code;
}

/* --- the first administrator --- */

static int make_admin(ctl_t *ctl, apr_pool_t *pool)
{
    static const cs_user_list_t admins = {.role = "admin", .state = "active", .limit = 1};
    const char *next;
    const char *known;
    json_t *users;
    apr_status_t rv = cs_user_page(&users, &next, ctl->db, &admins, pool);

    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv, "the users could not be listed");
    }
    known = json_string_value(json_object_get(json_array_get(cs_json_own(users, pool), 0), "name"));
    if (known) {
        tell("administrator", apr_pstrcat(pool, ctl_printable(known, pool), ", there already", NULL));
        return CTL_DONE;
    }
    ctl->name = ctl->operator_name;
    ctl->role = "admin";
    ctl->random_password = true;
    ctl->password_stdin = false;
    printf("%-18s %s, with this password, which is shown this once:\n%-18s ", "administrator", ctl->name, "");
    fflush(stdout);
    return ctl_user_add(ctl, pool);
}

/* --- all of it --- */

static int database_part(ctl_t *ctl, apr_pool_t *pool)
{
    int code = ctl_become(ctl->setup.as);

    if (code == CTL_DONE) {
        code = prepare_database(ctl, pool);
        ctl_become_oneself();
    }
    return code;
}

static int admin_part(ctl_t *ctl, apr_pool_t *pool)
{
    int code = ctl_become(ctl->setup.as);

    if (code == CTL_DONE) {
        code = make_admin(ctl, pool);
        ctl_become_oneself();
    }
    return code;
}

int ctl_setup(ctl_t *ctl, apr_pool_t *pool)
{
    const char *way = NULL;
    int code = read_answers(ctl, pool);

    code = code == CTL_DONE ? database_part(ctl, pool) : code;
    code = code == CTL_DONE ? make_folder(ctl, pool) : code;
    code = code == CTL_DONE ? make_secret(ctl, pool) : code;
    code = code == CTL_DONE ? open_way_in(ctl, &way, pool) : code;
    code = code == CTL_DONE ? make_configuration(ctl, way, pool) : code;
    code = code == CTL_DONE ? admin_part(ctl, pool) : code;
    if (code == CTL_DONE) {
        printf("\nNext: a2enmod ssl chatsession, restart httpd, open https://HOST/chat-admin/, and let\n"
               "chatsessionctl check look it over. Elsewhere than on Debian: Include %s/httpd.conf and the\n"
               "sections of sample.conf.\n",
               ctl->setup.folder);
    }
    return code;
}
