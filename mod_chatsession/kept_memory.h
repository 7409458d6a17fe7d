/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CHATSESSION_KEPT_MEMORY_H
#define CHATSESSION_KEPT_MEMORY_H
/*
 * Shared memory that outlives restarts of httpd: the children of before a graceful one go on for a while, and both
 * count in the same place. httpd loads the module anew each time, so the address is retained beside the memory.
 */
#include <apr_pools.h>
#include <stdbool.h>

/**
 * The size octets of that name in *memory, made and zeroed the first time (then *fresh is true; may be NULL), the same
 * at every restart after. Another size is another memory: a version of the module that counts more has its own. life is
 * the process's pool. On failure *memory is NULL.
 */
apr_status_t chatsession_kept_memory(void **memory, bool *fresh, const char *name, apr_size_t size, apr_pool_t *life,
                                     apr_pool_t *ptemp) __attribute__((warn_unused_result));

#endif
