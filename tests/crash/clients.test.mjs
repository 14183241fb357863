// Several clients do everything at random, each with names of its own, and the
// daemon dies by kill -9, over and over. After each restart every dataset,
// version, prediction, promotion and name that was acknowledged is as it was
// told, what was deleted stays gone, and what was on its way is done wholly or
// not at all; a job ends with the epochs and answers that it has without kills.
// MLPD_CRASH_ROUNDS: how many kills (5); MLPD_CRASH_SEED: of what is done (1).
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as passed } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { Daemon, stateFolder } from "../api/daemon.mjs";

const rounds = Number(process.env.MLPD_CRASH_ROUNDS ?? 5);
const CLIENTS = 4;
const BASE_ROWS = 300;

/** A client's own stream of random numbers. */
function dice(seed) {
  let state = seed >>> 0;
  return (n) => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0), Math.floor((state / 2 ** 32) * n));
}
const below = dice(Number(process.env.MLPD_CRASH_SEED ?? 1));

/** n rows whose numbers come back as they are written. */
const table = (n, from) => `a,b,label\n${Array.from({ length: n }, (_, i) => `${((from + i * 7) % 64) / 8},${(i % 16) / 4},${(from + i * 7) % 64 > i % 16 ? "high" : "low"}\n`).join("")}`;
const recipes = [{ layers: [16], epochs: 60 }, { layers: [24, 8], epochs: 200, seed: 3 }, { layers: [8], epochs: 400, optimizer: "sgd" }];
const instances = [[1, 2], [7.5, 0.25], [0, 3.75]];
/** An epoch less its time, which no two runs share. */
const bits = ({ seconds, ...epoch }) => epoch;

async function predict(daemon, model, version) {
  const { status, json, text } = await daemon.post("/predict", version ? { model, version, instances } : { model, instances });
  assert.equal(status, 200, text);
  return JSON.stringify(json.predictions);
}

/** What the recipes give where nobody disturbs. */
async function undisturbed() {
  const daemon = await Daemon.start();
  await daemon.csv("/datasets?name=base", table(BASE_ROWS, 0));
  const results = [];
  for (const [i, recipe] of recipes.entries()) {
    const job = await daemon.finished((await daemon.post("/train", { dataset: "base", model: `m${i}`, ...recipe })).json.id);
    assert.equal(job.state, "succeeded");
    results.push({ history: job.history.map(bits), answer: await predict(daemon, `m${i}`) });
  }
  await daemon.stop();
  return results;
}

/** `known`: datasets by name, their text; models by name, their versions' answers and the promoted one. */
class Client {
  known = { datasets: {}, models: {} };
  next = undefined; // what will be known once the request under way is acknowledged
  training = undefined; // the job that is waited for: {model, recipe, id}
  jobs = new Set(); // the ids of all
  acknowledged = 0;
  n = 0;

  constructor(id, results) {
    Object.assign(this, { id, results, below: dice(1000 * Number(process.env.MLPD_CRASH_SEED ?? 1) + id) });
  }

  newName() {
    return `c${this.id}-${this.n++}`;
  }

  /** One of the names in it, or undefined. */
  some(things) {
    const names = Object.keys(things);
    return names[this.below(names.length)];
  }

  /** The request, which changes what is known as `change` does. */
  async request(status, change, ...call) {
    this.next = structuredClone(this.known);
    change(this.next);
    const reply = await this.daemon.call(...call);
    assert.equal(reply.status, status, `${call[0]} ${call[1]}: ${reply.text}`);
    this.known = this.next;
    this.next = undefined;
    this.acknowledged++;
    return reply;
  }

  json(status, change, method, where, body) {
    return this.request(status, change, method, where, JSON.stringify(body), { "Content-Type": "application/json" });
  }

  async upload() {
    const [name, text] = [this.newName(), table(20 + this.below(400), this.below(64))];
    await this.request(201, ({ datasets }) => (datasets[name] = text), "POST", `/datasets?name=${name}`, text, { "Content-Type": "text/csv" });
  }

  async replace() {
    const [name, text] = [this.some(this.known.datasets), table(20 + this.below(400), this.below(64))];
    if (name) await this.request(201, ({ datasets }) => (datasets[name] = text), "POST", `/datasets?name=${name}&replace=true`, text, { "Content-Type": "text/csv" });
  }

  async append() {
    const name = this.some(this.known.datasets);
    const rows = "7.5,1,high\n0,0.25,low\n";
    if (name) await this.request(200, ({ datasets }) => (datasets[name] += rows), "POST", `/datasets/${name}/rows`, rows, { "Content-Type": "text/csv" });
  }

  async deleteDataset() {
    const name = this.some(this.known.datasets);
    if (name) await this.request(204, ({ datasets }) => delete datasets[name], "DELETE", `/datasets/${name}`);
  }

  async rename(kind) {
    const [from, to] = [this.some(this.known[kind]), this.newName()];
    const change = (known) => ((known[kind][to] = known[kind][from]), delete known[kind][from]);
    if (from) await this.json(200, change, "PATCH", `/${kind}/${from}`, { name: to });
  }

  async promote() {
    const name = this.some(this.known.models);
    if (!name) return;
    const promoted = this.below(3) === 0 ? null : Number(this.some(this.known.models[name].versions));
    await this.json(200, ({ models }) => (models[name].promoted = promoted), "PATCH", `/models/${name}`, { promoted });
  }

  async deleteVersion() {
    const name = this.some(this.known.models);
    const { versions, promoted } = this.known.models[name] ?? {};
    const version = name && this.some(versions);
    if (name && Object.keys(versions).length > 1 && Number(version) !== promoted)
      await this.request(204, ({ models }) => delete models[name].versions[version], "DELETE", `/models/${name}?version=${version}`);
  }

  async deleteModel() {
    const name = this.some(this.known.models);
    if (name) await this.request(204, ({ models }) => delete models[name], "DELETE", `/models/${name}`);
  }

  async train() {
    const model = (this.below(2) === 0 && this.some(this.known.models)) || this.newName();
    this.training = { model, recipe: this.below(recipes.length) };
    const reply = await this.daemon.post("/train", { dataset: "base", model, ...recipes[this.training.recipe] });
    assert.equal(reply.status, 202, reply.text);
    this.jobs.add((this.training.id = reply.json.id));
    await this.trained();
  }

  /** The job ends, however often it was interrupted, with the epochs and the version of a run without kills. */
  async trained() {
    const { model, recipe, id } = this.training;
    const job = await this.daemon.finished(id);
    assert.equal(job.state, "succeeded", JSON.stringify(job));
    assert.deepEqual(job.history.map(bits), this.results[recipe].history, `the epochs of job ${id}`);
    this.known.models[model] ??= { versions: {}, promoted: null };
    this.known.models[model].versions[job.version] = this.results[recipe].answer;
    this.training = undefined;
    this.acknowledged++;
  }

  /** Until the daemon is dead. */
  async work(daemon) {
    this.daemon = daemon;
    const all = [
      () => this.upload(), () => this.upload(), () => this.replace(), () => this.append(), () => this.deleteDataset(), () => this.rename("datasets"),
      () => this.train(), () => this.train(), () => this.rename("models"), () => this.promote(), () => this.promote(), () => this.deleteVersion(),
      () => this.deleteModel(),
    ];
    for (;;)
      try {
        await all[this.below(all.length)]();
      } catch (error) {
        const dead = daemon.child.killed || daemon.child.signalCode !== null;
        if (!dead || (error instanceof assert.AssertionError && !/ends with done/.test(error.message))) throw error;
        return;
      }
  }

  /** What there is of this client's, in the form of `known`. */
  async found(daemon) {
    const mine = ({ name }) => name.startsWith(`c${this.id}-`);
    const [datasets, models] = [{}, {}];
    for (const { name } of (await daemon.get("/datasets")).json.datasets.filter(mine)) datasets[name] = (await daemon.get(`/datasets/${name}/file`)).text;
    for (const { name, promoted } of (await daemon.get("/models")).json.models.filter(mine)) {
      const versions = {};
      for (const { version } of (await daemon.get(`/models/${name}`)).json.versions) versions[version] = await predict(daemon, name, version);
      const newest = Math.max(...Object.keys(versions).map(Number));
      assert.equal(await predict(daemon, name), versions[promoted ?? newest], `model ${name} answers by its promoted or newest version`);
      models[name] = { versions, promoted };
    }
    return { datasets, models };
  }

  /** A job that was asked for, but not acknowledged, may be there: it is the one that nobody knows. */
  async adopt() {
    const jobs = (await this.daemon.get("/jobs")).json.jobs;
    const job = jobs.find(({ id, model }) => model === this.training.model && !this.jobs.has(id));
    if (job) this.jobs.add((this.training.id = job.id));
  }

  async check(daemon) {
    this.daemon = daemon;
    if (this.training && !this.training.id) await this.adopt();
    if (this.training?.id) await this.trained();
    this.training = undefined;
    const found = await this.found(daemon);
    if (this.next && isDeepStrictEqual(found, this.next)) this.known = this.next;
    this.next = undefined;
    assert.deepEqual(found, this.known, `what client ${this.id} knows`);
  }
}

test(`${rounds} kills among ${CLIENTS} clients lose nothing that was acknowledged`, async () => {
  const results = await undisturbed();
  const clients = Array.from({ length: CLIENTS }, (_, id) => new Client(id, results));
  const state = stateFolder();
  for (let round = 0; round < rounds; round++) {
    const daemon = await Daemon.start({ state, flags: [`--threads=${1 + below(2)}`] });
    if (round === 0) await daemon.csv("/datasets?name=base", table(BASE_ROWS, 0));
    await Promise.all(clients.map((client) => client.check(daemon)));
    const work = Promise.all(clients.map((client) => client.work(daemon)));
    await Promise.race([passed(100 + below(1200)), work]);
    daemon.child.kill("SIGKILL");
    await daemon.ended;
    await work;
  }
  const last = await Daemon.start({ state });
  for (const client of clients) await client.check(last);
  await last.stop();
  console.log(`# ${rounds} kills, ${clients.reduce((sum, { acknowledged }) => sum + acknowledged, 0)} things acknowledged, ${clients.reduce((sum, { jobs }) => sum + jobs.size, 0)} jobs`);
});
