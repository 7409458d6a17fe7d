/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>
#include "ctl.h"

static bool is_root(void)
{
    return getuid() == 0;
}

int ctl_become(const char *user)
{
    const struct passwd *entry;

    if (!user || !is_root()) {
        return CTL_DONE;
    }
    entry = getpwnam(user);
    if (!entry) {
        return ctl_fail("there is no user \"%s\" on this system", user);
    }
    /* The user last: without root's rights nothing else could be changed. */
    if (initgroups(user, entry->pw_gid) != 0 || setegid(entry->pw_gid) != 0 || seteuid(entry->pw_uid) != 0) {
        return ctl_fail("cannot act as %s: %s", user, strerror(errno));
    }
    return CTL_DONE;
}

void ctl_become_oneself(void)
{
    const gid_t group = getgid();

    if (is_root() && (seteuid(0) != 0 || setegid(group) != 0 || setgroups(1, &group) != 0)) {
        ctl_fail("cannot act as root again: %s", strerror(errno));
        _exit(CTL_FAILED);
    }
}

int ctl_give_file(const char *path, const char *user)
{
    const struct passwd *entry = getpwnam(user);

    if (!is_root()) {
        return CTL_DONE;
    }
    if (!entry) {
        return ctl_fail("there is no user \"%s\" on this system", user);
    }
    return chown(path, entry->pw_uid, entry->pw_gid) == 0
               ? CTL_DONE
               : ctl_fail("%s cannot be given to %s: %s", path, user, strerror(errno));
}
