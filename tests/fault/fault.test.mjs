// Every allocation, write, fsync, rename, thread and accept that a scenario reaches fails once, in turn. The daemon lives on, answers
// 503 or 507 or drops the connection, keeps what it acknowledged, leaves nothing half made, leaks nothing, and the same request works
// once the cause is gone. The same at the start, which may give up, saying why. MLPD_FAULT_STRIDE: only each n-th allocation (1).
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import path from "node:path";
import { after, test } from "node:test";
import { Daemon, stateFolder, sums } from "../api/daemon.mjs";
import { EIO, ENOSPC, Faults, KINDS } from "./fault.mjs";

const stride = Number(process.env.MLPD_FAULT_STRIDE ?? 1);
const patience = Number(process.env.MLPD_TEST_PATIENCE ?? 1); // a sanitizer's rounds take longer: fewer of them
const strideOf = (kind) => (kind === "malloc" ? stride : kind === "accept" || kind === "rename" ? 1 : patience);
const ROWS = 60;
const csv = sums(ROWS);
const limit = () => AbortSignal.timeout(30000);

const faults = new Faults();
after(() => faults.close());

/** A reply, or undefined where the connection went without one. */
async function ask(daemon, method, where, body, type = "application/json") {
  try {
    const reply = await fetch(daemon.url + where, { method, body, headers: { "Content-Type": type, Connection: "close" }, signal: limit() });
    const bytes = Buffer.from(await reply.arrayBuffer());
    return { status: reply.status, headers: reply.headers, bytes, text: () => bytes.toString(), json: () => JSON.parse(bytes.toString()) };
  } catch (error) {
    if (error.name === "TimeoutError") throw new Error(`no answer to ${method} ${where}`, { cause: error });
    return undefined;
  }
}

/** Once more where a fault met it. `done`: statuses that say it is so, `already`: that it was so, after a connection that went. */
async function insist(daemon, done, already, ...request) {
  let sure = true;
  const met = [];
  for (let turn = 0; turn < 3; turn++) {
    const reply = await ask(daemon, ...request);
    if (!reply) {
      assert.equal(daemon.child.exitCode, null, `the daemon has ended:\n${daemon.log}`);
      assert.equal(daemon.child.signalCode, null, `the daemon has died:\n${daemon.log}`);
      sure = false;
      met.push("no answer");
    } else if (done.includes(reply.status) || (!sure && already.includes(reply.status))) {
      return reply;
    } else {
      met.push(`${reply.status} ${reply.text()}`);
      assert.ok([503, 507].includes(reply.status), `${request[0]} ${request[1]}: ${met.join(", then ")}`);
    }
  }
  assert.fail(`${request[0]} ${request[1]} does not recover\n${daemon.log}`);
}

/** The job once it has ended, by its events. */
async function jobEnd(daemon, where) {
  for (let turn = 0; turn < 3; turn++) {
    const reply = await ask(daemon, "GET", `${where}/events`);
    if (reply?.status === 200 && /event: done/.test(reply.text())) break;
    assert.ok(!reply || [200, 503, 507].includes(reply.status), reply?.text());
  }
  return (await insist(daemon, [200], [], "GET", where)).json();
}

/** Trains the model m, which may need a second job where the fault met the first. */
async function train(daemon, d, m) {
  for (let turn = 0; turn < 3; turn++) {
    const request = { dataset: d, model: m, layers: [8], epochs: 2, batch_size: 16, validation_split: 0.2, seed: 1 };
    const made = await insist(daemon, [202], [], "POST", "/train", JSON.stringify(request));
    const job = await jobEnd(daemon, made.headers.get("location"));
    if (job.state === "succeeded") return;
    assert.equal(job.state, "failed", JSON.stringify(job));
    assert.match(job.error.detail, /memory|No space|Input\/output|cannot|thread/i, "a failed job says why");
  }
  assert.fail("training does not recover");
}

/** What a user does, with what each step must have left. */
async function scenario(daemon, i) {
  const [d, m, copy] = [`d${i}`, `m${i}`, `c${i}`];
  await insist(daemon, [201], [409], "POST", `/datasets?name=${d}`, csv, "text/csv");
  await train(daemon, d, m);
  const row = '{"a":0.9,"b":0.8}';
  const said = (await insist(daemon, [200], [], "POST", "/predict", `{"model":"${m}","instances":[${row}]}`)).json();
  assert.equal(said.predictions.length, 1);
  assert.equal((await insist(daemon, [200], [], "POST", `/predict?model=${m}`, "a,b\n0.9,0.8\n", "text/csv")).json().predictions.length, 1);
  assert.equal((await insist(daemon, [200], [], "GET", `/datasets/${d}`)).json().rows, ROWS);
  const parts = [`${d}-a`, `${d}-b`];
  await insist(daemon, [201], [409], "POST", `/datasets/${d}/split`, JSON.stringify({ names: parts, share: 0.25 }));
  const there = (await insist(daemon, [200], [], "GET", "/datasets")).json().datasets.map(({ name }) => name);
  assert.deepEqual(there.sort(), [d, ...parts], "a split leaves both parts, or none to try again with");
  for (const part of parts) await insist(daemon, [204], [404], "DELETE", `/datasets/${part}`);
  await insist(daemon, [200], [], "GET", `/models/${m}/evaluation`);
  const file = (await insist(daemon, [200], [], "GET", `/models/${m}/file`)).bytes;
  await insist(daemon, [201], [], "PUT", `/models/${copy}/file`, file, "application/octet-stream");
  await insist(daemon, [200], [], "GET", "/metrics");
  await insist(daemon, [204], [404], "DELETE", `/models/${copy}`);
  return { datasets: [d], models: [m] };
}

/** How a start ends where a call of it fails: it listens, or it says why not. */
async function start(state) {
  try {
    const daemon = await Daemon.start({ state, flags: ["--threads=2"], env: faults.env });
    await insist(daemon, [200], [], "GET", "/healthz"); // the fault may meet the first connection
    await daemon.stop();
    return true;
  } catch (error) {
    assert.match(error.message, /ended \([12]\) before it listened:\n.*\S/s, "it says why");
    return false;
  }
}

const names = (list) => list.map((each) => each.name).sort();

/** Without faults: exactly what was acknowledged is there; then it goes. */
async function settle(daemon, left) {
  faults.disarm();
  assert.deepEqual(names((await daemon.get("/datasets")).json.datasets), left.datasets);
  assert.deepEqual(names((await daemon.get("/models")).json.models), left.models);
  for (const name of left.models) assert.equal((await daemon.call("DELETE", `/models/${name}`)).status, 204);
  for (const name of left.datasets) assert.equal((await daemon.call("DELETE", `/datasets/${name}`)).status, 204);
  for (const { id } of (await daemon.get("/jobs")).json.jobs) assert.equal((await daemon.call("DELETE", `/jobs/${id}`)).status, 204);
}

/** Only what an empty state folder holds. */
function assertEmpty(state) {
  for (const folder of readdirSync(state, { withFileTypes: true }))
    if (folder.isDirectory()) assert.deepEqual(readdirSync(path.join(state, folder.name)), [], `${folder.name} holds nothing`);
}

/** A daemon that has grown its caches, and how many calls of the kind a round of the scenario makes then, at least. */
async function warm(t, kind) {
  const daemon = await Daemon.start({ flags: ["--threads=2"], env: faults.env });
  t.after(() => daemon.child.kill("SIGKILL"));
  let count = Infinity;
  for (let i = 0; i < (kind === "malloc" ? 16 : 5); i++) { // other kinds than malloc do not depend on caches
    faults.disarm();
    const left = await scenario(daemon, `w${i}`);
    count = Math.min(count, faults.calls(kind));
    await settle(daemon, left);
  }
  return { daemon, count };
}

for (const [kind, error] of [["malloc", ENOSPC], ["write", ENOSPC], ["write", EIO], ["fsync", EIO], ["rename", EIO], ["accept", ENOSPC]]) {
  test(`each ${kind} fails once (error ${error})`, async (t) => {
    const { daemon, count } = await warm(t, kind);
    assert.ok(count > 0, `the scenario reaches ${kind}`);
    let [met, reached] = [0, 0];
    for (let k = 1; k <= count; k += strideOf(kind)) {
      faults.arm(kind, k, { error });
      const left = await scenario(daemon, k);
      met += faults.failed(kind);
      reached++;
      await settle(daemon, left);
    }
    t.diagnostic(`${count} ${kind}: ${reached} rounds, ${met} calls failed`);
    assert.ok(met >= 0.9 * reached, "nearly every round met its fault: threads make the number of calls vary a little");
    await daemon.stop();
    assertEmpty(daemon.state);
  });
}

// Where the removal of files or of a row fails too, later changes must catch up with it.
for (const [kind, error, calls] of [["malloc", ENOSPC, 1], ["malloc", ENOSPC, 40], ["write", ENOSPC, 10], ["fsync", EIO, 3], ["rename", EIO, 1]]) {
  test(`each ${kind} of a model's import and removal fails, ${calls} in a row`, async (t) => {
    faults.disarm();
    const daemon = await Daemon.start({ flags: ["--threads=2"], env: faults.env });
    t.after(() => daemon.child.kill("SIGKILL"));
    await insist(daemon, [201], [], "POST", "/datasets?name=d", csv, "text/csv");
    await train(daemon, "d", "m");
    const file = (await insist(daemon, [200], [], "GET", "/models/m/file")).bytes;
    const round = async () => {
      const made = await ask(daemon, "PUT", "/models/copy/file", file, "application/octet-stream");
      assert.ok(!made || [201, 503, 507].includes(made.status), made?.text());
      const gone = await ask(daemon, "DELETE", "/models/copy");
      assert.ok(!gone || [204, 404, 503, 507].includes(gone.status), gone?.text());
    };
    faults.disarm();
    await round();
    const count = faults.calls(kind);
    let met = 0;
    for (let k = 1; k <= count; k += strideOf(kind)) {
      faults.arm(kind, k, { error, calls });
      await round();
      met += faults.failed(kind) > 0;
      faults.disarm();
    }
    t.diagnostic(`${count} ${kind}: ${met} rounds met it`);
    assert.ok(met > 0);
    await insist(daemon, [204, 404], [], "DELETE", "/models/copy");
    await settle(daemon, { datasets: ["d"], models: ["m"] });
    await daemon.stop();
    assertEmpty(daemon.state);
  });
}

for (const [kind, error] of [["malloc", ENOSPC], ["write", ENOSPC], ["fsync", EIO], ["thread", ENOSPC]]) {
  test(`each ${kind} fails once at the start`, async (t) => {
    const state = stateFolder();
    await start(state);
    faults.disarm();
    await start(state);
    const count = faults.calls(kind);
    assert.ok(count > 0, `the start reaches ${kind}`);
    let [met, reached, listened] = [0, 0, 0];
    for (let k = 1; k <= count; k += strideOf(kind)) {
      faults.arm(kind, k, { error });
      listened += await start(state);
      met += faults.failed(kind);
      reached++;
    }
    faults.disarm();
    assert.ok(await start(state), "the next start works");
    t.diagnostic(`${count} ${kind}: ${reached} starts, ${met} calls failed, ${listened} starts worked all the same`);
    assert.equal(met, reached);
  });
}
