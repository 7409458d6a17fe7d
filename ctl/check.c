/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * A friend's look at a running set-up. What httpd is told comes from httpd itself (-t -D CHATSESSION_SETTINGS), what
 * PostgreSQL is told from PostgreSQL, asked as httpd's user asks. Nothing is changed.
 */
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>
#include "core/json.h"
#include "ctl_check.h"
#include "ctl_print.h"
#include "store/health.h"

#define SETTINGS_MAX (4 * 1024 * 1024)
/* Debian's program, the one of others, httpd itself. */
#define DEFAULT_HTTPD                                                                                                  \
    "$(command -v apache2ctl || command -v apachectl || command -v httpd || echo /usr/sbin/apache2ctl)"

static const char *const level_names[] = {"problem", "warning", "advice"};

/* --- what the checks use --- */

static bool is_known(const json_t *findings, const char *what)
{
    size_t i;
    const json_t *one;

    json_array_foreach(findings, i, one)
    {
        if (!strcmp(json_string_value(json_object_get(one, "what")), what)) {
            return true;
        }
    }
    return false;
}

void ctl_find(ctl_look_t *look, ctl_level_e level, const char *what, const char *todo)
{
    if (!is_known(look->findings, what)) {
        json_array_append_new(look->findings, json_pack("{s:s,s:s,s:s,s:s}", "check", look->name, "level",
                                                        level_names[level], "what", what, "do", todo));
    }
}

static const char *word(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

apr_int64_t ctl_setting_number(const ctl_look_t *look, const char *name)
{
    return json_integer_value(json_object_get(json_object_get(look->server, "settings"), name));
}

const char *ctl_setting_word(const ctl_look_t *look, const char *name)
{
    return word(json_object_get(look->server, "settings"), name);
}

apr_int64_t ctl_fact_number(const ctl_look_t *look, const char *name)
{
    return json_integer_value(json_object_get(look->facts, name));
}

bool ctl_fact(const ctl_look_t *look, const char *name)
{
    return json_is_true(json_object_get(look->facts, name));
}

const char *ctl_fact_word(const ctl_look_t *look, const char *name)
{
    return word(look->facts, name);
}

/* --- what httpd says --- */

static int read_settings(json_t **httpd, ctl_t *ctl, apr_pool_t *pool)
{
    const bool is_file = ctl->check.settings != NULL;
    const char *command =
        apr_pstrcat(pool, ctl->check.httpd ? ctl->check.httpd : DEFAULT_HTTPD, " -t -D CHATSESSION_SETTINGS", NULL);
    char *text = apr_palloc(pool, SETTINGS_MAX + 1);
    const char *problem = "it says nothing";
    const char *begin;
    FILE *stream = is_file ? fopen(ctl->check.settings, "r") : popen(command, "r");
    size_t len;

    if (!stream) {
        return ctl_fail("%s cannot be read", is_file ? ctl->check.settings : command);
    }
    len = fread(text, 1, SETTINGS_MAX, stream);
    text[len] = '\0';
    is_file ? fclose(stream) : pclose(stream);
    begin = strchr(text, '{');
    if (!begin || cs_json_parse(httpd, begin, len - (size_t)(begin - text), &problem, pool) != APR_SUCCESS) {
        return ctl_fail("%s does not tell the settings of a mod_chatsession of this version (%s). Does httpd take its "
                        "configuration, and is the module loaded? --httpd \"/usr/sbin/apache2 -f FILE\" names another "
                        "httpd",
                        is_file ? ctl->check.settings : command, problem);
    }
    return CTL_DONE;
}

/* --- one virtual host --- */

static bool has_mount(const json_t *server)
{
    size_t i;
    const json_t *mount;

    json_array_foreach(json_object_get(server, "mounts"), i, mount)
    {
        if (strcmp(word(mount, "handler"), "chatsession-mock") != 0) {
            return true;
        }
    }
    return false;
}

static void run_checks(const ctl_check_t *checks, ctl_look_t *look)
{
    for (; checks->name; checks++) {
        if (look->facts || !checks->needs_facts) {
            look->name = checks->name;
            checks->run(look);
        }
    }
}

/* Ask the database of look's server; facts stay NULL when it cannot be asked, which is a finding. */
static json_t *ask_database(ctl_look_t *look, ctl_t *ctl)
{
    json_t *facts = NULL;

    ctl->db = NULL;
    ctl->last_error = NULL;
    ctl->database = ctl->check.database ? ctl->check.database : ctl_setting_word(look, "ChatSessionDatabase");
    look->name = "database";
    if (ctl_become(ctl->check.database ? NULL : word(look->httpd, "user")) == CTL_DONE) {
        if (ctl_open_database(ctl, look->pool) != CTL_DONE ||
            cs_health_facts(&facts, ctl->db, look->pool) != APR_SUCCESS) {
            ctl_find(look, CTL_PROBLEM,
                     apr_psprintf(look->pool, "PostgreSQL cannot be asked: %s",
                                  ctl->last_error ? ctl->last_error : "it gives no reason"),
                     "Start it, or correct ChatSessionDatabase, pg_hba.conf or the passfile; until then all that needs "
                     "it "
                     "answers 503.");
        }
        ctl_become_oneself();
    }
    return facts;
}

static void look_at_server(ctl_look_t *look, ctl_t *ctl)
{
    json_t *facts = ask_database(look, ctl);

    look->facts = facts;
    run_checks(ctl_httpd_checks, look);
    run_checks(ctl_database_checks, look);
    look->facts = NULL;
    json_decref(facts);
}

/* --- the report --- */

static int count(const json_t *findings, ctl_level_e level)
{
    size_t i;
    const json_t *one;
    int sum = 0;

    json_array_foreach(findings, i, one)
    {
        sum += strcmp(word(one, "level"), level_names[level]) == 0;
    }
    return sum;
}

static void print_level(const json_t *findings, ctl_level_e level, apr_pool_t *pool)
{
    size_t i;
    const json_t *one;

    json_array_foreach(findings, i, one)
    {
        if (!strcmp(word(one, "level"), level_names[level])) {
            printf("%s  %s\n  %s\n  -> %s\n\n", level_names[level], word(one, "check"),
                   ctl_printable(word(one, "what"), pool), ctl_printable(word(one, "do"), pool));
        }
    }
}

static void print_findings(const json_t *findings, int servers, apr_pool_t *pool)
{
    for (int level = CTL_PROBLEM; level <= CTL_ADVICE; level++) {
        print_level(findings, (ctl_level_e)level, pool);
    }
    printf("%d virtual %s looked at: %d problems, %d warnings, %d pieces of advice\n", servers,
           servers == 1 ? "host" : "hosts", count(findings, CTL_PROBLEM), count(findings, CTL_WARNING),
           count(findings, CTL_ADVICE));
}

int ctl_check(ctl_t *ctl, apr_pool_t *pool)
{
    ctl_look_t look = {.findings = json_array(), .pool = pool};
    json_t *httpd = NULL;
    json_t *server;
    size_t i;
    int servers = 0;
    bool good;
    int code;

    ctl->check.database = ctl->database;
    code = read_settings(&httpd, ctl, pool);
    if (code != CTL_DONE) {
        json_decref(look.findings);
        return code;
    }
    look.httpd = httpd;
    json_array_foreach(json_object_get(httpd, "servers"), i, server)
    {
        if (has_mount(server)) {
            look.server = server;
            look_at_server(&look, ctl);
            servers++;
        }
    }
    if (!servers) {
        look.name = "pages";
        ctl_find(&look, CTL_PROBLEM, "no virtual host has a page of mod_chatsession",
                 "Write SetHandler chatsession into a <Location> section, as sample.conf does; on Debian: "
                 "chatsessionctl "
                 "setup, then a2enmod chatsession.");
    }
    good = count(look.findings, CTL_PROBLEM) + count(look.findings, CTL_WARNING) == 0;
    if (ctl->json) {
        code = ctl_print_json(json_pack("{s:b,s:i,s:o}", "ok", good, "servers", servers, "findings", look.findings));
        return code == CTL_DONE && !good ? CTL_FAILED : code;
    }
    print_findings(look.findings, servers, pool);
    json_decref(look.findings);
    return good ? CTL_DONE : CTL_FAILED;
}
