/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_STORE_USER_SQL_H
#define CS_STORE_USER_SQL_H
/*
 * What the statements on users share, whoever runs them: the command line (user.h) or an operator, with an audit entry
 * (user_admin.h).
 */
#include "store/columns.h"

/**
 * Make the user named $1 with role $2 and hash $3: whether $1 can be a name, the new id, the name. No id although it
 * can: it is taken. A name is a segment of an address (api/users/{word}), which httpd does not let hold an encoded
 * slash, and where "." and ".." mean something else.
 */
#define CS_USER_INSERT                                                                                                 \
    "WITH good AS (SELECT n FROM (VALUES ($1::text)) v(n) WHERE char_length(n) BETWEEN 1 AND 64"                       \
    "   AND strpos(n, '/') = 0 AND n NOT IN ('.', '..')"                                                               \
    "   AND chatsession.canonical_name(n) ~ '^[^[:cntrl:][:space:]]([^[:cntrl:]]*[^[:cntrl:][:space:]])?$'),"          \
    " made AS (INSERT INTO chatsession.users (name, role, password_phc) SELECT n, $2::text, $3::text FROM good"        \
    "   ON CONFLICT ON CONSTRAINT one_account_per_name DO NOTHING RETURNING id)"                                       \
    " SELECT EXISTS (SELECT FROM good), (SELECT id FROM made)"

/** Changes the user $1. The row counts the sessions that a trigger ends with it where the condition holds; one that a
 * login begins at this moment ends uncounted. */
#define CS_USER_CHANGE(assignment, condition)                                                                          \
    "WITH changed AS (UPDATE chatsession.users SET " assignment " WHERE id = $1::uuid RETURNING id)"                   \
    " SELECT (SELECT count(*) FROM chatsession.sessions WHERE user_id = $1::uuid AND revoked_at IS NULL "              \
    "AND " condition ") FROM changed"

#define CS_USER_PASSWORD CS_USER_CHANGE("password_phc = $2, password_revision = password_revision + 1", "true")

/** The user u as the API shows it. */
#define CS_USER_COLUMNS                                                                                                \
    "u.name, u.role, u.created_at, u.disabled_at IS NOT NULL AS disabled,"                                             \
    " (SELECT count(*) FROM chatsession.conversations c WHERE c.user_id = u.id) AS conversations, u.last_login_at,"    \
    " u.second_factor_at, u.max_turns, u.max_requests, u.max_tokens"

#endif
