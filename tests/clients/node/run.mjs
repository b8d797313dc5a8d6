// Plays scenarios with the stock client in Node: `node run.mjs connecting`.

import { pathToFileURL } from "node:url";
import { resolve } from "node:path";

import { play } from "../scenarios/toolkit.mjs";
import { load } from "./modules.mjs";
import { print, stage } from "./stage.mjs";

const { io } = load("socket.io-client");
const [, script, name] = process.argv;
const file = resolve(script, `../../scenarios/${name}.mjs`);
const { default: scenarios } = await import(pathToFileURL(file));
// Another tab is, in Node, just another connection.
const failed = await play(scenarios, { io, tab: async () => io, stage, print, browser: false });
process.exit(failed.length === 0 ? 0 : 1);
