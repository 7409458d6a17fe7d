# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The chat page before a model that does what the test says: fixtures, which the test files import by name."""
import itertools

import pytest

from .client import log_in
from .model import Model
from .pages import ChatPage

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def model():
    made = Model()
    yield made
    made.close()


@pytest.fixture(scope="module")
def server(make_module_httpd, database, model):
    return make_module_httpd(database.conninfo, backends=[f"scripted {model.url}"],
                             lines=["ChatSessionCheckpoint 20ms"])


@pytest.fixture
def person(database, model):
    """Somebody new, who has no conversations."""
    model.reset()
    return database.add_user(f"mika-{next(_numbers)}")


@pytest.fixture
def client(server, person):
    """The same person's access without a page."""
    return log_in(server, person)


@pytest.fixture
def chat(server, browser, person):
    return ChatPage(browser, server).enter(person)


def says(*pieces):
    return lambda answer: answer.stream(*pieces)


def seeds(client, *texts):
    """A conversation for each text, the last one newest; their ids."""
    ids = []
    for text in texts:
        ids.append(client.new_conversation())
        client.turn(ids[-1], text)
    return ids
