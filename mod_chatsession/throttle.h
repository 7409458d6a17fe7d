/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_THROTTLE_H
#define CHATSESSION_THROTTLE_H
/*
 * The rate of attempts to give a password (store/throttle.h), for whoever checks one: ask before hashing, say so when
 * it was right. A browser from which somebody has logged in keeps a signed cookie and is counted by itself for that
 * account, so that strangers who guess at a name do not lock its owner out.
 */
#include "route.h"
#include "store/throttle.h"

/** DECLINED: the password of the account of that name may be checked; else an answer was given: return it. */
int chatsession_throttle_admit(cs_throttle_attempt_t *attempt, chatsession_call_t *call, const char *name);

/** The password was that of the user: the attempt counts no more, and this browser is known from now on. Call it after
 * the session has begun, whose cookie goes first. */
void chatsession_throttle_succeeded(const cs_throttle_attempt_t *attempt, chatsession_call_t *call,
                                    const char *user_id);

/** The password was right, and a code is asked for: the attempt does not count, and forgives none of before. */
void chatsession_throttle_withdrawn(const cs_throttle_attempt_t *attempt, chatsession_call_t *call);

/** The cookie of a browser that is known. */
cs_cookie_attrs_t chatsession_known_cookie(const chatsession_server_t *conf, const request_rec *r);

#endif
