// A table several times larger than the memory that the daemon may use is uploaded and trained on, under a memory limit of the kernel's.
// usage: MLPD_BIN=build/release/mlpd node tests/bench/memory.mjs [LIMIT_MB] [CSV_MB]      (needs a cgroup that it may make a child of)
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Daemon } from "../api/daemon.mjs";

const [limit_mb, csv_mb] = [Number(process.argv[2] ?? 192), Number(process.argv[3] ?? 1200)];
const columns = 60, mb = 1 << 20;

/** A child of this process' own memory group, of version 1 or 2, with the limit; the daemon is moved into it. */
function groupMake() {
  const own = readFileSync("/proc/self/cgroup", "utf8").split("\n").map((line) => line.split(":"));
  const v1 = own.find(([, controllers]) => controllers === "memory"), v2 = own.find(([number]) => number === "0");
  const base = v1 ? path.join("/sys/fs/cgroup/memory", v1[2]) : path.join("/sys/fs/cgroup", v2[2]);
  const folder = path.join(base, `mlpd-memory-${process.pid}`);
  mkdirSync(folder);
  writeFileSync(path.join(folder, v1 ? "memory.limit_in_bytes" : "memory.max"), String(limit_mb * mb));
  const read = (name) => (existsSync(path.join(folder, name)) ? readFileSync(path.join(folder, name), "utf8").trim() : "");
  return { folder, read, peak: () => Number(read(v1 ? "memory.max_usage_in_bytes" : "memory.peak") || NaN) / mb, done: () => rmdirSync(folder) };
}

/** Blocks of rows of which one number in three decides the class. */
function blocks() {
  let state = 1;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  return Array.from({ length: 8 }, () => {
    const lines = [];
    for (let bytes = 0; bytes < mb; bytes += lines.at(-1).length + 1) {
      const row = Array.from({ length: columns }, () => next().toFixed(4));
      lines.push(`${row.join()},${Number(row[0]) + Number(row[3]) > 1 ? "high" : "low"}`);
    }
    return Buffer.from(lines.join("\n") + "\n");
  });
}

async function* body() {
  yield Buffer.from(`${Array.from({ length: columns }, (_, i) => `x${i}`).join()},label\n`);
  const made = blocks();
  for (let i = 0; i < csv_mb; i++) yield made[i % made.length];
}

const seconds = (since) => ((Date.now() - since) / 1000).toFixed(1);
const resident = (daemon, what) => Number(new RegExp(`${what}:\\s+(\\d+)`).exec(readFileSync(`/proc/${daemon.child.pid}/status`, "utf8"))[1]) / 1024;

const group = groupMake();
const daemon = await Daemon.start();
try {
  writeFileSync(path.join(group.folder, "cgroup.procs"), String(daemon.child.pid));
  let begin = Date.now(), done = false, anonymous = 0;
  const shown = new Set();
  const upload = daemon.call("POST", "/datasets?name=large", body(), { "Content-Type": "text/csv" }).finally(() => (done = true));
  while (!done) {
    const { json } = await daemon.get("/datasets/large");
    if (json.state === "loading") shown.add(JSON.stringify(json.progress));
    anonymous = Math.max(anonymous, resident(daemon, "RssAnon"));
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const profile = await upload;
  assert.equal(profile.status, 201, profile.text);
  const { rows } = profile.json, table_mb = (rows * (columns + 1) * 4) / mb;
  console.log(`limit ${limit_mb} MB; CSV ${csv_mb} MB, ${rows} rows, table ${table_mb.toFixed(0)} MB: ${(table_mb / limit_mb).toFixed(1)} times the limit`);
  console.log(`upload ${seconds(begin)} s, its progress seen at ${shown.size} stages, memory of its own ${anonymous.toFixed(0)} MB`);
  assert.ok(shown.size > 2, "GET /datasets/large shows progress while it loads");
  begin = Date.now();
  anonymous = 0;
  const job = await daemon.post("/train", { dataset: "large", model: "large", layers: [32], epochs: 2, batch_size: 256 });
  assert.equal(job.status, 202, job.text);
  const watch = setInterval(() => (anonymous = Math.max(anonymous, resident(daemon, "RssAnon"))), 100);
  const ended = await daemon.finished(job.json.id);
  clearInterval(watch);
  assert.equal(ended.state, "succeeded", JSON.stringify(ended.error));
  const epochs = ended.history.map(({ seconds: s, accuracy }) => `${s.toFixed(1)} s (accuracy ${accuracy.toFixed(3)})`);
  console.log(`training ${seconds(begin)} s: epochs of ${epochs.join(", ")}; memory of its own ${anonymous.toFixed(0)} MB`);
  console.log(`the group's peak, page cache included: ${group.peak().toFixed(0)} MB of ${limit_mb}`);
  assert.equal((await daemon.get("/healthz")).status, 200);
} finally {
  await daemon.stop();
  group.done();
}
