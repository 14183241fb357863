// Models that are trained further.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Daemon, assertProblem, sums } from "./daemon.mjs";

let daemon;
const upload = async (name, rows) => assert.equal((await daemon.csv(`/datasets?name=${name}`, rows)).status, 201);
const train = async (request) => {
  const reply = await daemon.post("/train", request);
  assert.equal(reply.status, 202, reply.text);
  return daemon.finished(reply.json.id);
};
before(async () => {
  daemon = await Daemon.start();
  await upload("sums", sums(300));
  await train({ dataset: "sums", model: "base", layers: [12], epochs: 40, learning_rate: 0.01, seed: 1 });
});
after(() => daemon.stop());

test("it goes on where it was, as a new version, with the recipe and the layers it has", async () => {
  const before = (await daemon.get("/models/base")).json;
  const first = (await daemon.get("/jobs/1")).json.history;
  const job = await train({ dataset: "sums", model: "base", from: "base", epochs: 5, seed: 1 });
  assert.equal(job.state, "succeeded", JSON.stringify(job.error));
  assert.ok(job.history[0].loss < first[0].loss / 2, `${job.history[0].loss} after ${first[0].loss}`);
  assert.ok(Math.abs(job.history[0].loss - first.at(-1).loss) < 0.1);
  assert.deepEqual(job.warnings, []);
  const after = (await daemon.get("/models/base")).json;
  assert.deepEqual([after.version, after.network.layers], [2, before.network.layers]);
  assert.deepEqual(after.recipe, before.recipe);
});

test("what it does not know of new rows is reported, and what it lacks is refused", async () => {
  const word = (i) => ["red", "green", "blue"][i % 3];
  const rows = (n, odd) => Array.from({ length: n }, (_, i) => `${i % 17},${odd && i % 10 === 0 ? "mauve" : word(i)},${odd && i % 20 === 5 ? "third" : i % 2 ? "x" : "y"}`);
  await upload("colours", `n,colour,kind\n${rows(120, false).join("\n")}\n`);
  await train({ dataset: "colours", target: "kind", model: "painter", layers: [6], epochs: 3 });
  await upload("more", `n,colour,kind,extra\n${rows(120, true).map((row, i) => `${row},${i}`).join("\n")}\n`);
  const job = await train({ dataset: "more", model: "painter", from: "painter", from_version: 1, epochs: 2 });
  assert.equal(job.state, "succeeded", JSON.stringify(job.error));
  const told = Object.fromEntries(job.warnings.map(({ code, message }) => [code, message]));
  assert.match(told.unknown_column, /extra/);
  assert.match(told.unknown_level, /12 rows of the column colour.*mauve/);
  assert.match(told.unknown_class, /\d of \d+ training rows have no class/);
  await upload("less", `n,kind\n${rows(60, false).map((row) => row.split(",").filter((_, i) => i !== 1).join(",")).join("\n")}\n`);
  const refused = await daemon.post("/train", { dataset: "less", from: "painter" });
  assert.ok(refused.status >= 400 && refused.status < 500, refused.text);
  assert.match(refused.json.detail, /colour/);
});

test("what belongs to the model cannot be given, and the model must be there", async () => {
  assertProblem(await daemon.post("/train", { dataset: "sums", from: "base", layers: [3] }), 400, /from/, { field: "layers" });
  assertProblem(await daemon.post("/train", { dataset: "sums", from_version: 1 }), 400, /from/, { field: "from_version" });
  assertProblem(await daemon.post("/train", { dataset: "sums", from: "nobody" }), 404, /nobody/, { field: "from" });
});
