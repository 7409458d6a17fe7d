/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_HIDDEN_COOKIES_H
#define CHATSESSION_HIDDEN_COOKIES_H
/*
 * Our cookies open a user's conversations, so no program behind httpd should see them: not a CGI script in its
 * HTTP_COOKIE, not PHP, not an application behind mod_proxy, of which one that logs or leaks its headers is enough.
 * They are taken out of the request before any handler but ours runs, unless ChatSessionHideCookie is off there. Who it
 * is, a program reads from CHATSESSION_USER. The cookies of others stay as they are.
 *
 * mod_cache compares what a request came with where an answer has "Vary: Cookie"; one that was made for somebody who is
 * logged in must not be kept as the answer for nobody. So the whole header is back in its place while the answer
 * passes through the filters behind httpd's content filters.
 */
/** The hooks and the filter for that. */
void chatsession_hidden_cookies_register(void);

#endif
