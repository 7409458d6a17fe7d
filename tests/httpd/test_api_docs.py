# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The curl lines of docs/api.md work as they stand: run in their order by a shell, each gives the status that its
comment says, and every route has one."""
import json
import re
import shlex
import subprocess
from dataclasses import dataclass

import pytest
from harness.routes import ROUTES
from harness.sources import text

PAGE = "docs/api.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"  # (\d{3})((?: [A-Z]\w*=[\w.]+)*)$")
ASSIGNMENT = re.compile(r"([A-Z_]+)=(.*)")
# The shell's curl: the body goes into a file, the status to standard output.
CURL = 'curl() { command curl -sS --noproxy "*" -m 30 -o body -w "%{http_code}" "$@"; }\n'


@dataclass(frozen=True)
class Line:
    command: str
    status: int
    uses: tuple  # (name, path of the member)


def logical_lines(block):
    return re.sub(r"\\\n\s*", "", block).splitlines()


def parse(page):
    """(the names that the page sets at its beginning, its curl lines)"""
    settings, lines = {}, []
    for block in BLOCK.findall(page):
        for line in logical_lines(block):
            comment, assignment = COMMENT.search(line), ASSIGNMENT.fullmatch(line)
            if assignment:
                settings[assignment.group(1)] = assignment.group(2)
                continue
            assert line.startswith("curl ") and comment, f"neither a setting nor a curl line with its status: {line}"
            uses = tuple(tuple(word.split("=")) for word in comment.group(2).split())
            lines.append(Line(line[:comment.start()], int(comment.group(1)), uses))
    return settings, lines


def member(value, path):
    for step in path.split("."):
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


def run(line, variables, folder):
    """(status, body) of one line."""
    settings = "".join(f"{name}={shlex.quote(str(value))}\n" for name, value in variables.items())
    (folder / "body").write_bytes(b"")
    result = subprocess.run(["bash", "-eu"], input=settings + CURL + line.command + "\n", text=True, cwd=folder,
                            capture_output=True, timeout=60)
    assert result.returncode == 0, f"{line.command}: {result.stderr}"
    return int(result.stdout[-3:]), (folder / "body").read_text(encoding="utf-8", errors="replace")


def route_of(command, settings):
    """"GET /chat/api/conversations/{id}" of a curl line."""
    words = shlex.split(command)
    url = next(word for word in words if re.match(r"\$(CHAT|ADMIN)/", word))
    method = words[words.index("-X") + 1] if "-X" in words else "POST" if "--json" in words else "GET"
    for name in ("CHAT", "ADMIN"):
        url = url.replace(f"${name}", settings[name].removeprefix("$SITE"))
    path = re.sub(r"\$[A-Z]+", "{id}", url.partition("?")[0].replace("$REF", "{word}"))
    return f"{method} " + re.sub(r"(?<=/api/users/)[^/]+", "{word}", path)


def test_every_curl_line_gives_the_status_that_the_page_says(httpd, user, operator, tmp_path):
    settings, lines = parse(text(PAGE))
    ours = {"SITE": httpd.url, "CHAT": f"{httpd.url}/chat", "ADMIN": f"{httpd.url}/chat-admin", "OPENAI": f"{httpd.url}/v1",
            "PASSWORD": user.password, "OPERATOR_PASSWORD": operator.password}
    assert set(settings) == set(ours)
    assert len(lines) > 20
    for line in lines:
        status, body = run(line, ours, tmp_path)
        assert status == line.status, f"{line.command}\n{body}"
        for name, path in line.uses:
            ours[name] = member(json.loads(body), path)


@pytest.mark.parametrize("route", [route.name for route in ROUTES if (route.mount, route.path) not in (
    ("/chat-admin", "api/session"), ("/chat-admin", "api/login"), ("/chat-admin", "api/logout"))
    and not route.name.partition(" ")[2].startswith("/chat-admin/api/second-factor")])  # the end users', as those are
def test_every_route_has_a_curl_line(route):
    settings, lines = parse(text(PAGE))
    assert route in {route_of(line.command, settings) for line in lines if "$OPENAI/" not in line.command}


def test_every_curl_line_names_a_route():
    settings, lines = parse(text(PAGE))
    known = {route.name for route in ROUTES}
    ours = [line for line in lines if "$OPENAI/" not in line.command]  # OpenAI's own API: tests/httpd/test_openai.py
    assert [line.command for line in ours if route_of(line.command, settings) not in known] == []


def test_the_parser_sees_what_it_must_see():
    settings, lines = parse('x\n```sh\nCHAT=$SITE/chat\n```\n```sh\ncurl -X PUT --json \'{"a":1}\' \\\n'
                            '   "$CHAT/api/m/$ID/f?x=$Y"  # 201 A=b.0.c D=e\n```\n')
    assert settings == {"CHAT": "$SITE/chat"}
    assert lines == [Line('curl -X PUT --json \'{"a":1}\' "$CHAT/api/m/$ID/f?x=$Y"', 201, (("A", "b.0.c"), ("D", "e")))]
    assert route_of(lines[0].command, {**settings, "ADMIN": ""}) == "PUT /chat/api/m/{id}/f"
    assert member({"b": [{"c": "found"}]}, "b.0.c") == "found"
    with pytest.raises(AssertionError, match="its status"):
        parse("```sh\ncurl $CHAT/healthz\n```\n")
