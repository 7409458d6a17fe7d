/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * The audit log's chain, verified away from httpd: with the keys out of their files, against a head that somebody kept.
 */
#include <apr_file_io.h>
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>
#include "core/audit_seal.h"
#include "ctl_print.h"
#include "store/audit.h"

#define KEY_MAX 4096
#define REASON_BYTES 1000 /* as over HTTP */

static apr_status_t read_key(cs_audit_key_t **key, const char *path, apr_pool_t *pool)
{
    unsigned char bytes[KEY_MAX];
    apr_size_t len = 0;
    apr_file_t *file;
    apr_status_t rv = apr_file_open(&file, path, APR_READ | APR_BINARY, APR_OS_DEFAULT, pool);

    *key = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = apr_file_read_full(file, bytes, sizeof(bytes), &len);
    apr_file_close(file);
    if (rv != APR_SUCCESS && !APR_STATUS_IS_EOF(rv)) {
        return rv;
    }
    /* As httpd reads it: the line feed at a file's end is not part of the secret. */
    while (len && (bytes[len - 1] == '\n' || bytes[len - 1] == '\r')) {
        len--;
    }
    return cs_audit_key_make(key, bytes, len, pool);
}

static int print_report(const json_t *report)
{
    const json_t *problems = json_object_get(report, "problems");
    const json_t *head = json_object_get(report, "head");
    const long long count = json_integer_value(json_object_get(report, "problem_count"));
    size_t i;
    const json_t *one;

    printf("%lld entries, %lld of them sealed: ", (long long)json_integer_value(json_object_get(report, "entries")),
           (long long)json_integer_value(json_object_get(report, "sealed")));
    if (json_is_true(json_object_get(report, "ok"))) {
        printf("the chain is whole; its head is %lld:%s\n", (long long)json_integer_value(json_object_get(head, "seq")),
               json_is_object(head) ? json_string_value(json_object_get(head, "seal")) : "nothing");
        return CTL_DONE;
    }
    printf("%lld problems\n", count);
    json_array_foreach(problems, i, one)
    {
        printf("%lld %s\n", (long long)json_integer_value(json_object_get(one, "seq")),
               json_string_value(json_object_get(one, "problem")));
    }
    return CTL_FAILED;
}

int ctl_read_keys(cs_audit_key_t **keys, const ctl_t *ctl, apr_pool_t *pool)
{
    cs_audit_key_t **last = keys;
    char reason[120];

    *keys = NULL;
    for (int i = 0; ctl->key_files && i < ctl->key_files->nelts; i++) {
        const char *path = APR_ARRAY_IDX(ctl->key_files, i, const char *);
        const apr_status_t rv = read_key(last, path, pool);
        if (rv != APR_SUCCESS) {
            return ctl_fail("%s cannot be read: %s", path, apr_strerror(rv, reason, sizeof(reason)));
        }
        last = &(*last)->next;
    }
    return CTL_DONE;
}

/* Does the chain go on with these keys? An entry under one that httpd does not have would stand in it for ever. */
static int check_keys(const ctl_t *ctl, const cs_audit_key_t *keys, apr_pool_t *pool)
{
    const char *last;
    const apr_status_t rv = cs_audit_last_key(&last, ctl->db, pool);

    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv, "the audit log could not be read");
    }
    if (!last || cs_audit_key_find(keys, last)) {
        return CTL_DONE;
    }
    return keys
               ? ctl_fail(
                     "no --key-file is what sealed the newest entry of the audit log: give the file of "
                     "ChatSessionAuditKeyFile or, without one, ChatSessionSecretFile; after a rotation the new one "
                     "first, then the old one")
               : ctl_fail("this is recorded in the audit log, whose entries are sealed: give --key-file FILE, with the "
                          "file of ChatSessionAuditKeyFile or, without one, ChatSessionSecretFile");
}

int ctl_make_entry(cs_audit_entry_t *entry, const ctl_t *ctl, const char *action, json_t *detail, apr_pool_t *pool)
{
    cs_audit_key_t *keys;

    *entry = (cs_audit_entry_t){.operator_name = CTL_OPERATOR,
                                .role = "admin",
                                .action = action,
                                .reason = ctl->reason,
                                .detail = detail};
    if (ctl->reason && strlen(ctl->reason) > REASON_BYTES) {
        return ctl_refuse(CTL_USAGE, "--reason is longer than %d octets", REASON_BYTES);
    }
    if (ctl_read_keys(&keys, ctl, pool) != CTL_DONE) {
        return CTL_FAILED;
    }
    entry->keys = keys;
    return check_keys(ctl, keys, pool);
}

int ctl_audit_verify(ctl_t *ctl, apr_pool_t *pool)
{
    cs_audit_key_t *keys;
    json_t *report;
    apr_status_t rv;
    int code = ctl_read_keys(&keys, ctl, pool);

    if (code != CTL_DONE) {
        return code;
    }
    rv = cs_audit_verify(&report, ctl->db, keys, ctl->anchor, pool);
    if (rv == CS_EMALFORMED) {
        return ctl_fail("--anchor %s is no SEQ:SEAL, as a line CS0252 in httpd's error log has it", ctl->anchor);
    }
    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv, "the audit log could not be read");
    }
    if (ctl->json) {
        return ctl_print_json(report);
    }
    code = print_report(report);
    json_decref(report);
    return code;
}
