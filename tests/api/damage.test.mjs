// Files of the state folder that are damaged, cut or no files at all: an error that names the file and its rows, and nothing else suffers.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, openSync, readdirSync, readSync, rmSync, truncateSync, writeSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { assertProblem, Daemon, stateFolder, sums, until } from "./daemon.mjs";

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

const RECORDS_AT = 4096; // where a table's records begin
const RECORD = 12; // two floats and a class

/** Change one bit of the record of a row. */
function damage(file, row) {
  const fd = openSync(file, "r+");
  const byte = Buffer.alloc(1);
  readSync(fd, byte, 0, 1, RECORDS_AT + row * RECORD + 2);
  byte[0] ^= 8;
  writeSync(fd, byte, 0, 1, RECORDS_AT + row * RECORD + 2);
  closeSync(fd);
}

const N = 200_000; // rows: several groups
const csv = sums(N);
const lines = csv.split("\n").slice(1, N + 1);

/** A daemon on a folder with the table 1 of `csv`, in which these rows were damaged while no daemon ran, and the small table 2. */
async function damagedDaemon(rows) {
  const state = stateFolder();
  const before = await Daemon.start({ state });
  assert.equal((await before.csv("/datasets?name=rows", csv)).status, 201);
  assert.equal((await before.csv("/datasets?name=small", sums(300))).status, 201);
  await before.stop();
  for (const row of rows) damage(path.join(state, "datasets/1.table"), row);
  return Daemon.start({ state, flags: ["--scrub-rate=0"] });
}

const asLine = ([a, b, label]) => `${a.toFixed(4)},${b.toFixed(4)},${label}`;

test("rows of damaged groups are refused by name, the others are served", { timeout: 120_000 }, async () => {
  const daemon = await damagedDaemon([1000, 150_000]);
  for (const row of [1000, 150_000]) {
    const reply = await daemon.get(`/datasets/rows/rows?offset=${row}&limit=1`);
    assertProblem(reply, 500, /rows \d+ to \d+ of 1\.table are damaged/);
    const [, first, last] = /rows (\d+) to (\d+)/.exec(reply.json.detail).map(Number);
    assert.ok(first <= row + 1 && row + 1 <= last && last - first < N / 2, reply.json.detail);
    assert.equal(reply.json.row, first);
    assertProblem(await daemon.get(`/datasets/rows/rows?index=${first - 1},0,${last - 1}`), 500, /1\.table/);
    if (last < N) assert.equal((await daemon.get(`/datasets/rows/rows?index=${last}`)).status, 200, "the next group is not damaged");
  }
  const { status, json } = await daemon.get("/datasets/rows/rows?offset=100000&limit=1000");
  assert.equal(status, 200);
  assert.deepEqual(json.rows.map(asLine), lines.slice(100_000, 101_000));
  assertProblem(await daemon.get("/datasets/rows?target=label"), 500, /1\.table/);
  await daemon.stop();
});

test("an export that comes to damaged rows is broken off, and what it has sent is right", { timeout: 120_000 }, async () => {
  const daemon = await damagedDaemon([150_000]);
  const reply = await fetch(`${daemon.url}/datasets/rows/file`);
  assert.equal(reply.status, 200);
  let text = "";
  const decoder = new TextDecoder();
  await assert.rejects(async () => {
    for await (const chunk of reply.body) text += decoder.decode(chunk, { stream: true });
  });
  assert.ok(text.length > 100_000 && text.length < csv.length * 0.9, `${text.length} characters`);
  const sent = text.split("\n").slice(1, -1).map((line) => asLine(line.split(",").map((value, i) => (i < 2 ? Number(value) : value))));
  assert.deepEqual(sent, lines.slice(0, sent.length));
  assert.equal((await daemon.get("/datasets/small/file")).status, 200);
  await daemon.stop();
});

test("a training, an append and a split of damaged rows fail, name them and leave nothing", { timeout: 120_000 }, async () => {
  const daemon = await damagedDaemon([77_777]);
  const files = () => ["datasets", "models", "tmp"].map((folder) => readdirSync(path.join(daemon.state, folder)).sort());
  await until(() => !files().flat().some((name) => /\.original$/.test(name)) && files()[2].length === 0, path.join(daemon.state, "datasets"), path.join(daemon.state, "tmp"));
  const before = files();
  const words = /rows \d+ to \d+ of 1\.table are damaged/;
  const { status, json, text } = await daemon.post("/train", { dataset: "rows", model: "m", target: "label", epochs: 3, layers: [8] });
  assert.equal(status, 202, text);
  const job = await daemon.finished(json.id);
  assert.equal(job.state, "failed");
  assert.match(job.error.detail, words);
  assertProblem(await daemon.csv("/datasets/rows/rows", "a,b,label\n0.5,0.5,low\n"), 500, words);
  for (const stratify of [undefined, "label"])
    assertProblem(await daemon.post("/datasets/rows/split", { share: 0.5, names: ["x", "y"], stratify }), 500, words);
  assert.equal((await daemon.get("/models/m")).status, 404);
  assert.deepEqual((await daemon.get("/datasets")).json.datasets.map(({ name, rows }) => [name, rows]).sort(), [["rows", N], ["small", 300]]);
  assert.deepEqual(files(), before);
  const other = await daemon.post("/train", { dataset: "small", model: "m", epochs: 2, layers: [8] });
  assert.equal((await daemon.finished(other.json.id)).state, "succeeded");
  assert.equal((await daemon.call("DELETE", "/datasets/rows")).status, 204);
  await daemon.stop();
});

test("a table that is cut under a running training fails that job, and the daemon goes on", { timeout: 120_000 }, async () => {
  const daemon = await damagedDaemon([]);
  const { json } = await daemon.post("/train", { dataset: "rows", model: "m", target: "label", epochs: 100_000, layers: [32], batch_size: 256 });
  await daemon.epoch(json.id);
  truncateSync(path.join(daemon.state, "datasets/1.table"), 40_000);
  const job = await daemon.finished(json.id);
  assert.equal(job.state, "failed");
  assert.match(job.error.detail, /1\.table/);
  assertProblem(await daemon.get("/datasets/rows/rows"), 500, /1\.table/);
  const other = await daemon.post("/train", { dataset: "small", model: "n", epochs: 2, layers: [8] });
  assert.equal((await daemon.finished(other.json.id)).state, "succeeded");
  assert.equal((await daemon.get("/healthz")).status, 200);
  assert.equal((await daemon.call("DELETE", "/datasets/rows")).status, 204);
  await daemon.stop();
});

test("a job that finds its table damaged after a restart fails, and leaves the model that it had come to", { timeout: 120_000 }, async () => {
  const state = stateFolder();
  const before = await Daemon.start({ state });
  await before.csv("/datasets?name=rows", csv);
  const request = { dataset: "rows", model: "m", target: "label", epochs: 100_000, layers: [8], batch_size: 1024, validation_split: 0 };
  const { json } = await before.post("/train", request);
  await before.epoch(json.id);
  await before.stop();
  damage(path.join(state, "datasets/1.table"), 150_000);
  const after = await Daemon.start({ state });
  const job = await after.finished(json.id);
  assert.equal(job.state, "failed");
  assert.match(job.error.detail, /rows \d+ to \d+ of 1\.table are damaged/);
  assert.match(after.log, /goes on from its checkpoint/);
  const model = (await after.get("/models/m")).json;
  assert.equal(model.state, "partial");
  assert.equal((await after.post("/predict", { model: "m", instances: [[0.9, 0.9]] })).status, 200);
  await after.stop();
});

/** Once the daemon's log matches. */
async function logged(daemon, words) {
  while (!words.test(daemon.log)) {
    assert.equal(daemon.child.exitCode, null, daemon.log);
    await new Promise((resolve) => daemon.child.stderr.once("data", resolve));
  }
}

test("what nobody reads is read when nothing else happens, and damage is logged once and shown", { timeout: 120_000 }, async () => {
  const state = stateFolder();
  const before = await Daemon.start({ state, flags: ["--scrub-rate=0"] });
  await before.csv("/datasets?name=rows", csv);
  await before.csv("/datasets?name=small", sums(300));
  const { json } = await before.post("/train", { dataset: "small", model: "m", epochs: 1, layers: [8] });
  await before.finished(json.id);
  await before.stop();
  for (const row of [10, 199_990]) damage(path.join(state, "datasets/1.table"), row);
  truncateSync(path.join(state, "models/1.model"), 600);
  const daemon = await Daemon.start({ state, flags: ["--scrub-rate=1GB"] });
  await logged(daemon, /all tables and models were read: 1 tables are damaged/);
  const found = [...daemon.log.matchAll(/datasets\/1\.table \(dataset rows\): rows (\d+) to (\d+) are damaged/g)];
  const ranges = found.map(([, first, last]) => ({ first: Number(first), last: Number(last) }));
  assert.equal(ranges.length, 2, daemon.log);
  assert.equal(ranges[0].first, 1);
  assert.equal(ranges[1].last, N);
  assert.match(daemon.log, /models\/1\.model \(model m, version 1\).*damaged/);
  const { datasets } = (await daemon.get("/datasets")).json;
  assert.deepEqual(datasets.map(({ name, damaged }) => [name, damaged]), [["rows", ranges], ["small", undefined]]);
  assert.deepEqual((await daemon.get("/datasets/rows")).json.damaged, ranges);
  assert.equal((await daemon.get(`/datasets/rows/rows?offset=${ranges[0].last}&limit=1`)).status, 200);
  await daemon.call("DELETE", "/datasets/rows");
  await daemon.stop();
});

test("damage that a reader came upon is shown too", { timeout: 60_000 }, async () => {
  const daemon = await damagedDaemon([150_000]);
  assert.equal((await daemon.get("/datasets/rows")).json.damaged, undefined);
  const reply = await daemon.get("/datasets/rows/rows?offset=150000&limit=1");
  const [, first, last] = /rows (\d+) to (\d+)/.exec(reply.json.detail).map(Number);
  assert.deepEqual((await daemon.get("/datasets/rows")).json.damaged, [{ first, last }]);
  await daemon.stop();
});

test("a daemon that is in the midst of reading its tables stops at once", { timeout: 20_000 }, async () => {
  const state = stateFolder();
  const before = await Daemon.start({ state, flags: ["--scrub-rate=0"] });
  await before.csv("/datasets?name=first", sums(300));
  await before.csv("/datasets?name=second", csv);
  await before.stop();
  damage(path.join(state, "datasets/1.table"), 5);
  const daemon = await Daemon.start({ state, flags: ["--scrub-rate=1KB"] }); // the second takes an hour
  await logged(daemon, /dataset first\): rows 1 to 300 are damaged/);
  await daemon.stop();
  assert.doesNotMatch(daemon.log, /were read/);
});
