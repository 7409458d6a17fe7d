/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* What is known of exports, whoever made them: found, looked at, ended. */
#include "ctl_print.h"
#include "store/export.h"

static int no_such_export(void)
{
    return ctl_refuse(CTL_ABSENT, "there is no such export; export list shows them");
}

int ctl_export_list(ctl_t *ctl, apr_pool_t *pool)
{
    static const ctl_column_t columns[] = {{"ID", "id"},
                                           {"STATE", "state"},
                                           {"MADE", "created_at"},
                                           {"FORMAT", "format"},
                                           {"CONVERSATIONS", "conversations"},
                                           {"MESSAGES", "messages"},
                                           {"OPERATOR", "operator"},
                                           {NULL, NULL}};
    json_t *exports;
    const char *next;
    apr_status_t rv = cs_export_list(&exports, &next, ctl->db, ctl->after, (int)ctl->limit, pool);

    if (rv == CS_EMALFORMED) {
        return ctl_no_such_page();
    }
    return rv == APR_SUCCESS ? ctl_print_page(ctl, "exports", exports, next, columns, pool)
                             : ctl_fail_status(ctl, rv, "the exports could not be read");
}

/* Takes the reference. */
static int print_export(const ctl_t *ctl, json_t *export, apr_pool_t *pool)
{
    static const ctl_column_t facts[] = {{"id", "id"},
                                         {"state", "state"},
                                         {"operator", "operator"},
                                         {"made", "created_at"},
                                         {"watermark", "watermark"},
                                         {"begun", "started_at"},
                                         {"ended", "finished_at"},
                                         {"cancelled by", "cancelled_by"},
                                         {"format", "format"},
                                         {"compressed", "gzip"},
                                         {"filter", "filter"},
                                         {"expected", "expected"},
                                         {"conversations", "conversations"},
                                         {"messages", "messages"},
                                         {"octets", "octets"},
                                         {"sha256", "sha256"},
                                         {NULL, NULL}};

    return ctl_print_object(ctl, export, facts, pool);
}

int ctl_export_show(ctl_t *ctl, apr_pool_t *pool)
{
    json_t *export;
    const apr_status_t rv = cs_export_get(&export, ctl->db, ctl->id, pool);

    if (rv != APR_SUCCESS) {
        return rv == APR_ENOENT ? no_such_export() : ctl_fail_status(ctl, rv, "the export could not be read");
    }
    return print_export(ctl, export, pool);
}

int ctl_export_manifest(ctl_t *ctl, apr_pool_t *pool)
{
    json_t *manifest;
    apr_status_t rv = cs_export_manifest(&manifest, ctl->db, ctl->id, pool);

    if (rv == APR_ENOENT) {
        return no_such_export();
    }
    return rv == APR_SUCCESS ? ctl_print_json(manifest) : ctl_fail_status(ctl, rv, "the manifest could not be made");
}

int ctl_export_cancel(ctl_t *ctl, apr_pool_t *pool)
{
    cs_audit_entry_t entry;
    json_t *export;
    apr_status_t rv;
    const int code = ctl_make_entry(&entry, ctl, "export.cancel", NULL, pool);

    if (code != CTL_DONE) {
        return code;
    }
    rv = cs_export_cancel(&export, ctl->db, ctl->id, &entry, pool);
    if (rv != APR_SUCCESS) {
        return rv == APR_ENOENT ? no_such_export() : ctl_fail_status(ctl, rv, "the export could not be cancelled");
    }
    return print_export(ctl, export, pool); /* one that had ended stays as it ended */
}
