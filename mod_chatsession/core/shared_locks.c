/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "core/shared_locks.h"

#include <stdbool.h>

apr_status_t cs_shared_locks_init(pthread_mutex_t *locks, int count)
{
    pthread_mutexattr_t attr;
    bool made;

    if (pthread_mutexattr_init(&attr) != 0)
        return APR_EGENERAL;
    made = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) == 0 &&
           pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) == 0;
    for (int i = 0; made && i < count; i++)
        made = pthread_mutex_init(&locks[i], &attr) == 0;
    pthread_mutexattr_destroy(&attr);
    return made ? APR_SUCCESS : APR_EGENERAL;
}
