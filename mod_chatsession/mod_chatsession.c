/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * The module record and the hooks, nothing else. README.md in this folder tells which file does what.
 */
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mod_proxy.h>
#include <mod_status.h>
#include <apr_strings.h>
#include <jansson.h>
#include <stdlib.h>
#include "admin/admin.h"
#include "auth.h"
#include "backend.h"
#include "breaker.h"
#include "causes.h"
#include "chat.h"
#include "config.h"
#include "counters.h"
#include "hidden_cookies.h"
#include "login.h"
#include "mock.h"
#include "mounts.h"
#include "openai.h"
#include "proven_user.h"
#include "queue.h"
#include "recorder.h"
#include "reply.h"
#include "request.h"
#include "session_provider.h"
#include "sessions.h"
#include "settings.h"
#include "socache.h"
#include "store/session_ear.h"
#include "status_page.h"
#include "stream.h"
#include "sweep.h"
#include "values.h"

/* --- handlers --- */

/* The mount itself without its slash: the pages' addresses are relative, so they need it. */
static int add_slash(request_rec *r, const chatsession_mount_t *mount)
{
    apr_table_setn(r->err_headers_out, "Location", apr_pstrcat(r->pool, mount->path, "/", NULL));
    return chatsession_reply_error(r, HTTP_MOVED_PERMANENTLY, "moved", "The page stands at this address with a slash.");
}

static int handle(request_rec *r)
{
    chatsession_server_t *conf = chatsession_server(r->server);
    const chatsession_mount_t *mount;
    chatsession_address_t address;

    if (!r->handler || strncmp(r->handler, "chatsession", 11) != 0) {
        return DECLINED;
    }
    mount = chatsession_mounts_of(conf->mounts, r, &address.below);
    if (!mount) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "CS0002: SetHandler %s must stand in a <Location \"/path\"> section",
                      r->handler);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    chatsession_reply_headers(r);
    address.query = chatsession_hide_query(r);
    if (!address.below) {
        return add_slash(r, mount);
    }
    if (!strcmp(r->handler, "chatsession")) {
        return chatsession_chat_handler(r, conf, &address);
    }
    if (!strcmp(r->handler, "chatsession-admin")) {
        return chatsession_admin_handler(r, conf, &address);
    }
    if (!strcmp(r->handler, "chatsession-openai")) {
        return chatsession_openai_handler(r, conf, &address);
    }
    if (!strcmp(r->handler, "chatsession-mock")) {
        return chatsession_mock_handler(r, address.below);
    }
    return DECLINED;
}

/* --- child start --- */

static void log_database(void *baton, int level, const char *number, const char *message)
{
    ap_log_error(APLOG_MARK, level, 0, (server_rec *)baton, "%s: %s", number, message);
}

/* The database of s, and the ear for its sessions; servers with the same connection string share both. */
static void open_database(server_rec *first, server_rec *s, apr_pool_t *pchild)
{
    chatsession_server_t *conf = chatsession_server(s);
    const cs_db_config_t config = {.conninfo = chatsession_string(conf, CHATSESSION_DATABASE),
                                   .max_connections = (int)chatsession_number(conf, CHATSESSION_DATABASE_CONNECTIONS),
                                   .acquire_timeout = chatsession_number(conf, CHATSESSION_DATABASE_WAIT),
                                   .statement_timeout = chatsession_number(conf, CHATSESSION_STATEMENT_TIMEOUT),
                                   .log = log_database,
                                   .log_baton = s};

    for (server_rec *other = first; config.conninfo && other != s; other = other->next) {
        const chatsession_server_t *known = chatsession_server(other);
        if (known->db && !strcmp(chatsession_string(known, CHATSESSION_DATABASE), config.conninfo)) {
            conf->db = known->db;
            conf->recorder = known->recorder;
            conf->review = known->review;
            return;
        }
    }
    if (config.conninfo &&
        (cs_db_create(&conf->db, &config, pchild) != APR_SUCCESS ||
         chatsession_recorder_start(conf, &config, s, pchild) != APR_SUCCESS ||
         (conf->sessions && (cs_session_review_start(&conf->review, conf->db, conf->sessions, pchild) != APR_SUCCESS ||
                             cs_session_ear_start(conf->sessions, &config, pchild) != APR_SUCCESS)))) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s,
                     "CS0003: no connections to the database can be prepared: out of memory");
    }
}

/* Without its driver no child could do anything: better no server than one whose children fail. */
static int check_driver(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    const char *problem;

    (void)plog;
    (void)ptemp;
    if (cs_db_init(&problem, pconf) != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_EMERG, 0, s, "CS0004: %s", problem);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return OK;
}

/* A JSON value that lacks what there was no memory for would be a wrong answer: jansson says of a member that could not
 * be added what nobody asks at each of a thousand places. So it ends the process as APR does, before anything is sent.
 */
static apr_abortfunc_t end_without_memory;

static void *take_json_memory(size_t size)
{
    void *memory = malloc(size);

    if (!memory && end_without_memory) {
        end_without_memory(APR_ENOMEM);
    }
    return memory;
}

static void start_child(apr_pool_t *pchild, server_rec *s)
{
    end_without_memory = apr_pool_abort_get(pchild);
    json_set_alloc_funcs(take_json_memory, free);
    for (server_rec *each = s; each; each = each->next) {
        open_database(s, each, pchild);
    }
    for (server_rec *each = s; each; each = each->next) {
        chatsession_sessions_open(each, pchild);
    }
    chatsession_sweep_stop_with(pchild);
    chatsession_queue_init();
    if (chatsession_login_init(chatsession_server(s), pchild) != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, "CS0005: the child's threads cannot be started");
    }
}

static void register_hooks(apr_pool_t *pool)
{
    /* Before mod_proxy: our handler takes the request first and may hand it on. */
    static const char *const before_proxy[] = {"mod_proxy.c", NULL};
    static const char *const after_ssl[] = {"mod_ssl.c", NULL};
    /* Its threads begin at child start too, and must find what they use. */
    static const char *const before_watchdog[] = {"mod_watchdog.c", NULL};

    chatsession_auth_register(pool);
    chatsession_hidden_cookies_register();
    chatsession_stream_register();
    chatsession_values_register(pool);
    ap_hook_pre_config(chatsession_session_provider_register, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_config(chatsession_socache_register, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(chatsession_check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_test_config(chatsession_settings_print, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(check_driver, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_post_config(chatsession_sweep_register, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(chatsession_counters_create, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(chatsession_breaker_create, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(chatsession_causes_create, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(chatsession_sessions_create, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(start_child, NULL, before_watchdog, APR_HOOK_FIRST);
    ap_hook_pre_connection(chatsession_stream_pre_connection, NULL, NULL, APR_HOOK_MIDDLE);
    /* After mod_ssl, whose SSLUserName is a fixup too. */
    ap_hook_fixups(chatsession_note_user, after_ssl, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_fixups(chatsession_expose, after_ssl, NULL, APR_HOOK_FIRST);
    ap_hook_handler(handle, NULL, before_proxy, APR_HOOK_FIRST);
    APR_OPTIONAL_HOOK(ap, status_hook, chatsession_status_page, NULL, NULL, APR_HOOK_MIDDLE);
    APR_OPTIONAL_HOOK(proxy, fixups, chatsession_backend_headers, NULL, NULL, APR_HOOK_LAST);
}

AP_DECLARE_MODULE(chatsession) = {
    STANDARD20_MODULE_STUFF,  chatsession_create_dir, chatsession_merge_dir, chatsession_create_server,
    chatsession_merge_server, chatsession_commands,   register_hooks,
#ifdef AP_MODULE_FLAG_NONE
    AP_MODULE_FLAG_NONE,
#endif
};
