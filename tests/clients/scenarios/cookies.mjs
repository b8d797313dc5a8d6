// Cookies, which a browser sends along by itself: they serve pages of allowed origins, and no others. For web pages only.

import { PASSWORD, equal, within } from "./toolkit.mjs";

const WAYS = [["polling"], ["websocket"], ["polling", "websocket"]];

// Signs in with cookies alone, as this browser.
async function browse(t, person) {
  const request = {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ login: person.username, password: PASSWORD, session: "cookie" }),
    credentials: "include",
  };
  const response = await within(fetch(`${t.road}/api/v1/auth/login`, request), "the login");
  equal(response.status, 200, "the status of the login");
  equal((await response.json()).accessToken, undefined, "the token, which scripts must not see");
}

export default {
  "a page of an allowed origin connects by its cookies": async (t) => {
    const { ada, bob, conversation } = await t.pair();
    await browse(t, bob);
    for (const transports of WAYS) {
      const client = t.client(undefined, { transports, withCredentials: true });
      await client.connected();
      if (transports.length === 2) await client.transport("websocket");
      equal(client.all("ready")[0].args[0].userId, bob.id, "whose connection it is");
      const text = `by ${transports}`;
      const { data } = await client.emit("message.send", { conversationId: conversation, text });
      equal(data.senderId, bob.id, "who has sent it");
      await ada.send(conversation, `to ${transports}`);
      await client.until("the message", () => client.texts().includes(`to ${transports}`));
      client.close();
    }
  },

  "it recovers by them": async (t) => {
    const { ada, bob, conversation } = await t.pair();
    await browse(t, bob);
    const clients = WAYS.map((transports) => t.client(undefined, { transports, withCredentials: true }));
    await Promise.all(clients.map((client) => client.connected()));
    await t.stage("cut");
    await Promise.all(clients.map((client) => client.nth("disconnect")));
    await ada.send(conversation, "missed");
    await t.stage("mend");
    for (const client of clients) {
      equal((await client.connected(2)).recovered, true, "recovered");
      await client.receives(["missed"], "all that came");
    }
  },

  "without them nobody is known": async (t) => {
    const bob = await t.person("bob");
    await browse(t, bob);
    const client = t.client(undefined, { transports: ["polling"] });
    equal((await client.nth("connect_error")).error.message, "unauthenticated", "the message");
  },

  "a page of a foreign origin is refused, whatever it tries": async (t) => {
    const { ada, bob } = await t.pair();
    await browse(t, bob);
    const tasks = [
      ...WAYS.map((transports) => ({ name: "connect", transports, allowed: "connected" })),
      { name: "hijack", allowed: "connected" },
      { name: "handshake", allowed: "200" },
    ];
    const attempt = async ({ allowed, ...task }, origin, expected) => {
      const answer = t.world.foreign(origin, { ...task, url: t.road });
      equal(await within(answer, `a page's ${task.name}`), expected, JSON.stringify(task));
    };
    for (const task of tasks) await attempt(task, t.world.foreignOrigin, "refused");
    const { presence } = await ada.get(`/users/${bob.id}`);
    equal([presence.online, presence.lastSeenAt], [false, null], "Bob, for whom nobody has connected");
    // The same page is let in from an origin that is allowed.
    for (const task of tasks) await attempt(task, location.origin, task.allowed);
  },
};
