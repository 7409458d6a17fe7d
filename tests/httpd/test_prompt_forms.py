# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Models that are asked with one text: what is sent, and how the answer is read, by template."""
import threading
from urllib.parse import unquote

import pytest

from harness.client import Client, log_in
from harness.scripted_chat import model  # noqa: F401  (fixtures are found by name)

OWN = ('ChatSessionPromptTemplate own "requester=<u>" "responder=<a>" "system=<s>" "role-end=\\n" "message-end=<e>\\n" '
       '"stop=<e>" "input=<u>=>(u)" "output=<br>=>\\n"')


@pytest.fixture(scope="module")
def server(make_module_httpd, database, model):
    return make_module_httpd(database.conninfo, lines=[OWN, "ChatSessionChatStream on",
                                                       "ChatSessionChatStreamRole user chat_stream get_prompt",
                                                       "ChatSessionChatStreamPrompt own"], backends=[
        f"redpajama {model.url} form=completions template=redpajama model=incite",
        f"rinna {model.url} form=completions template=rinna",
        f"own {model.url} form=llamacpp template=own",
        f"single {model.url} form=completions template=redpajama chat-mode=off",
        f"chat {model.url} chat-mode=off"])


@pytest.fixture
def client(server, user, model):
    model.reset()
    return log_in(server, user)


def writes(*pieces, finish="stop", end=True):
    """A script that answers as /completions does."""
    def script(answer):
        answer.begin()
        for piece in pieces:
            answer.event({"object": "text_completion", "choices": [{"index": 0, "text": piece, "finish_reason": None}]})
        if end:
            answer.event({"object": "text_completion", "choices": [{"index": 0, "text": "", "finish_reason": finish}]})
            answer.done()
        else:
            assert answer.wait_closed(), "the module went on reading after the stop text"
    return script


def start(client, model, **members):
    return client.json("POST", "api/conversations", 201, json={"model": model, **members})["id"]


def answer_of(client, conversation):
    return client.conversation(conversation)["messages"][-1]


def test_redpajama_as_the_contract_has_it(client, model):
    model.script = writes(" th", "ree", "\n")
    conversation = start(client, "redpajama", params={"stop": ["END"], "max_tokens": 9})
    turn = client.turn(conversation, "one\ntwo")
    asked = model.requests[-1]
    assert (asked.path, asked.json) == ("/v1/completions", {
        "model": "incite", "prompt": "<human>: one\ntwo\n<bot>:", "stop": ["<|endoftext|>", "\n<", "END"], "max_tokens": 9,
        "stream": True, "stream_options": {"include_usage": True}})
    assert (turn.text, turn.done["status"], turn.done["finish_reason"]) == ("three\n", "complete", "stop")
    assert answer_of(client, conversation)["content"] == "three\n"
    client.turn(conversation, "four")
    assert model.requests[-1].json["prompt"] == "<human>: one\ntwo\n<bot>: three\n\n<human>: four\n<bot>:"


def test_rinna_as_the_contract_has_it(client, model):
    model.script = writes("三<N", "L>四<NL")
    conversation = start(client, "rinna")
    turn = client.turn(conversation, "一\n二")
    assert model.requests[-1].json["prompt"] == "User: 一<NL>二<NL>System: "
    assert "stop" not in model.requests[-1].json
    assert turn.text == answer_of(client, conversation)["content"] == "三\n四<NL"
    client.turn(conversation, "五")
    assert model.requests[-1].json["prompt"] == "User: 一<NL>二<NL>System: 三<NL>四<NL<NL>User: 五<NL>System: "


def test_a_stop_text_that_the_server_ignores_ends_the_answer_and_the_exchange(client, model):
    model.script = writes(" four", " <", "5\n", "<human>: and on", " and on", end=False)
    conversation = start(client, "redpajama")
    turn = client.turn(conversation, "x")
    assert (turn.text, turn.done["status"], turn.done["finish_reason"]) == ("four <5", "complete", "stop")
    assert answer_of(client, conversation)["content"] == "four <5"


def test_llamacpps_own_form_with_a_template_of_ones_own(client, model):
    def script(answer):
        answer.begin()
        for piece in ("a<b", "r>b"):
            answer.event({"content": piece, "stop": False})
        answer.event({"content": "", "stop": True, "stop_type": "limit", "tokens_evaluated": 5, "tokens_predicted": 2})
        answer.end()

    model.script = script
    conversation = start(client, "own", system="Be brief.", params={"max_tokens": 7},
                         examples=[{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}])
    turn = client.turn(conversation, "x<u>y")
    asked = model.requests[-1]
    assert (asked.path, asked.json) == ("/v1/completion", {
        "prompt": "<s>\nBe brief.<e>\n<u>\nq<e>\n<a>\na<e>\n<u>\nx(u)y<e>\n<a>\n", "stop": ["<e>"], "n_predict": 7,
        "stream": True})
    assert (turn.text, turn.done["status"], turn.done["finish_reason"]) == ("a\nb", "complete", "length")
    assert turn.done["usage"] == {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}


def test_an_answer_that_is_not_streamed(client, model):
    model.script = lambda answer: answer.whole({"object": "text_completion", "choices": [
        {"index": 0, "text": " one\n<human>: x", "finish_reason": "stop"}], "usage": {"total_tokens": 3}})
    turn = client.turn(start(client, "redpajama"), "x")
    assert (turn.text, turn.done["status"]) == ("one", "complete")


def test_text_held_back_is_kept_when_the_backend_breaks_off(client, server, model):
    server.expect_log("AH01110")

    def script(answer):
        answer.begin()
        answer.event({"choices": [{"index": 0, "text": " one\n", "finish_reason": None}]})
        answer.cut()

    model.script = script
    conversation = start(client, "redpajama")
    turn = client.turn(conversation, "x")
    assert (turn.text, turn.done["status"]) == ("one\n", "error")
    assert answer_of(client, conversation)["content"] == "one\n"


def test_a_stop_goes_with_the_text_so_far(client, model):
    gate, begun = threading.Event(), threading.Event()

    def script(answer):
        answer.begin()
        answer.event({"choices": [{"index": 0, "text": " one", "finish_reason": None}]})
        begun.set()
        answer.hold(gate)

    model.script = script
    conversation = start(client, "redpajama")
    with client.send(conversation, "x") as stream:
        stream.next("message")
        client.json("POST", f"api/conversations/{conversation}/stop", 202)
        assert stream.next("done").json["status"] == "stopped"
    gate.set()
    assert answer_of(client, conversation)["content"] == "one"


def test_without_chat_mode_only_the_last_message_is_sent(client, model):
    model.script = writes(" x")
    conversation = start(client, "single", system="Be brief.",
                         examples=[{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}])
    for words in ("one", "two"):
        client.turn(conversation, words)
        assert model.requests[-1].json["prompt"] == f"Be brief.\n<human>: {words}\n<bot>:"
    model.reset()
    conversation = start(client, "chat")
    for words in ("one", "two"):
        client.turn(conversation, words)
        assert model.requests[-1].json["messages"] == [{"role": "user", "content": words}]


def test_get_prompt_writes_with_the_same_template(client, model):
    model.script = writes(" three\n")
    answer = client.post("chat_stream", json={"user_input": "a<u>b", "regenerate": False})
    assert answer.text.split("<::EOS::>")[-2:] == ["three\n", ""]
    assert unquote(client.get("get_prompt").json()["prompt"]) == "<u>\na(u)b<e>\n<a>\nthree\n"


def test_such_models_are_not_offered_where_requests_pass_as_they_are(client, server, model):
    headers = {"Authorization": "Bearer " + client.json("POST", "api/keys", 201, json={"name": "a program"})["key"]}
    api = Client(server.url, "/v1")
    assert [one["id"] for one in api.get("models", headers=headers).json()["data"]] == ["chat"]
    assert api.get("models/rinna", headers=headers).status_code == 404
    body = {"model": "rinna", "messages": [{"role": "user", "content": "x"}]}
    assert api.post("chat/completions", json=body, headers=headers).json()["error"]["code"] == "model_not_found"
    assert model.calls == 0


@pytest.mark.parametrize("backend, lines, said", [
    ("m http://127.0.0.1:1/v1 form=completions", [], "needs template="),
    ("m http://127.0.0.1:1/v1 form=completions template=none", [], "template=none is neither redpajama nor rinna"),
    ("m http://127.0.0.1:1/v1 template=rinna", [], "messages need none"),
    ("m http://127.0.0.1:1/v1 form=messages", [], 'none of form=chat, form=completions and form=llamacpp'),
    ("m http://127.0.0.1:1/v1 chat-mode=no", [], "neither chat-mode=on nor chat-mode=off"),
    ("m http://127.0.0.1:1/v1", ["ChatSessionPromptTemplate rinna requester=x"], 'the name "rinna" is taken already')])
def test_lines_that_are_refused(make_httpd, database, backend, lines, said):
    server = make_httpd(database.conninfo, backends=[backend], lines=lines, start=False)
    code, output = server.configtest()
    assert code != 0 and said in output
