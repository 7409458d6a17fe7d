/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Everybody's conversations, changed. What takes many of them says first how many there are; the number is repeated
 * for the deed, which is not done when it no longer holds. What a matter holds is left alone, and counted.
 */
#include <stdio.h>
#include <string.h>
#include "core/json.h"
#include "ctl_filter.h"
#include "ctl_print.h"

/* As in the console: more than so many are expired by a job. */
#define AT_ONCE 1000

static json_t *count_json(const cs_console_count_t *count)
{
    return json_pack("{s:I,s:I,s:I,s:s*}", "conversations", (json_int_t)count->conversations, "messages",
                     (json_int_t)count->messages, "held", (json_int_t)count->held, "purge_at", count->purge_at);
}

/* "expired: 3 conversations, 12 messages", and what was left alone. */
static int print_count(const ctl_t *ctl, const char *what, const cs_console_count_t *count, apr_pool_t *pool)
{
    if (ctl->json) {
        return ctl_print_json(count_json(count));
    }
    printf("%s: %s, %s", what, ctl_count(count->conversations, "conversation", pool),
           ctl_count(count->messages, "message", pool));
    if (count->held) {
        printf("; on hold and left alone: %" APR_INT64_T_FMT, count->held);
    }
    if (count->purge_at) {
        printf("; to be purged at %s", count->purge_at);
    }
    putchar('\n');
    return CTL_DONE;
}

/* None of those that were named could be taken: because they are on hold, or because they are not there. */
static int say_none(const ctl_t *ctl, const cs_console_count_t *count, const char *where)
{
    if (count->held && ctl->operand_count) {
        return ctl_refuse(CTL_HELD, "an open matter holds all of them; hold list shows the matters");
    }
    return ctl->operand_count ? ctl_refuse(CTL_ABSENT, "none of these conversations is %s", where) : CTL_DONE;
}

static int say_changed(const cs_console_count_t *count, const char *done, apr_pool_t *pool)
{
    return ctl_refuse(CTL_CHANGED,
                      "there %s %s (%s; on hold besides: %" APR_INT64_T_FMT
                      "), not as many as --confirm says; nothing was %s",
                      count->conversations == 1 ? "is" : "are", ctl_count(count->conversations, "conversation", pool),
                      ctl_count(count->messages, "message", pool), count->held, done);
}

/* How many there would be. What texts hold is told by a count, too: a search is recorded. */
static int preview(const ctl_t *ctl, apr_pool_t *pool)
{
    const cs_audit_entry_t *search;
    cs_console_count_t count = {0};
    apr_status_t rv;
    int code = ctl_search_entry(&search, ctl, pool);

    if (code != CTL_DONE) {
        return code;
    }
    rv = search ? cs_audit_write(ctl->db, search, pool) : APR_SUCCESS;
    rv = rv == APR_SUCCESS ? cs_console_count(&count, ctl->db, &ctl->filter, pool) : rv;
    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv, "the conversations could not be counted");
    }
    code = count.conversations ? CTL_DONE : say_none(ctl, &count, "in sight");
    if (code != CTL_DONE) {
        return code;
    }
    fprintf(stderr, "chatsessionctl: nothing was expired; to do it: --confirm %" APR_INT64_T_FMT "\n",
            count.conversations);
    return print_count(ctl, "would expire", &count, pool);
}

/* Make the job, and do it unless httpd is to. */
static int expire_by_job(const ctl_t *ctl, apr_int64_t confirmed, const cs_audit_entry_t *entry, apr_pool_t *pool)
{
    cs_console_count_t count = {0};
    cs_job_step_t step = {0};
    const char *id;
    apr_status_t rv = cs_job_expire(&id, NULL, &count, ctl->db, &ctl->filter, confirmed, ctl->grace, entry, pool);

    if (rv == CS_EREFUSED) {
        return say_changed(&count, "expired", pool);
    }
    if (rv == APR_SUCCESS && ctl->job) {
        return ctl->json ? ctl_print_json(json_pack("{s:s}", "job", id))
                         : (printf("job %s\n", id) > 0 ? CTL_DONE : CTL_FAILED);
    }
    rv = rv == APR_SUCCESS ? ctl_run_job(&step, ctl->db, id, pool) : rv;
    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv, "the conversations could not all be expired");
    }
    count.conversations = step.expired;
    count.messages = step.messages;
    count.held = step.held;
    return print_count(ctl, "expired", &count, pool);
}

int ctl_conversation_expire(ctl_t *ctl, apr_pool_t *pool)
{
    cs_console_count_t count = {0};
    cs_audit_entry_t entry;
    apr_int64_t confirmed;
    json_t *detail;
    apr_status_t rv;
    int code = ctl_read_target(ctl, pool);

    code = code == CTL_DONE ? ctl_read_confirm(&confirmed, ctl) : code;
    if (code != CTL_DONE || confirmed < 0) {
        return code == CTL_DONE ? preview(ctl, pool) : code;
    }
    detail = ctl_filter_detail(ctl, pool);
    json_object_set_new(detail, "conversations", json_integer(confirmed));
    code = ctl_make_entry(&entry, ctl, "conversation.expire", detail, pool);
    if (code != CTL_DONE) {
        return code;
    }
    if (ctl->job || confirmed > AT_ONCE) {
        return expire_by_job(ctl, confirmed, &entry, pool);
    }
    rv = cs_console_expire(&count, ctl->db, &ctl->filter, confirmed, ctl->grace, &entry, pool);
    if (rv == CS_EREFUSED) {
        code = count.conversations ? CTL_DONE : say_none(ctl, &count, "in sight");
        return code == CTL_DONE ? say_changed(&count, "expired", pool) : code;
    }
    return rv == APR_SUCCESS ? print_count(ctl, "expired", &count, pool)
                             : ctl_fail_status(ctl, rv, "the conversations could not be expired");
}

int ctl_conversation_restore(ctl_t *ctl, apr_pool_t *pool)
{
    json_t *ids = cs_json_own(ctl_ids(ctl), pool);
    cs_console_count_t count = {0};
    cs_audit_entry_t entry;
    apr_status_t rv;
    int code;

    if (!ctl->operand_count) {
        return ctl_refuse(CTL_USAGE, "expected: conversation restore ID...");
    }
    code = ctl_make_entry(&entry, ctl, "conversation.restore", cs_json_own(json_pack("{s:O}", "ids", ids), pool), pool);
    if (code != CTL_DONE) {
        return code;
    }
    rv = cs_console_restore(&count, ctl->db, cs_json_print(ids, NULL, pool), &entry, pool);
    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv, "the conversations could not be restored");
    }
    code = count.conversations ? CTL_DONE : say_none(ctl, &count, "in the trash");
    return code == CTL_DONE ? print_count(ctl, "restored", &count, pool) : code;
}

/* --- purging --- */

static int preview_purge(const ctl_t *ctl, const cs_console_count_t *count, apr_pool_t *pool)
{
    fprintf(stderr, "chatsessionctl: nothing was purged; to do it, for ever: --confirm %" APR_INT64_T_FMT "\n",
            count->conversations);
    return print_count(ctl, "would purge", count, pool);
}

int ctl_conversation_purge(ctl_t *ctl, apr_pool_t *pool)
{
    cs_console_count_t count = {0};
    cs_audit_entry_t entry;
    apr_int64_t confirmed;
    json_t *ids;
    apr_status_t rv;
    int code = ctl_read_confirm(&confirmed, ctl);

    if (code != CTL_DONE || !ctl->operand_count) {
        return code != CTL_DONE ? code : ctl_refuse(CTL_USAGE, "expected: conversation purge ID...");
    }
    ids = cs_json_own(ctl_ids(ctl), pool);
    code = ctl_make_entry(&entry, ctl, "conversation.purge", cs_json_own(json_pack("{s:O}", "ids", ids), pool), pool);
    if (code != CTL_DONE) {
        return code;
    }
    rv = cs_console_purge(&count, ctl->db, cs_json_print(ids, NULL, pool), confirmed, &entry, pool);
    if (rv != APR_SUCCESS && rv != CS_EREFUSED) {
        return ctl_fail_status(ctl, rv, "the conversations could not be purged");
    }
    code = count.conversations ? CTL_DONE : say_none(ctl, &count, "in the trash");
    if (code != CTL_DONE) {
        return code;
    }
    if (rv == CS_EREFUSED) {
        return confirmed < 0 ? preview_purge(ctl, &count, pool) : say_changed(&count, "purged", pool);
    }
    return print_count(ctl, "purged", &count, pool);
}

/* --- tags --- */

/* The tags of an option as a JSON array's text; NULL: it was said that one is none. */
static const char *read_tags(const apr_array_header_t *given, apr_pool_t *pool)
{
    json_t *tags = cs_json_own(json_array(), pool);

    for (int i = 0; given && i < given->nelts; i++) {
        const char *tag = APR_ARRAY_IDX(given, i, const char *);

        if (!cs_console_is_tag(tag)) {
            ctl_refuse(CTL_USAGE, "a tag is a word of 1 to 50 characters without commas, not \"%s\"", tag);
            return NULL;
        }
        json_array_append_new(tags, json_string(tag));
    }
    return cs_json_print(tags, NULL, pool);
}

int ctl_conversation_tag(ctl_t *ctl, apr_pool_t *pool)
{
    const cs_console_tags_t tags = {read_tags(ctl->add, pool), read_tags(ctl->remove, pool)};
    json_t *ids = cs_json_own(ctl_ids(ctl), pool);
    cs_console_count_t count = {0};
    cs_audit_entry_t entry;
    json_t *detail;
    apr_status_t rv;
    int code;

    if (!tags.add || !tags.remove) {
        return CTL_USAGE;
    }
    if (!ctl->operand_count || (!ctl->add && !ctl->remove)) {
        return ctl_refuse(CTL_USAGE, "expected: conversation tag ID... with --add TAG or --remove TAG");
    }
    detail = json_pack("{s:O,s:o,s:o}", "ids", ids, "add", json_loads(tags.add, 0, NULL), "remove",
                       json_loads(tags.remove, 0, NULL));
    code = ctl_make_entry(&entry, ctl, "conversation.tag", cs_json_own(detail, pool), pool);
    if (code != CTL_DONE) {
        return code;
    }
    rv = cs_console_tag(&count, ctl->db, cs_json_print(ids, NULL, pool), &tags, &entry, pool);
    if (rv == CS_EREFUSED) {
        return ctl_fail("a conversation has at most 20 tags; nothing was changed");
    }
    if (rv != APR_SUCCESS) {
        return ctl_fail_status(ctl, rv, "the tags could not be changed");
    }
    code = count.conversations ? CTL_DONE : say_none(ctl, &count, "there");
    return code == CTL_DONE ? print_count(ctl, "tagged", &count, pool) : code;
}
