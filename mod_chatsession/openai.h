/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_OPENAI_H
#define CHATSESSION_OPENAI_H
/*
 * The OpenAI API for programs, handler "chatsession-openai": a request goes to the model as it came, but for the
 * model's name, and the answer to the program octet for octet, while both are recorded as a turn of the key's user.
 * What says that the answer is whole ("[DONE]", or a body that is not streamed) is passed on only when it is committed.
 */
#include "route.h"

int chatsession_openai_handler(request_rec *r, chatsession_server_t *conf, const chatsession_address_t *address);

/** The session that a request's API key stands for; or that of a user whom httpd has authenticated
 * (ChatSessionTrustUser); or nobody's. Never NULL. */
const chatsession_session_t *chatsession_key_session(request_rec *r, chatsession_server_t *conf);

/** Whether errors of r are to have OpenAI's form. */
bool chatsession_openai_is(const request_rec *r);

#endif
