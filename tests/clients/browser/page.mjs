// Plays scenarios with the stock client in this page: `page.html?connecting`.

import { play } from "../scenarios/toolkit.mjs";

async function tell(path, body) {
  const response = await fetch(path, { method: "POST", body: JSON.stringify(body) });
  return response.json();
}

// A browsing context of its own, with a client of its own.
function frame(url) {
  return new Promise((resolve) => {
    const frame = document.createElement("iframe");
    frame.src = url;
    frame.onload = () => resolve(frame.contentWindow);
    document.body.append(frame);
  });
}

// Has a page of a foreign origin do something; its answer.
async function foreign(origin, task) {
  const page = await frame(`${origin}/browser/foreign.html`);
  return new Promise((resolve) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = ({ data }) => resolve(data);
    page.postMessage(task, "*", [channel.port2]);
  });
}

const world = {
  io,
  tab: async () => (await frame("/browser/tab.html")).io,
  stage: (request) => tell("/stage", request),
  print: (text) => tell("/print", text),
  foreign,
  browser: true,
  // Only pages that the server allows may use it from here.
  set: [`server.origins=${location.origin}`],
};

try {
  const { default: scenarios } = await import(`../scenarios/${location.search.slice(1)}.mjs`);
  await tell("/end", { failed: await play(scenarios, { ...world, ...(await tell("/world", {})) }) });
} catch (error) {
  await tell("/print", `the page has failed: ${error.stack}`);
  await tell("/end", { failed: ["the page"] });
}
