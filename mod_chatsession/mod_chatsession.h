/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef MOD_CHATSESSION_H
#define MOD_CHATSESSION_H
/*
 * For other modules: who is logged in, and a place in their session for values of your own. These are APR optional
 * functions, so your module loads with mod_chatsession and without; look them up in a hook optional_fn_retrieve:
 *
 *     static APR_OPTIONAL_FN_TYPE(chatsession_get_user) *get_user;
 *     get_user = APR_RETRIEVE_OPTIONAL_FN(chatsession_get_user);     NULL: mod_chatsession is not loaded
 *
 * Each may be called with any request of any thread, from the access checks on, in subrequests and after internal
 * redirects. Every string that is returned lives in r->pool; every string that is given is copied. Every out-parameter
 * is NULL unless the call succeeded.
 *
 * Statuses:
 *   APR_SUCCESS
 *   APR_EACCES   there is no session, or it has ended meanwhile; chatsession_get_user: nobody is logged in
 *   APR_ENOENT   there is no value of that name
 *   APR_EINVAL   a name or value that cannot be kept, or one too many (see chatsession_set_value)
 *   APR_EAGAIN   where sessions are kept cannot be reached now; nothing was changed, or it is not known whether it was
 *   APR_EGENERAL anything else; httpd's error log has the reason
 */
#include <apr_optional.h>
#include <httpd.h>

/**
 * Who is logged in. role is user, viewer, auditor, operator or admin.
 * Where another module authenticates (ChatSessionTrustUser) nobody is logged in until it has done so.
 */
APR_DECLARE_OPTIONAL_FN(apr_status_t, chatsession_get_user, (request_rec * r, const char **name, const char **role));

/** The session's handle, as in logs and in the console: no secret, and of no use as a cookie. */
APR_DECLARE_OPTIONAL_FN(apr_status_t, chatsession_get_ref, (request_rec * r, const char **ref));

/** The value of that name. */
APR_DECLARE_OPTIONAL_FN(apr_status_t, chatsession_get_value, (request_rec * r, const char *name, const char **value));

/**
 * Keep a value in the session, in place of the one of that name: committed when this returns, and seen by the next call
 * on any host. name: 1 to 64 of A-Z a-z 0-9 _ . - and not "mod_session", which is taken; begin it with your module's
 * name. value: UTF-8 without NUL, at most 8192 octets. A session has at most 64 of them. Requests at the same time that
 * write different names lose neither. Values end with the session; when its user logs in again they go over to the new
 * one. Where ChatSessionAnonymous is on, a visitor who has no session gets one with the first value: call it before the
 * answer begins, since that sends a cookie. A visitor's values are not taken over at a log-in.
 */
APR_DECLARE_OPTIONAL_FN(apr_status_t, chatsession_set_value, (request_rec * r, const char *name, const char *value));

/** Remove a value; APR_SUCCESS also when there is none. */
APR_DECLARE_OPTIONAL_FN(apr_status_t, chatsession_remove_value, (request_rec * r, const char *name));

#endif
