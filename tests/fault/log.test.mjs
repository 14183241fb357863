// A log that nobody reads holds nobody up: lines are lost, and the log says how many.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { closeSync, constants, openSync, readSync } from "node:fs";
import path from "node:path";
import { test as plainTest } from "node:test";
import { Daemon, stateFolder, sums } from "../api/daemon.mjs";

const patience = Number(process.env.MLPD_TEST_PATIENCE ?? 1);
const test = (name, run) => plainTest(name, { timeout: 60_000 * patience }, run); // who waits for the log waits for ever
const LOST = /(\d+) lines of the log are lost/;
const ROUNDS = 3000; // a line each, of 50 bytes and more: more than a pipe and our reader's buffers hold

/** Whatever is logged meanwhile, requests, uploads and jobs go on. */
async function work(daemon) {
  for (let i = 0; i < ROUNDS; i += 50) {
    const replies = await Promise.all(Array.from({ length: 50 }, () => daemon.get("/healthz")));
    assert.ok(replies.every(({ status }) => status === 200));
  }
  assert.equal((await daemon.csv("/datasets?name=d", sums(60))).status, 201);
  const job = await daemon.post("/train", { dataset: "d", model: "m", layers: [4], epochs: 2 });
  assert.equal((await daemon.finished(job.json.id)).state, "succeeded");
}

test("a socket that nobody reads", async (t) => {
  const daemon = await Daemon.start({ flags: ["--log-level=debug"] });
  t.after(() => daemon.child.kill("SIGKILL"));
  daemon.child.stderr.pause();
  await work(daemon);
  daemon.child.stderr.resume();
  while (!LOST.test(daemon.log)) await daemon.get("/healthz"); // each a line
  assert.ok(Number(LOST.exec(daemon.log)[1]) > 1);
  await daemon.stop();
  assert.ok(daemon.log.split("\n").every((line) => line === "" || /^\d{4}-\d\d-\d\dT[\d:.]+Z \w+: ./.test(line)), "lines are whole");
});

test("a pipe that nobody reads", async (t) => {
  const state = stateFolder();
  const fifo = path.join(stateFolder(), "log");
  execFileSync("mkfifo", [fifo]);
  const fd = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  t.after(() => closeSync(fd));
  let log = "";
  const read = () => {
    const bytes = Buffer.alloc(1 << 16);
    try {
      for (let n; (n = readSync(fd, bytes)) > 0; ) log += bytes.toString("utf8", 0, n);
    } catch (error) {
      assert.equal(error.code, "EAGAIN");
    }
  };
  const words = ["-c", 'exec "$@" 2>"$0"', fifo, process.env.MLPD_BIN, "--listen=127.0.0.1:0", `--state-dir=${state}`, "--log-level=debug"];
  const child = spawn("sh", words, { stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  const ended = new Promise((resolve) => child.on("close", (code) => resolve(code)));
  for (; !/listening on \S+\n/.test(log); await new Promise((resolve) => setImmediate(resolve))) read();
  const daemon = Object.assign(new Daemon(), { url: /listening on (\S+)/.exec(log)[1] });
  await work(daemon);
  for (; !LOST.test(log); read()) await daemon.get("/healthz");
  child.kill("SIGTERM");
  assert.equal(await ended, 0);
  read();
  assert.ok(log.split("\n").every((line) => line === "" || /^\d{4}-\d\d-\d\dT[\d:.]+Z \w+: ./.test(line)), "lines are whole");
});
