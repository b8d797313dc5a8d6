// The packages of package-lock.json, which lie where `cargo xtask test` has put them.

import { createRequire } from "node:module";
import { join } from "node:path";

const directory = process.env.PARLOR_TEST_NODE_MODULES;
if (!directory) throw new Error("PARLOR_TEST_NODE_MODULES is not set: run `cargo xtask test`, which installs them");

export const load = createRequire(join(directory, "load.js"));

export function path(file) {
  return join(directory, file);
}
