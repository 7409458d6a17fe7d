/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "ctl_filter.h"
#include <apr_strings.h>
#include <string.h>
#include "core/json.h"

/* A variable of a script that is empty must not choose everything. */
static const char *empty_option(const ctl_t *ctl)
{
    for (int i = 0; i < CS_CONSOLE_FIELDS; i++) {
        const char *value = cs_console_field_value(&ctl->filter, i);

        if (value && !*value) {
            return cs_console_fields[i].name;
        }
    }
    return NULL;
}

int ctl_check_filter(const ctl_t *ctl, apr_pool_t *pool)
{
    const char *empty = empty_option(ctl);
    const char *problem = cs_console_filter_problem(&ctl->filter, pool);

    if (empty) {
        return ctl_refuse(CTL_USAGE, "what chooses conversations (%s) is empty", empty);
    }
    return problem ? ctl_refuse(CTL_USAGE, "%s", problem) : CTL_DONE;
}

json_t *ctl_ids(const ctl_t *ctl)
{
    json_t *ids = json_array();

    for (int i = 0; i < ctl->operand_count; i++) {
        json_array_append_new(ids, json_string(ctl->operands[i]));
    }
    return ids;
}

bool ctl_has_filter(const ctl_t *ctl)
{
    for (int i = 0; i < CS_CONSOLE_FIELDS; i++) {
        if (cs_console_field_value(&ctl->filter, i)) {
            return true;
        }
    }
    return false;
}

int ctl_read_target(ctl_t *ctl, apr_pool_t *pool)
{
    if ((ctl->operand_count != 0) == ctl_has_filter(ctl)) {
        return ctl_refuse(CTL_USAGE, "give either ids, or what chooses conversations (FILTER in --help), not both; "
                                     "--state active is all that are in sight");
    }
    if (ctl->operand_count) {
        ctl->filter.ids = cs_json_print(cs_json_own(ctl_ids(ctl), pool), NULL, pool);
    }
    return ctl_check_filter(ctl, pool);
}

json_t *ctl_filter_detail(const ctl_t *ctl, apr_pool_t *pool)
{
    return cs_json_own(cs_console_filter_detail(&ctl->filter), pool);
}

int ctl_search_entry(const cs_audit_entry_t **entry, const ctl_t *ctl, apr_pool_t *pool)
{
    cs_audit_entry_t *made = apr_palloc(pool, sizeof(*made));

    *entry = NULL;
    if (!ctl->filter.query) {
        return CTL_DONE;
    }
    *entry = made;
    return ctl_make_entry(made, ctl, "conversation.search", ctl_filter_detail(ctl, pool), pool);
}

int ctl_read_confirm(apr_int64_t *confirmed, const ctl_t *ctl)
{
    const char *text = ctl->confirm;

    *confirmed = -1;
    if (!text || ctl->dry_run) {
        return CTL_DONE;
    }
    if (!*text || strlen(text) > 15 || strspn(text, "0123456789") != strlen(text)) {
        return ctl_refuse(CTL_USAGE, "--confirm is the number of conversations that --dry-run says");
    }
    *confirmed = apr_atoi64(text);
    return CTL_DONE;
}

int ctl_no_such_conversation(void)
{
    return ctl_refuse(CTL_ABSENT, "there is no such conversation");
}
