/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Preloaded into the httpd of the tests: a process that dies of SIGSEGV, SIGBUS or SIGABRT writes one line to its
 * standard error, which is httpd's error log, with where it was. httpd's own handler for these, which keeps no trace,
 * is not let in the way.
 *
 *   CRASH pid 4711 signal 11 thread main: libapr-1.so.0!apr_os_sock_get < mod_mpm_event.so+0x606c < …
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <execinfo.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FRAMES 48
/* This handler and the kernel's trampoline. */
#define FRAMES_OF_OURS 2

typedef int (*sigaction_fn)(int signal_number, const struct sigaction *action, struct sigaction *old);

static sigaction_fn real_sigaction;

static bool is_fatal(int signal_number)
{
    return signal_number == SIGSEGV || signal_number == SIGBUS || signal_number == SIGABRT;
}

static size_t print_frame(char *to, size_t size, void *frame)
{
    Dl_info where;
    const char *name;
    int len;

    if (!dladdr(frame, &where) || !where.dli_fname) {
        len = snprintf(to, size, " < %p", frame);
    } else {
        name = strrchr(where.dli_fname, '/') ? strrchr(where.dli_fname, '/') + 1 : where.dli_fname;
        len = where.dli_sname
                  ? snprintf(to, size, " < %s!%s", name, where.dli_sname)
                  : snprintf(to, size, " < %s+%#lx", name, (unsigned long)((char *)frame - (char *)where.dli_fbase));
    }
    return len > 0 && (size_t)len < size ? (size_t)len : 0;
}

static void report(int signal_number)
{
    static char line[8192];
    void *frames[FRAMES];
    const bool main_thread = syscall(SYS_gettid) == getpid();
    const int count = backtrace(frames, FRAMES);
    size_t len = (size_t)snprintf(line, sizeof(line), "CRASH pid %d signal %d thread %s:", (int)getpid(), signal_number,
                                  main_thread ? "main" : "other");

    for (int i = FRAMES_OF_OURS; i < count; i++) {
        len += print_frame(line + len, sizeof(line) - 1 - len, frames[i]);
    }
    line[len++] = '\n';
    if (write(STDERR_FILENO, line, len) < 0) {
        return; /* nobody is left to tell */
    }
}

/* A signal of this thread while it reports ends the process at once; other threads, which often die of the same want of
 * memory, wait for its end. */
static void on_crash(int signal_number)
{
    static atomic_flag reporting = ATOMIC_FLAG_INIT;
    const struct sigaction standard = {.sa_handler = SIG_DFL};

    while (atomic_flag_test_and_set(&reporting)) {
        pause();
    }
    report(signal_number);
    real_sigaction(signal_number, &standard, NULL);
    kill(getpid(), signal_number);
}

static void find_real_sigaction(void)
{
    *(void **)&real_sigaction = dlsym(RTLD_NEXT, "sigaction");
}

__attribute__((constructor)) static void begin(void)
{
    const struct sigaction ours = {.sa_handler = on_crash};
    void *frames[1];

    backtrace(frames, 1); /* loads what it needs now, not when memory is broken */
    find_real_sigaction();
    real_sigaction(SIGSEGV, &ours, NULL);
    real_sigaction(SIGBUS, &ours, NULL);
    real_sigaction(SIGABRT, &ours, NULL);
}

int sigaction(int signal_number, const struct sigaction *action, struct sigaction *old)
{
    if (!real_sigaction) {
        find_real_sigaction();
    }
    return real_sigaction(signal_number, is_fatal(signal_number) ? NULL : action, old);
}
