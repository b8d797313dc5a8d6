// Who connects, and what those are told who may not.

import { equal, ok, rest } from "./toolkit.mjs";

const TRANSPORTS = ["polling", "websocket"];

// What REST answers to the same credential.
async function problemOf(t, token) {
  try {
    await rest(t.server, "GET", "/users/me", undefined, token);
  } catch (error) {
    return error.problem;
  }
  throw new Error("REST takes it");
}

async function refused(t, auth, token) {
  const expected = await problemOf(t, token);
  for (const transport of TRANSPORTS) {
    const client = t.client(undefined, { transports: [transport], auth });
    const { error } = await client.nth("connect_error");
    equal(error.message, expected.code, `the message by ${transport}`);
    for (const member of ["type", "title", "status", "code"]) {
      equal(error.data[member], expected[member], `the problem's ${member}`);
    }
    ok(!client.socket.active, "a refused client does not try again by itself");
    client.close();
  }
}

export default {
  "nobody is told that a token is needed": (t) => refused(t, undefined, undefined),
  "a token that nobody made is refused": (t) => refused(t, { token: "nonsense" }, "nonsense"),

  "a session that has ended is refused": async (t) => {
    const ada = await t.person("ada");
    await ada.post("/auth/logout");
    await refused(t, { token: ada.token }, ada.token);
  },

  "who was refused may connect with a better token": async (t) => {
    const ada = await t.person("ada");
    let token = "nonsense";
    const client = t.client(undefined, { auth: (answer) => answer({ token }) });
    await client.nth("connect_error");
    token = ada.token;
    client.socket.connect();
    await client.connected();
    equal((await client.nth("ready")).args[0].userId, ada.id, "whose connection it is");
  },

  "an Authorization header says it as well": async (t) => {
    const ada = await t.person("ada");
    // Pages can't set headers of WebSockets.
    const ways = [["polling"], ["polling", "websocket"], ...(t.world.browser ? [] : [["websocket"]])];
    for (const transports of ways) {
      const client = t.client(undefined, { transports, extraHeaders: { Authorization: `Bearer ${ada.token}` } });
      await client.connected();
      if (transports.length === 2) await client.transport("websocket");
      equal(client.all("ready")[0].args[0].userId, ada.id, "whose connection it is");
    }
  },

  "a ticket serves once": async (t) => {
    const ada = await t.person("ada");
    const { ticket } = await ada.post("/ws/ticket");
    const client = t.client(undefined, { auth: { ticket }, reconnection: false });
    await client.connected();
    const second = t.client(undefined, { auth: { ticket } });
    equal((await second.nth("connect_error")).error.message, "invalid_token", "the second use");
  },

  "there is no other namespace": async (t) => {
    const ada = await t.person("ada");
    const client = t.client(ada, { namespace: "/nope" });
    equal((await client.nth("connect_error")).error.message, "Invalid namespace", "the message");
  },

  "who logs out is told, and the connection ends for good": async (t) => {
    for (const transport of TRANSPORTS) {
      const ada = await t.person("ada");
      const elsewhere = await ada.logIn();
      const client = t.client(ada, { transports: [transport] });
      const other = t.client(elsewhere, { transports: [transport] });
      await Promise.all([client.connected(), other.connected()]);
      await ada.post("/auth/logout");
      const [{ sessionId }] = (await client.nth("session.revoked")).args;
      equal(sessionId, client.all("ready")[0].args[0].sessionId, "the session that was revoked");
      equal((await client.nth("disconnect")).args, ["io server disconnect"], `why it ended by ${transport}`);
      ok(!client.socket.active, "it does not try again by itself");
      equal(await other.emit("ping"), { data: {} }, "the other session");
      client.close();
      other.close();
    }
  },
};
