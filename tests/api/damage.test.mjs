// Files of the state folder that are damaged, cut or no files at all: an error that names the file and its rows, and nothing else suffers.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { assertProblem, Daemon, stateFolder, sums } from "./daemon.mjs";

test("a fifo in the place of a model, table or evaluation is an error at once, and others are served", { timeout: 60_000 }, async () => {
  const state = stateFolder();
  const before = await Daemon.start({ state });
  await before.csv("/datasets?name=rows", sums(200));
  for (const model of ["lost", "kept"]) {
    const { json } = await before.post("/train", { dataset: "rows", model, epochs: 2, layers: [8] });
    assert.equal((await before.finished(json.id)).state, "succeeded");
  }
  await before.stop();
  for (const file of ["models/1.model", "models/2.eval", "datasets/1.table"]) {
    rmSync(path.join(state, file));
    execFileSync("mkfifo", [path.join(state, file)]);
  }
  const after = await Daemon.start({ state });
  const ask = (model) => after.post("/predict", { model, instances: [[0.25, 0.5]] });
  const asked = Array.from({ length: 40 }, () => ask("lost")); // more than there are threads
  for (const reply of await Promise.all(asked)) assertProblem(reply, 500, /1\.model.*not a regular file/);
  assertProblem(await after.get("/models/kept/evaluation"), 500, /2\.eval is not a regular file/);
  assertProblem(await after.get("/datasets/rows/rows"), 500, /1\.table.*not a regular file/);
  assert.equal((await ask("kept")).status, 200);
  assert.match((await after.get("/datasets")).text, /"rows"/);
  assert.equal((await after.call("DELETE", "/datasets/rows")).status, 204);
  assert.equal((await after.call("DELETE", "/models/lost")).status, 204);
  await after.stop();
});
