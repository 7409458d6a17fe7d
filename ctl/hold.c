/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Matters and what they hold. */
#include "store/hold.h"
#include "ctl_print.h"

int ctl_hold_list(ctl_t *ctl, apr_pool_t *pool)
{
    static const ctl_column_t columns[] = {{"ID", "id"},
                                           {"SINCE", "created_at"},
                                           {"RELEASED", "released_at"},
                                           {"CUSTODIANS", "custodians"},
                                           {"CONVERSATIONS", "conversations"},
                                           {"NAME", "name"},
                                           {NULL, NULL}};
    json_t *matters;
    const char *next;
    apr_status_t rv =
        cs_matter_list(&matters, &next, ctl->db, ctl->all ? NULL : "open", ctl->after, (int)ctl->limit, pool);

    if (rv == CS_EMALFORMED) {
        return ctl_no_such_page();
    }
    return rv == APR_SUCCESS ? ctl_print_page(ctl, "matters", matters, next, columns, pool)
                             : ctl_fail_status(ctl, rv, "the matters could not be read");
}
