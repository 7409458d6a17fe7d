# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""A browser's manners without a browser: cookies kept, Origin sent with what changes state, event streams read as they
arrive."""
import json
import uuid
from dataclasses import dataclass, field

import requests


@dataclass
class Event:
    """One event of a stream; `data` is text, `json` its value."""

    event: str
    data: str
    id: str | None = None

    @property
    def json(self):
        return json.loads(self.data)


class EventStream:
    """The events of a response, one by one as they arrive; `heartbeats` counts the comments so far."""

    def __init__(self, response):
        self.response = response
        self.heartbeats = 0
        self.bytes = b""
        self._events = self._parse()

    def _lines(self):
        rest = b""
        for piece in self.response.iter_content(chunk_size=None):
            self.bytes += piece
            *lines, rest = (rest + piece).split(b"\n")
            yield from (line.rstrip(b"\r").decode("utf-8") for line in lines)

    def _parse(self):
        name, data, number = "message", [], None
        for line in self._lines():
            if line.startswith(":"):
                self.heartbeats += 1
            elif line == "":
                if data:
                    yield Event(name, "\n".join(data), number)
                name, data, number = "message", [], None
            else:
                key, _, value = line.partition(":")
                value = value.removeprefix(" ")
                if key == "event":
                    name = value
                elif key == "data":
                    data.append(value)
                elif key == "id":
                    number = value

    def __iter__(self):
        return self._events

    def next(self, name=None):
        """The next event; with a name, the next of that name. AssertionError when the stream ends before."""
        for event in self._events:
            if name is None or event.event == name:
                return event
        raise AssertionError(f"the stream ended before an event {name or ''} came; it was:\n{self.bytes[-2000:]!r}")

    def close(self):
        """Leave, as a browser that closes its tab."""
        self.response.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


@dataclass
class Turn:
    """What a stream told from its first to its last event."""

    events: list = field(default_factory=list)
    heartbeats: int = 0

    def _one(self, name):
        return next((event.json for event in self.events if event.event == name), None)

    @property
    def turn(self):
        return self._one("turn")

    @property
    def done(self):
        return self._one("done")

    @property
    def error(self):
        return self._one("error")

    @property
    def pieces(self):
        return [event.json["choices"][0]["delta"].get("content", "") for event in self.events
                if event.event == "message"]

    @property
    def text(self):
        return "".join(self.pieces)


class Client:
    """One person's browser. Paths are below the mount: client.get("api/session"); client.console.get("api/overview")
    asks the operators' mount with the same cookies."""

    def __init__(self, origin, mount="/chat", session=None):
        self.origin, self.mount = origin, mount
        self.session = session or requests.Session()
        self.session.trust_env = False

    @property
    def console(self):
        return Client(self.origin, "/chat-admin", self.session)

    @property
    def cookies(self):
        return self.session.cookies

    def url(self, path):
        return path if "://" in path else f"{self.origin}{self.mount}/{path.removeprefix('/')}"

    def request(self, method, path, origin="own", **options):
        """requests' Session.request. origin: "own" sends our Origin where state is changed; None sends none."""
        headers = dict(options.pop("headers", None) or {})
        if origin is not None and method not in ("GET", "HEAD", "OPTIONS"):
            headers.setdefault("Origin", self.origin if origin == "own" else origin)
        options.setdefault("timeout", 30)
        options.setdefault("allow_redirects", False)
        return self.session.request(method, self.url(path), headers=headers, **options)

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, json=None, **options):
        return self.request("POST", path, json=json, **options)

    def put(self, path, json=None, **options):
        return self.request("PUT", path, json=json, **options)

    def patch(self, path, json=None, **options):
        return self.request("PATCH", path, json=json, **options)

    def delete(self, path, **options):
        return self.request("DELETE", path, **options)

    def json(self, method, path, status, **options):
        """The body of an answer that must have this status."""
        response = self.request(method, path, **options)
        assert response.status_code == status, f"{method} {path}: {response.status_code} {response.text[:1000]}"
        return response.json() if response.content else None

    # --- what most tests do

    def login(self, user, password=None):
        """Log in with a User of the harness, or a name and a password; the session's object."""
        name, secret = (user, password) if isinstance(user, str) else (user.name, user.password)
        return self.json("POST", "api/login", 200, json={"username": name, "password": secret})

    def logout(self):
        self.json("POST", "api/logout", 204)

    def new_conversation(self, title=None):
        """The id of a new conversation."""
        return self.json("POST", "api/conversations", 201, json={"title": title} if title else {})["id"]

    def conversation(self, conversation_id):
        return self.json("GET", f"api/conversations/{conversation_id}", 200)

    def stream(self, method, path, **options):
        """An EventStream of an answer that must be one."""
        response = self.request(method, path, stream=True, **options)
        if response.status_code != 200 or not response.headers["Content-Type"].startswith("text/event-stream"):
            raise AssertionError(f"{method} {path}: {response.status_code} {response.text[:1000]}")
        return EventStream(response)

    def send(self, conversation_id, content, **members):
        """Send a message; the EventStream of its answer, to be read or left."""
        body = {"content": content, "client_id": str(uuid.uuid4()), **members}
        return self.stream("POST", f"api/conversations/{conversation_id}/messages", json=body)

    def turn(self, conversation_id, content, **members):
        """Send a message and read the answer to its end."""
        with self.send(conversation_id, content, **members) as stream:
            return read_turn(stream)


def read_turn(stream):
    """Read an EventStream to its end."""
    turn = Turn(list(stream))
    turn.heartbeats = stream.heartbeats
    return turn


def log_in(server, user, mount="/chat"):
    """A new browser of user's at server, logged in."""
    client = Client(server.url, mount)
    client.login(user)
    return client
