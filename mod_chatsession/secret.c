/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * The program is started by posix_spawn in a process group of its own, which APR's processes have no way to ask for:
 * only so a script that hangs can be ended together with what it started.
 */
#include "secret.h"
#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_time.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/steady.h"

#define TIME_LIMIT apr_time_from_sec(5)
/* Between two looks at a program that has closed its output and has not ended. */
#define END_INTERVAL apr_time_from_msec(5)

/* --- files --- */

static const char *file_problem(const apr_finfo_t *info, const char *path, apr_size_t max, apr_pool_t *pool)
{
    if (info->filetype != APR_REG) {
        return apr_psprintf(pool, "%s is not a regular file", path);
    }
    if (info->protection & (APR_FPROT_GREAD | APR_FPROT_GWRITE | APR_FPROT_WREAD | APR_FPROT_WWRITE)) {
        return apr_psprintf(pool, "%s can be read or written by others; chmod 600 it", path);
    }
    if (info->size > (apr_off_t)max) {
        return apr_psprintf(pool, "%s is larger than %" APR_SIZE_T_FMT " bytes", path, max);
    }
    return NULL;
}

const char *chatsession_secret_file(apr_pool_t *pool, const char *path, apr_size_t max, apr_size_t *len,
                                    const char **problem)
{
    apr_file_t *file;
    apr_finfo_t info;
    apr_status_t rv;
    char *bytes = NULL;
    char buf[120];

    *len = 0;
    *problem = NULL;
    rv = apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BINARY, 0, pool);
    if (rv != APR_SUCCESS) {
        *problem = apr_psprintf(pool, "cannot open %s: %s", path, apr_strerror(rv, buf, sizeof(buf)));
        return NULL;
    }
    rv = apr_file_info_get(&info, APR_FINFO_SIZE | APR_FINFO_PROT | APR_FINFO_TYPE, file);
    *problem = rv == APR_SUCCESS
                   ? file_problem(&info, path, max, pool)
                   : apr_psprintf(pool, "cannot look at %s: %s", path, apr_strerror(rv, buf, sizeof(buf)));
    if (!*problem) {
        bytes = apr_pcalloc(pool, (apr_size_t)info.size + 1);
        rv = apr_file_read_full(file, bytes, (apr_size_t)info.size, len);
        if (rv != APR_SUCCESS) {
            *problem = apr_psprintf(pool, "cannot read %s: %s", path, apr_strerror(rv, buf, sizeof(buf)));
            bytes = NULL;
        }
    }
    apr_file_close(file);
    while (bytes && *len && (bytes[*len - 1] == '\n' || bytes[*len - 1] == '\r')) {
        bytes[--*len] = '\0';
    }
    return bytes;
}

/* --- programs --- */

typedef struct {
    pid_t pid; /* of the program, and of its process group */
    int out;   /* the end of the pipe that its standard output comes from */
    apr_time_t until;
} program_t;

/* The words of a command; NULL and *problem when it is none that root should run. */
static char **read_command(apr_pool_t *pool, const char *command, const char **problem)
{
    char **words = NULL;
    apr_finfo_t info;

    if (apr_tokenize_to_argv(command, &words, pool) != APR_SUCCESS || !words[0] || words[0][0] != '/') {
        *problem = "expected exec: and the absolute path of a program";
        return NULL;
    }
    if (apr_stat(&info, words[0], APR_FINFO_TYPE | APR_FINFO_PROT, pool) != APR_SUCCESS || info.filetype != APR_REG) {
        *problem = apr_psprintf(pool, "there is no program %s", words[0]);
        return NULL;
    }
    if (info.protection & (APR_FPROT_GWRITE | APR_FPROT_WWRITE)) {
        *problem = apr_psprintf(pool, "%s can be written by others; chmod go-w it", words[0]);
        return NULL;
    }
    return words;
}

/* 0, or the errno of what failed. Standard input is empty; what it writes to standard error goes where httpd's goes. */
static int start(program_t *program, char **words)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int ends[2];
    int failed;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        return errno;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    failed = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    failed = failed ? failed : posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    failed = failed ? failed : posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    failed = failed ? failed : posix_spawn(&program->pid, words[0], &actions, &attributes, words, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    program->out = ends[0];
    if (failed) {
        close(ends[0]);
    }
    return failed;
}

static int rest_ms(const program_t *program)
{
    const apr_interval_time_t rest = program->until - cs_steady_now();

    return rest > 0 ? (int)apr_time_as_msec(rest) + 1 : 0;
}

/* Its output up to its end; more than size octets count as size. False when the time is over. */
static bool read_output(const program_t *program, char *bytes, apr_size_t size, apr_size_t *len)
{
    struct pollfd fd = {.fd = program->out, .events = POLLIN};
    char surplus[256];

    *len = 0;
    for (;;) {
        const int ready = poll(&fd, 1, rest_ms(program));
        const bool full = *len == size;
        ssize_t got;

        if (ready < 0 && errno == EINTR) {
            continue;
        }
        if (ready <= 0) {
            return false;
        }
        got = full ? read(program->out, surplus, sizeof(surplus)) : read(program->out, bytes + *len, size - *len);
        if (got <= 0) {
            return got == 0;
        }
        *len += full ? 0 : (apr_size_t)got;
    }
}

/* Wait for its end; kill it when the time is over. True when it ended by itself with code 0. */
static bool has_succeeded(const program_t *program, bool in_time)
{
    int status = 0;
    pid_t ended = 0;

    while (in_time && (ended = waitpid(program->pid, &status, WNOHANG)) == 0) {
        apr_sleep(END_INTERVAL);
        in_time = rest_ms(program) > 0;
    }
    if (!in_time) {
        kill(-program->pid, SIGKILL);
        while (waitpid(program->pid, &status, 0) < 0 && errno == EINTR) {
        }
        return false;
    }
    return ended == program->pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static char *trim(char *text, apr_size_t *len)
{
    while (*len && apr_isspace(text[*len - 1])) {
        text[--*len] = '\0';
    }
    while (*len && apr_isspace(*text)) {
        text++;
        --*len;
    }
    return text;
}

const char *chatsession_secret_program(apr_pool_t *pool, const char *command, apr_size_t max, apr_size_t *len,
                                       const char **problem)
{
    program_t program = {.until = cs_steady_now() + TIME_LIMIT};
    /* One octet more than is allowed tells that there was more. */
    char *bytes = apr_pcalloc(pool, max + 2);
    char **words;
    char buf[120];
    bool ended;
    int failed;

    *len = 0;
    *problem = NULL;
    words = read_command(pool, command, problem);
    if (!words) {
        return NULL;
    }
    failed = start(&program, words);
    if (failed) {
        *problem = apr_psprintf(pool, "cannot run %s: %s", words[0], apr_strerror(failed, buf, sizeof(buf)));
        return NULL;
    }
    ended = read_output(&program, bytes, max + 1, len);
    close(program.out);
    if (!has_succeeded(&program, ended)) {
        *problem = rest_ms(&program) ? apr_psprintf(pool, "%s failed; expected it to end with code 0", words[0])
                                     : apr_psprintf(pool, "%s has not ended after 5 seconds", words[0]);
        return NULL;
    }
    bytes = trim(bytes, len);
    if (!*len || *len > max) {
        *problem = apr_psprintf(pool, *len ? "%s printed more than %" APR_SIZE_T_FMT " bytes" : "%s printed nothing",
                                words[0], max);
        return NULL;
    }
    return bytes;
}
