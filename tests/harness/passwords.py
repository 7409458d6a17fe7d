# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Hashes of passwords as chatsessionctl makes them; and httpd's own way of knowing users: a password file, and the modules that
read it."""
import ctypes
import os
import subprocess

MODULES = ("authn_core", "authn_file", "authz_user", "authz_host", "auth_basic")


def htpasswd(folder, **passwords):
    """A new password file of bcrypt hashes in folder; its path."""
    path = folder / "htpasswd"
    path.touch(mode=0o644)
    for name, password in passwords.items():
        subprocess.run(["htpasswd", "-B", "-C", "4", "-b", str(path), name, password], check=True, capture_output=True)
    return path


def argon2id(password):
    """The PHC string of a password, at the module's default cost."""
    library = ctypes.CDLL("libargon2.so.1")
    salt, text = os.urandom(16), ctypes.create_string_buffer(200)
    code = library.argon2id_hash_encoded(2, 19 * 1024, 1, password.encode(), ctypes.c_size_t(len(password.encode())), salt,
                                         ctypes.c_size_t(len(salt)), ctypes.c_size_t(32), text, ctypes.c_size_t(len(text)))
    assert code == 0, f"argon2id_hash_encoded: {code}"
    return text.value.decode()
