// README's curls run as they stand, in their order, from the repository's folder; only the port is another.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { Daemon } from "./daemon.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/** The lines of a document's blocks of shell that begin with curl. */
const curls = (page) =>
  [...readFileSync(path.join(root, page), "utf8").matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block]) => block.match(/^curl .*$/gm) ?? []);

test("README's curls run as they stand, and each is answered with success", async () => {
  const daemon = await Daemon.start();
  const commands = curls("README.md");
  assert.equal(commands.length, 5);
  const said = [];
  for (const command of commands) {
    const here = command.replaceAll("localhost:8080", `localhost:${daemon.port}`).replace(/^curl /, "curl --silent --show-error --fail-with-body ");
    said.push((await promisify(execFile)("bash", ["-c", here], { cwd: root })).stdout);
    if (/\/train/.test(command)) await daemon.finished(JSON.parse(said.at(-1)).id);
  }
  assert.equal(JSON.parse(said[0]).rows, 150);
  assert.match(said[3], /event: done/);
  assert.equal(JSON.parse(said[4]).predictions[0].label, "setosa");
  await daemon.stop();
});

test("the tutorial begins with the same curls", () => {
  assert.deepEqual(curls("docs/tutorial.md").slice(0, 5), curls("README.md"));
});
