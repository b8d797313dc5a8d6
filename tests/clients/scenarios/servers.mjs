// Several servers on one database: a client recovers on whichever it reaches.

import { equal, numbered } from "./toolkit.mjs";

const WAYS = [["polling"], ["websocket"]];

export default {
  "the next connection reaches another server": async (t) => {
    const { ada, bob, conversation } = await t.pair();
    const clients = WAYS.map((transports) => t.client(bob, { transports }));
    await Promise.all(clients.map((client) => client.connected()));
    await ada.send(conversation, "before");
    await Promise.all(clients.map((client) => client.receives(["before"], "before")));
    await t.stage("cut");
    await Promise.all(clients.map((client) => client.nth("disconnect")));
    const texts = numbered("missed", 10);
    await ada.sendAll(conversation, texts);
    await t.stage("another");
    await t.stage("mend");
    for (const client of clients) equal((await client.connected(2)).recovered, true, "recovered");
    await ada.send(conversation, "after");
    await Promise.all(clients.map((client) => client.receives(["before", ...texts, "after"], "all that came")));
  },
};
