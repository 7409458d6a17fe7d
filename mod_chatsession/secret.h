/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_SECRET_H
#define CHATSESSION_SECRET_H
/*
 * Secrets as the configuration names them: files that only their owner may read, and programs that print one. Both are
 * read while httpd is still root, each time that it reads its configuration.
 */
#include <apr_pools.h>

/** The octets of the file at path, without the ends of lines at its end, NUL-terminated, in pool. NULL and a sentence
 * in *problem when it cannot be read, is larger than max, or others may read or write it. */
const char *chatsession_secret_file(apr_pool_t *pool, const char *path, apr_size_t max, apr_size_t *len,
                                    const char **problem);

/**
 * What the program prints, without white space around it. command is an absolute path and arguments, as words; no
 * shell is involved. NULL and a sentence in *problem, which names the program and nothing of what it printed: when
 * others than its owner may write it, when it ends with another code than 0, prints nothing or more than max, or has
 * not ended after 5 seconds (then it and its children in the same process group are killed).
 */
const char *chatsession_secret_program(apr_pool_t *pool, const char *command, apr_size_t max, apr_size_t *len,
                                       const char **problem);

#endif
