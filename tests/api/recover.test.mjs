// A catalogue that is lost: the start is refused, nothing is deleted, and --recover builds it again from the files.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, readFileSync, readdirSync, readlinkSync, rmSync, symlinkSync, truncateSync, unlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { Daemon, run, stateFolder, sums } from "./daemon.mjs";

const EPOCHS = Number(process.env.MLPD_TEST_PATIENCE ?? 1) > 1 ? 2500 : 10000; // some seconds
const slow = { dataset: "second", model: "slow", epochs: EPOCHS, layers: [{ units: 64, dropout: 0.2 }], batch_size: 32, seed: 5 };
const instances = Array.from({ length: 50 }, (_, i) => [(i * 7) % 10 / 10, (i * 3) % 10 / 10]);

/** Entries of a folder, what they are and what they hold, without the catalogue's own log and the lock. */
function listing(folder, inside = "") {
  const all = {};
  for (const name of readdirSync(path.join(folder, inside)).sort()) {
    const entry = path.join(inside, name), status = lstatSync(path.join(folder, entry));
    if (/^(lock|mlpd\.db-(wal|shm))$/.test(entry)) continue;
    if (status.isDirectory()) Object.assign(all, { [entry]: "folder" }, listing(folder, entry));
    else if (status.isSymbolicLink()) all[entry] = `link to ${readlinkSync(path.join(folder, entry))}`;
    else if (status.isFIFO()) all[entry] = "fifo";
    else all[entry] = createHash("sha256").update(readFileSync(path.join(folder, entry))).digest("hex");
  }
  return all;
}

/** All that recovery must bring back. */
async function see(daemon) {
  const { json } = await daemon.get("/models");
  json.models = json.models.filter(({ name }) => name !== "slow"); // the job at work may end at any time
  const seen = { datasets: (await daemon.get("/datasets")).json, models: json, one: {} };
  for (const { name } of seen.datasets.datasets) {
    seen.one[`dataset ${name}`] = (await daemon.get(`/datasets/${name}`)).json;
    seen.one[`rows of ${name}`] = (await daemon.get(`/datasets/${name}/rows?limit=5`)).json;
  }
  for (const { name } of json.models) {
    seen.one[`model ${name}`] = (await daemon.get(`/models/${name}`)).json;
    for (let version = 1; version <= 3; version++) {
      const reply = await daemon.post("/predict", { model: name, version, instances });
      if (reply.status === 200) assert.equal(reply.json.predictions.length, instances.length);
      seen.one[`predictions of ${name} ${version}`] = [reply.status, reply.json?.predictions];
      const evaluation = await daemon.get(`/models/${name}/evaluation?version=${version}`);
      seen.one[`evaluation of ${name} ${version}`] = evaluation.status === 200 ? evaluation.json : evaluation.status;
    }
  }
  return seen;
}

/** The weights of a model file, without its head, which tells names and times. */
async function weights(daemon, name) {
  const file = Buffer.from(await (await fetch(`${daemon.url}/models/${name}/file`)).arrayBuffer());
  return createHash("sha256").update(file.subarray(8 + Number(file.readBigUInt64LE(0)))).digest("hex");
}

const patch = async (daemon, where, change) => {
  const reply = await daemon.call("PATCH", where, JSON.stringify(change), { "Content-Type": "application/json" });
  assert.equal(reply.status, 200, reply.text);
};

/** Three datasets, five versions under two names, one promoted, a dataset renamed, a job at work; killed. Once for all tests. */
const made = (async () => {
  const state = stateFolder();
  const daemon = await Daemon.start({ state, flags: ["--threads=1"] });
  await daemon.csv("/datasets?name=first", sums(300));
  await daemon.csv("/datasets?name=second&on_bad_row=skip", `${sums(500).replaceAll(",", ";")}1;2;3;4;5;6;7\n`);
  await daemon.csv("/datasets?name=third", sums(40, "x,y,label\n"));
  await patch(daemon, "/datasets/third", { name: "renamed" });
  for (const [model, dataset] of [["a", "first"], ["a", "first"], ["b", "second"], ["a", "first"], ["b", "renamed"]]) {
    const { json } = await daemon.post("/train", { dataset, model, epochs: 3, layers: [8], test_split: 0.2 });
    assert.equal((await daemon.finished(json.id)).state, "succeeded");
  }
  await patch(daemon, "/models/a", { promoted: 2 });
  await daemon.call("DELETE", "/models/a?version=3"); // its number is never given again
  const undisturbed = await daemon.post("/train", { ...slow, model: "undisturbed" });
  assert.equal((await daemon.finished(undisturbed.json.id)).state, "succeeded");
  const seen = await see(daemon);
  const bits = await weights(daemon, "undisturbed");
  const job = (await daemon.post("/train", { ...slow, priority: 2 })).json.id;
  await daemon.epoch(job, () => readdirSync(path.join(state, "checkpoints")).includes(`${job}.0`));
  daemon.child.kill("SIGKILL");
  await daemon.ended;
  return { state, seen, bits, job };
})();

/** A copy of that folder. */
async function copy() {
  const { state, ...rest } = await made;
  const folder = stateFolder();
  execFileSync("cp", ["-a", `${state}/.`, folder]);
  return { state: folder, ...rest };
}

async function assertRefused(state, words) {
  const before = listing(state);
  const { code, stderr } = await run(["--listen=127.0.0.1:0", `--state-dir=${state}`]);
  assert.notEqual(code, 0);
  assert.match(stderr, words);
  assert.match(stderr, /--recover/);
  assert.deepEqual(listing(state), before, "nothing is changed");
}

/** Recovered, everything is as it was, the job goes on (`to`: to its end, with the same bits), and the next start needs no flag. */
async function assertRecovered({ state, seen, bits, job }, to = "succeeded") {
  const daemon = await Daemon.start({ state, flags: ["--recover", "--threads=1"] });
  assert.deepEqual(await see(daemon), seen);
  assert.match(daemon.log, new RegExp(`job ${job} goes on from its checkpoint`));
  const row = (await daemon.get(`/jobs/${job}`)).json;
  assert.equal(row.priority, 2);
  const ended = await (to === "succeeded" ? daemon.finished(job) : daemon.cancel(job));
  assert.equal(ended.state, to, JSON.stringify(ended));
  if (to === "succeeded") assert.equal(await weights(daemon, "slow"), bits, "the job ends with the bits of a run that nobody disturbed");
  const next = await daemon.post("/train", { dataset: "first", model: "a", epochs: 1, layers: [4] });
  assert.equal((await daemon.finished(next.json.id)).version, 4, "no version number is given twice");
  assert.ok(next.json.id > job, "no job's number is given twice");
  await daemon.stop();
  assert.deepEqual(readdirSync(path.join(state, "checkpoints")), []);
  const after = await Daemon.start({ state });
  assert.equal((await after.get("/models")).json.models.find(({ name }) => name === "a").n_versions, 3);
  await after.stop();
}

const losses = {
  "deleted": (state) => {
    for (const name of readdirSync(state)) if (name.startsWith("mlpd.db")) unlinkSync(path.join(state, name));
  },
  "cut to nothing": (state) => truncateSync(path.join(state, "mlpd.db"), 0),
  "overwritten": (state) => writeFileSync(path.join(state, "mlpd.db"), Buffer.alloc(9000, "garbage ")),
};

for (const [name, lose] of Object.entries(losses))
  test(`a catalogue that was ${name} refuses the start, and comes back with --recover`, async () => {
    const folder = await copy();
    lose(folder.state);
    await assertRefused(folder.state, /mlpd\.db/);
    await assertRecovered(folder, name === "deleted" ? "succeeded" : "cancelled");
    assert.ok(readdirSync(folder.state).some((entry) => entry.startsWith("mlpd.db.before-recover-")) || name === "deleted");
  });

test("a catalogue copied without its write-ahead log comes back with --recover", async () => {
  const folder = await copy();
  for (const end of ["-wal", "-shm"]) rmSync(path.join(folder.state, `mlpd.db${end}`), { force: true });
  await assertRecovered(folder);
});

test("an older catalogue: what it does not know goes to lost/, and --recover brings it back", async () => {
  const { state } = await copy();
  const before = await Daemon.start({ state });
  const old = stateFolder();
  await before.stop();
  execFileSync("cp", ["-a", `${state}/mlpd.db`, old]);
  const later = await Daemon.start({ state });
  await later.csv("/datasets?name=later", sums(60));
  const { json } = await later.post("/train", { dataset: "later", model: "b", epochs: 2, layers: [4] });
  await later.finished(json.id);
  const seen = await see(later);
  await later.stop();
  execFileSync("cp", ["-a", `${old}/mlpd.db`, state]);
  const without = await Daemon.start({ state });
  assert.match(without.log, /datasets\/\d+\.table is in no row of the catalogue .*--recover.*moved to lost\//);
  assert.equal((await without.get("/datasets/later")).status, 404);
  await without.stop();
  const again = await Daemon.start({ state, flags: ["--recover"] });
  assert.deepEqual(await see(again), seen);
  await again.stop();
});

test("files of others survive the start and the recovery", async () => {
  const { state } = await copy();
  writeFileSync(path.join(state, "datasets", "7.notes"), "mine");
  writeFileSync(path.join(state, "datasets", "99.table"), "garbage");
  writeFileSync(path.join(state, "models", "98.model"), "garbage");
  writeFileSync(path.join(state, "models", "98.about"), "mlpd-about-1 0123456789abcdef\n{}");
  writeFileSync(path.join(state, "checkpoints", "97.0"), "garbage");
  mkdirSync(path.join(state, "datasets", "96.table"));
  execFileSync("mkfifo", [path.join(state, "models", "95.model")]);
  symlinkSync("/etc/hostname", path.join(state, "models", "94.model"));
  const stray = ["datasets/99.table", "models/98.model", "models/98.about", "checkpoints/97.0", "datasets/96.table", "models/95.model", "models/94.model"];
  const moved = () => Object.keys(listing(state)).filter((entry) => /^lost\/[^/]*\/[^/]*\/./.test(entry)).map((entry) => entry.split("/").slice(2).join("/"));
  for (const flags of [["--recover"], [], ["--recover"]]) {
    const daemon = await Daemon.start({ state, flags });
    await daemon.stop();
    assert.deepEqual(moved().sort(), stray.toSorted(), flags.join());
    assert.ok(listing(state)["datasets/7.notes"]);
  }
});

test("files that are missing though their rows are there are named", async () => {
  const { state } = await copy();
  for (const file of ["datasets/1.table", "models/2.model", "models/5.eval", "models/1.about"]) unlinkSync(path.join(state, file));
  const daemon = await Daemon.start({ state });
  for (const [file, name] of [["datasets/1.table", "first"], ["models/2.model", "a"], ["models/5.eval", "b"]]) assert.ok(daemon.log.includes(`${file} of ${name} is missing`), file);
  assert.ok(!daemon.log.includes("1.about"));
  assert.ok(listing(state)["models/1.about"], "a record is made again");
  await daemon.stop();
});

test("a recovery that is killed at any moment is carried out by the next one", async () => {
  const folder = await copy();
  unlinkSync(path.join(folder.state, "mlpd.db"));
  for (let ms = 0; ms < 60; ms += 4) {
    const child = spawn(process.env.MLPD_BIN, ["--recover", "--listen=127.0.0.1:0", `--state-dir=${folder.state}`], { stdio: "ignore" });
    const ended = new Promise((resolve) => child.on("close", resolve));
    await new Promise((resolve) => setTimeout(resolve, ms));
    child.kill("SIGKILL");
    await ended;
  }
  await assertRecovered(folder, "cancelled");
});

test("records that are gone or damaged: files speak for themselves, and one damaged file fails nothing", async () => {
  const { state, seen } = await copy();
  losses.deleted(state);
  const abouts = ["datasets", "models", "checkpoints"].flatMap((folder) => readdirSync(path.join(state, folder)).filter((name) => name.endsWith(".about")).map((name) => path.join(state, folder, name)));
  assert.ok(abouts.length >= 8);
  for (const [i, about] of abouts.entries()) {
    if (i % 3 === 0) unlinkSync(about);
    else if (i % 3 === 1) truncateSync(about, 40);
    else writeFileSync(about, readFileSync(about, "latin1").replace(/"id":\d/, '"id":9'));
  }
  truncateSync(path.join(state, "datasets", "1.table"), 100);
  writeFileSync(path.join(state, "models", "1.model"), "garbage");
  const daemon = await Daemon.start({ state, flags: ["--recover"] });
  const now = await see(daemon);
  assert.deepEqual(now.datasets.datasets.map(({ name, rows }) => [name, rows]), [["recovered-2", 500], ["recovered-3", 40]]);
  assert.deepEqual(now.models.models.map(({ name, n_versions }) => [name, n_versions]), [["a", 1], ["b", 2], ["undisturbed", 1]]);
  for (const what of ["predictions of b 2", "evaluation of b 2"]) assert.deepEqual(now.one[what].predictions ?? now.one[what][1], seen.one[what].predictions ?? seen.one[what][1], what);
  assert.match(daemon.log, /datasets\/1\.table is damaged .*moved to lost\//);
  assert.match(daemon.log, /models\/1\.model is damaged .*moved to lost\//);
  await daemon.stop();
});

test("a deleted dataset that a job still needs stays deleted, and the job goes on", async () => {
  const folder = await copy();
  const before = await Daemon.start({ state: folder.state, flags: ["--threads=1"] });
  assert.equal((await before.call("DELETE", "/datasets/second")).status, 204);
  before.child.kill("SIGKILL");
  await before.ended;
  losses.deleted(folder.state);
  const daemon = await Daemon.start({ state: folder.state, flags: ["--recover", "--threads=1"] });
  assert.deepEqual((await daemon.get("/datasets")).json.datasets.map(({ name }) => name), ["first", "renamed"]);
  assert.equal((await daemon.cancel(folder.job)).state, "cancelled");
  await daemon.stop();
  const left = readdirSync(path.join(folder.state, "datasets")).sort(); // beside them, uploads that are kept, compressed or not yet
  assert.deepEqual(left.filter((name) => !/^[13]\.original(\.zst)?$/.test(name)), ["1.about", "1.table", "3.about", "3.table"]);
});

test("--recover on a folder where nothing is wrong changes nothing", async () => {
  const { state } = await copy();
  const before = await Daemon.start({ state });
  await before.cancel((await made).job);
  const jobs = (await before.get("/jobs")).json;
  const seen = await see(before);
  await before.stop();
  const after = await Daemon.start({ state, flags: ["--recover"] });
  assert.match(after.log, /the catalogue is whole/);
  assert.deepEqual(await see(after), seen);
  assert.deepEqual((await after.get("/jobs")).json, jobs);
  await after.stop();
  assert.ok(!readdirSync(state).some((name) => name.includes("recover")));
});
