// Every write, fsync and rename of `--recover` fails once, in turn. Whatever such a start came to, the next one with --recover serves the
// same datasets and models as before the loss.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, rmSync, unlinkSync } from "node:fs";
import path from "node:path";
import { after, test } from "node:test";
import { Daemon, stateFolder, sums } from "../api/daemon.mjs";
import { EIO, ENOSPC, Faults } from "./fault.mjs";

const ROWS = 60;
const patience = Number(process.env.MLPD_TEST_PATIENCE ?? 1); // a sanitizer's rounds take longer: fewer of them
const faults = new Faults();
after(() => faults.close());

/** What must survive: each dataset's rows and checksum of its rows, and what the model says. */
async function said(daemon) {
  const datasets = (await daemon.get("/datasets")).json.datasets.map(({ name, rows }) => [name, rows]);
  const rows = (await daemon.get("/datasets/d/rows?limit=5")).json.rows;
  const reply = await daemon.post("/predict", { model: "m", instances: [{ a: 0.9, b: 0.8 }] });
  return { datasets: datasets.sort(), rows, status: reply.status, predictions: reply.json.predictions };
}

/** A folder with two datasets and a model, whose catalogue is lost. */
async function folder() {
  const state = stateFolder();
  const daemon = await Daemon.start({ state });
  for (const name of ["d", "e"])
    assert.equal((await fetch(`${daemon.url}/datasets?name=${name}`, { method: "POST", body: sums(ROWS), headers: { "Content-Type": "text/csv" } })).status, 201);
  const job = await daemon.post("/train", { dataset: "d", model: "m", layers: [8], epochs: 2, seed: 1 });
  assert.equal((await daemon.finished(job.json.id)).state, "succeeded");
  const expected = await said(daemon);
  assert.equal(expected.status, 200);
  await daemon.stop();
  for (const name of readdirSync(state)) if (name.startsWith("mlpd.db")) unlinkSync(path.join(state, name));
  return { state, expected };
}

/** A start with --recover; false where it gave up, saying why. */
async function recover(state) {
  try {
    const daemon = await Daemon.start({ state, flags: ["--recover"], env: faults.env });
    await daemon.stop();
    return true;
  } catch (error) {
    assert.match(error.message, /ended \([12]\) before it listened:\n.*\S/s, "it says why");
    return false;
  }
}

const made = await folder();

// kind, error, in how many calls, and only each n-th of the kind
const CASES = [["write", ENOSPC, 1, 17], ["write", ENOSPC, 100000, 26], ["fsync", EIO, 1, 1], ["rename", EIO, 1, 1]];
for (const [kind, error, calls, step] of CASES)
  test(`--recover after one whose ${kind} failed (${calls} in a row)`, async (t) => {
    let gaveUp = 0, rounds = 0;
    for (let k = 1, met = true; met; k += step * patience) {
      const state = stateFolder();
      execFileSync("cp", ["-a", `${made.state}/.`, state]);
      faults.arm(kind, k, { error, calls });
      if (!(await recover(state))) gaveUp++;
      met = faults.failed(kind) > 0;
      faults.disarm();
      rounds++;
      const daemon = await Daemon.start({ state, flags: ["--recover"] });
      assert.deepEqual(await said(daemon), made.expected, `${kind} ${k} of ${calls}`);
      await daemon.stop();
      rmSync(state, { recursive: true });
    }
    t.diagnostic(`${rounds} starts, of which ${gaveUp} gave up`);
    assert.ok(rounds > 1 && gaveUp > 0, "some call failed");
  });
