# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""docs/openapi.json is what the route tables and its words say: a route without words, and a word without a route, fail."""
import json
import subprocess

from harness.place import TREE
from harness.routes import ROUTES


def test_the_description_is_what_the_route_tables_say():
    done = subprocess.run([TREE / "dev/openapi", "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_route_is_described_with_its_role_and_its_body():
    paths = json.loads((TREE / "docs/openapi.json").read_text(encoding="utf-8"))["paths"]
    assert {f"{method.upper()} {path}" for path, item in paths.items() for method in item} == {route.name for route in ROUTES}
    for route in ROUTES:
        operation = paths[f"{route.mount}/{route.path}"][route.method.lower()]
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        assert operation["x-role"] == route.access
        assert set(body.get("properties", {})) == {member.name for member in route.members}, route.name
