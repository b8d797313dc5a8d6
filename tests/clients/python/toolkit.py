"""What scenarios are written with: a stage, people, and a stock client that writes down what happens to it."""

import json
import random
import string
import sys
import threading
import time
import traceback

import requests
import socketio

PATIENCE = 20


class Stage:
    """The test that started this: it runs the server, and does to it what a scenario asks for."""

    def __init__(self):
        self.server = self.road = None

    def act(self, act):
        """Has something done: `kill` or `start` the server; `cut` the road to it, or `mend` it."""
        print("stage", json.dumps({"act": act}), flush=True)
        place = json.loads(sys.stdin.readline())
        self.server, self.road = place["server"], place["road"]


class Person:
    """A signed-in user of the REST API."""

    def __init__(self, stage, name):
        self.stage = stage
        username = f"{name}-{''.join(random.choices(string.ascii_lowercase, k=12))}"
        answer = self.request("POST", "/auth/signup", {"username": username, "password": "correct horse battery"})
        self.token, self.id = answer["accessToken"], answer["user"]["id"]

    def request(self, method, path, body=None):
        headers = {"Authorization": f"Bearer {self.token}"} if hasattr(self, "token") else {}
        url = f"{self.stage.server}/api/v1{path}"
        answer = requests.request(method, url, json=body, headers=headers, timeout=PATIENCE)
        assert answer.ok, f"{method} {path}: {answer.text}"
        return answer.json() if answer.text else None

    def open(self, other):
        """Opens the conversation with another user; its id."""
        return self.request("POST", "/conversations/direct", {"userId": other.id})["id"]

    def send(self, conversation, text):
        return self.request("POST", f"/conversations/{conversation}/messages", {"text": text})

    def texts(self, conversation):
        """The texts of a conversation, in order."""
        page = self.request("GET", f"/conversations/{conversation}/messages?afterSeq=0&limit=100")
        return [message["text"] for message in page["items"]]


class Client:
    """A stock client, and all that has come to it."""

    def __init__(self, stage, transports=None, **options):
        self.stage, self.transports = stage, transports
        self.log = []
        self.changed = threading.Condition()
        self.io = socketio.Client(reconnection_delay=0.02, reconnection_delay_max=0.1, **options)
        for event in ("connect", "connect_error", "disconnect"):
            self.io.on(event, lambda *args, event=event: self.note(event, args))
        self.io.on("*", lambda event, *args: self.note(event, args))

    def note(self, event, args):
        with self.changed:
            self.log.append((event, args))
            self.changed.notify_all()

    def connect(self, auth=None, **options):
        self.io.connect(self.stage.road, auth=auth, transports=self.transports, wait_timeout=PATIENCE, **options)
        return self

    def all(self, event):
        """The arguments of each occurrence of an event, in order."""
        with self.changed:
            return [args for name, args in self.log if name == event]

    def nth(self, event, n=1):
        """Waits for the nth occurrence of an event; its arguments."""
        with self.changed:
            come = self.changed.wait_for(lambda: len(self.all(event)) >= n, PATIENCE)
            assert come, f"waited in vain for {event} ({n})\n{self.story()}"
            return self.all(event)[n - 1]

    def texts(self):
        """The texts of the messages that have come, in order."""
        return [args[0]["text"] for args in self.all("message.created")]

    def call(self, command, data=None):
        """Sends a command; its acknowledgement."""
        return self.io.call(command, data, timeout=PATIENCE)

    def story(self):
        return "\n".join(f"  {event} {json.dumps(args)[:300]}" for event, args in self.log[-40:])


def equal(actual, expected, what):
    assert actual == expected, f"{what}:\n  expected {expected!r}\n  got      {actual!r}"


class Scenario:
    """What one scenario has; its clients are closed at the end."""

    def __init__(self, stage):
        self.stage = stage
        self.clients = []

    def person(self, name):
        return Person(self.stage, name)

    def pair(self):
        """Two people and the conversation between them."""
        ada, bob = self.person("ada"), self.person("bob")
        return ada, bob, ada.open(bob)

    def client(self, transports=None, **options):
        client = Client(self.stage, transports, **options)
        self.clients.append(client)
        return client


def play(scenarios):
    """Plays scenarios one after the other; whether all went well."""
    stage = Stage()
    stage.act("start")
    well = True
    for run in scenarios:
        stage.act("mend")
        scenario, name = Scenario(stage), run.__name__.replace("_", " ")
        start = time.monotonic()
        try:
            run(scenario)
            print(f"ok      {name} ({round(1000 * (time.monotonic() - start))} ms)", flush=True)
        except Exception:
            well = False
            stories = "\n".join(client.story() for client in scenario.clients)
            print(f"FAILED  {name}\n{traceback.format_exc()}\n{stories}", flush=True)
        for client in scenario.clients:
            client.io.shutdown()
        if stage.server is None:
            stage.act("start")
    return well
