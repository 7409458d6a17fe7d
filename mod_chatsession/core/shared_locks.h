/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#ifndef CS_SHARED_LOCKS_H
#define CS_SHARED_LOCKS_H
/*
 * Locks in memory that the children of httpd share. Any of them may be killed while it holds one: the next who asks
 * gets it with EOWNERDEAD, sees to what lies behind it, and calls pthread_mutex_consistent.
 */
#include <pthread.h>
#include "core/status.h"

/** Make count locks, before httpd forks. They need no end. APR_EGENERAL: the system has none to give. */
apr_status_t cs_shared_locks_init(pthread_mutex_t *locks, int count) CS_MUSTCHECK;

#endif
