/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CTL_FILTER_H
#define CTL_FILTER_H
/* Which conversations a command is about: the console's filter, from the options, or ids. */
#include "ctl.h"

/** Was any option of FILTER given? */
bool ctl_has_filter(const ctl_t *ctl);

/** CTL_DONE, or it was said what is wrong with one of the options of FILTER. */
int ctl_check_filter(const ctl_t *ctl, apr_pool_t *pool);

/** ctl->filter for a command on "ID... | FILTER": one of the two must be there. CTL_DONE, or what is wrong was said. */
int ctl_read_target(ctl_t *ctl, apr_pool_t *pool);

/** The operands, which are ids, as a JSON array; new reference. */
json_t *ctl_ids(const ctl_t *ctl);

/** The filter as it goes into the audit log: without the words that were searched for. In pool. */
json_t *ctl_filter_detail(const ctl_t *ctl, apr_pool_t *pool);

/** The entry of a search, when the filter searches; else *entry is NULL. CTL_DONE, or what is wrong was said. */
int ctl_search_entry(const cs_audit_entry_t **entry, const ctl_t *ctl, apr_pool_t *pool);

/** What --confirm says; -1: it was not given, or --dry-run was. CTL_DONE, or it was said that it is no number. */
int ctl_read_confirm(apr_int64_t *confirmed, const ctl_t *ctl);

/** Say so; CTL_ABSENT. */
int ctl_no_such_conversation(void);

#endif
