// What can be changed of jobs and models once they are there: titles, shares, names, and which version a bare name means.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Daemon, assertProblem, stateFolder, sums } from "./daemon.mjs";

let daemon;
const state = stateFolder();
const patch = (where, body) => daemon.call("PATCH", where, JSON.stringify(body), { "Content-Type": "application/json" });
const predicted = async (model) => (await daemon.post("/predict", { model, instances: [[0.25, 0.5]] })).json.version;

async function restart() {
  await daemon.stop();
  daemon = await Daemon.start({ state });
}

async function train(model) {
  const { json } = await daemon.post("/train", { dataset: "sums", model, epochs: 2, layers: [4], test: "sums" });
  return daemon.finished(json.id);
}

before(async () => {
  daemon = await Daemon.start({ state });
  await daemon.csv("/datasets?name=sums", sums(200));
});
after(() => daemon.stop());

test("the bare name means the promoted version, through new versions and restarts, until it is rolled back", async () => {
  for (let i = 0; i < 3; i++) await train("m");
  assert.equal(await predicted("m"), 3);
  const promoted = await patch("/models/m", { promoted: 2 });
  assert.equal(promoted.status, 200, promoted.text);
  assert.deepEqual([promoted.json.version, promoted.json.promoted], [2, 2]);
  assert.equal(await predicted("m"), 2);
  await train("m");
  await restart();
  assert.equal(await predicted("m"), 2);
  const { json } = await daemon.get("/models/m");
  assert.deepEqual(json.versions.map(({ version }) => version), [4, 3, 2, 1]);
  for (const version of json.versions) {
    assert.equal(version.partial, false);
    assert.ok(version.test_accuracy > 0 && version.created && version.job, JSON.stringify(version));
  }
  assert.equal((await daemon.get("/models")).json.models.find(({ name }) => name === "m").promoted, 2);
  assert.equal((await patch("/models/m", { promoted: 1 })).json.version, 1);
  assert.equal((await patch("/models/m", { promoted: null })).json.version, 4);
  assert.equal(await predicted("m"), 4);
});

test("a deleted version is no longer promoted", async () => {
  await patch("/models/m", { promoted: 2 });
  assert.equal((await daemon.call("DELETE", "/models/m?version=2")).status, 204);
  const { json } = await daemon.get("/models/m");
  assert.deepEqual([json.version, json.promoted], [4, null]);
});

test("a renamed model keeps versions, promotion, jobs and file, and version numbers do not repeat", async () => {
  await patch("/models/m", { promoted: 3 });
  const renamed = await patch("/models/m", { name: "n" });
  assert.equal(renamed.status, 200, renamed.text);
  assert.deepEqual([renamed.json.name, renamed.json.version, renamed.json.promoted], ["n", 3, 3]);
  assert.equal(await predicted("n"), 3);
  assertProblem(await daemon.get("/models/m"), 404, /no model called m/);
  assertProblem(await daemon.post("/predict", { model: "m", instances: [[0, 0]] }), 404, /no model called m/);
  await restart();
  const { json } = await daemon.get("/models/n");
  assert.deepEqual(json.versions.map(({ version }) => version), [4, 3, 1]);
  assert.equal((await daemon.get(`/jobs/${json.job}`)).json.model, "n");
  assert.equal((await daemon.get("/models/n/file")).status, 200);
  assert.equal((await train("m")).version, 5);
  assert.equal((await train("n")).version, 5);
  assertProblem(await patch("/models/n", { name: "m" }), 409, /a model called m already/, { field: "name" });
  assert.equal((await patch("/models/n", { name: "n", promoted: 5 })).json.version, 5);
});

test("a change that cannot be made whole is not made", async () => {
  assertProblem(await patch("/models/n", { name: "other", promoted: 77 }), 404, /version 77/, { field: "promoted" });
  assertProblem(await patch("/models/n", { name: "m", promoted: 1 }), 409, /already/);
  assert.equal((await daemon.get("/models/n")).json.promoted, 5);
  assertProblem(await patch("/models/none", { name: "x" }), 404, /no model called none/);
  assertProblem(await patch("/models/n", { name: "no/slash" }), 400, /a name has/, { field: "name" });
  assertProblem(await patch("/models/n", { promoted: "3" }), 400, /version's number/, { field: "promoted" });
  assertProblem(await patch("/models/n", { colour: 1 }), 400, /unknown field/, { field: "colour" });
  assertProblem(await patch("/models/n", [1]), 400, /object/);
});

test("title, priority, weight and time limit of a job change while it runs, and survive a restart", async () => {
  const reply = await daemon.post("/train", { dataset: "sums", model: "long", epochs: 100000, layers: [4], batch_size: 32, weight: 7 });
  const where = `/jobs/${reply.json.id}`;
  assert.deepEqual([reply.json.title, reply.json.priority, reply.json.weight, reply.json.max_seconds], [null, 0, 7, null]);
  const changed = await patch(where, { title: 'wide "one"', priority: -3, max_seconds: 3600 });
  assert.equal(changed.status, 200, changed.text);
  const see = ({ title, priority, weight, max_seconds }) => [title, priority, weight, max_seconds];
  assert.deepEqual(see(changed.json), ['wide "one"', -3, 7, 3600]);
  await restart();
  assert.deepEqual(see((await daemon.get(where)).json), ['wide "one"', -3, 7, 3600]);
  assert.deepEqual(see((await patch(where, { max_seconds: null, weight: 100 })).json), ['wide "one"', -3, 100, null]);
  assertProblem(await patch(where, { priority: 11 }), 400, /-10 to 10/, { field: "priority" });
  assertProblem(await patch(where, { priority: 0.5 }), 400, /-10 to 10/, { field: "priority" });
  assertProblem(await patch(where, { title: "x".repeat(201) }), 400, /200 bytes/, { field: "title" });
  assertProblem(await patch(where, { state: "paused" }), 400, /title, priority, weight, max_seconds/, { field: "state" });
  await daemon.cancel(where.slice("/jobs/".length));
  assertProblem(await patch(where, { priority: 1 }), 409, /has ended/);
  assert.equal((await patch(where, { title: null })).json.title, null);
  assert.equal((await patch(where, { title: "old" })).json.title, "old");
  assert.equal((await daemon.get(where)).json.title, "old");
  assertProblem(await patch("/jobs/999", { title: "x" }), 404, /no job 999/);
});

test("a full queue is 429 with Retry-After, and takes jobs again when there is room", async () => {
  const small = await Daemon.start({ flags: ["--max-jobs=1"] });
  await small.csv("/datasets?name=sums", sums(200));
  const job = (await small.post("/train", { dataset: "sums", epochs: 100000, layers: [4] })).json.id;
  assert.equal((await small.call("POST", `/jobs/${job}/pause`)).status, 200);
  const full = await small.post("/train", { dataset: "sums", epochs: 1, layers: [4] });
  assertProblem(full, 429, /waiting already/);
  assert.ok(Number(full.headers.get("retry-after")) > 0);
  await small.cancel(job);
  assert.equal((await small.post("/train", { dataset: "sums", epochs: 1, layers: [4] })).status, 202);
  await small.stop();
});

test("a network that does not fit the memory for jobs is 507 with the number", async () => {
  const small = await Daemon.start({ flags: ["--job-memory=100MB"] });
  await small.csv("/datasets?name=sums", sums(200));
  assertProblem(await small.post("/train", { dataset: "sums", layers: [20000, 20000] }), 507, /takes about [0-9.]+ GB of memory.*0\.1 GB/);
  assert.ok((await small.post("/train", { dataset: "sums", epochs: 1, layers: [4] })).json.memory_bytes > 0);
  await small.stop();
});
