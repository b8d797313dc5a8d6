// A server that goes and comes back: the same recovery as with a network.

import { equal, numbered } from "./toolkit.mjs";

const WAYS = [["polling"], ["websocket"], ["polling", "websocket"]];

// Clients of Bob by each transport.
async function listeners(t) {
  const pair = await t.pair();
  const clients = WAYS.map((transports) => t.client(pair.bob, { transports }));
  await Promise.all(clients.map((client) => client.connected()));
  await clients[2].transport("websocket");
  return { ...pair, clients };
}

async function recovered(clients, n = 2) {
  for (const client of clients) {
    equal((await client.connected(n)).recovered, true, `recovered at connection ${n}`);
    equal(client.all("resync"), [], "resyncs");
  }
}

async function goes(t, how) {
  const { ada, clients, conversation } = await listeners(t);
  await ada.send(conversation, "before");
  await Promise.all(clients.map((client) => client.receives(["before"], "before")));
  await t.stage(how);
  await Promise.all(clients.map((client) => client.nth("disconnect")));
  await t.stage("start");
  const texts = numbered("missed", 10);
  await ada.sendAll(conversation, texts);
  await t.stage("mend");
  await ada.send(conversation, "after");
  await recovered(clients);
  await Promise.all(clients.map((client) => client.receives(["before", ...texts, "after"], "all that came")));
}

export default {
  "a server is killed": (t) => goes(t, "kill"),
  "a server is stopped": (t) => goes(t, "stop"),

  "a server is killed twice": async (t) => {
    const { ada, clients, conversation } = await listeners(t);
    for (const n of [2, 3]) {
      await t.stage("kill");
      await Promise.all(clients.map((client) => client.nth("disconnect", n - 1)));
      await t.stage("start");
      await ada.send(conversation, `missed ${n}`);
      await t.stage("mend");
      await recovered(clients, n);
    }
    await Promise.all(clients.map((client) => client.receives(["missed 2", "missed 3"], "all that came")));
  },

  "a server is stopped while messages come": async (t) => {
    const { ada, clients, conversation } = await listeners(t);
    let written = 0;
    const writer = async () => {
      // Until the server takes nothing more.
      while (await ada.send(conversation, `message ${++written}`).then(() => true, () => false));
    };
    const writers = [1, 2, 3, 4].map(writer);
    await Promise.all(clients.map((client) => client.nth("message.created", 20)));
    await t.stage("stop");
    await Promise.all(writers);
    await t.stage("start");
    await t.stage("mend");
    await recovered(clients);
    await ada.send(conversation, "after");
    const stored = await ada.texts(conversation);
    await Promise.all(clients.map((client) => client.receives(stored, "all that came")));
  },

  "what was acknowledged when the server was killed is there once, and comes": async (t) => {
    const { ada, bob, conversation } = await t.pair();
    const [sender, receiver] = [ada, bob].map((person) => {
      return t.client(person, { transports: ["websocket"], ackTimeout: 1000, retries: 100 });
    });
    await Promise.all([sender.connected(), receiver.connected()]);
    const texts = numbered("under way", 50);
    const sent = texts.map((text) => {
      return sender.socket.emitWithAck("message.send", { conversationId: conversation, text, clientMessageId: text });
    });
    await sent[20];
    await t.stage("kill");
    await t.stage("start");
    await t.stage("mend");
    equal((await Promise.all(sent)).map(({ data }) => data.text), texts, "the acknowledgements");
    equal(await ada.texts(conversation), texts, "what is stored");
    await recovered([receiver]);
    await receiver.receives(texts, "all that came");
  },
};
