"""Commands and their acknowledgements."""

import threading

from toolkit import PATIENCE, equal

NOBODY = "0" * 24


def connected(t, transport):
    ada, bob, conversation = t.pair()
    return t.client([transport]).connect({"token": ada.token}), bob, conversation


def a_problem_comes_in_the_acknowledgement(t):
    for transport in ("polling", "websocket"):
        client, _, _ = connected(t, transport)
        problem = client.call("message.send", {"conversationId": NOBODY, "text": "Hello"})["problem"]
        equal((problem["status"], problem["code"]), (404, "not_found"), "the problem")
        equal(client.call("ping", {}), {"data": {}}, "the answer to ping")


def binary_data_is_refused_and_the_connection_stays(t):
    for transport in ("polling", "websocket"):
        client, _, _ = connected(t, transport)
        for data in (b"\x01\x02", {"text": b"\x03"}):
            problem = client.call("message.send", data)["problem"]
            equal(problem["code"], "validation_failed", "the problem")
        equal(client.call("ping", {}), {"data": {}}, "the answer to ping")
        equal(client.all("disconnect"), [], "ends")


def without_a_callback_a_problem_comes_as_an_event(t):
    client, _, _ = connected(t, "websocket")
    client.io.emit("message.send", {"conversationId": NOBODY, "text": "Hello"})
    problem, about, _ = client.nth("problem")
    equal((problem["code"], about), ("not_found", {"command": "message.send"}), "the event")


def a_callback_is_called_with_the_answer(t):
    client, _, conversation = connected(t, "websocket")
    answers, answered = [], threading.Event()

    def acknowledge(answer):
        answers.append(answer)
        answered.set()

    client.io.emit("message.send", {"conversationId": conversation, "text": "Hello"}, callback=acknowledge)
    assert answered.wait(PATIENCE), "waited in vain for the acknowledgement"
    equal(answers[0]["data"]["text"], "Hello", "the answer")


def two_connections_of_a_user_both_get_what_comes(t):
    client, bob, conversation = connected(t, "websocket")
    tabs = [t.client([transport]).connect({"token": bob.token}) for transport in ("polling", "websocket")]
    for tab in tabs:
        tab.nth("ready")
    client.call("message.send", {"conversationId": conversation, "text": "Hello Bob"})
    for tab in tabs:
        tab.nth("message.created")
        equal(tab.texts(), ["Hello Bob"], "what comes")


SCENARIOS = [
    a_problem_comes_in_the_acknowledgement,
    binary_data_is_refused_and_the_connection_stays,
    without_a_callback_a_problem_comes_as_an_event,
    a_callback_is_called_with_the_answer,
    two_connections_of_a_user_both_get_what_comes,
]
