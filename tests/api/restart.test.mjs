// What was acknowledged is there again after a restart.
import assert from "node:assert/strict";
import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { Daemon, assertProblem, stateFolder, sums } from "./daemon.mjs";

test("datasets, jobs, models and predictions are the same after a restart", async () => {
  const state = stateFolder();
  const before = await Daemon.start({ state });
  const { json } = await before.csv("/train?target=label&model=kept&name=rows&epochs=4&layers=8", sums(200));
  const job = await before.finished(json.id);
  const see = async (daemon) => ({
    datasets: (await daemon.get("/datasets")).json,
    profile: (await daemon.get("/datasets/rows")).json,
    rows: (await daemon.get("/datasets/rows/rows?limit=7")).json,
    models: (await daemon.get("/models")).json,
    model: (await daemon.get("/models/kept")).json,
    evaluation: (await daemon.get("/models/kept/evaluation")).json,
    prediction: (await daemon.post("/predict", { model: "kept", instances: [[0.25, 0.5]] })).json,
    job: (await daemon.get(`/jobs/${job.id}`)).json,
    events: await daemon.events(job.id),
  });
  const then = await see(before);
  await before.stop();
  const after = await Daemon.start({ state });
  assert.deepEqual(await see(after), then);
  await after.stop();
});

test("an unfinished job goes on after a restart", async () => {
  const state = stateFolder();
  const before = await Daemon.start({ state });
  await before.csv("/datasets?name=rows", sums(200));
  const { json } = await before.post("/train", { dataset: "rows", model: "on", epochs: 100000, layers: [8], batch_size: 32 });
  await before.epoch(json.id);
  await before.stop();
  const after = await Daemon.start({ state });
  await after.epoch(json.id);
  assert.equal((await after.cancel(json.id)).state, "cancelled");
  await after.stop();
});

/** Change one bit of a file, at a share of its length. */
function damage(file, at) {
  const fd = openSync(file, "r+");
  const byte = Buffer.alloc(1);
  const position = Math.floor(fstatSync(fd).size * at);
  readSync(fd, byte, 0, 1, position);
  byte[0] ^= 4;
  writeSync(fd, byte, 0, 1, position);
  closeSync(fd);
}

test("a damaged model or table is named, and an older version answers", async () => {
  const state = stateFolder();
  const before = await Daemon.start({ state });
  await before.csv("/datasets?name=rows", sums(200));
  for (let i = 0; i < 2; i++) {
    const { json } = await before.post("/train", { dataset: "rows", model: "m", epochs: 2, layers: [8] });
    assert.equal((await before.finished(json.id)).version, i + 1);
  }
  await before.stop();
  damage(path.join(state, "models", "2.model"), 0.9);
  damage(path.join(state, "datasets", "1.table"), 0);
  const after = await Daemon.start({ state });
  const ask = (version) => after.post("/predict", { model: "m", version, instances: [[0.25, 0.5]] });
  for (let i = 0; i < 2; i++) {
    const { status, json, text } = await ask();
    assert.equal(status, 200, text);
    assert.equal(json.version, 1);
  }
  assertProblem(await ask(2), 500, /damaged/);
  assertProblem(await after.get("/datasets/rows/rows"), 500, /datasets\/1\.table cannot be read/);
  assert.match(after.log, /models\/2\.model \(model m, version 2\) cannot be read/);
  assert.equal(after.log.match(/version 1 answers in the place of version 2/g).length, 1, "it is remembered");
  assert.equal((await after.get("/healthz")).status, 200);
  await after.stop();
});
