# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The package on a fresh Debian: installed, set up, used, removed and purged. `make test-package`; SUITE=trixie for another one.

It needs root, and the network for Debian's packages the first time; the fresh Debian is kept in build/package.
"""
import json
import os
import re
import uuid

import pytest
from harness.place import TREE
from harness.root import Root
from harness.sources import text

SUITES = (os.environ.get("SUITE") or "bookworm").split()
PACKAGES = ("apache2", "postgresql", "curl", "ssl-cert")
ANSWERS = ("--operator", "ada", "--backend", "mock http://127.0.0.1:8099/v1 model=mock")
MOCK = """\
Listen 127.0.0.1:8099
<VirtualHost 127.0.0.1:8099>
    <Location "/v1">
        SetHandler chatsession-mock
        ChatSessionMock echo wait=0ms pace=0ms
    </Location>
</VirtualHost>
"""


@pytest.fixture(scope="module")
def deb():
    assert os.getuid() == 0, "make test-package makes a Debian of its own in a folder, which only root can"
    built = sorted((TREE / "build/deb").glob("libapache2-mod-chatsession_*.deb"))
    assert len(built) == 1, "make deb builds it"
    return built[0]


@pytest.fixture(scope="module", params=SUITES)
def root(request):
    with Root(request.param, PACKAGES) as made:
        yield made


def curl(root, path, body=None, cookies=True, method=None):
    """(status, text) of a request to https://localhost."""
    command = ["curl", "-sk", "--max-time", "30", "-w", "\n%{http_code}", f"https://localhost{path}"]
    command += ["-b", "/tmp/cookies", "-c", "/tmp/cookies"] if cookies else []
    command += ["-X", method] if method else []
    if body is not None:
        command += ["-H", "Content-Type: application/json", "-H", "Origin: https://localhost", "--data-binary", "@-"]
    said = root.run(*command, text=json.dumps(body) if body is not None else "").stdout
    said_text, status = said.rsplit("\n", 1)
    return int(status), said_text


def answered(outcome, status=200):
    assert outcome[0] == status, outcome
    return json.loads(outcome[1])


def test_from_the_package_to_a_chat_and_back(root, deb):
    """One story: each step stands on the one before."""
    before = root.files()
    install, *others = commands_of_the_page()
    assert install.startswith("apt-get install ") and set(PACKAGES) - {"curl"} <= set(install.split())
    root.install(deb)
    assert not root.path("/etc/apache2/mods-enabled/chatsession.load").is_symlink(), "it is switched on by whoever wants it"
    assert not list(root.path("/etc/systemd/system").glob("timers.target.wants/chatsession*"))
    root.boot()
    set_up(root, others)
    talk(root)
    look_over(root)
    keep_house(root)
    remove(root, before)


def commands_of_the_page():
    """What docs/quickstart.md tells to type on a Debian server."""
    return re.search(r"^## On a Debian server\n.*?^```sh\n(.*?)^```", text("docs/quickstart.md"), re.MULTILINE | re.DOTALL).group(1).splitlines()


def set_up(root, commands):
    """As the page says, with answers to what the setup asks."""
    root.run("a2enmod", "-q", "chatsession", "proxy_http")
    root.run("apache2ctl", "configtest")  # before the setup nothing is missing
    version = next(path.name for path in root.path("/etc/postgresql").iterdir())
    root.run("pg_ctlcluster", version, "main", "start")
    root.path("/etc/apache2/conf-enabled/mock.conf").write_text(MOCK)
    assert commands.index("chatsessionctl setup") < commands.index("apache2ctl restart")
    for command in commands[:-1]:
        said = root.run(*command.split(), *(ANSWERS if command == "chatsessionctl setup" else ()))
        if command == "chatsessionctl setup":
            assert said.stderr == ""
            root.password = re.search(r"^administrator +ada, .*\n +(\S+)$", said.stdout, re.MULTILINE).group(1)
    assert commands[-1] == "chatsessionctl check"  # which is looked at later
    again = root.run("chatsessionctl", "setup")
    assert again.stdout.count("there already") == 5 and root.password not in again.stdout


def talk(root):
    ready = root.run("curl", "-sk", "--retry", "20", "--retry-connrefused", "--retry-delay", "1", "https://localhost/chat/readyz").stdout
    assert json.loads(ready) == {"status": "ready"}
    assert "<title>" in curl(root, "/chat/")[1] and "<title>" in curl(root, "/chat-admin/")[1]
    assert curl(root, "/chat-admin/api/overview")[0] == 401
    session = answered(curl(root, "/chat/api/login", {"username": "ada", "password": root.password}))
    assert session["user"] == {"name": "ada", "role": "admin"}
    assert "__Host-sid" in root.path("/tmp/cookies").read_text()
    conversation = answered(curl(root, "/chat/api/conversations", {}), 201)["id"]
    status, stream = curl(root, f"/chat/api/conversations/{conversation}/messages",
                          {"content": "Good morning from a package", "client_id": str(uuid.uuid4())})
    assert status == 200 and '"status":"complete"' in stream.replace(" ", "")
    messages = answered(curl(root, f"/chat/api/conversations/{conversation}"))["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant"] and "Good morning" in messages[1]["content"]
    listed = answered(curl(root, "/chat-admin/api/conversations"))["conversations"]
    assert [one["id"] for one in listed] == [conversation]


def look_over(root):
    result = root.run("chatsessionctl", "check", "--json", check=False)
    report = json.loads(result.stdout)
    worse = [found for found in report["findings"] if found["level"] != "advice"]
    assert worse == [] and result.returncode == 0, report


def keep_house(root):
    """What the timer would run, as it would run it."""
    unit = root.path("/lib/systemd/system/chatsession-sweep.service").read_text()
    commands = re.findall(r"^ExecStart=(\S+ [a-z ]+?) *\$\w+$", unit, re.MULTILINE)
    unset = " ".join(re.findall(r"^UnsetEnvironment=(.+)$", unit, re.MULTILINE))
    assert len(commands) == 2 and unset
    for command in commands:
        root.run("setpriv", "--reuid=www-data", "--regid=www-data", "--clear-groups", "sh", "-ec",
                 f"set -a; . /etc/chatsession/environment; unset {unset}; exec {command}")
    assert "chatsessionctl" in root.run("sh", "-c", "zcat /usr/share/man/man1/chatsessionctl.1.gz").stdout


def remove(root, before):
    root.run("apache2ctl", "stop")
    said = root.run("apt-get", "-qy", "remove", "libapache2-mod-chatsession").stdout
    assert not root.path("/etc/apache2/mods-enabled/chatsession.load").is_symlink()
    root.path("/etc/apache2/conf-enabled/mock.conf").unlink()
    root.run("apache2ctl", "configtest")
    assert root.path("/etc/chatsession/secret").exists(), "a removed package leaves its configuration"
    said = root.run("apt-get", "-qy", "purge", "libapache2-mod-chatsession").stdout
    assert "database with the conversations was left alone" in said
    assert root.run("su", "postgres", "-c", "psql -XqAt chatsession -c 'SELECT count(*) FROM chatsession.messages'").stdout.strip() == "2"
    root.run("apt-get", "-qy", "autoremove", "--purge")
    # Others' modules and sites stay as they were switched on here; nothing with our name does.
    left = {name for name in root.files() - before if "chatsession" in name}
    assert left == set()
