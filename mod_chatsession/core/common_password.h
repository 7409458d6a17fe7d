/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_COMMON_PASSWORD_H
#define CS_COMMON_PASSWORD_H
/*
 * Passwords that are tried first by whoever guesses (ASVS 5.0 6.2.4). People make them by few habits, so this is a list
 * of some hundred words and names together with those habits, which covers what a list of the most common passwords
 * holds, and its next of kin: a word with digits, a year or marks around it, in capitals or with 0 for o; two words, or
 * one twice; one pattern over and over; a walk over the keyboard; a row of digits or letters; a date.
 */
#include <apr.h>
#include <stdbool.h>

bool cs_password_is_common(const char *password, apr_size_t len);

/* The list itself, for tests. */

/** How many words the list has. */
int cs_common_password_words(void);
/** Word number index of the list, in lower case, in rising order. */
const char *cs_common_password_word(int index);

#endif
