// Plays scenarios with the stock client in a page of a real browser: `node run.mjs connecting`.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, resolve } from "node:path";

import { path } from "../node/modules.mjs";
import { print, stage } from "../node/stage.mjs";

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript" };
const [, script, name] = process.argv;
const clients = resolve(script, "../..");

// Serves the files of the pages, and what the page asks for.
async function serve(actions) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    try {
      const action = actions[pathname];
      if (request.method === "POST" && action) {
        const body = await request.reduce((body, chunk) => body + chunk, "");
        response.end(JSON.stringify((await action(JSON.parse(body))) ?? null));
      } else {
        const file = pathname === "/socket.io.js" ? path("socket.io-client/dist/socket.io.js") : clients + pathname;
        const text = await readFile(file);
        response.setHeader("Content-Type", TYPES[extname(file)]).end(text);
      }
    } catch (error) {
      if (!pathname.endsWith("favicon.ico")) print(`${pathname}: ${error.stack}`);
      response.writeHead(500).end();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${server.address().port}`;
}

function browse(url) {
  const options = [
    "--headless",
    "--user-data-dir=browser",
    "--no-first-run",
    "--disable-gpu",
    "--log-level=3",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    // Ends with this process, however that ends.
    "--remote-debugging-pipe",
  ];
  // As root there is no sandbox, and the only pages are these.
  if (process.getuid() === 0) options.push("--no-sandbox");
  const stdio = ["ignore", "ignore", "inherit", "pipe", "pipe"];
  return spawn(process.env.PARLOR_TEST_CHROMIUM, [...options, url], { stdio });
}

let end;
const ended = new Promise((resolve) => (end = resolve));
const foreign = await serve({});
const own = await serve({ "/stage": stage, "/print": print, "/world": () => ({ foreignOrigin: foreign }), "/end": end });
const browser = browse(`${own}/browser/page.html?${name}`);
const gone = once(browser, "exit").then(() => ({ failed: ["the browser"] }));
const { failed } = await Promise.race([ended, gone]);
if (failed.length > 0) print(`failed: ${failed.join(", ")}`);
browser.kill();
await gone;
process.exit(failed.length === 0 ? 0 : 1);
