/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Files with the secrets that sign cookies (ChatSessionSecretFile). A file is made whole or not at all, never over
 * another, and nobody but its owner can read it from its first moment on.
 *
 * A rotation makes a new file and leaves the old one alone: both are needed for a while, and a configuration that names
 * a file always names the same secret. The new file has the old one's name with the day.
 */
#include <apr_base64.h>
#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_time.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/token.h"
#include "ctl.h"

#define SECRET_BYTES 48
#define SECRET_CHARS (SECRET_BYTES / 3 * 4) /* in base64 */
#define DAY_SUFFIX 11                       /* "-2026-11-23" */

/* 48 random bytes in base64 and the end of the line. */
static int random_secret(char secret[SECRET_CHARS + 2])
{
    unsigned char bytes[SECRET_BYTES];
    const apr_status_t rv = cs_token_random(bytes, sizeof(bytes));

    if (rv != APR_SUCCESS) {
        return ctl_fail("there are no random bytes to be had");
    }
    apr_base64_encode_binary(secret, bytes, sizeof(bytes));
    memcpy(secret + SECRET_CHARS, "\n", 2);
    explicit_bzero(bytes, sizeof(bytes));
    return CTL_DONE;
}

static int write_whole(int fd, const char *bytes, size_t len)
{
    while (len) {
        const ssize_t written = write(fd, bytes, len);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return -1;
        }
        bytes += written;
        len -= (size_t)written;
    }
    return fsync(fd);
}

int ctl_make_file(const char *path, const char *text, mode_t mode)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    int failed;

    if (fd < 0) {
        return errno == EEXIST ? ctl_fail("%s is there already; it was not touched", path)
                               : ctl_fail("%s cannot be made: %s", path, strerror(errno));
    }
    failed = fchmod(fd, mode) != 0 || write_whole(fd, text, strlen(text)) != 0 ? errno : 0;
    if (close(fd) != 0 && !failed) {
        failed = errno;
    }
    if (failed) {
        unlink(path);
        return ctl_fail("%s cannot be written: %s", path, strerror(failed));
    }
    return CTL_DONE;
}

/* path as the configuration should have it, whatever folder it is read from. */
static const char *absolute(const char *path, apr_pool_t *pool)
{
    char *merged;

    return apr_filepath_merge(&merged, NULL, path, APR_FILEPATH_TRUENAME, pool) == APR_SUCCESS ? merged : path;
}

int ctl_secret_make(const char *path)
{
    char secret[SECRET_CHARS + 2];
    int code = random_secret(secret);

    if (code == CTL_DONE) {
        code = ctl_make_file(path, secret, 0600);
    }
    explicit_bzero(secret, sizeof(secret));
    return code;
}

int ctl_secret_new(ctl_t *ctl, apr_pool_t *pool)
{
    const char *path = absolute(ctl->name, pool);
    const int code = ctl_secret_make(path);

    if (code == CTL_DONE) {
        printf("made %s\n\n  ChatSessionSecretFile \"%s\"\n\nHosts that share a database share the file.\n", path,
               path);
    }
    return code;
}

bool ctl_is_there(const char *path, apr_pool_t *pool)
{
    apr_finfo_t info;

    return apr_stat(&info, path, APR_FINFO_TYPE, pool) == APR_SUCCESS;
}

int ctl_secret_check(const char *path, apr_pool_t *pool)
{
    char bytes[CS_SECRET_MAX + 1];
    cs_keyring_t *ring;
    const char *problem = "it cannot be checked";
    apr_size_t len = 0;
    apr_file_t *file;
    char reason[120];
    apr_status_t rv = apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BINARY, APR_FPROT_OS_DEFAULT, pool);

    if (rv == APR_SUCCESS) {
        rv = apr_file_read_full(file, bytes, sizeof(bytes), &len);
        rv = rv == APR_EOF ? APR_SUCCESS : rv;
        apr_file_close(file);
    }
    if (rv != APR_SUCCESS) {
        return ctl_fail("%s cannot be read: %s", path, apr_strerror(rv, reason, sizeof(reason)));
    }
    rv = cs_keyring_create(&ring, pool);
    if (rv == APR_SUCCESS) {
        rv = cs_keyring_add(ring, (const unsigned char *)bytes, len, &problem);
    }
    explicit_bzero(bytes, sizeof(bytes));
    return rv == APR_SUCCESS ? CTL_DONE : ctl_fail("%s is no secret that httpd takes: %s", path, problem);
}

/* path without the day that a rotation gave it. */
static const char *stem(const char *path, apr_pool_t *pool)
{
    static const char form[] = "-dddd-dd-dd";
    const size_t len = strlen(path);

    if (len <= DAY_SUFFIX) {
        return path;
    }
    for (size_t i = 0; i < DAY_SUFFIX; i++) {
        const char c = path[len - DAY_SUFFIX + i];
        if (form[i] == 'd' ? !apr_isdigit(c) : c != form[i]) {
            return path;
        }
    }
    return apr_pstrmemdup(pool, path, len - DAY_SUFFIX);
}

static void print_steps(const char *old, const char *new)
{
    printf("made %s\n\n"
           "1. Add: copy it to every host, mode 600, and let all of them know it before one signs with it:\n\n"
           "     ChatSessionSecretFile \"%s\" \"%s\"\n\n"
           "   then apachectl graceful on each host.\n"
           "2. Promote: when all hosts have it, let it sign:\n\n"
           "     ChatSessionSecretFile \"%s\" \"%s\"\n\n"
           "   then apachectl graceful on each host.\n"
           "3. Drop: once ChatSessionMaxLifetime has passed since then, take \"%s\" out of the line, apachectl "
           "graceful,\n"
           "   and delete the file. Nobody was logged out.\n",
           new, old, new, new, old, old);
}

int ctl_secret_rotate(ctl_t *ctl, apr_pool_t *pool)
{
    const char *old = absolute(ctl->name, pool);
    apr_time_exp_t day;
    const char *new;
    int code = ctl_secret_check(old, pool);

    if (code != CTL_DONE) {
        return code;
    }
    apr_time_exp_gmt(&day, apr_time_now());
    new = apr_psprintf(pool, "%s-%04d-%02d-%02d", stem(old, pool), day.tm_year + 1900, day.tm_mon + 1, day.tm_mday);
    code = ctl_secret_make(new);
    if (code == CTL_DONE) {
        print_steps(old, new);
    }
    return code;
}
