// Kill the daemon with -9 at random moments, over and over, while a client uploads, trains, cancels, promotes, renames and deletes. What was
// acknowledged is there after each restart, nothing is half made, and every interrupted job ends with the bits of a run that nobody disturbed.
// MLPD_CRASH_ROUNDS: how many kills (5); MLPD_CRASH_SEED: of the random moments (1).
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdirSync, watch } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { setTimeout as passed } from "node:timers/promises";
import { Daemon, stateFolder, sums } from "../api/daemon.mjs";

const rounds = Number(process.env.MLPD_CRASH_ROUNDS ?? 5);
const ROWS = 3000;

let seed = Number(process.env.MLPD_CRASH_SEED ?? 1) >>> 0;
/** A whole number below n; always the same ones for a seed (though what runs at that moment is not). */
function below(n) {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * n);
}

/** Jobs must take long enough to be met at work, after a checkpoint: sanitizers slow them down by themselves. */
const longer = Number(process.env.MLPD_TEST_PATIENCE ?? 1) > 1 ? 1 : 3;

/** What is trained: whatever leaves something behind from one step or epoch to the next is on somewhere. */
const recipes = [
  { layers: [{ units: 64, activation: "relu" }, { units: 32, activation: "relu" }], epochs: 200 * longer, batch_size: 32 },
  {
    layers: [{ units: 48, activation: "gelu", dropout: 0.2 }],
    epochs: 250 * longer,
    batch_size: 64,
    optimizer: { name: "nadam", clipnorm: 0.5 },
    schedule: { name: "reduce_on_plateau", patience: 2 },
    early_stopping: { patience: 240 * longer },
  },
  { layers: [{ units: 2000, activation: "tanh" }], epochs: 60 * longer, batch_size: "full", optimizer: { name: "sgd", momentum: 0.9 } },
];

const hash = (bytes) => createHash("sha256").update(bytes).digest("hex");

async function modelHash(daemon, name) {
  const reply = await fetch(`${daemon.url}/models/${name}/file`);
  assert.equal(reply.status, 200, `the file of model ${name}`);
  return hash(tensors(Buffer.from(await reply.arrayBuffer())));
}

/** A safetensors file less its head: the head tells the job's number and the time. */
function tensors(file) {
  return file.subarray(8 + Number(file.readBigUInt64LE(0)));
}

/** An epoch less its time, which no two runs share. */
const bits = ({ seconds, ...epoch }) => epoch;

/** What the recipes give where nobody disturbs. */
async function undisturbed() {
  const daemon = await Daemon.start({ flags: ["--threads=1"] });
  await daemon.csv("/datasets?name=base", sums(ROWS));
  const results = [];
  for (const [i, recipe] of recipes.entries()) {
    const reply = await daemon.post("/train", { dataset: "base", model: `m${i}`, ...recipe });
    assert.equal(reply.status, 202, reply.text);
    const job = await daemon.finished(reply.json.id);
    assert.equal(job.state, "succeeded");
    results.push({ hash: await modelHash(daemon, `m${i}`), history: job.history.map(bits) });
  }
  await daemon.stop();
  return results;
}

/** What the client knows: name -> rows of datasets, id -> recipe of jobs; `maybe`: what was asked for, but not acknowledged. */
class Client {
  datasets = new Map([["base", ROWS]]);
  maybe = new Map(); // dataset -> rows it may have besides
  jobs = new Map();
  unsure = []; // names of models whose job may exist
  gone = new Set(); // deleted models
  maybeGone = new Set();
  names = new Map(); // verified models by what they are called now: name -> recipe and the promoted version
  asked = undefined; // the change of one that was not acknowledged: {from, to} or {name, promoted}
  verified = new Set();
  acknowledged = 0;
  resumed = 0;
  n = 0;

  constructor(results) {
    this.results = results;
  }

  async upload(daemon) {
    const name = `d${this.n++}`;
    const rows = 20 + below(400);
    this.maybe.set(name, rows);
    const reply = await daemon.csv(`/datasets?name=${name}`, sums(rows));
    assert.equal(reply.status, 201, reply.text);
    this.maybe.delete(name);
    this.datasets.set(name, rows);
  }

  async deleteDataset(daemon) {
    const names = [...this.datasets.keys()].filter((name) => name !== "base");
    if (names.length === 0) return this.upload(daemon);
    const name = names[below(names.length)];
    this.maybe.set(name, this.datasets.get(name));
    this.datasets.delete(name);
    const reply = await daemon.call("DELETE", `/datasets/${name}`);
    assert.equal(reply.status, 204, reply.text);
    this.maybe.delete(name);
  }

  async train(daemon) {
    if (this.jobs.size - this.verified.size >= 3) return this.upload(daemon);
    const recipe = below(recipes.length);
    const model = `r${recipe}-${this.n++}`;
    this.unsure.push(model);
    const reply = await daemon.post("/train", { dataset: "base", model, ...recipes[recipe] });
    assert.equal(reply.status, 202, reply.text);
    this.unsure.pop();
    this.jobs.set(reply.json.id, { model, recipe });
  }

  /** Of the jobs that have not ended; one is left to go on. */
  async cancel(daemon) {
    const open = [...this.jobs].filter(([id, { cancel }]) => !this.verified.has(id) && !cancel);
    if (open.length < 2) return this.train(daemon);
    const [id, job] = open[below(open.length)];
    job.cancel = "asked";
    const { status, text } = await daemon.call("POST", `/jobs/${id}/cancel`);
    assert.ok([200, 202, 409].includes(status), text);
    job.cancel = status === 409 ? undefined : "acknowledged"; // 409: it had succeeded
  }

  /** A verified model, or undefined where there is none yet. */
  someModel() {
    return [...this.names.keys()][below(this.names.size)];
  }

  async patch(daemon, name, change) {
    const reply = await daemon.call("PATCH", `/models/${name}`, JSON.stringify(change), { "Content-Type": "application/json" });
    assert.equal(reply.status, 200, reply.text);
  }

  async rename(daemon) {
    const from = this.someModel();
    if (!from) return this.train(daemon);
    const to = `n${this.n++}`;
    this.asked = { from, to };
    await this.patch(daemon, from, { name: to });
    this.renamed(from, to);
    this.asked = undefined;
  }

  renamed(from, to) {
    this.names.set(to, this.names.get(from));
    this.names.delete(from);
    this.gone.add(from);
  }

  async promote(daemon) {
    const name = this.someModel();
    if (!name) return this.train(daemon);
    const promoted = this.names.get(name).promoted ? null : 1;
    this.asked = { name, promoted };
    await this.patch(daemon, name, { promoted });
    this.names.get(name).promoted = promoted;
    this.asked = undefined;
  }

  async deleteModel(daemon) {
    const name = this.someModel();
    if (!name) return this.train(daemon);
    this.gone.add(name);
    this.maybeGone.add(name);
    this.names.delete(name);
    const reply = await daemon.call("DELETE", `/models/${name}`);
    assert.equal(reply.status, 204, reply.text);
    this.maybeGone.delete(name);
  }

  /** Until the daemon is dead. */
  async work(daemon) {
    const all = [this.upload, this.upload, this.deleteDataset, this.train, this.train, this.cancel, this.deleteModel, this.rename, this.rename, this.promote, this.promote];
    for (let alive = true; alive; ) {
      try {
        await all[below(all.length)].call(this, daemon);
        this.acknowledged++;
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        alive = false;
      }
    }
  }

  async checkDatasets(daemon) {
    const found = new Map((await daemon.get("/datasets")).json.datasets.map((dataset) => [dataset.name, dataset]));
    for (const [name, rows] of this.maybe) if (found.has(name)) this.datasets.set(name, rows); // else it never was, or is gone
    this.maybe.clear();
    assert.deepEqual([...found.keys()].sort(), [...this.datasets.keys()].sort(), "the datasets are those acknowledged");
    for (const [name, rows] of this.datasets) {
      assert.equal(found.get(name).rows, rows, `dataset ${name} is whole`);
      assert.notEqual(found.get(name).state, "loading");
    }
    for (const name of [...this.datasets.keys()].slice(-3)) {
      const last = await daemon.get(`/datasets/${name}/rows?offset=${this.datasets.get(name) - 1}&limit=1`);
      assert.equal(last.status, 200, last.text);
    }
  }

  async adoptJobs(daemon) {
    for (const { id, model } of (await daemon.get("/jobs")).json.jobs)
      if (!this.jobs.has(id)) {
        assert.ok(this.unsure.includes(model), `job ${id} was asked for`);
        this.jobs.set(id, { model, recipe: Number(model[1]) });
      }
    this.unsure = [];
  }

  /** The job is there; as far as it is, it is as if nobody had disturbed it. Returns whether it has ended. */
  async checkJob(daemon, id) {
    const { model, recipe, cancel } = this.jobs.get(id);
    const { status, json, text } = await daemon.get(`/jobs/${id}`);
    assert.equal(status, 200, text);
    const states = cancel === "acknowledged" ? [] : ["queued", "running", "succeeded"];
    assert.ok([...states, ...(cancel ? ["cancelling", "cancelled"] : [])].includes(json.state), `${cancel}: ${text}`);
    const expected = this.results[recipe];
    assert.deepEqual(json.history.map(bits), expected.history.slice(0, json.history.length), `history of job ${id}`);
    if (json.state === "cancelled") {
      if (json.version) assert.equal((await daemon.get(`/models/${model}`)).json.state, "partial");
      this.verified.add(id);
      return true;
    }
    if (json.state !== "succeeded") return false;
    assert.equal(json.history.length, expected.history.length);
    assert.equal(await modelHash(daemon, model), expected.hash, `job ${id}, recipe ${recipe}: the weights' bits`);
    assert.equal((await daemon.get(`/models/${model}/evaluation`)).status, 200);
    this.verified.add(id);
    this.names.set(model, { recipe, promoted: null });
    return true;
  }

  /** What was asked for when the daemon died is done wholly or not at all; what was acknowledged is as it was told. */
  async checkModels(daemon) {
    const found = new Map((await daemon.get("/models")).json.models.map((model) => [model.name, model]));
    const { from, to, name, promoted } = this.asked ?? {};
    if (to && found.has(to)) this.renamed(from, to);
    if (name && found.get(name)?.promoted === promoted) this.names.get(name).promoted = promoted;
    this.asked = undefined;
    for (const name of this.maybeGone) if (found.has(name)) this.gone.delete(name); // and of no further use here
    this.maybeGone.clear();
    for (const name of this.gone) assert.ok(!found.has(name), `model ${name} stays gone`);
    for (const [name, known] of this.names) assert.equal(found.get(name)?.promoted, known.promoted, `model ${name} is promoted as told`);
    const one = this.someModel();
    if (one) assert.equal(await modelHash(daemon, one), this.results[this.names.get(one).recipe].hash, `the weights of ${one}`);
  }

  async check(daemon) {
    this.resumed += daemon.log.match(/goes on from its checkpoint/g)?.length ?? 0;
    assert.doesNotMatch(daemon.log, /cannot be (used|taken up)/, "a crash damages no checkpoint");
    await this.checkDatasets(daemon);
    await this.adoptJobs(daemon);
    for (const id of this.jobs.keys()) if (!this.verified.has(id)) await this.checkJob(daemon, id);
    await this.checkModels(daemon);
  }
}

/** Die before it has said where it listens, most likely: opening the state folder is a moment like any other. */
async function dieEarly(state) {
  const child = spawn(process.env.MLPD_BIN, ["--listen=127.0.0.1:0", `--state-dir=${state}`], { stdio: "ignore" });
  const ended = new Promise((resolve) => child.on("close", resolve));
  await passed(below(40));
  child.kill("SIGKILL");
  await ended;
}

/** Until a file comes or goes among the checkpoints, or the time is over. */
async function checkpointed(state, ms) {
  const watcher = watch(path.join(state, "checkpoints"));
  await Promise.race([once(watcher, "change"), passed(ms)]);
  watcher.close();
}

test(`${rounds} kills lose nothing and change no bit`, async () => {
  const client = new Client(await undisturbed());
  const state = stateFolder();
  const first = await Daemon.start({ state });
  await first.csv("/datasets?name=base", sums(ROWS));
  await client.train(first);
  await first.stop();
  for (let round = 0; round < rounds; round++) {
    if (below(4) === 0) await dieEarly(state);
    const daemon = await Daemon.start({ state, flags: [`--threads=${1 + below(2)}`] });
    await client.check(daemon);
    const work = client.work(daemon);
    // Every other round dies some moment after a checkpoint, if there is one; the moment itself is random.
    if (round % 2 === 0) await checkpointed(state, 2500);
    await passed(below(round % 2 === 0 ? 300 : 1000));
    daemon.child.kill("SIGKILL");
    await daemon.ended;
    await work;
  }
  const last = await Daemon.start({ state });
  await client.check(last);
  for (const id of client.jobs.keys()) {
    if (client.verified.has(id)) continue;
    await last.finished(id);
    assert.ok(await client.checkJob(last, id), `job ${id} has succeeded`);
  }
  assert.deepEqual(readdirSync(path.join(state, "checkpoints")), [], "no checkpoint is left");
  await last.stop();
  // With few kills it is luck whether one meets a job after its first checkpoint; unit/test_jobs holds that jobs go on from theirs.
  if (rounds >= 50) assert.ok(client.resumed > 0, "at least one job went on from a checkpoint");
  console.log(`# ${rounds} kills, ${client.acknowledged} things acknowledged, ${client.jobs.size} jobs, ${client.resumed} resumed`);
});
