/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_MOCK_H
#define CHATSESSION_MOCK_H
/*
 * The built-in model for trials, an OpenAI API of our own: SetHandler chatsession-mock on a loopback listener, reached
 * through mod_proxy like any other. echo   says the last message again round  canned answers in turn long   a long
 * answer with lists, tables and code
 */
#include <httpd.h>

/** Handler "chatsession-mock". */
int chatsession_mock_handler(request_rec *r, const char *below);

#endif
