// The way to the test that started this: it runs the server, and does to it what a scenario asks for.

import { createInterface } from "node:readline";

const waiting = [];
createInterface({ input: process.stdin }).on("line", (line) => waiting.shift()?.(JSON.parse(line)));

// One line is one request, and one line its answer: where the server is, and the road to it.
export function stage(request) {
  return new Promise((resolve) => {
    waiting.push(resolve);
    process.stdout.write(`stage ${JSON.stringify(request)}\n`);
  });
}

export function print(text) {
  process.stdout.write(`${text}\n`);
}
