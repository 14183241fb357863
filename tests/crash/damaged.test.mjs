// Files of the state folder are damaged at random, a few at a time: bits flip,
// pages go blank, ends are cut off or added, files vanish or hold something
// else. The daemon starts; what is whole is served; what is damaged is an error
// or, under a model's bare name, the version before it, which says so; a job
// goes on from what is left of its checkpoints to the bits that it would have
// had. No wrong answer is ever given. The catalogue is not touched here.
// MLPD_DAMAGE_ROUNDS: how many folders (10); MLPD_DAMAGE_SEED: of what is done
// to them (1).
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cpSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, test } from "node:test";
import { Daemon, stateFolder, sums } from "../api/daemon.mjs";

const rounds = Number(process.env.MLPD_DAMAGE_ROUNDS ?? 10);
const FOLDERS = ["datasets", "models", "checkpoints"];
const MORE = 50; // epochs that the paused job goes on for
const ROW = [0.25, 0.5];

let daemon; // the one that runs
after(() => daemon?.child.kill("SIGKILL"));

let seed = Number(process.env.MLPD_DAMAGE_SEED ?? 1) >>> 0;
/** A whole number below n; the same ones for a seed. */
function below(n) {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * n);
}

const hash = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** Two datasets, two versions of a model, and a job that is paused behind two checkpoints. */
async function folder() {
  const state = stateFolder();
  daemon = await Daemon.start({ state });
  await daemon.csv("/datasets?name=sums", sums(200));
  await daemon.csv("/datasets?name=words", `id,word,text\n${Array.from({ length: 150 }, (_, i) => `${i},w${i % 4},some text number ${i}`).join("\n")}\n`);
  for (let version = 1; version <= 2; version++) {
    const { json } = await daemon.post("/train", { dataset: "sums", model: "m", epochs: 2, layers: [8], seed: version });
    assert.equal((await daemon.finished(json.id)).version, version);
  }
  const { json } = await daemon.post("/train", { dataset: "sums", model: "on", epochs: 100000, layers: [8], batch_size: 32 });
  let paused = 0;
  for (const slot of [0, 1]) {
    await daemon.epoch(json.id, ({ epoch }) => epoch > paused + 20); // new ones, none of the history
    const { status, text } = await daemon.call("POST", `/jobs/${json.id}/pause`);
    assert.equal(status, 200, text);
    await daemon.stop(); // which writes a checkpoint
    daemon = await Daemon.start({ state });
    paused = (await daemon.get(`/jobs/${json.id}`)).json.epoch;
    if (slot === 0) await daemon.call("POST", `/jobs/${json.id}/resume`);
  }
  const { epoch } = (await daemon.get(`/jobs/${json.id}`)).json;
  await daemon.stop();
  for (const slot of [0, 1]) assert.ok(existsSync(path.join(state, "checkpoints", `${json.id}.${slot}`)), "both slots hold one");
  return { state, job: json.id, epoch };
}

/** What can be asked, and the files that the answer rests on. */
const questions = [
  ...["sums", "words"].flatMap((name, i) => [
    { where: `/datasets/${name}`, files: [] }, // the catalogue's
    { where: `/datasets/${name}/rows?limit=1000`, files: [`datasets/${i + 1}.table`] },
    { where: `/datasets/${name}/file`, files: [`datasets/${i + 1}.table`] },
  ]),
  ...[1, 2].flatMap((version) => [
    { where: `/models/m?version=${version}`, files: [`models/${version}.model`], pick: ({ network, recipe }) => ({ network, recipe }) },
    { where: `/models/m/file?version=${version}`, files: [`models/${version}.model`] },
    { where: "/predict", body: { model: "m", version, instances: [ROW] }, files: [`models/${version}.model`] },
    { where: `/models/m/evaluation?version=${version}&limit=1000`, files: [`models/${version}.model`, `models/${version}.eval`] },
  ]),
];

/** status undefined: the reply broke off. */
async function ask({ where, body, pick }) {
  try {
    const reply = body ? await daemon.post(where, body) : await daemon.get(where);
    return { status: reply.status, text: pick && reply.status === 200 ? JSON.stringify(pick(reply.json)) : reply.text, json: reply.json };
  } catch {
    assert.equal(daemon.child.exitCode ?? daemon.child.signalCode, null, "the daemon lives");
    return { text: "the reply broke off" };
  }
}

/** An epoch less its time, which no two runs share. */
const bits = ({ seconds, ...epoch }) => epoch;

/** The paused job's epochs and some more, once it has gone on; undefined: it failed, saying why. */
async function jobEpochs({ job, epoch: paused }) {
  await daemon.call("POST", `/jobs/${job}/resume`);
  const events = await daemon.events(job, { stop: ({ event, data }) => event === "epoch" && data.epoch === paused + MORE });
  if (events.at(-1).event === "epoch") return events.filter(({ event }) => event === "epoch").map(({ data }) => bits(data));
  const { state, error } = (await daemon.get(`/jobs/${job}`)).json;
  assert.equal(state, "failed");
  assert.ok(error.detail, "it says why");
  return undefined;
}

/** The answers where nothing is damaged. */
async function truth({ state }) {
  const copy = stateFolder();
  cpSync(state, copy, { recursive: true });
  daemon = await Daemon.start({ state: copy });
  const answers = new Map();
  for (const question of questions) {
    const { status, text } = await ask(question);
    assert.equal(status, 200, text);
    answers.set(question, text);
  }
  const epochs = await jobEpochs(whole);
  assert.ok(epochs);
  await daemon.stop();
  return { answers, epochs };
}

/** What may happen to a file's bytes; undefined: it is gone. */
const ways = {
  "a bit flipped"(bytes) {
    bytes[below(bytes.length)] ^= 1 << below(8);
    return bytes;
  },
  "bits flipped in its first bytes"(bytes) {
    for (let i = 0; i < 3; i++) bytes[below(Math.min(bytes.length, 128))] ^= 1 << below(8);
    return bytes;
  },
  "a blank page"(bytes) {
    const at = 512 * below(Math.ceil(bytes.length / 512));
    return bytes.fill(0, at, Math.min(at + 512, bytes.length));
  },
  "its end cut off": (bytes) => bytes.subarray(0, below(bytes.length)),
  "nothing in it": () => Buffer.alloc(0),
  "bytes behind its end": (bytes) => Buffer.concat([bytes, Buffer.alloc(1 + below(5000), 7)]),
  "noise in it": (bytes) => Buffer.from(bytes.map(() => below(256))),
  "gone": () => undefined,
};

/** Damage a few files of the folder: name -> what was done. */
function damage(state) {
  const files = FOLDERS.flatMap((name) => readdirSync(path.join(state, name)).map((file) => `${name}/${file}`));
  const done = new Map();
  for (let i = 1 + below(4); i > 0; i--) {
    const file = files[below(files.length)];
    const before = readFileSync(path.join(whole.state, file));
    const way = Object.keys(ways)[below(Object.keys(ways).length)];
    const bytes = ways[way](Buffer.from(before));
    if (bytes && bytes.equals(before)) continue;
    if (bytes) writeFileSync(path.join(state, file), bytes);
    else rmSync(path.join(state, file), { force: true });
    done.set(file, way);
  }
  return done;
}

/** The bare name: the newest version that is whole. */
async function assertBareName(done, answers) {
  const { status, json, text } = await ask({ where: "/predict", body: { model: "m", instances: [ROW] } });
  if (status !== 200) {
    assert.ok(done.has("models/1.model") && done.has("models/2.model"), text);
    assert.match(json.detail, /version 2 of model m is damaged/);
    return;
  }
  const question = questions.find(({ body }) => body?.version === json.version);
  assert.deepEqual(json.predictions, JSON.parse(answers.get(question)).predictions);
  assert.equal(json.fallback?.wanted, json.version === 2 ? undefined : 2);
}

async function assertAnswers(done, { answers, epochs }) {
  for (const question of questions) {
    const { status, text, json } = await ask(question);
    const damaged = question.files.some((file) => done.has(file));
    if (status === 200) {
      assert.equal(hash(text), hash(answers.get(question)), `${question.where} is answered wrongly`);
      continue;
    }
    assert.ok(damaged, `${question.where} rests on what is whole: ${text}`);
    if (!status) continue;
    assert.deepEqual([status, json.status], [500, 500], text);
    assert.match(json.detail, /damaged|cannot be read|missing|not a/);
  }
  await assertBareName(done, answers);
  if (![...done.keys()].some((file) => file.startsWith("checkpoints/") || file === "datasets/1.table")) return;
  const found = await jobEpochs(whole);
  if (found) assert.deepEqual(found, epochs, "the job has the bits of one that nobody disturbed");
  else assert.ok(done.has("datasets/1.table"), "a job fails only where its rows are damaged");
}

const whole = await folder();

test(`${rounds} damaged folders: errors, older versions that say so, and true answers`, async () => {
  const expected = await truth(whole);
  for (let round = 0; round < rounds; round++) {
    const state = stateFolder();
    cpSync(whole.state, state, { recursive: true });
    const done = damage(state);
    const what = [...done].map(([file, way]) => `${file}: ${way}`).join("; ");
    daemon = await Daemon.start({ state });
    try {
      await assertAnswers(done, expected);
      await daemon.stop();
      for (const file of done.keys())
        if (!file.startsWith("checkpoints/") && done.get(file) !== "gone") assert.ok(existsSync(path.join(state, file)), `${file} is still there`);
    } catch (error) {
      error.message = `round ${round + 1} (${what}): ${error.message}\n${daemon.log}`;
      throw error;
    }
    rmSync(state, { recursive: true });
  }
});
