"""Coming back by the command `resume`: python-socketio knows nothing of recovery, so the program keeps revisions."""

import threading

from toolkit import PATIENCE, equal


class Chat:
    """A program as a user of python-socketio would write it: it resumes at each connection, and collects texts."""

    def __init__(self, t, person, transport):
        self.revs = {}
        self.texts = []
        self.resumed = threading.Semaphore(0)
        self.client = t.client([transport])
        self.client.io.on("ready", self.resume)
        self.client.io.on("message.created", self.take)
        self.client.connect({"token": person.token, "resume": True})

    def resume(self, ready, *_):
        self.client.note("ready", (ready,))
        self.revs.setdefault(ready["userId"], ready["rev"])
        answer = self.client.call("resume", {"streams": self.revs})
        self.client.note("resumed", (answer,))
        for stream, missed in answer["data"]["streams"].items():
            for event in missed["events"]:
                if event["event"] == "message.created":
                    self.take(event["data"], {"stream": stream, "rev": event["rev"]})
        self.resumed.release()

    def take(self, message, place, *_):
        known = self.revs.get(place["stream"], 0)
        assert place["rev"] > known, f"{place} comes again after {known}"
        self.revs[place["stream"]] = place["rev"]
        self.texts.append(message["text"])
        self.client.note("text", (message["text"],))

    def wait_until_resumed(self):
        assert self.resumed.acquire(timeout=PATIENCE), f"waited in vain for the resume\n{self.client.story()}"


def comes_back(t, transport, go, come):
    ada, bob, conversation = t.pair()
    chat = Chat(t, bob, transport)
    chat.wait_until_resumed()
    ada.send(conversation, "before")
    chat.client.nth("text")
    for act in go:
        t.stage.act(act)
    chat.client.nth("disconnect")
    for act in come[:-1]:
        t.stage.act(act)
    missed = [f"missed {number}" for number in range(1, 21)]
    for text in missed:
        ada.send(conversation, text)
    t.stage.act(come[-1])
    chat.wait_until_resumed()
    ada.send(conversation, "after")
    expected = ["before", *missed, "after"]
    chat.client.nth("text", len(expected))
    equal(chat.texts, expected, "all that came")


def after_a_network_that_went(t):
    for transport in ("polling", "websocket"):
        comes_back(t, transport, ["cut"], ["mend"])


def after_a_server_that_was_killed(t):
    for transport in ("polling", "websocket"):
        comes_back(t, transport, ["kill"], ["start", "mend"])


def nothing_is_pushed_before_the_resume(t):
    ada, bob, conversation = t.pair()
    client = t.client(["websocket"]).connect({"token": bob.token, "resume": True})
    client.nth("ready")
    ada.send(conversation, "early")
    equal(client.call("ping", {}), {"data": {}}, "the answer to ping")
    equal([event for event, _ in client.log], ["connect", "ready"], "what came before the resume")
    answer = client.call("resume", {"streams": {conversation: 0}})
    events = answer["data"]["streams"][conversation]["events"]
    equal([event["data"]["text"] for event in events], ["early"], "what the answer holds")
    ada.send(conversation, "late")
    equal(client.nth("message.created")[0]["text"], "late", "what is pushed then")


SCENARIOS = [after_a_network_that_went, after_a_server_that_was_killed, nothing_is_pushed_before_the_resume]
