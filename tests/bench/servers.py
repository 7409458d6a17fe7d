# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The httpd servers that are measured: ours, and the bare ones beside it that do the same work without us."""
import os

from rig import BUILD, HTTPD, LIBEXECDIR, free_port, wait_until
from harness.process import children_of

_BASE = """\
ServerName 127.0.0.1
ServerRoot "{folder}"
DefaultRuntimeDir "{folder}"
PidFile "{folder}/httpd.pid"
Mutex pthread
ErrorLog "{folder}/error.log"
LogLevel warn
Listen 127.0.0.1:{port}
LoadModule mpm_event_module "{modules}/mod_mpm_event.so"
LoadModule authz_core_module "{modules}/mod_authz_core.so"
LoadModule mime_module "{modules}/mod_mime.so"
{identity}
TypesConfig /etc/mime.types
ServerLimit {children}
StartServers {children}
ThreadLimit {threads}
ThreadsPerChild {threads}
MaxRequestWorkers {workers}
MinSpareThreads 1
MaxSpareThreads {workers}
ThreadStackSize 262144
MaxConnectionsPerChild 0
ListenBacklog 4096
Timeout 300
KeepAlive On
KeepAliveTimeout 60
MaxKeepAliveRequests 0
# mmap and munmap of a small file cost every thread a flush of its address translations.
EnableMMAP Off
DocumentRoot "{pages}"
<Directory />
    AllowOverride None
</Directory>
{lines}
"""

_PROXY = """\
LoadModule proxy_module "{modules}/mod_proxy.so"
LoadModule proxy_http_module "{modules}/mod_proxy_http.so"
"""

_CHAT = _PROXY + """\
LoadModule authn_core_module "{modules}/mod_authn_core.so"
LoadModule authz_user_module "{modules}/mod_authz_user.so"
LoadModule chatsession_module "{build}/mod_chatsession.so"
ChatSessionDatabase "{conninfo}"
ChatSessionSecretFile "{secret}"
ChatSessionPages "{build}/share"
ChatSessionCookieSecure off
ChatSessionCacheEntries {cache}
ChatSessionMaxPerUser 0
ChatSessionTitle first-words
ChatSessionStreamShare 100
{backend}
<Location "/chat">
    SetHandler chatsession
</Location>
<Location "/chat-admin">
    SetHandler chatsession-admin
</Location>
<Location "/private">
    AuthType ChatSession
    AuthName bench
    Require valid-user
</Location>
{more}
"""


class Server:
    """One httpd in the foreground of its own process group."""

    def __init__(self, rig, name, lines, children=2, threads=64):
        self.rig, self.port = rig, free_port()
        self.folder = rig.folder / name
        self.folder.mkdir()
        pages = rig.folder / "pages"
        (pages / "private").mkdir(parents=True, exist_ok=True)
        (pages / "private" / "index.html").write_text("<p>twenty octets</p>")
        for path in (self.folder, pages, pages / "private"):
            os.chmod(path, 0o755)
        config = self.folder / "httpd.conf"
        config.write_text(_BASE.format(
            folder=self.folder, port=self.port, modules=LIBEXECDIR, children=children, threads=threads,
            workers=children * threads, pages=pages, lines=lines,
            identity="User www-data\nGroup www-data" if os.getuid() == 0 else ""))
        self._process = rig.spawn(name, [HTTPD, "-f", config, "-DFOREGROUND"])
        wait_until(lambda: self._is_up(children), lambda: f"{name} to start:\n{self._what_it_said()}", 30)

    def _is_up(self, children):
        from rig import accepts
        assert self._process.poll() is None, f"httpd ended at its start:\n{self._what_it_said()}"
        return len(children_of(self.pid)) >= children and accepts(self.port)

    def _what_it_said(self):
        log = self.folder / "error.log"
        return (self.rig.folder / f"{self.folder.name}.log").read_text()[-2000:] + (
            log.read_text()[-2000:] if log.exists() else "")

    @property
    def pid(self):
        return self._process.pid

    def stop(self):
        self.rig.end(self._process)


def static(rig, **size):
    """A file of 20 octets, asked for by nobody in particular."""
    return Server(rig, "static", '<Location "/">\n    Require all granted\n</Location>', **size)


def proxy(rig, model_port, name="proxy", **size):
    """mod_proxy alone before a model."""
    return Server(rig, name, _PROXY.format(modules=LIBEXECDIR) + '<Location "/">\n    Require all granted\n</Location>\n'
                  f"ProxyPass / http://127.0.0.1:{model_port}/ flushpackets=on", **size)


def chat(rig, secret, model_port=None, cache=131072, more="", name="chat", **size):
    """Ours: a page behind a session, the chat, the console."""
    backend = f"ChatSessionBackend bench http://127.0.0.1:{model_port or 9}/v1 model=bench"
    return Server(rig, name, _CHAT.format(modules=LIBEXECDIR, build=BUILD, conninfo=rig.database.conninfo, secret=secret,
                                          cache=cache, backend=backend, more=more), **size)
