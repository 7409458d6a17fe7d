/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Preloaded into an httpd of the tests: the n-th call by which it talks with PostgreSQL or a network fails, as it does
 * where memory, descriptors or a peer are gone; or, from the n-th on, every statement that is sent to PostgreSQL. The
 * test shares numbers with it, through the file that REFUSE_CALLS names: how many calls there were, which the test may
 * set back, and which of them fails (0: none); how many statements, and from which on they fail.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

typedef struct {
    atomic_ulong count;
    atomic_ulong refused;
    atomic_ulong statements;
    atomic_ulong first_refused;
} shared_t;

static shared_t *shared;

/* Before httpd gives up root: its children inherit the page. */
__attribute__((constructor)) static void open_shared(void)
{
    const char *path = getenv("REFUSE_CALLS");
    const int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *page = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (fd >= 0) {
        close(fd);
    }
    shared = page == MAP_FAILED ? NULL : page;
}

static bool is_refused(void)
{
    return shared && atomic_fetch_add(&shared->count, 1) + 1 == atomic_load(&shared->refused);
}

static bool is_statement_refused(void)
{
    if (!shared) {
        return false;
    }
    const unsigned long number = atomic_fetch_add(&shared->statements, 1) + 1;
    const unsigned long first = atomic_load(&shared->first_refused);
    return is_refused() || (first && number >= first);
}

/* A function of the real library with the same name and arguments; what it gives when it is refused. */
#define REFUSABLE(type, name, parameters, arguments, value, error)                                                     \
    REFUSABLE_IF(is_refused(), type, name, parameters, arguments, value, error)
#define STATEMENT(type, name, parameters, arguments, value)                                                            \
    REFUSABLE_IF(is_statement_refused(), type, name, parameters, arguments, value, ENOMEM)
#define REFUSABLE_IF(refused, type, name, parameters, arguments, value, error)                                         \
    type name parameters;                                                                                              \
    type name parameters                                                                                               \
    {                                                                                                                  \
        static type(*real) parameters;                                                                                 \
                                                                                                                       \
        if (!real) {                                                                                                   \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                                                 \
        }                                                                                                              \
        if (refused) {                                                                                                 \
            errno = error;                                                                                             \
            return value;                                                                                              \
        }                                                                                                              \
        return real arguments;                                                                                         \
    }

REFUSABLE(ssize_t, send, (int fd, const void *bytes, size_t len, int flags), (fd, bytes, len, flags), -1, ECONNRESET)
REFUSABLE(ssize_t, recv, (int fd, void *bytes, size_t len, int flags), (fd, bytes, len, flags), -1, ECONNRESET)
REFUSABLE(ssize_t, writev, (int fd, const struct iovec *parts, int count), (fd, parts, count), -1, EPIPE)
REFUSABLE(int, connect, (int fd, const struct sockaddr *to, socklen_t len), (fd, to, len), -1, ECONNREFUSED)
REFUSABLE(int, socket, (int domain, int type, int protocol), (domain, type, protocol), -1, EMFILE)
/* libpq's own calls give nothing where memory is gone. */
STATEMENT(void *, PQexec, (void *c, const char *sql), (c, sql), NULL)
STATEMENT(void *, PQexecParams,
          (void *c, const char *sql, int count, const unsigned *types, const char *const *values, const int *lengths,
           const int *formats, int format),
          (c, sql, count, types, values, lengths, formats, format), NULL)
REFUSABLE(int, PQsendPrepare, (void *c, const char *name, const char *sql, int count, const unsigned *types),
          (c, name, sql, count, types), 0, ENOMEM)
STATEMENT(int, PQsendQueryParams,
          (void *c, const char *sql, int count, const unsigned *types, const char *const *values, const int *lengths,
           const int *formats, int format),
          (c, sql, count, types, values, lengths, formats, format), 0)
STATEMENT(int, PQsendQueryPrepared,
          (void *c, const char *name, int count, const char *const *values, const int *lengths, const int *formats,
           int format),
          (c, name, count, values, lengths, formats, format), 0)
REFUSABLE(int, PQconsumeInput, (void *c), (c), 0, ENOMEM)
