# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""httpd's own way of knowing users: a password file, and the modules that read it."""
import subprocess

MODULES = ("authn_core", "authn_file", "authz_user", "authz_host", "auth_basic")


def htpasswd(folder, **passwords):
    """A new password file of bcrypt hashes in folder; its path."""
    path = folder / "htpasswd"
    path.touch(mode=0o644)
    for name, password in passwords.items():
        subprocess.run(["htpasswd", "-B", "-C", "4", "-b", str(path), name, password], check=True, capture_output=True)
    return path
