/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Matters and what they hold. Nothing is taken out of a matter but by releasing it, with a reason. */
#include "store/hold.h"
#include <stdio.h>
#include "core/json.h"
#include "ctl_filter.h"
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

static int no_such_matter(void)
{
    return ctl_refuse(CTL_ABSENT, "there is no such matter; hold list shows them");
}

/* Takes the reference. */
static int print_matter(const ctl_t *ctl, json_t *matter, apr_pool_t *pool)
{
    static const ctl_column_t facts[] = {{"id", "id"},
                                         {"name", "name"},
                                         {"reason", "reason"},
                                         {"since", "created_at"},
                                         {"made by", "created_by"},
                                         {"released", "released_at"},
                                         {"released by", "released_by"},
                                         {"because", "release_reason"},
                                         {"custodians", "users"},
                                         {"conversations", "conversations"},
                                         {NULL, NULL}};
    static const ctl_column_t held[] = {{"CONVERSATION", "id"}, {"USER", "user"}, {NULL, NULL}};

    if (ctl->json) {
        return ctl_print_json(matter);
    }
    ctl_print_facts(matter, facts, pool);
    if (json_array_size(json_object_get(matter, "held"))) {
        putchar('\n');
        ctl_print_table(json_object_get(matter, "held"), held, pool);
    }
    json_decref(matter);
    return CTL_DONE;
}

int ctl_hold_show(ctl_t *ctl, apr_pool_t *pool)
{
    json_t *matter;
    const apr_status_t rv = cs_matter_get(&matter, ctl->db, ctl->id, pool);

    if (rv != APR_SUCCESS) {
        return rv == APR_ENOENT ? no_such_matter() : ctl_fail_status(ctl, rv, "the matter could not be read");
    }
    return print_matter(ctl, matter, pool);
}

/* The names of --custodian as a JSON array's text; NULL: there are none. */
static const char *custodians_of(const ctl_t *ctl, apr_pool_t *pool)
{
    json_t *names = cs_json_own(json_array(), pool);

    for (int i = 0; ctl->custodian && i < ctl->custodian->nelts; i++) {
        json_array_append_new(names, json_string(APR_ARRAY_IDX(ctl->custodian, i, const char *)));
    }
    return ctl->custodian ? cs_json_print(names, NULL, pool) : NULL;
}

/* Make a matter (id NULL), or add to one. */
static int hold(const ctl_t *ctl, const char *id, const char *action, cs_hold_t *wanted, apr_pool_t *pool)
{
    cs_audit_entry_t entry;
    const char *unknown;
    json_t *matter;
    apr_status_t rv;
    int code = ctl_make_entry(&entry, ctl, action, ctl_filter_detail(ctl, pool), pool);

    if (code != CTL_DONE) {
        return code;
    }
    wanted->users = custodians_of(ctl, pool);
    rv = cs_matter_hold(&matter, &unknown, ctl->db, id, wanted, &entry, pool);
    if (rv == CS_EREFUSED) {
        return ctl_refuse(CTL_ABSENT, "there is no user \"%s\"; nothing was put on hold", unknown);
    }
    if (rv == CS_ECONFLICT) {
        return wanted->name ? ctl_fail("an open matter has this name; add to it, or take another name")
                            : ctl_fail("this matter was released; make another one to hold again");
    }
    if (rv == APR_ENOENT) {
        return no_such_matter();
    }
    return rv == APR_SUCCESS ? print_matter(ctl, matter, pool) : ctl_fail_status(ctl, rv, "nothing was put on hold");
}

int ctl_hold_open(ctl_t *ctl, apr_pool_t *pool)
{
    cs_hold_t wanted = {.name = ctl->name, .reason = ctl->reason};
    int code;

    if (!ctl_has_filter(ctl)) {
        return hold(ctl, NULL, "matter.create", &wanted, pool);
    }
    wanted.conversations = &ctl->filter;
    code = ctl_check_filter(ctl, pool);
    return code == CTL_DONE ? hold(ctl, NULL, "matter.create", &wanted, pool) : code;
}

int ctl_hold_add(ctl_t *ctl, apr_pool_t *pool)
{
    cs_hold_t wanted = {0};
    int code = CTL_DONE;

    ctl->id = ctl->operand_count ? ctl->operands[0] : NULL;
    ctl->operands++;
    ctl->operand_count--;
    if (!ctl->id || (ctl->operand_count < 1 && !ctl_has_filter(ctl) && !ctl->custodian)) {
        return ctl_refuse(CTL_USAGE, "expected: hold add MATTER, then ids, what chooses conversations, or --custodian");
    }
    if (ctl->operand_count || ctl_has_filter(ctl)) {
        code = ctl_read_target(ctl, pool);
        wanted.conversations = &ctl->filter;
    }
    return code == CTL_DONE ? hold(ctl, ctl->id, "matter.hold", &wanted, pool) : code;
}

int ctl_hold_release(ctl_t *ctl, apr_pool_t *pool)
{
    cs_audit_entry_t entry;
    json_t *matter;
    apr_status_t rv;
    int code =
        ctl_make_entry(&entry, ctl, "matter.release", cs_json_own(json_pack("{s:s}", "matter", ctl->id), pool), pool);

    if (code != CTL_DONE) {
        return code;
    }
    rv = cs_matter_release(&matter, ctl->db, ctl->id, &entry, pool);
    if (rv == CS_ECONFLICT) {
        return ctl_fail("this matter was released before");
    }
    if (rv != APR_SUCCESS) {
        return rv == APR_ENOENT ? no_such_matter() : ctl_fail_status(ctl, rv, "the matter could not be released");
    }
    return print_matter(ctl, matter, pool);
}
