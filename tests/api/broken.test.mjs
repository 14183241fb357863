// Broken files at every door: a dataset, a training with nothing said, a prediction. Each is answered in bounded time and memory, by a
// profile or by a problem that a person can act on; nothing of what was refused stays behind.
// MLPD_BROKEN_SAY=1 prints what became of each file; MLPD_BROKEN_LARGE=1 adds the files that take long.
import assert from "node:assert/strict";
import { readFileSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { brokenFiles, brokenLargeFiles } from "./broken.mjs";
import { Daemon, until } from "./daemon.mjs";

const patience = Number(process.env.MLPD_TEST_PATIENCE ?? 1);
const sanitized = patience > 1;
const all = Boolean(process.env.MLPD_BROKEN_LARGE);
/** The sanitizers look at the ways through the code, which two hundred epochs take no others than twenty. */
const few = sanitized ? "&epochs=20" : "";
const say = process.env.MLPD_BROKEN_SAY ? console.log : () => {};

let daemon;
before(async () => (daemon = await Daemon.start()));
after(async () => {
  assert.equal((await daemon.get("/healthz")).status, 200);
  await daemon.stop();
});

/** Files of the state folder, without the database's, which grow as it likes. */
function stateFiles() {
  return readdirSync(daemon.state, { recursive: true }).filter((name) => statSync(path.join(daemon.state, name)).isFile() && !/\.db/.test(name)).sort();
}

/** They, once no upload is being compressed any more. */
async function restingFiles() {
  const folders = ["datasets", "tmp"].map((folder) => path.join(daemon.state, folder));
  await until(() => !stateFiles().some((name) => /^tmp\/|\.original$/.test(name)), ...folders);
  return stateFiles();
}

/** The most memory of its own that the daemon was seen with: a table's pages, mapped, are the page cache's. */
let peakMegabytes = 0;
setInterval(() => {
  const found = daemon?.child.exitCode === null && /RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${daemon.child.pid}/status`, "utf8"));
  if (found) peakMegabytes = Math.max(peakMegabytes, Number(found[1]) / 1024);
}, 20).unref();

/** A reply within the time, below 500, and a problem that says something where it is no success. */
async function answered(what, request, seconds) {
  const timeout = new Promise((_, reject) => setTimeout(() => reject(new Error(`${what}: no answer in ${seconds} s`)), seconds * 1000 * patience).unref());
  const reply = await Promise.race([request, timeout]);
  say(`  ${what}: ${reply.status} ${reply.status < 300 ? "" : (reply.json?.detail ?? reply.text)}`);
  assert.ok(reply.status < 500 || reply.status === 507, `${what}: ${reply.status} ${reply.text.slice(0, 400)}`);
  if (reply.status >= 300) problemCheck(what, reply.json, reply.text);
  return reply;
}

function problemCheck(what, problem, text = JSON.stringify(problem)) {
  assert.ok(problem?.detail?.length > 10, `${what}: no sentence in ${text.slice(0, 400)}`);
  assert.ok(problem.detail.length < 600, `${what}: a sentence of ${problem.detail.length} bytes`);
  // eslint-disable-next-line no-control-regex
  assert.doesNotMatch(problem.detail, /[\x00-\x08\x0b-\x1f]|undefined|errno|\(null\)/, what);
}

/** No number that JSON does not have, and a name for each prediction, or the reason why its row could not be read. */
function predictionsCheck(what, reply) {
  for (const { label, value, probability, error } of reply.json.predictions)
    if (error !== undefined) assert.ok(error.length > 10 && error.length < 600 && label === undefined && value === undefined, `${what}: ${error}`);
    else assert.ok(typeof label === "string" ? probability >= 0 && probability <= 1 : Number.isFinite(value), `${what}: ${reply.text.slice(0, 200)}`);
}

async function uploadTry(what, bytes, seconds) {
  const reply = await answered(`${what}: upload`, daemon.csv("/datasets?name=broken", bytes), seconds);
  if (reply.status !== 201) return;
  const rows = await answered(`${what}: rows`, daemon.get("/datasets/broken/rows?limit=5"), seconds);
  assert.equal(rows.status, 200, `${what}: what was taken is shown`);
  assert.ok(reply.json.columns.length >= (reply.json.rows > 0 ? 1 : 2), `${what}: a table without rows has several names`);
  assert.equal((await daemon.call("DELETE", "/datasets/broken")).status, 204);
}

async function trainTry(what, bytes, seconds) {
  const reply = await answered(`${what}: train`, daemon.csv(`/train?name=trained&model=trained${few}`, bytes), seconds);
  if (reply.status !== 202) return;
  const job = reply.json.id;
  const ended = await Promise.race([daemon.finished(job), new Promise((resolve) => setTimeout(resolve, 1000 * seconds * patience, undefined).unref())]);
  assert.ok(ended, `${what}: the job goes on after ${seconds} s`);
  say(`  ${what}: ${ended.state} ${ended.error?.detail ?? ""}`);
  if (ended.state === "failed") problemCheck(`${what}: job`, ended.error);
  else {
    assert.equal(ended.state, "succeeded", what);
    const predicted = await answered(`${what}: predict`, daemon.csv("/predict?model=trained", bytes.subarray(0, 1 << 20)), seconds);
    if (predicted.status === 200) predictionsCheck(what, predicted);
    assert.equal((await answered(`${what}: evaluation`, daemon.get("/models/trained/evaluation?limit=3"), seconds)).status, 200, what);
  }
  for (const where of [`/jobs/${job}`, "/models/trained", "/datasets/trained"])
    assert.ok([204, 404].includes((await daemon.call("DELETE", where)).status), `${what}: DELETE ${where}`);
}

/** Every file through both doors; all that is wrong is told at once. */
async function filesTry(files, seconds) {
  const wrong = [];
  for (const [what, bytes] of files) {
    const made = typeof bytes === "function" ? bytes() : bytes, begin = Date.now();
    try {
      await uploadTry(what, made, seconds);
      await trainTry(what, made, seconds);
    } catch (error) {
      wrong.push(error.message);
      for (const where of ["/datasets/broken", "/models/trained", "/datasets/trained"]) await daemon.call("DELETE", where);
    }
    say(`${what}: ${Date.now() - begin} ms, peak ${peakMegabytes.toFixed(0)} MB`);
  }
  assert.deepEqual(wrong, []);
}

test("small broken files", async () => {
  const files = await restingFiles();
  await filesTry(brokenFiles(sanitized ? 10 : 40), 20);
  assert.deepEqual(await restingFiles(), files, "what is left in the state folder");
});

test("a model given files that it was not made for", async () => {
  const csv = `a,b,label\n${Array.from({ length: 60 }, (_, i) => `${i % 17},x${i % 3},${i % 2 ? "yes" : "no"}`).join("\n")}\n`;
  const job = (await daemon.csv("/train?name=given&model=given&epochs=1", csv)).json.id;
  assert.equal((await daemon.finished(job)).state, "succeeded");
  const wrong = [];
  for (const [what, bytes] of brokenFiles(20))
    try {
      const reply = await answered(`${what}: predict`, daemon.csv("/predict?model=given", bytes), 10);
      if (reply.status === 200) predictionsCheck(what, reply);
    } catch (error) {
      wrong.push(error.message);
    }
  assert.deepEqual(wrong, []);
});

test("large broken files", { skip: sanitized && "the plain build has them" }, async () => {
  const files = await restingFiles();
  await filesTry(brokenLargeFiles(all), 120);
  assert.deepEqual(await restingFiles(), files, "what is left in the state folder");
  assert.ok(peakMegabytes < (all ? 3000 : 400), `the daemon took ${peakMegabytes.toFixed(0)} MB`);
});
