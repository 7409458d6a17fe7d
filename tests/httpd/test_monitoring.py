# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The dashboard and the alert rules ask for what the endpoint gives: no metric and no label of theirs is made up."""
import json
import re

import pytest

from harness.client import Client, log_in
from harness.sources import text

SELECTOR = re.compile(r"\b(chatsession_\w+)(?:\{([^}]*)\})?")
SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
LABEL = re.compile(r'(\w+)(=~|=)"([^"]*)"')
OF_PROMETHEUS = {"instance", "job"}


@pytest.fixture(scope="module")
def given(make_module_httpd, database, operator):
    """{metric: {label: values}} as the endpoint gives them, after a turn."""
    server = make_module_httpd(database.conninfo)
    console = log_in(server, operator, "/chat-admin")
    chat = Client(server.url, "/chat", console.session)
    chat.turn(chat.new_conversation(), "Good morning")
    answer = console.get("metrics")
    assert answer.status_code == 200, answer.text
    found = {}
    for name, labels, _ in SAMPLE.findall(answer.text):
        values = found.setdefault(name, {})
        for label, _, value in LABEL.findall(labels):
            values.setdefault(label, set()).add(value)
    return found


def expressions():
    """Every expression of the rules and of the dashboard."""
    rules = re.findall(r"^        expr: (?:\|\n((?:          .*\n)+)|(.*)\n)", text("conf/monitoring/alerts.yml"), re.MULTILINE)
    found = [block or line for block, line in rules]
    assert len(found) == text("conf/monitoring/alerts.yml").count("- alert:")
    dashboard = json.loads(text("conf/monitoring/grafana.json"))
    for panel in dashboard["panels"]:
        found += [target["expr"] for target in panel["targets"]]
    return found + [variable["query"]["query"] for variable in dashboard["templating"]["list"] if variable["type"] == "query"]


@pytest.mark.parametrize("expression", expressions())
def test_what_is_asked_for_is_there(given, expression):
    """[L5] A panel or an alert on a metric that nobody gives would be quiet for ever."""
    for name, selector in SELECTOR.findall(expression):
        assert name in given, f"{name} is not given"
        for label, how, value in LABEL.findall(selector or ""):
            if label in OF_PROMETHEUS:
                continue
            wanted = value.split("|") if how == "=~" else [value]
            assert set(wanted) <= given[name].get(label, set()), f"{name}: {label} has only {given[name].get(label)}"
    for label in re.findall(r"\bby \(([^)]*)\)", expression):
        known = {one for name, _ in SELECTOR.findall(expression) for one in given.get(name, {})} | OF_PROMETHEUS
        assert {word.strip() for word in label.split(",")} <= known, label


def test_nearly_all_that_is_given_is_looked_at(given):
    asked = {name for expression in expressions() for name, _ in SELECTOR.findall(expression)}
    assert set(given) - asked <= {"chatsession_persist_lag_seconds_sum", "chatsession_persist_lag_seconds_count"}


def test_the_panels_have_names_places_and_one_source():
    panels = json.loads(text("conf/monitoring/grafana.json"))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) == len({panel["title"] for panel in panels})
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len(places) == len(panels) and {panel["datasource"]["uid"] for panel in panels} == {"${source}"}
