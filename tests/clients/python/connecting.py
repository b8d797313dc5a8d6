"""Connecting by each transport, and what those are told who may not."""

import socketio
from toolkit import equal


def converse(t, transports, last):
    ada, bob, conversation = t.pair()
    sender = t.client(transports).connect({"token": ada.token})
    receiver = t.client(transports).connect({"token": bob.token})
    for client, person in ((sender, ada), (receiver, bob)):
        equal(client.nth("ready")[0]["userId"], person.id, "whose connection it is")
        equal(client.io.transport(), last, "the transport")
    answer = sender.call("message.send", {"conversationId": conversation, "text": "Hello Bob!"})
    message, place, offset = receiver.nth("message.created")
    # How far it has come is the sender's to know alone.
    equal(message, {**answer["data"], "delivery": None}, "what Bob gets, by what Ada was acknowledged")
    equal(place, {"stream": conversation, "rev": message["rev"]}, "where it stands")
    assert isinstance(offset, str) and offset, "the last argument of an event is its offset"
    equal(ada.texts(conversation), ["Hello Bob!"], "what is stored")


def by_polling_alone(t):
    converse(t, ["polling"], "polling")


def by_websocket_alone(t):
    converse(t, ["websocket"], "websocket")


def by_polling_and_then_by_websocket(t):
    converse(t, None, "websocket")


def by_an_authorization_header(t):
    ada = t.person("ada")
    for transport in ("polling", "websocket"):
        client = t.client([transport]).connect(headers={"Authorization": f"Bearer {ada.token}"})
        equal(client.nth("ready")[0]["userId"], ada.id, "whose connection it is")


def refused(t, auth, code):
    for transport in ("polling", "websocket"):
        client = t.client([transport], reconnection=False)
        try:
            client.connect(auth)
            raise AssertionError("it is connected")
        except socketio.exceptions.ConnectionError:
            pass
        (error,) = client.nth("connect_error")
        equal((error["message"], error["data"]["code"]), (code, code), "the error")


def nobody_is_told_that_a_token_is_needed(t):
    refused(t, None, "unauthenticated")


def a_token_that_nobody_made_is_refused(t):
    refused(t, {"token": "nonsense"}, "invalid_token")


def who_logs_out_is_told_and_the_connection_ends(t):
    for transport in ("polling", "websocket"):
        ada = t.person("ada")
        client = t.client([transport]).connect({"token": ada.token})
        session = client.nth("ready")[0]["sessionId"]
        ada.request("POST", "/auth/logout")
        equal(client.nth("session.revoked")[0], {"sessionId": session}, "the session that was revoked")
        client.nth("disconnect")


SCENARIOS = [
    by_polling_alone,
    by_websocket_alone,
    by_polling_and_then_by_websocket,
    by_an_authorization_header,
    nobody_is_told_that_a_token_is_needed,
    a_token_that_nobody_made_is_refused,
    who_logs_out_is_told_and_the_connection_ends,
]
