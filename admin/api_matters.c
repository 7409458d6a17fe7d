/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Matters and what they hold. A hold grants no reading: who may not read content sees here only that something is held.
 * Nothing is taken out of a matter but by releasing it, with a reason.
 */
#include "admin/admin.h"
#include <apr_strings.h>
#include "reply.h"
#include "store/hold.h"

const cs_json_member_t chatsession_matter_members[5] = {
    {"users", CS_JSON_ARRAY, 0, 1, 1000},
    {"ids", CS_JSON_ARRAY, 0, 1, 10000},
    {"filter", CS_JSON_OBJECT, 0, 0, 0},
    {"name", CS_JSON_STRING, CS_JSON_REQUIRED, 1, 200},
    {"reason", CS_JSON_STRING, CS_JSON_REQUIRED, 1, 1000},
};
const cs_json_member_t chatsession_hold_members[3] = {
    {"users", CS_JSON_ARRAY, 0, 1, 1000},
    {"ids", CS_JSON_ARRAY, 0, 1, 10000},
    {"filter", CS_JSON_OBJECT, 0, 0, 0},
};
const cs_json_member_t chatsession_release_members[1] = {
    {"reason", CS_JSON_STRING, CS_JSON_REQUIRED, 1, 1000},
};

int chatsession_admin_matters(chatsession_call_t *call)
{
    const char *state = chatsession_query(call, "state");
    json_t *matters;
    const char *next;
    apr_status_t rv;
    int limit;
    int answer;

    if (!chatsession_query_int(&limit, call, "limit", 50, 1, 200, &answer)) {
        return answer;
    }
    if (state && !strcmp(state, "all")) {
        state = NULL;
    }
    if (state && strcmp(state, "open") != 0 && strcmp(state, "released") != 0) {
        return chatsession_bad_request(call, "state is none of open, released, all.");
    }
    rv = cs_matter_list(&matters, &next, call->conf->db, state, chatsession_query(call, "after"), limit, call->r->pool);
    return chatsession_admin_reply_page(call, rv, "matters", matters, next);
}

int chatsession_admin_matter(chatsession_call_t *call)
{
    json_t *matter;
    const apr_status_t rv = cs_matter_get(&matter, call->conf->db, call->ids[0], call->r->pool);

    return rv == APR_SUCCESS ? chatsession_reply_json(call->r, HTTP_OK, matter) : chatsession_reply_status(call->r, rv);
}

/* What a body says is to be held; false: an error was answered. */
static bool read_hold(cs_hold_t *hold, cs_console_filter_t *filter, chatsession_call_t *call, int *answer)
{
    const cs_json_field_t *users = &call->fields[0];
    const cs_json_field_t *ids = &call->fields[1];
    const cs_json_field_t *given = &call->fields[2];
    const char *problem = "ids holds something that is no UUID.";
    size_t i;
    json_t *name;

    *filter = (cs_console_filter_t){0};
    json_array_foreach(users->given ? users->value : NULL, i, name)
    {
        if (!json_is_string(name)) {
            *answer = chatsession_bad_request(call, "users holds something that is no text.");
            return false;
        }
    }
    if (ids->given && given->given) {
        *answer = chatsession_bad_request(call, "Give either ids or filter, not both.");
        return false;
    }
    if ((ids->given && !chatsession_admin_read_ids(&filter->ids, ids->value, call->r->pool)) ||
        (given->given && !chatsession_admin_read_filter(filter, given->value, &problem, call->r->pool))) {
        *answer = chatsession_bad_request(call, problem);
        return false;
    }
    hold->users = users->given ? cs_json_print(users->value, NULL, call->r->pool) : NULL;
    hold->conversations = ids->given || given->given ? filter : NULL;
    return chatsession_check_filter(filter, call, answer);
}

static int hold(chatsession_call_t *call, const char *id, const char *action, const char *name, const char *reason)
{
    cs_hold_t wanted = {.name = name, .reason = reason};
    cs_console_filter_t filter;
    cs_audit_entry_t entry;
    const char *unknown;
    json_t *matter;
    apr_status_t rv;
    int answer;

    if (!read_hold(&wanted, &filter, call, &answer)) {
        return answer;
    }
    entry = chatsession_audit_entry(call, action, cs_json_own(cs_console_filter_detail(&filter), call->r->pool));
    entry.reason = reason;
    rv = cs_matter_hold(&matter, &unknown, call->conf->db, id, &wanted, &entry, call->r->pool);
    if (rv == CS_EREFUSED) {
        return chatsession_bad_request(call, apr_psprintf(call->r->pool,
                                                          "There is no user called \"%s\"; nothing was put on hold.",
                                                          unknown));
    }
    if (rv == CS_ECONFLICT) {
        return chatsession_reply_error(call->r, HTTP_CONFLICT, name ? "name_taken" : "matter_released",
                                       name ? "An open matter has this name; add to it, or take another name."
                                            : "This matter was released; make another one to hold again.");
    }
    return rv == APR_SUCCESS ? chatsession_reply_json(call->r, name ? HTTP_CREATED : HTTP_OK, matter)
                             : chatsession_reply_status(call->r, rv);
}

int chatsession_admin_matter_create(chatsession_call_t *call)
{
    return hold(call, NULL, "matter.create", call->fields[3].string, call->fields[4].string);
}

int chatsession_admin_matter_hold(chatsession_call_t *call)
{
    if (!call->fields[0].given && !call->fields[1].given && !call->fields[2].given) {
        return chatsession_bad_request(call, "Give users, ids or filter: what is to be held.");
    }
    return hold(call, call->ids[0], "matter.hold", NULL, NULL);
}

int chatsession_admin_matter_release(chatsession_call_t *call)
{
    cs_audit_entry_t entry =
        chatsession_audit_entry(call, "matter.release",
                                cs_json_own(json_pack("{s:s}", "matter", call->ids[0]), call->r->pool));
    json_t *matter;
    apr_status_t rv;

    entry.reason = call->fields[0].string;
    rv = cs_matter_release(&matter, call->conf->db, call->ids[0], &entry, call->r->pool);
    if (rv == CS_ECONFLICT) {
        return chatsession_reply_error(call->r, HTTP_CONFLICT, "matter_released", "This matter was released before.");
    }
    return rv == APR_SUCCESS ? chatsession_reply_json(call->r, HTTP_OK, matter) : chatsession_reply_status(call->r, rv);
}
