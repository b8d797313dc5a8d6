// Commands and their acknowledgements.

import { equal, ok } from "./toolkit.mjs";

const NOBODY = "0".repeat(24);

// A connected client, and what it needs for a conversation.
async function connected(t, transport) {
  const pair = await t.pair();
  const client = t.client(pair.ada, { transports: [transport] });
  await client.connected();
  return { ...pair, client };
}

async function stays(client) {
  equal(await client.emit("ping", {}), { data: {} }, "the answer to ping");
  equal(client.all("disconnect"), [], "ends");
}

function eachTransport(run) {
  return async (t) => {
    for (const transport of ["polling", "websocket"]) await run(t, transport);
  };
}

export default {
  "a command that fails is acknowledged with the problem that REST answers": eachTransport(async (t, transport) => {
    const { ada, client } = await connected(t, transport);
    const { problem } = await client.emit("message.send", { conversationId: NOBODY, text: "Hello" });
    const expected = await ada.send(NOBODY, "Hello").catch((error) => error.problem);
    for (const member of ["type", "title", "status", "detail", "code"]) {
      equal(problem[member], expected[member], `the problem's ${member}`);
    }
    await stays(client);
  }),

  "a problem names the field": eachTransport(async (t, transport) => {
    const { client, conversation } = await connected(t, transport);
    const { problem } = await client.emit("message.send", { conversationId: conversation, text: "" });
    equal([problem.status, problem.code], [422, "validation_failed"], "the problem");
    equal(problem.errors.map(({ field }) => field), ["text"], "the fields");
  }),

  "binary data is refused, and the connection stays": eachTransport(async (t, transport) => {
    const { client } = await connected(t, transport);
    for (const data of [new Uint8Array([1, 2, 3]), { text: new Uint8Array([4]) }]) {
      const { problem } = await client.emit("message.send", data);
      equal(problem.code, "validation_failed", "the problem");
      equal(problem.errors.map(({ field }) => field), ["data"], "the fields");
    }
    await stays(client);
  }),

  "more than one argument is refused": eachTransport(async (t, transport) => {
    const { client, conversation } = await connected(t, transport);
    const { problem } = await client.emit("message.send", { conversationId: conversation, text: "Hello" }, "more");
    equal(problem.code, "validation_failed", "the problem");
    await stays(client);
  }),

  "an unknown command is refused": eachTransport(async (t, transport) => {
    const { client } = await connected(t, transport);
    equal((await client.emit("message.shout", {})).problem.code, "unknown_command", "the problem");
    equal((await client.emit("auth", { token: "x" })).problem.code, "already_authenticated", "the problem");
    await stays(client);
  }),

  "without a callback a problem comes as an event": eachTransport(async (t, transport) => {
    const { client } = await connected(t, transport);
    client.socket.emit("message.send", { conversationId: NOBODY, text: "Hello" });
    const [problem, about, offset] = (await client.nth("problem")).args;
    equal([problem.status, problem.code], [404, "not_found"], "the problem");
    equal(about, { command: "message.send" }, "what it is about");
    ok(typeof offset === "string", "its last argument is an offset");
  }),

  "a repeat with the same clientMessageId is the same message": async (t) => {
    const { ada, client, conversation } = await connected(t, "websocket");
    const message = { conversationId: conversation, text: "once", clientMessageId: "the-one" };
    const answers = await Promise.all([1, 2, 3].map(() => client.emit("message.send", message)));
    for (const { data } of answers) equal(data.id, answers[0].data.id, "the message");
    equal(await ada.texts(conversation), ["once"], "what is stored");
  },

  "typing, receipts and a status reach the other": async (t) => {
    const { ada, bob, client, conversation } = await connected(t, "websocket");
    const other = t.client(bob, { transports: ["polling"] });
    await other.connected();
    equal(await other.emit("typing.start", { conversationId: conversation }), { data: {} }, "the answer to typing");
    const [typing] = (await client.nth("typing")).args;
    equal([typing.userId, typing.typing], [bob.id, true], "who types");

    await ada.send(conversation, "Read me");
    const { data } = await other.emit("receipt.read", { conversationId: conversation, seq: 1 });
    equal(data.readSeq, 1, "how far Bob has read");
    const receipt = await client.until("the receipt", () => {
      return client.all("receipt.updated").find(({ args }) => args[0].readSeq === 1);
    });
    equal(receipt.args[0].userId, bob.id, "who has read it");

    const status = await other.emit("status.set", { kind: "away", text: "at lunch" });
    equal(status.data.status.kind, "away", "Bob's status");
    await client.until("the status", () => {
      return client.all("presence.updated").some(({ args }) => args[0].status.kind === "away");
    });
  },

  "two tabs of a user both get what comes, and each other's messages": async (t) => {
    const { ada, bob, conversation } = await t.pair();
    const tabs = [await t.world.tab(), await t.world.tab()];
    const [one, two] = tabs.map((io) => t.client(bob, {}, io));
    await Promise.all([one.connected(), two.connected()]);
    ok(one.socket.id !== two.socket.id, "they are two connections");
    await ada.send(conversation, "Hello Bob");
    await Promise.all([one, two].map((tab) => tab.receives(["Hello Bob"], "what both get")));
    const { data } = await one.emit("message.send", { conversationId: conversation, text: "Hello Ada" });
    const [message] = (await two.nth("message.created", 2)).args;
    equal(message, data, "what the other tab gets");
    one.close();
    await ada.send(conversation, "Still there?");
    await two.receives(["Hello Bob", "Hello Ada", "Still there?"], "what is left gets all");
  },
};
