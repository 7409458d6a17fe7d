/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Preloaded into an httpd of the tests: now and then a call for memory, of a socket or of a file fails, whoever makes
 * it: httpd, APR, libpq, OpenSSL, the module. Which ones, and one in how many, a test says through the file that
 * STARVE_CALLS names; which call it is follows from the seed and its number. The parent is left alone, and so is a
 * child in its first second: what httpd cannot start without is not the subject.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { MEMORY = 1, SOCKETS = 2, FILES = 4, SIGNATURES = 8, ANSWERS = 16 };

typedef struct {
    atomic_ulong kinds;  /* that fail; 0: none */
    atomic_ulong one_in; /* so many calls */
    atomic_ulong seed;
    atomic_ulong calls;   /* of these kinds, since the test last wrote 0 */
    atomic_ulong refused; /* of them */
} shared_t;

static shared_t *shared;
static atomic_bool is_child, is_grown;
static struct timespec born;

static void note_birth(void)
{
    clock_gettime(CLOCK_MONOTONIC_COARSE, &born);
    atomic_store(&is_grown, false);
    atomic_store(&is_child, true);
}

/* Before httpd gives up root: its children inherit the page. */
__attribute__((constructor)) static void open_shared(void)
{
    const char *path = getenv("STARVE_CALLS");
    const int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *page = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (fd >= 0) {
        close(fd);
    }
    pthread_atfork(NULL, NULL, note_birth);
    shared = page == MAP_FAILED ? NULL : page;
}

static bool has_grown(void)
{
    struct timespec now;

    if (!atomic_load(&is_grown)) {
        clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
        atomic_store(&is_grown, now.tv_sec > born.tv_sec + 1);
    }
    return atomic_load(&is_grown);
}

/* A number that looks like chance, always the same for the same call. */
static uint64_t mix(uint64_t value)
{
    value += 0x9E3779B97F4A7C15;
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
    return value ^ (value >> 31);
}

static bool is_refused(unsigned long kind)
{
    unsigned long number;

    if (!shared || !(atomic_load(&shared->kinds) & kind) || !atomic_load(&is_child) || !has_grown()) {
        return false;
    }
    number = atomic_fetch_add(&shared->calls, 1);
    if (mix(atomic_load(&shared->seed) + number) % atomic_load(&shared->one_in)) {
        return false;
    }
    atomic_fetch_add(&shared->refused, 1);
    return true;
}

static unsigned long kind_of(int fd)
{
    struct stat what;

    if (!shared || !atomic_load(&shared->kinds) || fstat(fd, &what)) {
        return 0;
    }
    return S_ISSOCK(what.st_mode) ? SOCKETS : S_ISREG(what.st_mode) ? FILES : 0;
}

/* --- memory: the C library's own names lead past this one --- */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);

static bool is_short(void)
{
    const bool refused = is_refused(MEMORY);

    if (refused) {
        errno = ENOMEM;
    }
    return refused;
}

void *malloc(size_t size)
{
    return is_short() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return is_short() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    return size && is_short() ? NULL : __libc_realloc(block, size);
}

/* --- sockets and files --- */

/* Of a connection that failed nothing more comes: libpq, for one, goes on reading where it could not write. */
static int fail(int fd, int error)
{
    if (kind_of(fd) == SOCKETS) {
        shutdown(fd, SHUT_RDWR);
    }
    errno = error;
    return -1;
}

/* A function of the real library with the same name and arguments; when it fails, and how. */
#define STARVED(type, name, parameters, arguments, kind, fd, error)                                                    \
    type name parameters;                                                                                              \
    type name parameters                                                                                               \
    {                                                                                                                  \
        static type(*real) parameters;                                                                                 \
                                                                                                                       \
        if (!real) {                                                                                                   \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                                                 \
        }                                                                                                              \
        return is_refused(kind) ? fail(fd, error) : real arguments;                                                    \
    }

STARVED(ssize_t, send, (int fd, const void *bytes, size_t len, int flags), (fd, bytes, len, flags), SOCKETS, fd, EPIPE)
STARVED(ssize_t, recv, (int fd, void *bytes, size_t len, int flags), (fd, bytes, len, flags), SOCKETS, fd, ECONNRESET)
STARVED(int, connect, (int fd, const struct sockaddr *to, socklen_t len), (fd, to, len), SOCKETS, fd, ECONNREFUSED)
STARVED(int, socket, (int domain, int type, int protocol), (domain, type, protocol), SOCKETS, -1, EMFILE)
STARVED(ssize_t, read, (int fd, void *bytes, size_t len), (fd, bytes, len), kind_of(fd), fd, EIO)
STARVED(ssize_t, write, (int fd, const void *bytes, size_t len), (fd, bytes, len), kind_of(fd), fd, ENOSPC)
STARVED(ssize_t, writev, (int fd, const struct iovec *parts, int count), (fd, parts, count), kind_of(fd), fd, EPIPE)

/* --- libraries that get no memory: a signature is not computed, an answer is libpq's own error --- */

/* What each signature of a token begins with (core/token.c). */
int EVP_MD_CTX_copy_ex(void *out, const void *in);
int EVP_MD_CTX_copy_ex(void *out, const void *in)
{
    static int (*real)(void *, const void *);

    if (!real) {
        *(void **)&real = dlsym(RTLD_NEXT, "EVP_MD_CTX_copy_ex");
    }
    return is_refused(SIGNATURES) ? 0 : real(out, in);
}

#define PGRES_FATAL_ERROR 7 /* of libpq-fe.h */

void *PQgetResult(void *connection);
void *PQgetResult(void *connection)
{
    static void *(*real)(void *), *(*empty)(void *, int);
    static void (*clear)(void *);
    void *result;

    if (!real) {
        *(void **)&empty = dlsym(RTLD_NEXT, "PQmakeEmptyPGresult");
        *(void **)&clear = dlsym(RTLD_NEXT, "PQclear");
        *(void **)&real = dlsym(RTLD_NEXT, "PQgetResult");
    }
    result = real(connection);
    if (result && is_refused(ANSWERS)) {
        clear(result);
        result = empty(connection, PGRES_FATAL_ERROR);
    }
    return result;
}

/* The mode is only there for who makes a file; where nobody gave one, nobody looks at it. */
#define STARVED_OPEN(name)                                                                                             \
    int name(const char *path, int flags, ...)                                                                         \
    {                                                                                                                  \
        static int (*real)(const char *, int, ...);                                                                    \
        mode_t mode = 0;                                                                                               \
        va_list rest;                                                                                                  \
                                                                                                                       \
        if (flags & (O_CREAT | O_TMPFILE)) {                                                                           \
            va_start(rest, flags);                                                                                     \
            mode = va_arg(rest, mode_t);                                                                               \
            va_end(rest);                                                                                              \
        }                                                                                                              \
        if (!real) {                                                                                                   \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                                                 \
        }                                                                                                              \
        if (is_refused(FILES)) {                                                                                       \
            errno = EMFILE;                                                                                            \
            return -1;                                                                                                 \
        }                                                                                                              \
        return real(path, flags, mode);                                                                                \
    }

STARVED_OPEN(open)
STARVED_OPEN(open64)
