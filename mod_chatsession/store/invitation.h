/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_INVITATION_H
#define CS_STORE_INVITATION_H
/*
 * Invitations: whoever holds the token of one sets the password of its user, once, and within the hour. The database
 * knows only the token's hash. Statuses as in db.h.
 */
#include "store/audit.h"
#include "store/user.h"

/** The random token of a new invitation, and its hash; both live in pool. */
apr_status_t cs_invitation_draw(const char **token, const char **hash, apr_pool_t *pool) CS_MUSTCHECK;

/** The hash of a token as somebody gave it; CS_EMALFORMED: it is none. */
apr_status_t cs_invitation_hash(const char **hash, const char *token, apr_size_t len, apr_pool_t *pool) CS_MUSTCHECK;

/** Invite the user id, inside the transaction that records it (user_admin.h); an invitation that was open before is
 * void. APR_ENOENT: there is no such user, or it is a guest. */
apr_status_t cs_invitation_open(cs_db_tx_t *tx, const char *id, const char *hash, apr_pool_t *pool) CS_MUSTCHECK;

/** The name of the user of an open invitation; APR_ENOENT: there is none, it was used, it is over, or its user is
 * disabled. */
apr_status_t cs_invitation_find(const char **name, cs_db_t *db, const char *hash, apr_pool_t *pool) CS_MUSTCHECK;

/**
 * Set the password and use the invitation up, in one transaction with entry, whose operator, role and target are filled
 * in here. Ends the user's sessions. APR_ENOENT as above: of two at once one wins.
 */
apr_status_t cs_invitation_use(cs_db_t *db, const char *hash, const char *phc, const cs_audit_entry_t *entry,
                               apr_pool_t *pool) CS_MUSTCHECK;

#endif
