// A network that goes and comes back: what was missed comes first, in order, and once.

import { equal, numbered, ok } from "./toolkit.mjs";

const WAYS = { polling: ["polling"], websocket: ["websocket"], upgrade: ["polling", "websocket"] };

// A connected client of Bob, to whom Ada writes.
async function listener(t, way = "websocket") {
  const pair = await t.pair();
  const client = t.client(pair.bob, { transports: WAYS[way] });
  await client.connected();
  if (way === "upgrade") await client.transport("websocket");
  return { ...pair, client };
}

// Waits until it is connected for the nth time, as the one that it was.
async function recovered(client, n = 2) {
  const { recovered } = await client.connected(n);
  equal(recovered, true, `recovered at connection ${n}`);
  equal(client.all("resync"), [], "resyncs");
}

// Loses the network, misses messages, and gets them before those that come later.
async function missed(t, way) {
  const { ada, client, conversation } = await listener(t, way);
  await ada.send(conversation, "before");
  await client.receives(["before"], "before");
  await t.stage("cut");
  await client.nth("disconnect");
  const texts = numbered("missed", 10);
  await ada.sendAll(conversation, texts);
  await t.stage("mend");
  await ada.send(conversation, "after");
  await recovered(client);
  await client.receives(["before", ...texts, "after"], "all that came");
}

export default {
  "what was missed while polling": (t) => missed(t, "polling"),
  "what was missed on a WebSocket": (t) => missed(t, "websocket"),
  "what was missed after an upgrade": (t) => missed(t, "upgrade"),

  "the recovered client goes on as before": async (t) => {
    const { ada, client, conversation } = await listener(t);
    client.drop();
    await recovered(client);
    const { data } = await client.emit("message.send", { conversationId: conversation, text: "Here I am" });
    await ada.send(conversation, "Welcome back");
    await client.receives(["Here I am", "Welcome back"], "all that came");
    equal((await ada.texts(conversation)).length, data.seq + 1, "what is stored");
  },

  "nothing but ready had come": async (t) => {
    const { ada, client, conversation } = await listener(t);
    await t.stage("cut");
    await client.nth("disconnect");
    await ada.send(conversation, "missed");
    await t.stage("mend");
    await recovered(client);
    await client.receives(["missed"], "all that came");
  },

  "nothing at all had come": async (t) => {
    const { ada, bob, conversation } = await t.pair();
    const client = t.client(bob, { transports: WAYS.websocket });
    let drops = 0;
    client.socket.on("connect", () => {
      if (drops++ === 0) client.drop();
    });
    await client.nth("disconnect");
    equal(client.log.map(({ event }) => event), ["connect", "disconnect"], "what came before");
    await ada.send(conversation, "missed");
    await recovered(client);
    await client.receives(["missed"], "all that came");
  },

  "twice in a row, and nothing comes between": async (t) => {
    const { ada, client, conversation } = await listener(t);
    for (const n of [2, 3]) {
      client.drop();
      await ada.send(conversation, `missed ${n}`);
      await recovered(client, n);
    }
    await client.receives(["missed 2", "missed 3"], "all that came");
    client.drop();
    await recovered(client, 4);
    client.drop();
    await ada.send(conversation, "missed last");
    await recovered(client, 5);
    await client.receives(["missed 2", "missed 3", "missed last"], "all that came");
  },

  "again, while what was missed comes": async (t) => {
    const { ada, client, conversation } = await listener(t);
    await t.stage("cut");
    await client.nth("disconnect");
    const texts = await ada.sendQuickly(conversation, numbered("missed", 300));
    client.socket.on("message.created", ({ seq }) => {
      // Not at once: what the client has already taken off the network it would put aside until it is back.
      if (seq === 20) setTimeout(() => client.drop());
    });
    await t.stage("mend");
    await recovered(client, 3);
    await client.receives(texts, "all that came");
  },

  "others write all the time": async (t) => {
    const { ada, client, conversation } = await listener(t);
    const texts = [];
    let writing = true;
    const writer = (async () => {
      while (writing) {
        texts.push(`message ${texts.length + 1}`);
        await ada.send(conversation, texts.at(-1));
      }
    })();
    await client.nth("message.created", 5);
    for (const n of [2, 3, 4]) {
      await t.stage("cut");
      await client.nth("disconnect", n - 1);
      await t.stage("mend");
      await recovered(client, n);
      const seen = client.texts().length;
      await client.nth("message.created", seen + 5);
    }
    writing = false;
    await writer;
    await client.receives(texts, "all that came");
  },

  "five hundred were missed": async (t) => {
    const { ada, client, conversation } = await listener(t);
    await t.stage("cut");
    await client.nth("disconnect");
    const texts = await ada.sendQuickly(conversation, numbered("missed", 500));
    equal(texts.length, 500, "the number of messages");
    await t.stage("mend");
    await recovered(client);
    await client.receives(texts, "all that came");
  },

  "a conversation was opened meanwhile": async (t) => {
    const { bob, client } = await listener(t);
    await t.stage("cut");
    await client.nth("disconnect");
    const charles = await t.person("charles");
    const conversation = await charles.open(bob);
    await charles.sendAll(conversation, ["Hello Bob", "It is Charles"]);
    await t.stage("mend");
    await recovered(client);
    await client.receives(["Hello Bob", "It is Charles"], "all that came");
    const kinds = client.log.map(({ event }) => event);
    ok(kinds.indexOf("conversation.created") < kinds.indexOf("message.created"), `a message came first: ${kinds}`);
  },

  "both tabs of a user recover": async (t) => {
    const { ada, bob, conversation } = await t.pair();
    const tabs = [await t.world.tab(), await t.world.tab()];
    const clients = tabs.map((io) => t.client(bob, {}, io));
    await Promise.all(clients.map((client) => client.connected()));
    await t.stage("cut");
    await Promise.all(clients.map((client) => client.nth("disconnect")));
    await ada.sendAll(conversation, ["one", "two"]);
    await t.stage("mend");
    await Promise.all(clients.map((client) => recovered(client)));
    await Promise.all(clients.map((client) => client.receives(["one", "two"], "all that came")));
  },

  "the network goes silent, and tells nobody": async (t) => {
    const { ada, bob, conversation } = await t.pair();
    const clients = ["polling", "websocket"].map((way) => t.client(bob, { transports: WAYS[way] }));
    await Promise.all(clients.map((client) => client.connected()));
    await t.stage("silence");
    await ada.send(conversation, "missed");
    for (const client of clients) equal((await client.nth("disconnect")).args, ["ping timeout"], "why it ended");
    await t.stage("mend");
    await Promise.all(clients.map((client) => recovered(client)));
    await Promise.all(clients.map((client) => client.receives(["missed"], "all that came")));
  },

  "another user on the same socket gets nothing of the first": async (t) => {
    const { ada, bob, client, conversation } = await listener(t);
    await ada.send(conversation, "for Bob");
    await client.receives(["for Bob"], "before");
    const charles = await t.person("charles");
    client.socket.disconnect();
    await ada.send(conversation, "for Bob as well");
    client.socket.auth = { token: charles.token };
    client.socket.connect();
    equal((await client.connected(2)).recovered, false, "recovered");
    await client.nth("resync");
    const events = client.log.slice(client.log.indexOf(client.all("connect")[1])).map(({ event }) => event);
    equal(events, ["connect", "ready", "resync"], "what the second user gets");
    equal(client.all("resync")[0].args.slice(0, 2), [{}, {}], "what resync says");
    equal(client.all("ready")[1].args[0].userId, charles.id, "whose connection it is");
    const greeting = await bob.open(charles);
    await bob.send(greeting, "Hello Charles");
    await client.receives(["for Bob", "Hello Charles"], "all that came");
  },

  "what was sent while offline is sent once": async (t) => {
    const { ada, client, conversation } = await listener(t);
    await t.stage("cut");
    await client.nth("disconnect");
    const texts = numbered("offline", 5);
    const answers = texts.map((text, index) => {
      return client.emit("message.send", { conversationId: conversation, text, clientMessageId: `offline-${index}` });
    });
    await t.stage("mend");
    equal((await Promise.all(answers)).map(({ data }) => data.text), texts, "the acknowledgements");
    equal(await ada.texts(conversation), texts, "what is stored");
  },

  "a send that lost its answer is repeated, and stored once": async (t) => {
    const { ada, bob, conversation } = await t.pair();
    const client = t.client(bob, { transports: WAYS.websocket, ackTimeout: 500, retries: 100 });
    await client.connected();
    const answers = [];
    for (const text of numbered("retried", 5)) {
      const message = { conversationId: conversation, text, clientMessageId: text };
      answers.push(client.socket.emitWithAck("message.send", message));
      // The answer may have come by then, or not.
      await t.stage("cut");
      await client.until("the end of the connection", () => !client.socket.connected);
      await t.stage("mend");
      await client.until("the connection", () => client.socket.connected);
    }
    for (const answer of answers) ok((await answer).data, "a send is acknowledged");
    equal(await ada.texts(conversation), numbered("retried", 5), "what is stored");
  },
};
