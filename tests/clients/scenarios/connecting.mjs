// Connecting by each transport, and what every connection can do.

import { equal, numbered, ok } from "./toolkit.mjs";

const SECOND_TRANSPORT = { polling: "polling", websocket: "websocket", upgrade: "websocket" };
const WAYS = { polling: ["polling"], websocket: ["websocket"], upgrade: ["polling", "websocket"] };

// Connects, sends, is acknowledged and receives.
async function converse(t, way) {
  const { ada, bob, conversation } = await t.pair();
  const [sender, receiver] = [ada, bob].map((person) => t.client(person, { transports: WAYS[way] }));
  await Promise.all([sender.connected(), receiver.connected()]);
  await Promise.all([sender, receiver].map((client) => client.transport(SECOND_TRANSPORT[way])));
  equal(sender.log.map(({ event }) => event).slice(0, 2), ["connect", "ready"], "how a connection begins");
  equal(sender.all("ready")[0].args[0].userId, ada.id, "whose connection it is");

  const { data, problem } = await sender.emit("message.send", { conversationId: conversation, text: "Hello Bob!" });
  equal(problem, undefined, "the problem in the acknowledgement");
  const [message, place, offset] = (await receiver.nth("message.created")).args;
  // How far it has come is the sender's to know alone.
  equal(message, { ...data, delivery: null }, "what Bob gets, by what Ada was acknowledged");
  equal(place, { stream: conversation, rev: message.rev }, "where it stands");
  ok(typeof offset === "string" && offset !== "", "the last argument of an event is its offset");
  equal(await ada.texts(conversation), ["Hello Bob!"], "what is stored");
}

export default {
  "by polling alone": (t) => converse(t, "polling"),
  "by WebSocket alone": (t) => converse(t, "websocket"),
  "by polling, and then by WebSocket": (t) => converse(t, "upgrade"),

  "as the client is set by default": async (t) => {
    const { ada } = await t.pair();
    const client = t.client(ada);
    await client.connected();
    await client.transport("websocket");
  },

  "what comes while a client upgrades comes once and in order": async (t) => {
    const { ada, bob, conversation } = await t.pair();
    const receiver = t.client(bob, { transports: WAYS.upgrade });
    await receiver.nth("connect");
    const texts = numbered("while upgrading", 60);
    await Promise.all([ada.sendAll(conversation, texts), receiver.transport("websocket")]);
    await receiver.receives(texts, "all that came");
  },

  "a quiet connection stays": async (t) => {
    const { ada } = await t.pair();
    const clients = ["polling", "websocket"].map((way) => t.client(ada, { transports: WAYS[way] }));
    await Promise.all(
      clients.map(async (client) => {
        client.socket.io.on("ping", () => client.note({ event: "heartbeat", args: [] }));
        await client.nth("heartbeat", 3);
        equal(await client.emit("ping"), { data: {} }, "the answer after some heartbeats");
        equal(client.all("disconnect"), [], "ends");
      }),
    );
  },

  "every character passes every transport": async (t) => {
    const { ada, bob, conversation } = await t.pair();
    const text = 'Ünï¢ödé 😀👩‍👩‍👧 "quoted" \\ b4 451-["x"] \u2028 次';
    for (const way of ["polling", "websocket"]) {
      const [sender, receiver] = [ada, bob].map((person) => t.client(person, { transports: WAYS[way] }));
      await Promise.all([sender.connected(), receiver.connected()]);
      const { data } = await sender.emit("message.send", { conversationId: conversation, text });
      equal(data.text, text, `acknowledged by ${way}`);
      equal((await receiver.nth("message.created")).args[0].text, text, `received by ${way}`);
    }
  },

  "many messages at once by polling are all acknowledged, and come in order": async (t) => {
    const { ada, bob, conversation } = await t.pair();
    const [sender, receiver] = [ada, bob].map((person) => t.client(person, { transports: ["polling"] }));
    await Promise.all([sender.connected(), receiver.connected()]);
    const texts = numbered("burst", 100);
    const answers = await Promise.all(
      texts.map((text) => sender.emit("message.send", { conversationId: conversation, text })),
    );
    equal(answers.map(({ data }) => data.text), texts, "the acknowledgements");
    await receiver.receives(await ada.texts(conversation), "as they are stored");
    equal(receiver.texts().length, 100, "the number of messages");
  },

  "a client that disconnects is gone, and can connect again": async (t) => {
    const { ada, bob, conversation } = await t.pair();
    const client = t.client(bob);
    await client.connected();
    client.socket.disconnect();
    equal((await client.nth("disconnect")).args, ["io client disconnect"], "why it ended");
    client.socket.connect();
    await client.connected(2);
    await ada.send(conversation, "Welcome back");
    await client.nth("message.created");
  },
};
