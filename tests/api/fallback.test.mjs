// A version whose file is damaged is never served, and whoever asks by name
// alone gets the version before it and is told so.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { Daemon, assertProblem, stateFolder, sums } from "./daemon.mjs";

const ROW = [0.25, 0.5];
const truth = new Map(); // version -> its answer
let whole; // a state folder: model m with three versions, 1.model to 3.model

before(async () => {
  whole = stateFolder();
  const daemon = await Daemon.start({ state: whole });
  await daemon.csv("/datasets?name=rows", sums(200));
  for (let version = 1; version <= 3; version++) {
    const { json } = await daemon.post("/train", { dataset: "rows", model: "m", epochs: 2, layers: [8], seed: version });
    assert.equal((await daemon.finished(json.id)).version, version);
    const reply = await daemon.post("/predict", { model: "m", version, instances: [ROW] });
    truth.set(version, reply.json.predictions);
  }
  await daemon.stop();
});

let daemon;
after(() => daemon?.stop());

/** A daemon on a copy of the folder in which `damage` was done. */
async function started(damage, scrub = "0") {
  await daemon?.stop();
  const state = stateFolder();
  cpSync(whole, state, { recursive: true });
  const file = (version, suffix = "model") => path.join(state, "models", `${version}.${suffix}`);
  damage(file);
  daemon = await Daemon.start({ state, flags: [`--scrub-rate=${scrub}`] });
  return file;
}

const predict = (version) => daemon.post("/predict", { model: "m", version, instances: [ROW] });
const ready = async () => (await daemon.get("/readyz")).json.models;

/** The bare name is answered by `version`, in the place of `wanted` where that is given. */
async function assertAnswers(version, wanted) {
  const { status, json, text } = await predict();
  assert.equal(status, 200, text);
  assert.deepEqual([json.version, json.predictions], [version, truth.get(version)]);
  assert.equal(json.fallback?.wanted, wanted);
  assert.equal(json.warnings?.length, wanted && 1);
  if (wanted) assert.match(json.warnings[0], new RegExp(`version ${wanted} .*damaged.*version ${version} answers`));
  return json.fallback?.reason;
}

function flip(file, at) {
  const bytes = readFileSync(file);
  bytes[Math.floor((bytes.length - 1) * at)] ^= 4;
  writeFileSync(file, bytes);
}

const ways = {
  "is missing": (file) => rmSync(file),
  "has a flipped bit in its weights": (file) => flip(file, 0.9),
  "has a flipped bit in its head": (file) => flip(file, 0.2),
  "is cut": (file) => truncateSync(file, 500),
  "is empty": (file) => truncateSync(file, 0),
  "is something else": (file) => writeFileSync(file, "not a model at all\n"),
  "is a folder": (file) => {
    rmSync(file);
    mkdirSync(file);
  },
};

for (const [what, damage] of Object.entries(ways)) {
  test(`where the newest version's file ${what}, the reply says which version answers and why`, async () => {
    const file = await started((named) => damage(named(3)));
    for (let i = 0; i < 2; i++) {
      const reason = await assertAnswers(2, 3);
      const found = await ready();
      assert.deepEqual([found.status, found.n_damaged], ["degraded", 1]);
      assert.deepEqual(found.damaged, [{ model: "m", version: 3, answers: 2, reason }]);
    }
    assertProblem(await predict(3), 500, /version 3 of model m is damaged/);
    assert.deepEqual((await predict(2)).json.predictions, truth.get(2));
    assert.equal(daemon.log.match(/version 2 answers in the place of version 3 of model m/g).length, 1);
    rmSync(file(3), { recursive: true, force: true });
    cpSync(path.join(whole, "models", "3.model"), file(3));
    await assertAnswers(3);
    assert.deepEqual((await ready()).damaged, []);
    assert.match(daemon.log, /models\/3\.model \(model m, version 3\) can be read again/);
  });
}

test("lists, CSV replies, files and evaluations say it too", async () => {
  await started((named) => flip(named(3), 0.9));
  const [line] = (await daemon.get("/models")).json.models;
  assert.deepEqual([line.version, line.damage, line.fallback], [3, null, undefined], "nothing is known before it is read");
  const reason = await assertAnswers(2, 3);
  const fallback = { wanted: 3, reason };
  const [then] = (await daemon.get("/models")).json.models;
  assert.deepEqual([then.version, then.damage, then.fallback], [2, null, fallback]);
  const one = (await daemon.get("/models/m")).json;
  assert.deepEqual([one.version, one.fallback], [2, fallback]);
  assert.deepEqual(
    one.versions.map((version) => version.damage),
    [reason, null, null],
  );
  assert.equal((await daemon.get("/models/m?version=1")).json.fallback, undefined);
  const csv = await daemon.csv("/models/m/predict", "a,b\n0.25,0.5\n", { Accept: "text/csv" });
  assert.equal(csv.status, 200, csv.text);
  assert.equal(csv.headers.get("mlpd-model-version"), "2");
  assert.match(csv.headers.get("mlpd-warning"), /version 3 is damaged .*version 2 answers/);
  const file = await fetch(`${daemon.url}/models/m/file`);
  assert.equal(file.headers.get("mlpd-model-version"), "2");
  assert.match(file.headers.get("mlpd-warning"), /version 3 is damaged/);
  assert.deepEqual(Buffer.from(await file.arrayBuffer()), readFileSync(path.join(whole, "models", "2.model")));
  assertProblem(await daemon.get("/models/m/file?version=3"), 500, /version 3 of model m is damaged/);
  const evaluation = (await daemon.get("/models/m/evaluation")).json;
  assert.deepEqual([evaluation.version, evaluation.fallback], [2, fallback]);
  assertProblem(await daemon.post("/train", { dataset: "rows", from: "m", model: "on" }), 409, /version 3 of model m is damaged/);
  const further = await daemon.post("/train", { dataset: "rows", from: "m", from_version: 2, model: "on", epochs: 1 });
  assert.equal(further.status, 202, further.text);
});

test("a file that is missing, or of another size, is listed as damaged before anybody needs it", async () => {
  await started((named) => {
    rmSync(named(3));
    truncateSync(named(2), 700);
  });
  const [line] = (await daemon.get("/models")).json.models;
  assert.deepEqual([line.version, line.fallback.wanted], [1, 3]);
  assert.match(line.fallback.reason, /missing/);
  assert.equal((await ready()).n_damaged, 2);
});

test("damage that nobody has come upon is found by the daemon itself", async () => {
  await started((named) => flip(named(3), 0.9), "1GB");
  await daemon.logged(/all tables and models were read/);
  const found = await ready();
  assert.deepEqual([found.n_damaged, found.damaged[0].version, found.damaged[0].answers], [1, 3, null]);
  const [line] = (await daemon.get("/models")).json.models;
  assert.deepEqual([line.version, line.fallback.wanted], [2, 3]);
  assert.equal((await ready()).damaged[0].answers, 2);
});

test("a newer version ends it, and so does the end of the damaged one", async () => {
  await started((named) => flip(named(3), 0.9));
  await assertAnswers(2, 3);
  const reply = await daemon.call("PUT", "/models/m/file", readFileSync(path.join(whole, "models", "1.model")));
  assert.equal(reply.json.version, 4, reply.text);
  const newer = await predict();
  assert.deepEqual([newer.json.version, newer.json.predictions, newer.json.fallback], [4, truth.get(1), undefined]);
  assert.equal((await ready()).n_damaged, 1);
  assert.equal((await daemon.call("DELETE", "/models/m?version=3")).status, 204);
  assert.equal((await ready()).status, "ok");
});

test("a promoted version is answered for by an older one only; where none is left that is an error", async () => {
  await started((named) => flip(named(2), 0.9));
  await daemon.call("PATCH", "/models/m", JSON.stringify({ promoted: 2 }));
  await assertAnswers(1, 2);
  assert.equal((await daemon.call("PATCH", "/models/m", JSON.stringify({ name: "n" }))).status, 200);
  assert.equal((await ready()).damaged[0].model, "n");
  await started((named) => [1, 2, 3].forEach((version) => flip(named(version), 0.9)));
  assertProblem(await predict(), 500, /version 3 of model m is damaged/);
  assertProblem(await daemon.get("/models/m/file"), 500, /version 3 of model m is damaged/);
  const [line] = (await daemon.get("/models")).json.models;
  assert.equal(line.version, 3);
  assert.match(line.damage, /damaged/);
  assert.equal((await ready()).n_damaged, 3);
  assert.equal((await daemon.get("/healthz")).status, 200);
});

test("a file with a flipped bit is not taken as a version", async () => {
  await started(() => {});
  const bytes = readFileSync(path.join(whole, "models", "1.model"));
  for (const at of [0.2, 0.9]) {
    const flipped = Buffer.from(bytes);
    flipped[Math.floor(bytes.length * at)] ^= 4;
    assertProblem(await daemon.call("PUT", "/models/m/file", flipped), 400, /damaged/);
  }
  assert.equal((await daemon.get("/models/m")).json.versions.length, 3);
});

test("a damaged or missing evaluation is an error that names it, and the model answers", async () => {
  await started((named) => {
    flip(named(3, "eval"), 0.1);
    renameSync(named(2, "eval"), named(9, "eval"));
  });
  assertProblem(await daemon.get("/models/m/evaluation"), 500, /the evaluation of version 3 of model m is damaged \(models\/3\.eval\)/);
  assertProblem(await daemon.get("/models/m/evaluation?version=2"), 500, /the evaluation of version 2 of model m is damaged/);
  assert.equal((await daemon.get("/models/m/evaluation?version=1")).status, 200);
  await assertAnswers(3);
});
