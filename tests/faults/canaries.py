# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""T29: canaries, which nobody may ever write into a log, are sung through the whole of a visit and of the console, while
the model fails, children die and PostgreSQL crashes, with everything logged that can be. No log knows one of them: not httpd's,
not its access log, not PostgreSQL's."""
import threading
import uuid

import requests

from harness.client import Client
from harness.model import Model, chunk
from harness.place import wait_until

from .backend_faults import FAILED
from .database_crash import AWAY, CRASHES
from .scene import Scene

LEVEL = ("notice " + " ".join(f"{module}:trace8" for module in (
    "chatsession", "proxy", "proxy_http", "watchdog", "authz_core", "headers", "setenvif", "reqtimeout")))
NAMES = ("password", "wrong password", "question", "answer", "search", "title", "system prompt")


def _ends(kind, words):
    """A model's script: the whole answer, or one of the ways in which it fails with words in its mouth."""
    def script(answer):
        if kind == "refuses":
            answer.whole({"error": {"message": words}}, 500)
            return
        answer.begin()
        answer.text(words[:9], words[9:])
        if kind == "whole":
            answer.finish()
            answer.done()
        elif kind == "breaks":
            answer.reset()
        elif kind == "babbles":
            answer.raw(b"data: {" + words.encode() + b"\n\n")
        else:
            answer.event({**chunk(), "error": {"message": words}})
    return script


KINDS = ("whole", "refuses", "breaks", "babbles", "reports")


class Visit:
    """A user's and an operator's doings. What a fault refuses or cuts is refused and cut; what is answered is counted."""

    def __init__(self, scene, say, operator):
        self.scene, self.say, self.operator, self.done, self.cookies = scene, say, operator, 0, set()

    def _try(self, client, method, path, fine, **options):
        try:
            response = client.request(method, path, **options)
        except (requests.RequestException, OSError, EOFError):
            client.session.close()
            return None
        self.done += response.status_code == fine
        return response if response.status_code == fine else None

    def _log_in(self, client):
        name, say = self.scene.users[0].name, self.say
        self._try(client, "POST", "api/login", 401, json={"username": name, "password": say["wrong password"]})
        self._try(client, "POST", "api/login", 401, json={"username": say["search"], "password": say["password"]})
        self._try(client, "POST", "api/login", 200, json={"username": name, "password": say["password"]})
        self.cookies |= {cookie.value for cookie in client.cookies}

    def run(self):
        self.user()
        self.console()

    def user(self):
        say, client = self.say, Client(self.scene.server.url)
        self._log_in(client)
        made = self._try(client, "POST", "api/conversations", 201, json={"title": say["title"]})
        if made is None:
            return
        path = f"api/conversations/{made.json()['id']}"
        body = {"content": say["question"], "client_id": str(uuid.uuid4())}
        self._try(client, "PATCH", path, 200, json={"system": say["system prompt"]})
        self._try(client, "POST", f"{path}/messages", 200, json=body)
        self._try(client, "POST", f"{path}/messages", 400, json={"content": [say["question"]]})
        self._try(client, "POST", f"{path}/messages", 400, data=f'{{"content":"{say["question"]}',
                  headers={"Content-Type": "application/json"})
        self._try(client, "GET", f"api/conversations?q={say['search']}", 200)
        self._try(client, "GET", f"api/conversations?limit={say['search']}", 400)
        self._try(client, "GET", f"{path}/export?format=json", 200)
        self._try(client, "POST", "api/password", 403, json={"current": say["wrong password"], "new": say["password"] * 2})
        self._try(client, "DELETE", path, 204)

    def console(self):
        console = self.operator.console
        self._try(console, "GET", f"api/conversations?q={self.say['search']}", 200)
        self._try(console, "GET", f"api/conversations?user={self.say['search']}", 200)


def _faults(scene):
    """What happens to the server beside the visits, in turn."""
    yield lambda: None
    for crash in CRASHES:
        yield lambda crash=crash: crash(scene)
    yield lambda: scene.server.kill_child(scene.random.choice(scene.server.children))
    yield scene.server.graceful


def _heard(scene, words):
    """The places in the logs where one of the words stands."""
    logs = [*scene.server.folder.glob("*.log"), scene.cluster.log]
    return [f"{name} in {path.name}: {line[:300]}" for path in logs for line in path.read_text(errors="replace").splitlines()
            for name, word in words.items() if word in line]


def _run(scene, model, times, tell):
    scene.server.expect_log(*AWAY, *FAILED)
    say = {name: f"canary{scene.random.getrandbits(80):020x}" for name in NAMES}
    say["password"] = scene.users[0].password
    operator = Client(scene.server.url)
    operator.login(scene.database.add_user("listener", "admin"))
    visit, faults = Visit(scene, say, operator), list(_faults(scene))
    for number in range(times):
        for kind in KINDS:
            model.script = _ends(kind, say["answer"])
            doings = threading.Thread(target=visit.run)
            doings.start()
            faults[number % len(faults)]()  # in this thread: what it starts ends with the thread that started it
            doings.join()
            wait_until(lambda: Client(scene.server.url).get("readyz").status_code == 200, "the server to be ready again", 20)
        tell(number + 1, f"{visit.done} calls answered")
    found = _heard(scene, {**say, **{f"cookie {number}": cookie.split(".")[-1] for number, cookie in enumerate(visit.cookies)}})
    assert not found, f"{len(found)} lines of the logs sing:\n" + "\n".join(found[:20])
    assert visit.cookies and visit.done > 5 * times, f"only {visit.done} calls were answered"
    assert any("CS0070" in line for line in scene.server.error_log), "the log does not have what it can have"
    scene.server.log.expect(*AWAY, *FAILED, "AH00")
    trouble = scene.server.log.unexpected()
    assert not trouble, "\n".join(trouble[:20])
    lines = len(scene.server.error_log)
    return (f"{times} rounds of {len(KINDS)} visits: {visit.done} calls, {len(say)} canaries and {len(visit.cookies)} cookies, {lines}"
            f" lines of httpd's log and those of the access log and PostgreSQL: none heard")


def run(times, seed, tell):
    model = Model()
    try:
        with Scene(seed, children=2, model=model.url, log_level=LEVEL, lines=["ChatSessionDatabaseWait 500ms"],
                   settings={"log_connections": "on", "log_lock_waits": "on", "log_min_messages": "info"}) as scene:
            return _run(scene, model, times, tell)
    finally:
        model.close()
