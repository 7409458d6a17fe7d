/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "kept_memory.h"
#include <httpd.h>
#include <http_config.h>
#include <apr_shm.h>
#include <apr_strings.h>
#include <string.h>

apr_status_t chatsession_kept_memory(void **memory, bool *fresh, const char *name, apr_size_t size, apr_pool_t *life,
                                     apr_pool_t *ptemp)
{
    const char *key = apr_psprintf(ptemp, "chatsession-%s-%" APR_SIZE_T_FMT, name, size);
    struct {
        void *memory;
    } *kept = ap_retained_data_get(key);

    *memory = NULL;
    if (fresh) {
        *fresh = false;
    }
    if (!kept) {
        kept = ap_retained_data_create(key, sizeof(*kept));
    }
    if (!kept->memory) {
        apr_shm_t *shm;
        const apr_status_t rv = apr_shm_create(&shm, size, NULL, life);

        if (rv != APR_SUCCESS) {
            return rv;
        }
        kept->memory = apr_shm_baseaddr_get(shm);
        memset(kept->memory, 0, size);
        if (fresh) {
            *fresh = true;
        }
    }
    *memory = kept->memory;
    return APR_SUCCESS;
}
