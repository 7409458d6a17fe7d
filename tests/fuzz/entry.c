/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include "fuzz.h"

#include <apr_general.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static bool ready;
    apr_pool_t *pool = NULL;
    char *bytes = fuzz_copy((const char *)data, size);

    if (!ready)
        HOLDS(apr_initialize() == APR_SUCCESS);
    ready = true;
    HOLDS(apr_pool_create(&pool, NULL) == APR_SUCCESS);
    fuzz_input(bytes, size, pool);
    apr_pool_destroy(pool);
    free(bytes);
    return 0;
}
