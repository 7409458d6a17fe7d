# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""A Debian of its own in a folder: debootstrapped once, unpacked anew for each test, with processes and a network of its
own, so that httpd and PostgreSQL run there on their usual ports and end with it.

    with Root("bookworm", packages) as root: root.install(deb); root.boot(); root.run("apachectl", "start")
"""
import os
import shutil
import subprocess
from pathlib import Path

from .place import TREE, new_folder
from .process import children_of, dies_with_parent

KEPT = TREE / "build" / "package"
MIRROR = os.environ.get("MIRROR", "http://deb.debian.org/debian")
# No service starts when its package is installed.
_POLICY = "#!/bin/sh\nexit 101\n"
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", "HOME": "/root"}


def _base(suite, packages):
    """The tar file of a fresh Debian with these packages; made when it is first asked for."""
    kept = KEPT / f"{suite}.tar"
    if kept.exists():
        return kept
    folder = KEPT / f"{suite}.new"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    subprocess.run(["debootstrap", "--variant=minbase", "--include=ca-certificates", suite, str(folder), MIRROR], check=True,
                   stdout=subprocess.DEVNULL)
    policy = folder / "usr/sbin/policy-rc.d"
    policy.write_text(_POLICY)
    policy.chmod(0o755)
    _chroot(folder, "apt-get", "update", "-q")
    _chroot(folder, "apt-get", "install", "-qy", "--no-install-recommends", *packages)
    _chroot(folder, "apt-get", "clean")
    subprocess.run(["tar", "-C", str(folder), "-cf", f"{kept}.new", "."], check=True)
    os.rename(f"{kept}.new", kept)
    shutil.rmtree(folder)
    return kept


def _chroot(folder, *command):
    """Run a command in it that may use the network; what it mounts and starts ends with it."""
    script = 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"'
    return subprocess.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, str(folder), *command],
                          check=True, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=_ENVIRONMENT).stdout


class Root:
    def __init__(self, suite, packages):
        self.suite = suite
        self.folder = new_folder(f"root-{suite}")
        self._init = None
        subprocess.run(["tar", "-C", str(self.folder), "-xf", str(_base(suite, packages))], check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.halt()
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return self.folder / name.lstrip("/")

    def apt(self, *words):
        return _chroot(self.folder, "apt-get", "-qy", "-o", "Dpkg::Use-Pty=0", *words)

    def install(self, deb):
        shutil.copy(deb, self.folder / "tmp")
        return self.apt("install", "--no-install-recommends", f"/tmp/{Path(deb).name}")

    def boot(self):
        """From now on commands run beside each other, with a network that is theirs alone."""
        script = ('ip link set lo up && mount -t proc proc "$0/proc" && mount -t tmpfs tmpfs "$0/dev/shm" && '
                  'exec chroot "$0" sleep infinity')
        self._init = subprocess.Popen(["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "sh", "-c", script,
                                       str(self.folder)], stdin=subprocess.DEVNULL, env=_ENVIRONMENT, preexec_fn=dies_with_parent())
        while not self._first() or os.readlink(f"/proc/{self._first()}/root") != str(self.folder):
            assert self._init.poll() is None, "the root could not be started"

    def _first(self):
        return next(iter(children_of(self._init.pid)), None)

    def run(self, *command, text="", check=True):
        """A command in the running root; the CompletedProcess."""
        result = subprocess.run(["nsenter", "--target", str(self._first()), "--mount", "--pid", "--net", "--root", "--wdns=/", *command],
                                text=True, input=text, capture_output=True, env=_ENVIRONMENT, timeout=120)
        assert not check or result.returncode == 0, f"{command}: {result.returncode}\n{result.stdout}{result.stderr}"
        return result

    def halt(self):
        """End everything that runs in it."""
        if self._init:
            self._init.kill()
            self._init.wait()
            self._init = None

    def files(self):
        """Every file and link below /, without what Debian itself writes down about packages and runs."""
        names = set()
        for folder, folders, found in os.walk(self.folder):
            place = "/" + os.path.relpath(folder, self.folder).removeprefix(".")
            folders[:] = [one for one in folders if f"{place}/{one}".replace("//", "/") not in _NOT_LOOKED_AT]
            names |= {f"{place}/{one}" for one in found + [one for one in folders if os.path.islink(f"{folder}/{one}")]}
        return names


_NOT_LOOKED_AT = {"/proc", "/sys", "/dev", "/tmp", "/run", "/var/lib/dpkg", "/var/lib/apt", "/var/cache", "/var/log",
                  "/var/lib/postgresql"}
