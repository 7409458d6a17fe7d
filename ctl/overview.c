/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* What the console's Home says out of the database; what only a running httpd knows is in its metrics. */
#include "store/overview.h"
#include <stdio.h>
#include "ctl_print.h"

int ctl_overview(ctl_t *ctl, apr_pool_t *pool)
{
    const char *name;
    json_t *overview, *value;
    apr_status_t rv = cs_overview(&overview, ctl->db, pool);

    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv, "the figures could not be read");
    }
    if (ctl->json) {
        return ctl_print_json(overview);
    }
    json_object_foreach(overview, name, value)
    {
        if (!json_is_array(value)) {
            printf("%-24s  %s\n", name, ctl_cell(value, pool));
        }
    }
    json_decref(overview);
    return CTL_DONE;
}
