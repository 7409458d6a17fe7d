/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* A page's cursor, which a client sends back: what is taken is a number and a UUID that PostgreSQL takes as they stand,
 * and together they are the cursor again. */
#include "store/keyset.h"

#include <apr_strings.h>
#include "core/json.h"
#include "fuzz.h"

void fuzz_input(const char *bytes, apr_size_t len, apr_pool_t *pool)
{
    fuzz_reader_t reader = {bytes, bytes + len};
    cs_keyset_t keyset = {FUZZ_UNSET, FUZZ_UNSET};
    char *cursor = fuzz_part(&reader, '\0', &len);

    if (cs_keyset_parse(&keyset, cursor, pool) == APR_SUCCESS) {
        HOLDS(strspn(keyset.time, "0123456789") == strlen(keyset.time) && apr_atoi64(keyset.time) >= 0);
        HOLDS(strlen(keyset.time) <= 17 && cs_uuid_is(keyset.id));
        HOLDS(!strcmp(apr_pstrcat(pool, keyset.time, "_", keyset.id, NULL), cursor));
    } else {
        HOLDS(!keyset.time && !keyset.id);
    }
    HOLDS(cs_keyset_parse(&keyset, NULL, pool) == APR_SUCCESS && !keyset.time && !keyset.id);
    free(cursor);
}
