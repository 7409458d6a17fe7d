# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The guides are true: httpd accepts every configuration of docs/administration.md, docs/integration.md and conf/sample.conf, and what they
say about a proxy in front is so."""
import os
import re
import subprocess

import pytest
from harness.client import Client
from harness.passwords import MODULES
from harness.place import BUILD, new_folder
from harness.sources import text

BLOCK = re.compile(r"^```apache\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^## (.*)$", re.MULTILINE)
FOLDER = "/etc/chatsession"
ALL = (*MODULES, "ssl", "socache_shmcb", "socache_redis", "socache_memcache", "remoteip", "session", "request", "auth_form", "ldap",
       "authnz_ldap")


def blocks():
    """One parameter for each block: its page, the heading above it, its lines."""
    for page in ("docs/administration.md", "docs/integration.md", "docs/quickstart.md", "docs/quickstart.ja.md", "docs/from-chatstream.md"):
        content = text(page)
        found = list(BLOCK.finditer(content))
        assert len(found) == content.count("```apache"), page
        for number, block in enumerate(found):
            heading = HEADING.findall(content, 0, block.start())[-1]
            yield pytest.param(block.group(1), id=f"{page[5:-3]}-{number}-{heading.lower().replace(' ', '-')}")


def configtest(make_httpd, lines, **options):
    server = make_httpd("host=@nowhere dbname=nothing", modules=ALL, start=False, **options)
    folder = new_folder("etc")
    for name, content in (("secret", os.urandom(48)), ("secret.old", os.urandom(48)), ("htpasswd", b""), ("legacy.secret", b"my-secret-key\n")):
        (folder / name).touch(mode=0o600)
        (folder / name).write_bytes(content)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=chat.example.org", "-keyout", folder / "tls.key", "-out", folder / "tls.crt"], check=True, capture_output=True)
    server.config.write_text(server.config.read_text() + lines.replace(FOLDER, str(folder)))
    return server.configtest()


@pytest.mark.parametrize("lines", blocks())
def test_httpd_accepts_the_configurations_of_the_guides(make_httpd, lines):
    code, said = configtest(make_httpd, lines)
    assert (code, said.strip()) == (0, "Syntax OK")


def test_a_wrong_configuration_would_be_seen(make_httpd):
    code, said = configtest(make_httpd, "ChatSessionStores postgresql\n")
    assert code != 0 and "Invalid command 'ChatSessionStores'" in said


def test_httpd_accepts_the_sample_configuration(make_httpd):
    lines = re.sub(r"^LoadModule .*\n", "", text("conf/sample.conf"), flags=re.MULTILINE)  # the harness loads what was built
    assert "/etc/chatsession.secret" in lines
    code, said = configtest(make_httpd, f'ChatSessionPages "{BUILD}/share"\n'
                            + lines.replace("/etc/chatsession.secret", f"{FOLDER}/secret"), bare=True)
    assert (code, said.strip()) == (0, "Syntax OK")


# --- a reverse proxy in front

WRONG = "a wrong password"


@pytest.fixture(scope="module")
def behind(make_module_httpd, database):
    """A server that believes its proxy, which is this test."""
    return make_module_httpd(database.conninfo, modules=("remoteip",), lines=[
        "RemoteIPHeader X-Forwarded-For", "RemoteIPInternalProxy 127.0.0.1", "ChatSessionLoginLimit 5"])


@pytest.fixture(autouse=True)
def nobody_has_tried(database):
    database.rows("DELETE FROM chatsession.login_attempts")


def log_in(server, user, forwarded, password=None):
    client = Client(server.url)
    client.session.headers["X-Forwarded-For"] = forwarded
    body = {"username": getattr(user, "name", user), "password": password or user.password}
    return client, client.post("api/login", json=body).status_code


@pytest.mark.parametrize("forwarded, network", [
    ("203.0.113.7", "203.0.113.7"), ("2001:db8::1", "2001:db8::1"),
    ("198.51.100.1, 203.0.113.8", "203.0.113.8"),  # what a client claims for itself stands left of what the proxy saw
    ("203.0.113.9, 127.0.0.1", "203.0.113.9")])
def test_the_session_list_has_the_network_of_the_client_behind_the_proxy(behind, user, forwarded, network):
    client, status = log_in(behind, user, forwarded)
    assert status == 200
    found = [row["network"] for row in client.json("GET", "api/sessions", 200)["sessions"] if row["current"]]
    assert found == [network]


def test_attempts_are_counted_for_the_client_behind_the_proxy(behind, database):
    for number in range(5):
        assert log_in(behind, f"nobody{number}", "203.0.113.20", WRONG)[1] == 401
    assert log_in(behind, "nobody6", "203.0.113.20", WRONG)[1] == 429, "its network has tried enough"
    assert log_in(behind, "nobody6", "203.0.113.21", WRONG)[1] == 401, "the neighbour has not"


def test_without_mod_remoteip_what_a_client_claims_changes_nothing(make_httpd, database, user):
    server = make_httpd(database.conninfo, lines=["ChatSessionLoginLimit 5"])
    client, status = log_in(server, user, "203.0.113.30")
    assert status == 200
    assert {row["network"] for row in client.json("GET", "api/sessions", 200)["sessions"] if row["current"]} == {"127.0.0.1"}
    for number in range(5):
        assert log_in(server, f"nobody{number}", f"203.0.113.{number}", WRONG)[1] == 401
    assert log_in(server, "nobody6", "203.0.113.99", WRONG)[1] == 429


@pytest.mark.parametrize("name, status", [("https://chat.example.org", 200), ("http://chat.example.org", 403)])
def test_behind_a_proxy_that_ends_tls_the_scheme_of_servername_is_our_own(make_httpd, database, user, name, status):
    server = make_httpd(database.conninfo, lines=[f"ServerName {name}"])
    response = Client(server.url).post("api/login", json={"username": user.name, "password": user.password}, origin=None,
                                       headers={"Origin": "https://chat.example.org", "Host": "chat.example.org"})
    assert response.status_code == status
