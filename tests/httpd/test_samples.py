# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Every configuration in conf/samples works: httpd starts with it, somebody logs in, and a model answers through it.

What differs from the file is said in each test: addresses, ports, and where the files lie.
"""
import os
import re
import subprocess

import pytest
import requests
from harness.client import Client, log_in
from harness.model import Model
from harness.oidc import Provider
from harness.passwords import MODULES
from harness.place import BUILD, TREE, free_port, give_port_back, new_folder
from harness.sources import text

SAMPLES = sorted(path.stem for path in (TREE / "conf/samples").glob("*.conf"))
TESTED = ["behind-proxy", "llamacpp", "oidc", "ollama", "openai", "plain", "two-hosts", "vllm"]
FOLDER = "/etc/chatsession"
CLIENT_SECRET = "of the provider, 32 octets long"
# What mod_ssl says of libraries of different days, and of a server without a cache for TLS sessions.
OF_MOD_SSL = ("AH01882", "AH01873")
OURS = [f'ChatSessionPages "{BUILD}/share"', "ChatSessionPasswordMemory 1024"]


def test_each_sample_has_its_test():
    assert SAMPLES == TESTED


@pytest.fixture(scope="module")
def etc():
    """The files that the samples name."""
    folder = new_folder("etc")
    files = {"secret": os.urandom(48), "openai.key": b"sk-openai\n", "vllm.key": b"sk-vllm\n", 
             "oidc.conf": f"OIDCClientSecret \"{CLIENT_SECRET}\"\nOIDCCryptoPassphrase {os.urandom(16).hex()}\n".encode()}
    for name, content in files.items():
        (folder / name).touch(mode=0o600)
        (folder / name).write_bytes(content)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-addext", "basicConstraints=critical,CA:FALSE", "-subj", "/CN=chat.example.org", "-keyout", folder / "tls.key", "-out", folder / "tls.crt"],
                   check=True, capture_output=True)
    return folder


def sample(name, etc, words):
    """The sample's lines with other words for some; each of these must stand in it."""
    lines = text(f"conf/samples/{name}.conf")
    for old, new in words.items():
        assert old in lines, f"{name}.conf has no {old}"
        lines = lines.replace(old, new)
    return lines.replace(FOLDER, str(etc)).splitlines()


def database_line(name):
    return re.search(r'^ChatSessionDatabase   (".*")$', text(f"conf/samples/{name}.conf"), re.MULTILINE).group(1)


def answers(client, user):
    """Log in where somebody is given, and hear the model."""
    if user:
        client.login(user)
    assert client.turn(client.new_conversation(), "Good morning").text == "Hello"


def secure_cookies(client):
    """What a browser does at the proxy in front: it sends its Secure cookies, though the way behind is plain."""
    for cookie in client.cookies:
        cookie.secure = False
    return client


# --- models


@pytest.mark.parametrize("name, url", [("ollama", "http://localhost:11434/v1"), ("vllm", "http://10.0.0.21:8000/v1"),
                                       ("openai", "https://api.openai.com/v1")])
def test_a_model_answers_as_its_sample_has_it(make_httpd, database, user, etc, model, name, url):
    server = make_httpd(database.conninfo, modules=("socache_shmcb", "ssl"), backends=[],
                        lines=sample(name, etc, {url: model.url}))
    server.expect_log(*OF_MOD_SSL)
    answers(Client(server.url), user)
    asked = model.requests[-1]
    line = re.search(r"^ChatSessionBackend .* model=(\S+)", text(f"conf/samples/{name}.conf"), re.MULTILINE)
    assert asked.json["model"] == line.group(1)
    key = dict(asked.headers).get("Authorization")
    assert key == {"ollama": None, "vllm": "Bearer sk-vllm", "openai": "Bearer sk-openai"}[name]


def test_llama_cpp_answers_over_its_unix_socket(make_httpd, database, user, etc):
    folder = new_folder("llama")
    path = folder / "s"
    model = Model(unix_socket=path)
    try:
        server = make_httpd(database.conninfo, backends=[], lines=sample("llamacpp", etc, {"/run/llama/llama.sock": str(path)}))
        answers(Client(server.url), user)
    finally:
        model.close()


# --- sites


def test_the_plain_site_answers_over_tls(make_httpd, database, user, etc, model):
    port = free_port()
    lines = sample("plain", etc, {
        database_line("plain"): f'"{database.conninfo}"', "http://localhost:11434/v1": model.url,
        "Listen 443": f"Listen 127.0.0.1:{port}", "*:443": f"*:{port}"})
    try:
        server = make_httpd(bare=True, modules=("socache_shmcb", "ssl"), lines=[*OURS, *lines])
        server.expect_log(*OF_MOD_SSL)
        client = Client(f"https://127.0.0.1:{port}")
        client.session.verify = str(etc / "tls.crt")
        client.session.mount("https://", _AnyName())
        answers(client, user)
        assert [cookie.name for cookie in client.cookies if cookie.name.startswith("__Host-sid")] == ["__Host-sid"]
        assert client.request("GET", f"https://127.0.0.1:{port}/chat-admin/").status_code == 200
    finally:
        give_port_back(port)


class _AnyName(requests.adapters.HTTPAdapter):
    """The certificate is looked at, its name is not: it is that of the sample."""

    def init_poolmanager(self, *arguments, **options):
        super().init_poolmanager(*arguments, assert_hostname=False, **options)


def test_behind_a_proxy_the_address_of_the_browser_counts(make_httpd, database, user, etc, model):
    server = make_httpd(bare=True, modules=("remoteip",), lines=[*OURS, *sample("behind-proxy", etc, {
        database_line("behind-proxy"): f'"{database.conninfo}"', "http://localhost:11434/v1": model.url,
        "RemoteIPInternalProxy 10.0.0.5": "RemoteIPInternalProxy 127.0.0.1"})])
    client = Client(server.url)
    client.session.headers.update({"Host": "chat.example.org", "X-Forwarded-For": "203.0.113.7", "Sec-Fetch-Site": "same-origin"})
    client.login(user)
    answers(secure_cookies(client), None)
    current = [row for row in client.json("GET", "api/sessions", 200)["sessions"] if row["current"]]
    assert [row["network"] for row in current] == ["203.0.113.7"]


def test_of_two_hosts_one_goes_on_where_the_other_began_and_a_dead_model_is_passed_over(make_httpd, database, user, etc, model):
    dead = free_port()
    lines = sample("two-hosts", etc, {
        database_line("two-hosts"): f'"{database.conninfo}"', "http://10.0.0.21:8000": f"http://127.0.0.1:{dead}",
        "http://10.0.0.22:8000": model.url.removesuffix("/v1")})
    modules = ("proxy_balancer", "lbmethod_bybusyness", "slotmem_shm")
    try:
        one, two = (make_httpd(bare=True, modules=modules, lines=[*OURS, "ChatSessionCookieSecure off", *lines]) for _ in range(2))
        client = log_in(one, user)
        conversation = client.new_conversation()
        client.origin = two.url
        for server in (one, two):
            server.expect_log("AH00957", "AH00959", "AH01114")  # the dead model
        assert client.turn(conversation, "Good morning").text == "Hello"
    finally:
        give_port_back(dead)


# --- OpenID Connect


@pytest.fixture
def provider():
    one = Provider("chat", CLIENT_SECRET)
    yield one
    one.close()


@pytest.mark.parametrize("groups, role", [("staff", "user"), ("staff,operators", "operator")])
def test_users_of_a_provider_log_in_there_and_their_groups_are_roles_here(make_httpd, database, etc, model, provider, groups, role):
    port_of = "https://chat.example.org/chat/oidc"
    lines = sample("oidc", etc, {
        database_line("oidc"): f'"{database.conninfo}"', "http://localhost:11434/v1": model.url,
        "https://id.example.org/.well-known/openid-configuration": provider.metadata_url})
    server = make_httpd(bare=True, modules=(*MODULES, "auth_openidc"), start=False, lines=[*OURS, "ChatSessionCookieSecure off", *lines])
    server.config.write_text(server.config.read_text().replace(port_of, f"{server.url}/chat/oidc"))
    server.start()
    server.expect_log('SHOULD be "https"')
    provider.claims = {"preferred_username": f"ada-{role}", "groups": groups}
    client = Client(server.url)
    page = client.get("", allow_redirects=True)
    assert page.status_code == 200 and "<title>" in page.text, page.text[:500]
    client.session.headers["Sec-Fetch-Site"] = "same-origin"
    assert client.json("GET", "api/session", 200)["user"] == {"name": f"ada-{role}", "role": role}
    answers(client, None)
    assert Client(server.url).get("api/session").status_code in (302, 401)
