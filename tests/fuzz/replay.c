/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * replay FOLDER: each file of the folder is an input, and a test of its name. What does not hold ends the program, with
 * the name of the input and the property as its last words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include "fuzz.h"

#define MAX_SEEDS 1000

static const char *folder;

static void replay(void **state)
{
    char path[4096];
    char *bytes;
    size_t len;
    long size;
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", folder, (const char *)*state);
    file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    size = ftell(file);
    assert_true(size >= 0);
    rewind(file);
    bytes = malloc((size_t)size + 1);
    assert_non_null(bytes);
    len = fread(bytes, 1, (size_t)size, file);
    fclose(file);
    assert_int_equal(len, size);
    LLVMFuzzerTestOneInput((unsigned char *)bytes, len);
    free(bytes);
}

static int is_seed(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[MAX_SEEDS];
    struct dirent **seeds = NULL;
    int failed, count;

    folder = argc == 2 ? argv[1] : ".";
    count = scandir(folder, &seeds, is_seed, alphasort);
    if (argc != 2 || count <= 0 || count > MAX_SEEDS) {
        fprintf(stderr, "%s: expected a folder with 1 to %d seeds, got \"%s\" with %d\n", argv[0], MAX_SEEDS, folder,
                count);
        return 1;
    }
    memset(tests, 0, sizeof(tests));
    for (int i = 0; i < count; i++) {
        tests[i].name = seeds[i]->d_name;
        tests[i].test_func = replay;
        tests[i].initial_state = seeds[i]->d_name;
    }
    failed = _cmocka_run_group_tests("seeds", tests, (size_t)count, NULL, NULL);
    for (int i = 0; i < count; i++)
        free(seeds[i]);
    free(seeds);
    return failed;
}
