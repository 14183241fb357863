// The wall clock jumps by hours, forward and back, under a daemon at work: jobs,
// deadlines, checkpoints, streams, uploads and the order of lists rest on the
// monotonic clock and on numbers, and go on.
import assert from "node:assert/strict";
import { watch } from "node:fs/promises";
import net from "node:net";
import path from "node:path";
import { after, before, test as plainTest } from "node:test";
import { Daemon, stateFolder, sums } from "../api/daemon.mjs";
import { Faults } from "./fault.mjs";

const HOUR = 3600;
const JUMPS = [6 * HOUR, -6 * HOUR, 30 * 24 * HOUR, 0];
const STAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const patience = Number(process.env.MLPD_TEST_PATIENCE ?? 1);
const test = (name, run) => plainTest(name, { timeout: 90_000 * patience }, run); // one that waits in vain is named
const faults = new Faults();
const state = stateFolder();
let daemon;
before(async () => {
  daemon = await Daemon.start({ state, env: faults.env });
  const reply = await daemon.csv("/datasets?name=rows", sums(200));
  assert.equal(reply.status, 201, reply.text);
});
after(async () => {
  await daemon?.stop();
  faults.close();
});

async function train(settings) {
  const { status, json, text } = await daemon.post("/train", { dataset: "rows", layers: [8], batch_size: 32, ...settings });
  assert.equal(status, 202, text);
  return json;
}

/** By the daemon's own stamp, how many seconds ahead of us it is. */
const aheadOf = (stamp) => (Date.parse(stamp) - Date.now()) / 1000;

test("the library sets the daemon's clock, or this file tests nothing", async () => {
  for (const seconds of JUMPS) {
    faults.clock(seconds);
    const { json } = await daemon.csv(`/datasets?name=stamp&replace=true`, sums(10));
    assert.match(json.created, STAMP);
    assert.ok(Math.abs(aheadOf(json.created) - seconds) < 600, `${json.created} is ${seconds} s ahead`);
  }
});

test("a job with a limit of an hour trains on through every jump, and its epochs take no hours", async () => {
  const { id } = await train({ epochs: 100000, max_seconds: HOUR, model: "long" });
  let seen = (await daemon.epoch(id)).epoch;
  for (const seconds of JUMPS) {
    faults.clock(seconds);
    seen = (await daemon.epoch(id, ({ epoch }) => epoch > seen + 3)).epoch;
    const { json } = await daemon.get(`/jobs/${id}`);
    assert.equal(json.state, "running");
    assert.ok(json.history.every((epoch) => epoch.seconds >= 0 && epoch.seconds < 600));
  }
  assert.equal((await daemon.cancel(id)).state, "cancelled");
});

test("a limit of a second ends a job although the clock was set back in it", async () => {
  const { id } = await train({ epochs: 100000, max_seconds: 1, model: "short" });
  await daemon.epoch(id);
  faults.clock(-6 * HOUR);
  const job = await daemon.finished(id);
  assert.equal(job.state, "cancelled", "as by hand: what it has is kept");
  assert.ok(job.epoch < 100000);
  faults.clock(0);
});

test("checkpoints go on being written, and a job goes on from one after a kill with the clock set back", async () => {
  // so many rows that its epochs last longer than its checkpoints keep it waiting, up to 5 s each
  assert.equal((await daemon.csv("/datasets?name=many", sums(5000))).status, 201);
  const { id } = await train({ dataset: "many", epochs: 100000, model: "kept" });
  const seen = (await daemon.epoch(id, ({ epoch }) => epoch > 20)).epoch;
  const changes = watch(path.join(state, "checkpoints")); // from here on none is missed
  const written = async () => {
    for (;;) {
      const { value } = await changes.next();
      if ([`${id}.0`, `${id}.1`].includes(value.filename)) return;
    }
  };
  for (const seconds of [6 * HOUR, -6 * HOUR]) {
    faults.clock(seconds);
    await written();
    await written(); // the first may have been under way
  }
  await changes.return();
  daemon.child.kill("SIGKILL");
  await daemon.ended;
  faults.clock(-12 * HOUR);
  daemon = await Daemon.start({ state, env: faults.env });
  await daemon.epoch(id, ({ epoch }) => epoch > seen + 3); // which the history may hold before the job is taken up
  const begins = new RegExp(`job ${id} (goes on from its checkpoint: after epoch (\\d+),|starts again.*\\n)`);
  await daemon.logged(begins);
  const [, said, epoch] = begins.exec(daemon.log);
  assert.ok(epoch, `job ${id} ${said}`);
  assert.ok(Number(epoch) >= seen, `it goes on from epoch ${epoch}`);
  assert.equal((await daemon.cancel(id)).state, "cancelled");
  faults.clock(0);
});

test("jobs and versions are in the order of their numbers, whatever their stamps say", async () => {
  const jobs = [];
  for (const seconds of [6 * HOUR, 0, -6 * HOUR]) {
    faults.clock(seconds);
    const job = await train({ epochs: 1, model: "order" });
    assert.equal((await daemon.finished(job.id)).state, "succeeded");
    jobs.push(job);
  }
  const ids = (await daemon.get("/jobs")).json.jobs.map(({ id }) => id);
  assert.deepEqual(
    ids,
    [...ids].sort((a, b) => b - a),
  );
  assert.deepEqual(
    ids.slice(0, 3),
    jobs.map(({ id }) => id).reverse(),
  );
  const { json } = await daemon.get("/models/order");
  assert.deepEqual(
    json.versions.map(({ version }) => version),
    [3, 2, 1],
  );
  assert.ok(json.versions[0].created < json.versions[1].created, "the newest has the oldest stamp");
  assert.equal((await daemon.post("/predict", { model: "order", instances: [[0.25, 0.5]] })).json.version, 3);
  faults.clock(0);
});

test("an upload that the clock jumps under arrives, and so does the next request of its connection", async () => {
  const csv = sums(100);
  const half = csv.length >> 1;
  const socket = net.connect(daemon.port, "127.0.0.1");
  let text = "";
  socket.on("data", (data) => (text += data));
  const reply = (n) =>
    new Promise((resolve, reject) => {
      const look = () => text.split("HTTP/1.1 ").length > n && resolve();
      socket.on("data", look);
      socket.on("close", () => reject(new Error(`the connection went: ${text}`)));
    });
  const first = reply(1);
  socket.write(`POST /datasets?name=slow HTTP/1.1\r\nHost: 127.0.0.1:${daemon.port}\r\nContent-Length: ${csv.length}\r\n\r\n${csv.slice(0, half)}`);
  while ((await daemon.get("/datasets/slow")).json?.state !== "loading"); // until the daemon has seen it
  for (const seconds of JUMPS) {
    faults.clock(seconds);
    assert.equal((await daemon.get("/healthz")).status, 200);
  }
  socket.write(csv.slice(half));
  await first;
  assert.match(text, /^HTTP\/1\.1 201 /);
  faults.clock(6 * HOUR);
  const second = reply(2);
  socket.write(`GET /datasets/slow/rows?limit=1 HTTP/1.1\r\nHost: 127.0.0.1:${daemon.port}\r\n\r\n`);
  await second;
  assert.match(text.slice(text.lastIndexOf("HTTP/1.1 ")), /^HTTP\/1\.1 200 /);
  socket.destroy();
  faults.clock(0);
});
