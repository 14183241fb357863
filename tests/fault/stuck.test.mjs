// Threads that do not get on are seen by /healthz, and the watchdog is told no more; busy ones are not taken for such.
import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, readFileSync, readdirSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test as plainTest } from "node:test";

import { Daemon, sums } from "../api/daemon.mjs";

const patience = Number(process.env.MLPD_TEST_PATIENCE ?? 1);
const test = (name, run) => plainTest(name, { timeout: 120_000 * patience }, run);
const folder = mkdtempSync(path.join(tmpdir(), "mlpd-freeze-"));
const control = openSync(path.join(folder, "control"), "w+");

let daemon;
before(async () => {
  assert.ok(process.env.MLPD_FREEZE_LIBRARY, "the environment variable MLPD_FREEZE_LIBRARY names what stops threads");
  writeSync(control, Buffer.alloc(12), 0, 12, 0);
  const env = {
    LD_PRELOAD: process.env.MLPD_FREEZE_LIBRARY,
    MLPD_FREEZE_FILE: path.join(folder, "control"),
    WATCHDOG_USEC: String(6_000_000 * patience),
    ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ""}:verify_asan_link_order=0`, // ours comes before it
  };
  daemon = await Daemon.start({ env });
});
after(async () => {
  await daemon?.stop();
  closeSync(control);
  rmSync(folder, { recursive: true });
});

function word(i) {
  const bytes = Buffer.alloc(4);
  readSync(control, bytes, 0, 4, 4 * i);
  return bytes.readUInt32LE();
}
const alive = () => word(1);

/** Resolves once `fits` says so; each look is a turn of the event loop, or what `look` waits for. */
async function until(look, fits) {
  for (let value; !fits((value = await look())); ) await new Promise((resolve) => setImmediate(resolve));
}

/** The library does what is written, one word after the other. */
async function tell(thread) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(thread);
  writeSync(control, bytes, 0, 4, 0);
  await until(() => word(2), (done) => done === thread);
}

/** Stop all threads of this name. */
async function freeze(name) {
  const tasks = `/proc/${daemon.child.pid}/task`;
  const threads = readdirSync(tasks).filter((thread) => readFileSync(`${tasks}/${thread}/comm`, "utf8").trim() === name);
  assert.ok(threads.length > 0, `there is a thread called ${name}`);
  for (const thread of threads) await tell(Number(thread));
}
const release = () => tell(0);

const health = async () => {
  const { status, json } = await daemon.get("/healthz");
  return { status, stuck: (json.stuck ?? []).map(({ part }) => part) };
};

test("a daemon that trains and answers is well, and the watchdog is told", async () => {
  await daemon.csv("/datasets?name=sums", sums(5000));
  const { json } = await daemon.post("/train", { dataset: "sums", layers: [256, 256], epochs: 100_000 });
  const begin = alive();
  while (alive() < begin + 6) {
    const lists = ["/models", "/datasets", `/jobs/${json.id}`, "/datasets/sums/rows?limit=5000"].map((list) => daemon.get(list));
    for (const { status } of await Promise.all(lists)) assert.equal(status, 200);
    assert.deepEqual(await health(), { status: 200, stuck: [] });
  }
  await daemon.cancel(json.id);
});

test("service threads and a writer that do not get on are named, and the watchdog is told no more", async () => {
  await freeze("interactive");
  await freeze("writer");
  await until(health, ({ status }) => status === 503);
  assert.ok((await health()).stuck.includes("interactive"));
  const told = alive();
  await until(health, ({ stuck }) => stuck.includes("interactive") && stuck.includes("writer")); // which has twice the time
  assert.equal(alive(), told);
  await release();
  await until(health, ({ status }) => status === 200);
  await until(alive, (n) => n > told);
  assert.equal((await daemon.get("/models")).status, 200);
});

test("HTTP threads, a scheduler and a saver that do not get on end the watchdog's messages", async () => {
  const seen = daemon.log.length;
  for (const name of ["http", "scheduler", "saver"]) await freeze(name);
  const log = () => daemon.log.slice(seen);
  await until(log, (text) => text.includes('the part "http" is stuck'));
  const told = alive();
  await until(log, (text) => ["pool", "saver"].every((part) => text.includes(`the part "${part}" is stuck`)));
  assert.equal(alive(), told);
  await release();
  await until(log, (text) => text.includes("all parts get on again"));
  await until(alive, (n) => n > told);
  assert.deepEqual(await health(), { status: 200, stuck: [] });
});
