// Many clients do everything at random for a while. No answer is wrong, none is a fault of the daemon, and when all is deleted memory,
// descriptors and threads are what they were. MLPD_SOAK_SECONDS: how long (8); MLPD_SOAK_CLIENTS: how many (16); half an hour by hand:
// MLPD_BIN=build/release/mlpd MLPD_SOAK_SECONDS=1800 MLPD_SOAK_CLIENTS=64 node --test tests/soak/soak.test.mjs
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { Daemon, sums } from "../api/daemon.mjs";

const seconds = Number(process.env.MLPD_SOAK_SECONDS ?? 8);
const clients = Number(process.env.MLPD_SOAK_CLIENTS ?? 16);
const sanitized = Number(process.env.MLPD_TEST_PATIENCE ?? 1) > 1;
const GROWTH_BYTES = 32 << 20; // what allocator and caches may keep of the busiest moment

/** A client's own stream of random numbers. */
function dice(seed) {
  let state = seed >>> 0;
  return (n) => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0), Math.floor((state / 2 ** 32) * n));
}

/** What the daemon holds of the machine. */
function held({ child: { pid } }) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const number = (name) => Number(status.match(new RegExp(`^${name}:\\s+(\\d+)`, "m"))[1]);
  return { bytes: number("VmRSS") * 1024, threads: number("Threads"), descriptors: readdirSync(`/proc/${pid}/fd`).length };
}

const instances = [{ a: 0.9, b: 0.8 }, { a: 0.1, b: 0.2 }, { a: 0.5, b: null }];

class Client {
  done = {};
  datasets = [];
  jobs = [];
  n = 0;

  constructor(daemon, id, answer) {
    Object.assign(this, { daemon, id, answer, below: dice(id + 1) });
  }

  /** One call; `fine` are the statuses that it may have. */
  async call(fine, method, where, body, type = "application/json") {
    const reply = await this.daemon.call(method, where, body, { "Content-Type": type });
    assert.ok(fine.includes(reply.status), `${method} ${where}: ${reply.status} ${reply.text}`);
    return reply;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  async upload() {
    const [name, rows] = [`d${this.id}-${this.n++}`, 10 + this.below(2000)];
    const { json } = await this.call([201], "POST", `/datasets?name=${name}`, sums(rows), "text/csv");
    assert.equal(json.rows, rows);
    this.datasets.push(name);
  }

  async train() {
    const request = { dataset: "base", model: `m${this.id}`, layers: [4 + this.below(60)], epochs: 1 + this.below(40), batch_size: 32 };
    const { status, json } = await this.call([202, 429], "POST", "/train", JSON.stringify(request));
    if (status === 202) this.jobs.push(json.id);
  }

  async predict() {
    const { json } = await this.call([200], "POST", "/predict", JSON.stringify({ model: "base", instances }));
    assert.deepEqual(json.predictions, this.answer, "a prediction is what it always was");
  }

  async drop() {
    if (this.datasets.length === 0) return;
    await this.call([204], "DELETE", `/datasets/${this.datasets.splice(this.below(this.datasets.length), 1)[0]}`);
  }

  async cancel() {
    if (this.jobs.length > 0) await this.call([200, 202, 409], "POST", `/jobs/${this.pick(this.jobs)}/cancel`);
  }

  async forget() {
    if (this.jobs.length < 5) return;
    await this.call([204], "DELETE", `/jobs/${this.jobs.shift()}`);
  }

  /** A while of a job's events: every epoch once, in order. */
  async stream() {
    if (this.jobs.length === 0) return;
    let left = 1 + this.below(20);
    const events = await this.daemon.events(this.pick(this.jobs), { stop: () => --left === 0 });
    const epochs = events.filter(({ event }) => event === "epoch").map(({ data }) => data.epoch);
    assert.deepEqual(epochs, epochs.map((_, i) => i + 1));
  }

  async look() {
    await this.call([200], "GET", this.pick(["/jobs", "/models", "/datasets", "/metrics", "/healthz", "/datasets/base", "/models/base"]));
  }

  async work(until) {
    const all = ["upload", "train", "predict", "predict", "predict", "drop", "cancel", "forget", "stream", "look"];
    while (Date.now() < until) {
      const name = this.pick(all);
      await this[name]();
      this.done[name] = (this.done[name] ?? 0) + 1;
    }
  }

  async leave() {
    for (const id of this.jobs) await this.call([204], "DELETE", `/jobs/${id}`);
    for (const name of this.datasets) await this.call([204], "DELETE", `/datasets/${name}`);
    await this.call([204, 404], "DELETE", `/models/m${this.id}`);
  }
}

async function round(daemon, answer, ms) {
  const all = Array.from({ length: clients }, (_, id) => new Client(daemon, id, answer));
  const until = Date.now() + ms;
  await Promise.all(all.map((client) => client.work(until)));
  for (const client of all) await client.leave();
  const done = {};
  for (const client of all) for (const [name, n] of Object.entries(client.done)) done[name] = (done[name] ?? 0) + n;
  return done;
}

test(`${clients} clients for ${seconds} s leave nothing behind`, async (t) => {
  const daemon = await Daemon.start();
  await daemon.csv("/datasets?name=base", sums(3000));
  const { json } = await daemon.post("/train", { dataset: "base", model: "base", epochs: 5 });
  await daemon.finished(json.id);
  const answer = (await daemon.post("/predict", { model: "base", instances })).json.predictions;
  await round(daemon, answer, 200 * seconds); // a fifth of the time, for caches and pools to grow to their size
  const before = held(daemon);
  const done = await round(daemon, answer, 800 * seconds);
  const after = held(daemon);
  t.diagnostic(`${Object.entries(done).map(([name, n]) => `${n} ${name}`).join(", ")}; before ${JSON.stringify(before)}, after ${JSON.stringify(after)}`);
  assert.equal(after.threads, before.threads);
  assert.ok(after.descriptors <= before.descriptors + clients + 8, "descriptors: besides connections that the client keeps open, none");
  if (!sanitized) assert.ok(after.bytes < before.bytes + GROWTH_BYTES, "memory");
  assert.deepEqual((await daemon.get("/datasets")).json.datasets.map(({ name }) => name), ["base"]);
  assert.deepEqual((await daemon.get("/models")).json.models.map(({ name }) => name), ["base"]);
  await daemon.stop();
});
