/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_COMPLETION_QUICK_H
#define CS_COMPLETION_QUICK_H
/*
 * The piece of an answer that nearly all pieces are: one choice with some text, and members beside it that nobody asks
 * for. It is read in one walk without building a tree, which took most of the time of a streamed token. Whatever is
 * not exactly of that form is left to cs_completion_read's whole way: this one never says what is wrong with a piece,
 * and what it takes reads the same there (tests/unit/test_completion_quick.c).
 */
#include <stdbool.h>
#include "core/completion.h"

/** True: piece is read, its strings in pool. False: piece is as it was. */
bool cs_completion_quick(cs_completion_t *piece, const char *data, apr_size_t len, apr_pool_t *pool);

#endif
