/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * What can be seen without the database: files, cookie, TLS, threads, times.
 */
#include <apr_strings.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "ctl_check.h"
#include "store/db_cluster.h"

#define DAY 86400
#define SECRET_DAYS 400
#define LONG_CONNECT 5
#define SECONDS 1000 /* durations are in milliseconds */
#define FEW_STREAMS 20

static void check_file(ctl_look_t *look, const char *path)
{
    struct stat info;
    long days;

    if (!strncmp(path, "exec:", 5)) {
        return;
    }
    if (stat(path, &info) != 0) {
        ctl_find(look, CTL_WARNING, apr_psprintf(look->pool, "%s cannot be looked at from here", path),
                 "Run this as root; httpd reads the file while it is still root.");
        return;
    }
    if (info.st_mode & 077 || info.st_uid != 0) {
        ctl_find(look, CTL_PROBLEM,
                 apr_psprintf(look->pool, "%s can be read by others than root (owner %ld, mode %03o)", path,
                              (long)info.st_uid, (unsigned)info.st_mode & 0777),
                 apr_psprintf(look->pool,
                              "chown root:root %s; chmod 600 %s. Whoever has read it can make anybody's cookie: "
                              "chatsessionctl secret rotate, and drop this one.",
                              path, path));
    }
    days = (long)((time(NULL) - info.st_mtime) / DAY);
    if (days > SECRET_DAYS) {
        ctl_find(look, CTL_ADVICE, apr_psprintf(look->pool, "%s has been the same for %ld days", path, days),
                 "Change it once a year: chatsessionctl secret rotate says the steps, and nobody is logged out.");
    }
}

static void check_secret(ctl_look_t *look)
{
    const char *const lists[] = {"secret_files", "audit_key_files"};
    size_t i;
    const json_t *path;

    for (size_t list = 0; list < sizeof(lists) / sizeof(lists[0]); list++) {
        json_array_foreach(json_object_get(look->server, lists[list]), i, path)
        {
            check_file(look, json_string_value(path));
        }
    }
}

static bool ends_tls(const json_t *server)
{
    const char *scheme = json_string_value(json_object_get(server, "scheme"));

    return json_is_true(json_object_get(server, "tls")) || (scheme && !strcmp(scheme, "https"));
}

/* Whether there is another virtual host where people can log in. */
static bool is_tls_elsewhere(const json_t *servers)
{
    size_t i;
    const json_t *server;

    json_array_foreach(servers, i, server)
    {
        if (ends_tls(server)) {
            return true;
        }
    }
    return false;
}

static void check_tls(ctl_look_t *look)
{
    if (!strcmp(ctl_setting_word(look, "ChatSessionCookieSecure"), "off")) {
        ctl_find(look, CTL_PROBLEM,
                 "ChatSessionCookieSecure is off: browsers send the session's cookie over plain http, where everybody "
                 "on "
                 "the way reads it",
                 "Take the line out and serve over https; off is for trials on one's own machine.");
    } else if (ends_tls(look->server)) {
        return;
    } else if (is_tls_elsewhere(json_object_get(look->httpd, "servers"))) {
        ctl_find(look, CTL_ADVICE,
                 "our pages also stand on a virtual host without TLS, where nobody can log in, because browsers keep "
                 "the "
                 "cookie back",
                 "Redirect permanent / https://HOST/ there.");
    } else {
        ctl_find(look, CTL_WARNING,
                 "a virtual host with our pages has no TLS, and its ServerName does not begin with https://: nobody "
                 "can "
                 "log in there, because browsers keep the cookie back",
                 "SSLEngine on and a certificate; behind a proxy that ends TLS write ServerName https://HOST.");
    }
}

static void check_cookie(ctl_look_t *look)
{
    const char *path = ctl_setting_word(look, "ChatSessionCookiePath");
    const char *name = ctl_setting_word(look, "ChatSessionCookieName");

    if (*ctl_setting_word(look, "ChatSessionCookieDomain") || strcmp(path, "/") != 0 ||
        (*name && strncmp(name, "__Host-", 7) != 0)) {
        ctl_find(look, CTL_ADVICE,
                 "the cookie has not the name __Host-sid, so another host of the same domain can plant one",
                 "Do without ChatSessionCookieDomain, ChatSessionCookiePath and ChatSessionCookieName where that is "
                 "possible.");
    }
    if (!strcmp(ctl_setting_word(look, "ChatSessionCookieHttpOnly"), "off")) {
        ctl_find(look, CTL_WARNING,
                 "ChatSessionCookieHttpOnly is off: a script on any page of this host can read the cookie",
                 "Take the line out; no page of ours needs it.");
    }
}

static void check_connect_timeout(ctl_look_t *look)
{
    const char *database = ctl_setting_word(look, "ChatSessionDatabase");
    const char *value = *database ? cs_db_conninfo_value(database, "connect_timeout", look->pool) : NULL;
    const long seconds = value ? strtol(value, NULL, 10) : 2;

    if (seconds <= 0 || seconds > LONG_CONNECT) {
        ctl_find(look, CTL_WARNING,
                 apr_psprintf(look->pool,
                              "connect_timeout=%s in ChatSessionDatabase: when the database host is gone, each "
                              "request waits so long (0: for ever) before it hears 503",
                              value),
                 "Take connect_timeout out of the string; the module's own is 2 s.");
    }
}

static void check_statement_timeout(ctl_look_t *look)
{
    const apr_int64_t limit = ctl_setting_number(look, "ChatSessionStatementTimeout");

    if (limit > 30 * SECONDS) {
        ctl_find(look, CTL_WARNING,
                 apr_psprintf(look->pool,
                              "ChatSessionStatementTimeout is %" APR_INT64_T_FMT " s: one slow search may hold a "
                              "connection and a thread so long",
                              limit / SECONDS),
                 "5s, the default, is plenty; exports and searches go on in pieces.");
    }
}

static void check_workers(ctl_look_t *look)
{
    const json_t *mpm = json_object_get(look->httpd, "mpm");
    const apr_int64_t children = json_integer_value(json_object_get(mpm, "children"));
    const apr_int64_t threads = json_integer_value(json_object_get(mpm, "threads"));
    const apr_int64_t share = ctl_setting_number(look, "ChatSessionStreamShare");
    const apr_int64_t places = threads * share / 100 ? threads * share / 100 : 1;
    const apr_int64_t turns = ctl_setting_number(look, "ChatSessionMaxTurns");

    if (threads == 1) {
        ctl_find(look, CTL_WARNING,
                 "prefork serves one request per process: each answer that streams holds a whole process, and "
                 "nothing keeps one free for logging in",
                 "a2dismod mpm_prefork; a2enmod mpm_event (PHP then by php-fpm).");
        return;
    }
    if (places >= threads) {
        ctl_find(look, CTL_WARNING,
                 apr_psprintf(look->pool,
                              "ChatSessionStreamShare %" APR_INT64_T_FMT " leaves none of a child's %" APR_INT64_T_FMT
                              " threads for logging in and for the console",
                              share, threads),
                 "80, the default, or more threads: ThreadsPerChild.");
    }
    if (children * places < FEW_STREAMS) {
        ctl_find(look, CTL_ADVICE,
                 apr_psprintf(look->pool,
                              "%" APR_INT64_T_FMT " answers can stream at once on this host (%" APR_INT64_T_FMT
                              " children, %" APR_INT64_T_FMT " of %" APR_INT64_T_FMT
                              " threads each); who asks then hears 503",
                              children * places, children, places, threads),
                 "Raise MaxRequestWorkers and ThreadsPerChild where more people chat at once: a waiting thread costs "
                 "little.");
    }
    if (turns > children * places) {
        ctl_find(look, CTL_ADVICE,
                 apr_psprintf(look->pool,
                              "ChatSessionMaxTurns %" APR_INT64_T_FMT " is more than the %" APR_INT64_T_FMT
                              " answers that this host can stream, so here nobody ever waits in the queue: who comes "
                              "too many is refused",
                              turns, children * places),
                 "Raise MaxRequestWorkers, or lower ChatSessionMaxTurns to what the models take; with several hosts it "
                 "is right.");
    }
}

/* The module itself sets the times of the servers that it names; those behind a balancer are the administrator's. */
static void check_proxy_timeout(ctl_look_t *look)
{
    const apr_int64_t timeout = json_integer_value(json_object_get(look->server, "proxy_timeout"));
    size_t i;
    const json_t *backend;

    json_array_foreach(json_object_get(look->server, "backends"), i, backend)
    {
        if (!strncmp(json_string_value(json_object_get(backend, "url")), "balancer://", 11) && timeout > 60 * SECONDS) {
            ctl_find(look, CTL_ADVICE,
                     apr_psprintf(look->pool,
                                  "connecting to a member of the model \"%s\" that does not answer at all may take "
                                  "%" APR_INT64_T_FMT " s (ProxyTimeout, or Timeout)",
                                  json_string_value(json_object_get(backend, "name")), timeout / SECONDS),
                     "connectiontimeout=5 in its BalancerMember lines. How long a model may think is "
                     "ChatSessionFirstTokenTimeout's, ChatSessionTokenTimeout's and ChatSessionAnswerTimeout's "
                     "business.");
        }
    }
}

static void check_slow_clients(ctl_look_t *look)
{
    if (!json_is_true(json_object_get(look->httpd, "reqtimeout"))) {
        ctl_find(look, CTL_WARNING,
                 "mod_reqtimeout is not loaded: who sends a request octet by octet holds a thread as long as it likes",
                 "a2enmod reqtimeout.");
    }
}

static void check_second_factor(ctl_look_t *look)
{
    const char *who = ctl_setting_word(look, "ChatSessionSecondFactor");

    if (strcmp(who, "operators") != 0 && strcmp(who, "everyone") != 0) {
        ctl_find(look, CTL_ADVICE,
                 apr_psprintf(look->pool,
                              "ChatSessionSecondFactor is %s: a stolen password of an operator opens "
                              "everybody's conversations",
                              who),
                 "ChatSessionSecondFactor operators.");
    }
}

static void check_plain_models(ctl_look_t *look)
{
    size_t i;
    const json_t *backend;

    json_array_foreach(json_object_get(look->server, "backends"), i, backend)
    {
        const char *url = json_string_value(json_object_get(backend, "url"));

        if (!strncmp(url, "http://", 7) && strncmp(url + 7, "localhost", 9) != 0 && strncmp(url + 7, "127.", 4) != 0 &&
            strncmp(url + 7, "[::1]", 5) != 0) {
            ctl_find(look, CTL_ADVICE,
                     apr_psprintf(look->pool,
                                  "the model \"%s\" is asked over plain http, where everybody on the way reads the "
                                  "conversations",
                                  json_string_value(json_object_get(backend, "name"))),
                     "https:// with SSLProxyEngine on, a tunnel, or a network that is trusted with them.");
        }
    }
}

const ctl_check_t ctl_httpd_checks[] = {
    {"secret", check_secret, false},
    {"tls", check_tls, false},
    {"cookie", check_cookie, false},
    {"connect_timeout", check_connect_timeout, false},
    {"statement_timeout", check_statement_timeout, false},
    {"workers", check_workers, false},
    {"proxy_timeout", check_proxy_timeout, false},
    {"slow_clients", check_slow_clients, false},
    {"second_factor", check_second_factor, false},
    {"models", check_plain_models, false},
    {NULL, NULL, false},
};
