// What was acknowledged is there again after a restart.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Daemon, stateFolder, sums } from "./daemon.mjs";

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
  await before.events(json.id, { stop: ({ event }) => event === "epoch" });
  await before.stop();
  const after = await Daemon.start({ state });
  await after.events(json.id, { stop: ({ event }) => event === "epoch" });
  const cancelled = await after.call("POST", `/jobs/${json.id}/cancel`);
  assert.equal(cancelled.json.state, "cancelled");
  await after.stop();
});
