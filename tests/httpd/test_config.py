# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""A configuration that cannot work does not start: httpd -t names the directive, the value and what was expected. The
settings with a number are read out of the table in config.c, so a new one is covered."""
import os
import re

import pytest

from harness.client import Client, log_in
from harness.httpd import Httpd
from harness.place import BUILD
from harness.sources import text

DATABASE = "host=@nowhere dbname=x user=chatsession"
UNITS = {"MILLISECONDS": 1, "SECONDS": 1000, "MINUTES": 60_000, "HOURS": 3_600_000, "DAYS": 86_400_000}
ROW = re.compile(r'ROW\(\w+, "(?P<name>\w+)", \w+, TYPE_(?P<type>NUMBER|DURATION), '
                 r'RANGE\((?P<bounds>(?:[^()]|\([^()]*\))*)\)')


def _bound(word):
    """A number, or a duration in milliseconds."""
    unit, _, number = word.strip().rstrip(")").partition("(")
    return int(number) * UNITS[unit] if number else int(unit)


def _settings():
    found = []
    for row in ROW.finditer(text("mod_chatsession/config.c")):
        fallback, least, most = (_bound(word) for word in row["bounds"].split(","))
        assert least <= fallback <= most, row["name"]
        found.append((row["name"], row["type"], least, most))
    assert len(found) == len(re.findall(r"TYPE_(?:NUMBER|DURATION), RANGE", text("mod_chatsession/config.c")))
    return found


SETTINGS = _settings()


@pytest.fixture
def check():
    """check(lines...) -> (accepted, what httpd says); `bare` leaves out the harness's own lines."""
    made = []

    def run(*lines, **options):
        server = Httpd(DATABASE, lines=lines, **options)
        made.append(server)
        code, said = server.configtest()
        return code == 0, said

    yield run
    for server in made:
        server.remove()


def refused(check, line, *words, **options):
    accepted, said = check(line, **options)
    assert not accepted, f"{line} was accepted"
    missing = [word for word in words if word not in said]
    assert not missing, f"{line}: the message lacks {missing}:\n{said}"
    return said


def written(value, kind):
    return f"{value}ms" if kind == "DURATION" else str(value)


@pytest.mark.parametrize("name, kind, least, most", SETTINGS, ids=lambda value: str(value))
def test_a_number_or_duration_is_refused_with_its_bounds(check, name, kind, least, most):
    wrong = ["x", "-1", "1.5", "0x10", "1 000", f"{most + 1}" + ("ms" if kind == "DURATION" else ""),
             "99999999999999999999"]
    wrong += [written(least - 1, kind)] if least > 0 else []
    wrong += ["1 week", "5m", "10S"] if kind == "DURATION" else ["5s"]
    for value in wrong:
        said = refused(check, f'{name} "{value}"', name, f'"{value}"')
        assert re.search(r"from \S+ to \S+", said), said
    refused(check, f"{name}", name)
    refused(check, f"{name} 1 2", name)


def test_every_setting_takes_its_bounds_themselves(check):
    for place in (2, 3):
        accepted, said = check(*(f"{setting[0]} {written(setting[place], setting[1])}" for setting in SETTINGS))
        assert accepted, said


@pytest.mark.parametrize("value, milliseconds", [("1500ms", 1500), ("90", 90_000), ("90s", 90_000), ("2min", 120_000),
                                                 ("1h", 3_600_000), ("1d", 86_400_000)])
def test_a_duration_takes_each_unit_and_seconds_without_one(check, value, milliseconds):
    """Told by the bound that is or is not passed: an hour for a silence within an answer."""
    accepted, _ = check(f"ChatSessionTokenTimeout {value}")
    assert accepted == (milliseconds <= 3_600_000)


@pytest.mark.parametrize("line, words", [
    ("ChatSessionCookieSecure yes", ["ChatSessionCookieSecure", '"yes"', "on|off|auto"]),
    ("ChatSessionCookieSameSite loose", ["ChatSessionCookieSameSite", '"loose"', "Lax|Strict|None"]),
    ("ChatSessionCookieHttpOnly 1", ["ChatSessionCookieHttpOnly", '"1"', "on|off"]),
    ('ChatSessionCookieName ""', ["ChatSessionCookieName", "name of the session cookie"]),
    ('ChatSessionCookieName "a b"', ["name", "token"]),
    ("ChatSessionCookieName a=b", ["name", "token"]),
    ("ChatSessionCookieName __Host-x", ["__Host-", "Secure"]),
    ("ChatSessionCookieName __Secure-x", ["__Secure-", "Secure"]),
    ("ChatSessionCookiePath chat", ["path", "'/'"]),
    ('ChatSessionCookiePath "/a;b"', ["path", "';'"]),
    ('ChatSessionCookieDomain "a;b"', ["Domain", "';'"]),
    ("ChatSessionCookieSameSite None", ["SameSite=None", "Secure"]),
    ("ChatSession maybe", ["ChatSession", "On or Off"]),
    ("ChatSessionAllowOrigin example.org", ["ChatSessionAllowOrigin", '"example.org"', "https://"]),
    ("ChatSessionAllowOrigin https://", ["ChatSessionAllowOrigin", '"https://"']),
    ("ChatSessionAllowOrigin https://a.example/", ["ChatSessionAllowOrigin", '"https://a.example/"']),
    ("ChatSessionAllowOrigin *", ["ChatSessionAllowOrigin", '"*"']),
    ("ChatSessionAllowOrigin null", ["ChatSessionAllowOrigin", '"null"']),
    ("ChatSessionPages /nonexistent", ["ChatSessionPages", "/nonexistent"]),
    ("ChatSessionPages /etc", ["ChatSessionPages", "/etc"]),
    ('ChatSessionDatabase ""', ["ChatSessionDatabase"]),
    ('ChatSessionDatabase "host=x nonsense=1"', ["ChatSessionDatabase", "nonsense"]),
    ('ChatSessionDatabase "just words"', ["ChatSessionDatabase"]),
    ("ChatSessionPasswordParallelism 16\nChatSessionPasswordMemory 64", ["ChatSessionPasswordMemory", "64"]),
    ("ChatSessionBackend one", ["ChatSessionBackend", "NAME URL"]),
    ("ChatSessionBackend", ["ChatSessionBackend"]),
    ("ChatSessionBackend mock http://127.0.0.1:1/v1", ["ChatSessionBackend", '"mock"', "taken"]),
    ("ChatSessionBackend b ftp://127.0.0.1/v1", ["ChatSessionBackend", '"ftp://127.0.0.1/v1"', "URL"]),
    ("ChatSessionBackend b 127.0.0.1:8080", ["ChatSessionBackend", '"127.0.0.1:8080"', "URL"]),
    (r"ChatSessionBackend b http://127.0.0.1/v1\\x", ["ChatSessionBackend b", "URL"]),
    ("ChatSessionBackend b http://127.0.0.1/v1?x", ["ChatSessionBackend", '"http://127.0.0.1/v1?x"', "URL"]),
    ('ChatSessionBackend "a b" http://127.0.0.1:1/v1', ["ChatSessionBackend", '"a b"', "letters"]),
    (f"ChatSessionBackend {'x' * 65} http://127.0.0.1:1/v1", ["ChatSessionBackend", "64"]),
    ('ChatSessionBackend "" http://127.0.0.1:1/v1', ["ChatSessionBackend", '""', "letters"]),
    ('ChatSessionPromptTemplate "" requester=User', ["ChatSessionPromptTemplate", '""', "no name"]),
    ("ChatSessionBackend b http://127.0.0.1:1/v1 key=x", ["ChatSessionBackend b", '"key=x"', "key-file=PATH"]),
    ("ChatSessionBackend b http://127.0.0.1:1/v1 model=", ["ChatSessionBackend b", '"model="']),
    ("ChatSessionBackend b http://127.0.0.1:1/v1 key-file=/nonexistent", ["ChatSessionBackend b", "/nonexistent"]),
    ('<Location "/x">\nChatSessionMock loud\n</Location>', ["ChatSessionMock", '"loud"', "echo|round|long"]),
    ('<Location "/x">\nChatSessionMock echo wait=x\n</Location>', ["ChatSessionMock", '"wait=x"', "wait=DURATION"]),
    ('<Location "/x">\nChatSessionMock echo pace=11min\n</Location>', ["ChatSessionMock", '"pace=11min"', "10min"]),
    ('<Location "/x">\nChatSessionMock echo speed=1s\n</Location>', ["ChatSessionMock", '"speed=1s"']),
    ('<Location "/x">\nChatSessionIdleTimeout 1min\n</Location>', ["ChatSessionIdleTimeout", "not allowed"]),
    ('<Location "/x">\nChatSessionDatabase "host=x"\n</Location>', ["ChatSessionDatabase", "not allowed"]),
    ("ChatSessionNonsense on", ["ChatSessionNonsense"]),
], ids=lambda value: value if isinstance(value, str) else "")
def test_a_value_that_cannot_work_is_refused_by_name(check, line, words):
    refused(check, line, *words)


# --- secrets


def secret_file(folder, content, mode=0o600, name="other-secret"):
    path = folder / name
    path.touch(mode=0o600)
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_a_secret_must_be_long_private_its_own_and_there(check, tmp_path):
    """[A4] A"""
    sample = b"sample secret: replace me with output of openssl rand"
    for content, mode, words in ((b"x" * 16 + os.urandom(8), 0o600, "32"), (b"", 0o600, "32"),
                                 (os.urandom(48), 0o644, "chmod 600"),
                                 (os.urandom(48), 0o640, "chmod 600"), (os.urandom(48), 0o606, "chmod 600"),
                                 (sample, 0o600, "sample"), (b"a" * 48, 0o600, ""), (os.urandom(5000), 0o600, "4096")):
        path = secret_file(tmp_path, content, mode)
        said = refused(check, f'ChatSessionSecretFile "{path}"', "ChatSessionSecretFile", str(path), words)
        assert "openssl" in said or "chmod" in said or "4096" in said
    refused(check, "ChatSessionSecretFile /nonexistent", "ChatSessionSecretFile", "/nonexistent")
    refused(check, f'ChatSessionSecretFile "{tmp_path}"', "ChatSessionSecretFile", "regular file")
    refused(check, "ChatSessionSecretFile", "ChatSessionSecretFile")


def test_the_same_secret_twice_is_a_mistake_and_two_different_ones_are_none(check, tmp_path):
    content = os.urandom(48)
    first, second = (secret_file(tmp_path, content, name=name) for name in ("one", "two"))
    refused(check, f'ChatSessionSecretFile "{first}" "{second}"', "ChatSessionSecretFile", str(second))
    second.write_bytes(os.urandom(48))
    accepted, said = check(f'ChatSessionSecretFile "{first}" "{second}"')
    assert accepted, said


def test_no_message_shows_a_secret_or_a_password(check, tmp_path):
    """L"""
    key = secret_file(tmp_path, b"sk-very secret", name="key")
    said = refused(check, f'ChatSessionBackend b http://127.0.0.1:1/v1 "key-file={key}"', "key-file", "one line")
    said += refused(check, f'ChatSessionSecretFile "{secret_file(tmp_path, b"short secret")}"', "32")
    said += refused(check, 'ChatSessionDatabase "host=x password=hidden-secret nonsense=1"', "connection option")
    assert "very secret" not in said and "short secret" not in said and "hidden-secret" not in said


def test_a_key_file_must_be_private_and_hold_one_key(check, tmp_path):
    for content, mode in ((b"sk-1", 0o644), (b"", 0o600), (b"a b", 0o600), (b"a\nb\n", 0o600), (b"a\0b", 0o600)):
        path = secret_file(tmp_path, content, mode)
        refused(check, f"ChatSessionBackend b http://127.0.0.1:1/v1 key-file={path}", "ChatSessionBackend b",
                "key-file", str(path))
    path = secret_file(tmp_path, b"sk-1\n")
    accepted, said = check(f"ChatSessionBackend b http://127.0.0.1:1/v1 key-file={path}")
    assert accepted, said


# --- what only the whole shows


def mount(handler="chatsession"):
    return f'<Location "/chat">\nSetHandler {handler}\n</Location>'


@pytest.mark.parametrize("handler", ["chatsession", "chatsession-admin"])
def test_a_handler_without_what_it_needs_does_not_start(check, tmp_path, handler):
    secret = f'ChatSessionSecretFile "{secret_file(tmp_path, os.urandom(48))}"'
    pages = f'ChatSessionPages "{BUILD / "share"}"'
    database, backend = f'ChatSessionDatabase "{DATABASE}"', "ChatSessionBackend b http://127.0.0.1:1/v1"
    whole = {"ChatSessionDatabase": database, "ChatSessionSecretFile": secret, "ChatSessionBackend": backend,
             "ChatSessionPages": pages}
    accepted, said = check(mount(handler), *whole.values(), bare=True)
    assert accepted, said
    for missing in whole:
        lines = [line for name, line in whole.items() if name != missing]
        accepted, said = check(mount(handler), *lines, bare=True)
        if missing == "ChatSessionBackend" and handler == "chatsession-admin":
            assert accepted, said  # operators need no model
        elif missing == "ChatSessionPages":
            assert accepted or "share/mod_chatsession" in said  # the default may be installed
        else:
            assert not accepted and missing in said, said


def test_a_server_without_our_handlers_needs_nothing_of_ours(check):
    accepted, said = check(bare=True)
    assert accepted, said


def test_what_a_virtual_host_lacks_it_has_from_the_main_server(check):
    accepted, said = check("Listen 127.0.0.1:1", "<VirtualHost 127.0.0.1:1>", mount(), "ChatSessionIdleTimeout 5min",
                           "</VirtualHost>")
    assert accepted, said


def test_what_the_processes_share_is_refused_in_a_virtual_host(check):
    """ChatSessionPasswordConcurrency bounds a child's memory, whichever host is asked: two would mean nothing."""
    host = ["Listen 127.0.0.1:1", "<VirtualHost 127.0.0.1:1>", "ChatSessionPasswordConcurrency 4", "</VirtualHost>"]
    refused(check, "\n".join(host), "ChatSessionPasswordConcurrency", "VirtualHost")
    accepted, said = check("ChatSessionPasswordConcurrency 4")
    assert accepted, said


@pytest.mark.parametrize("lanes", [9, 16])
def test_argon2_with_less_than_8_kib_for_each_lane_is_refused(check, lanes):
    """Argon2's own bound: otherwise the first login would find out. A virtual host may have only one of the two."""
    memory, parallelism = "ChatSessionPasswordMemory {}".format, f"ChatSessionPasswordParallelism {lanes}"
    host = "Listen 127.0.0.1:1\n<VirtualHost 127.0.0.1:1>\n{}\n</VirtualHost>".format
    words = ["ChatSessionPasswordMemory", str(8 * lanes - 1), f"ChatSessionPasswordParallelism {lanes}", "8 KiB"]
    refused(check, f"{parallelism}\n{memory(8 * lanes - 1)}", *words)
    refused(check, f"{memory(8 * lanes - 1)}\n{host(parallelism)}", *words)
    refused(check, f"{parallelism}\n{host(memory(8 * lanes - 1))}", *words)
    accepted, said = check(f"{parallelism}\n{memory(8 * lanes)}")
    assert accepted, said


def test_a_handler_outside_of_a_location_is_named_when_it_is_asked(make_httpd, database):
    server = make_httpd(database.conninfo, lines=[
        '<LocationMatch "^/other">', "SetHandler chatsession", "</LocationMatch>"])
    server.expect_log("CS0002")
    assert Client(server.url).get(f"{server.url}/other/").status_code == 500
    assert "<Location" in server.wait_log("CS0002")


def test_several_mounts_of_the_same_handler_are_one_service(make_httpd, database, user):
    server = make_httpd(database.conninfo, lines=['<Location "/second/chat">\nSetHandler chatsession\n</Location>'])
    client = log_in(server, user)
    conversation = client.new_conversation("seen from both")
    second = Client(server.url, "/second/chat", client.session)
    assert second.conversation(conversation)["title"] == "seen from both"
    assert second.turn(conversation, "hello").text == "hello"
    assert second.get(f"{server.url}/second/chat").headers["Location"] == "/second/chat/"
    assert client.get(f"{server.url}/second/chatter/api/session").status_code == 404
