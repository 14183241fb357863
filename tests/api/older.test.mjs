// A state folder that the daemon of commit 1365acd made (tests/data/state.mjs) opens, answers as it did there, and can be recovered.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, unlinkSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Daemon, run, stateFolder } from "./daemon.mjs";

const made = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../data/state-1365acd");
const expected = JSON.parse(readFileSync(path.join(made, "expected.json"), "utf8"));

function copy() {
  const state = stateFolder();
  execFileSync("cp", ["-a", `${made}/.`, state]);
  return state;
}

/** Every figure is there and the same, save for the last digits: the processor may be another one. */
function assertNear(actual, wanted, where) {
  if (typeof wanted === "number") return assert.ok(Math.abs(actual - wanted) <= 1e-4 * (1 + Math.abs(wanted)), `${where}: ${actual}, not ${wanted}`);
  if (wanted === null || typeof wanted !== "object") return assert.deepEqual(actual, wanted, where);
  for (const [name, value] of Object.entries(wanted)) assertNear(actual?.[name], value, `${where}.${name}`);
}

async function check(daemon, { history = true } = {}) {
  assertNear((await daemon.get("/datasets")).json.datasets, expected.datasets, "datasets");
  const model = (await daemon.get("/models/m")).json;
  assert.equal(model.promoted, 1);
  for (const [version, { predictions, evaluation }] of Object.entries(expected.versions)) {
    const reply = await daemon.post("/predict", { model: "m", version: Number(version), instances: expected.instances });
    assertNear(reply.json.predictions, predictions, `predictions of version ${version}`);
    const now = (await daemon.get(`/models/m/evaluation?version=${version}`)).json;
    assert.deepEqual(now, { ...now, ...evaluation }, `evaluation of version ${version}`);
  }
  const job = await daemon.get("/jobs/1");
  if (history) assert.deepEqual(job.json.history, expected.history);
  else assert.equal(job.status, 404);
}

/** Its checkpoint is of another build: it starts again, or goes on where somebody runs that build; it ends in either case. */
async function end(daemon) {
  const job = await daemon.finished(expected.unfinished);
  assert.equal(job.state, "succeeded");
  assert.equal(job.epoch, job.epochs);
  assert.equal((await daemon.post("/predict", { model: "on", instances: expected.instances })).json.predictions.length, expected.instances.length);
}

test("a folder of commit 1365acd opens, answers as it did, and its job ends", async () => {
  const daemon = await Daemon.start({ state: copy() });
  await check(daemon);
  await end(daemon);
  await daemon.stop();
});

test("a folder of commit 1365acd can be recovered once it has been opened", async () => {
  const state = copy();
  const first = await Daemon.start({ state });
  first.child.kill("SIGKILL"); // it listens: the records are there
  await first.ended;
  for (const name of readdirSync(state)) if (name.startsWith("mlpd.db")) unlinkSync(path.join(state, name));
  assert.match((await run(["--listen=127.0.0.1:0", `--state-dir=${state}`])).stderr, /--recover/);
  const daemon = await Daemon.start({ state, flags: ["--recover"] });
  await check(daemon, { history: false });
  await end(daemon);
  await daemon.stop();
});

test("a folder of commit 1365acd that loses its catalogue before it is opened: its files speak for themselves", async () => {
  const state = copy();
  unlinkSync(path.join(state, "mlpd.db"));
  const daemon = await Daemon.start({ state, flags: ["--recover"] });
  assert.deepEqual((await daemon.get("/datasets")).json.datasets.map(({ name, rows }) => [name, rows]), [["recovered-1", 150], ["recovered-2", 60]]);
  for (const [version, { predictions, evaluation }] of Object.entries(expected.versions)) {
    const reply = await daemon.post("/predict", { model: "m", version: Number(version), instances: expected.instances });
    assertNear(reply.json.predictions, predictions, `predictions of version ${version}`);
    const { on, rows, loss, accuracy } = (await daemon.get(`/models/m/evaluation?version=${version}`)).json;
    assert.deepEqual({ on, rows, loss, accuracy }, { on: evaluation.on, rows: evaluation.rows, loss: evaluation.loss, accuracy: evaluation.accuracy });
  }
  assert.deepEqual((await daemon.get("/jobs")).json.jobs, []);
  assert.ok(readdirSync(path.join(state, "lost")).length > 0, "the checkpoint that nobody can go on from is kept");
  await daemon.stop();
});

test("--recover at the first start of a folder of commit 1365acd finds nothing to do", async () => {
  const daemon = await Daemon.start({ state: copy(), flags: ["--recover"] });
  assert.match(daemon.log, /the catalogue is whole/);
  await check(daemon);
  await daemon.stop();
});
