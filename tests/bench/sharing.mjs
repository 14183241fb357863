// How a daemon that trains shares itself: a short job beside a long one, what slices cost, how soon a pause acts, how long predictions take.
// usage: MLPD_BIN=build/release/mlpd node tests/bench/sharing.mjs MNIST_FOLDER [short|slices|pause|predict ...]
// The folder holds mnist_train.csv; predictions are asked for by h2load (Debian: nghttp2-client).
import { spawn } from "node:child_process";
import { createReadStream, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as passed } from "node:timers/promises";
import { Daemon, stateFolder } from "../api/daemon.mjs";

const [folder, ...wanted] = process.argv.slice(2);
const daemon = await Daemon.start();
const long = { dataset: "mnist", target: "label", layers: [128, 64], epochs: 100000, validation_split: 0 };
let made = 0;

async function train(settings) {
  const reply = await daemon.post("/train", { model: `m${made++}`, ...long, ...settings });
  if (reply.status !== 202) throw new Error(reply.text);
  return reply.json.id;
}
const look = async (id) => (await daemon.call("GET", "/jobs?limit=10")).json.jobs.find((job) => job.id === id);
const drop = (id) => daemon.call("DELETE", `/jobs/${id}`);
const begun = (id) => daemon.events(id, { stop: ({ event }) => event === "epoch" });

/** Samples a second of a job by the clock, over a while. */
async function rate(id, ms, meanwhile = () => passed(ms)) {
  const samples = async () => {
    const job = await look(id);
    return [job.fraction * job.epochs * job.rows.train, performance.now()];
  };
  const [first, from] = await samples();
  await meanwhile();
  const [last, to] = await samples();
  return ((last - first) / (to - from)) * 1000;
}

async function short() {
  const alone = (await daemon.finished(await train({ epochs: 20 }))).history.reduce((sum, { seconds }) => sum + seconds, 0);
  const id = await train({});
  await begun(id);
  const from = performance.now();
  await daemon.finished(await train({ epochs: 20 }));
  const beside = (performance.now() - from) / 1000;
  await drop(id);
  console.log(`a job of ${alone.toFixed(2)} s ends after ${beside.toFixed(2)} s beside a long one`);
}

async function slices() {
  const first = await train({});
  await begun(first);
  const alone = await rate(first, 5000);
  const second = await train({});
  await begun(second);
  const both = await Promise.all([rate(first, 10000), rate(second, 10000)]);
  const again = (await daemon.call("POST", `/jobs/${second}/pause`), await rate(first, 5000));
  await drop(first), await drop(second);
  const mean = (alone + again) / 2;
  console.log(`alone ${mean.toFixed(0)} samples/s, two by turns together ${(both[0] + both[1]).toFixed(0)}: ` +
    `${(100 * (1 - (both[0] + both[1]) / mean)).toFixed(1)} % lost to slices; shares ${both.map((one) => (100 * one / (both[0] + both[1])).toFixed(0))}`);
}

/** Processor time of the daemon, in ticks of 10 ms. */
function ticks() {
  const fields = readFileSync(`/proc/${daemon.child.pid}/stat`, "utf8").split(") ")[1].split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

/** Milliseconds until the daemon no longer computes. */
async function idle(from) {
  for (let last = ticks(), still = from; ; ) {
    await passed(5);
    const now = ticks();
    if (now !== last) still = performance.now();
    if (performance.now() - still > 100) return still - from;
    last = now;
  }
}

async function pause() {
  for (const settings of [{}, { layers: [2500, 2000, 1500, 1000, 500] }, { layers: [8192, 8192] }, { layers: [8192, 8192], batch_size: "full" },
    { layers: [8192, 8192], batch_size: "full", validation_split: 0.5 }]) {
    const answered = [], stopped = [];
    const id = await train(settings);
    for (let i = 0; i < 6; i++) {
      await passed(1000 + 137 * i);
      const from = performance.now();
      const { status, text } = await daemon.call("POST", `/jobs/${id}/pause`);
      if (status !== 200) throw new Error(text);
      answered.push(performance.now() - from);
      stopped.push(await idle(from));
      await daemon.call("POST", `/jobs/${id}/resume`);
    }
    await passed(1500);
    const from = performance.now();
    await daemon.call("POST", `/jobs/${id}/cancel`);
    const cancelled = performance.now() - from;
    await drop(id);
    const most = (list) => Math.max(...list).toFixed(0);
    console.log(`${JSON.stringify(settings)}: pause answered within ${most(answered)} ms, idle within ${most(stopped)} ms; cancelled in ${cancelled.toFixed(0)} ms`);
  }
}

/** Milliseconds of each request; h2load sends `rps` a second. */
function load(where, rps, seconds, data) {
  const log = path.join(stateFolder(), "log"), clients = 10;
  const flags = ["--h1", "-c", clients, "--rps", rps / clients, "-D", seconds, "--log-file", log, ...(data ? ["-d", data, "-H", "Content-Type: application/json"] : [])];
  return new Promise((resolve, reject) => {
    spawn("h2load", [...flags.map(String), daemon.url + where], { stdio: "ignore" }).on("close", (code) => {
      if (code) return reject(new Error(`h2load: ${code}`));
      const rows = readFileSync(log, "utf8").trim().split("\n").map((line) => line.split("\t").map(Number));
      if (rows.some(([, status]) => status !== 200)) return reject(new Error("not every reply was 200"));
      resolve(rows.map(([, , us]) => us / 1000).sort((a, b) => a - b));
    }).on("error", reject);
  });
}
const told = (ms) => `${ms.length} requests, median ${ms[ms.length >> 1].toFixed(2)}, p99 ${ms[Math.floor(ms.length * 0.99)].toFixed(2)}, longest ${ms.at(-1).toFixed(2)} ms`;

async function predict() {
  await daemon.finished(await train({ epochs: 1, model: "served" }));
  const row = readFileSync(path.join(folder, "mnist_train.csv"), "latin1").split("\n", 3)[1].split(",").slice(1).map(Number);
  const data = path.join(stateFolder(), "row.json");
  writeFileSync(data, JSON.stringify({ model: "served", instances: [row] }));
  const id = await train({});
  await begun(id);
  const alone = await rate(id, 5000);
  let times;
  const disturbed = await rate(id, 0, async () => (times = await load("/predict", 1000, 10, data)));
  const health = await load("/healthz", 100, 3), metrics = await load("/metrics", 100, 3);
  const again = await rate(id, 5000);
  await drop(id);
  console.log(`predict at 1,000 a second while it trains: ${told(times)}`);
  console.log(`the job keeps ${(200 * disturbed / (alone + again)).toFixed(1)} % of its ${((alone + again) / 2).toFixed(0)} samples/s`);
  console.log(`healthz: ${told(health)}; metrics: ${told(metrics)}`);
}

const upload = await daemon.csv("/datasets?name=mnist", createReadStream(path.join(folder, "mnist_train.csv")));
if (upload.status !== 201) throw new Error(upload.text);
for (const [name, measure] of Object.entries({ short, slices, pause, predict })) if (wanted.length === 0 || wanted.includes(name)) await measure();
await daemon.stop();
