// Columns of more different texts than are told apart: kept and given back, not learnt from.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Daemon, assertProblem } from "./daemon.mjs";

let daemon;
before(async () => (daemon = await Daemon.start()));
after(() => daemon.stop());

/** Users with a name of their own each, and what tells y. */
const users = (n, from = 0) => Array.from({ length: n }, (_, i) => `"user, ${from + i}",${(from + i) % 3 ? "red" : "blue"},${(from + i) % 3 ? 1 : 0}`).join("\n");
const header = "user,colour,y\n";

/** What a dataset says of its users, and that everything goes on with it. */
async function check(name, n) {
  const { json } = await daemon.get(`/datasets/${name}?target=y`);
  assert.equal(json.rows, n);
  const [user, colour] = json.columns;
  assert.equal(user.type, "text");
  assert.match(user.note, /texts that are not told apart/);
  assert.deepEqual([user.missing, user.distinct, user.levels, user.association], [0, undefined, undefined, null]);
  assert.deepEqual([colour.type, colour.distinct], ["category", 2]);
  assert.ok(colour.association > 0.999999);
  assert.equal(json.sample[1][0], "user, 1");
  const rows = (await daemon.get(`/datasets/${name}/rows?index=0,${n - 1}`)).json.rows;
  assert.deepEqual(rows.map((row) => row[0]), ["user, 0", `user, ${n - 1}`]);
}

test("a file of a million ids is taken, trained on and given back", async () => {
  const n = 1_000_001, csv = `${header}${users(n)}\n`;
  const { json, status, text } = await daemon.csv("/datasets?name=many", csv);
  assert.equal(status, 201, text);
  assert.equal(json.columns[0].type, "text");
  await check("many", n);
  assert.ok((await daemon.get("/datasets/many/file")).text === csv, "the file comes back as it was");
  const job = await daemon.post("/train", { dataset: "many", model: "many", epochs: 1, layers: [4], seed: 1 });
  assert.equal(job.status, 202, job.text);
  const done = await daemon.finished(job.json.id);
  assert.equal(done.state, "succeeded");
  assert.ok(done.warnings.some((warning) => warning.column === "user" && /not told apart/.test(warning.message)), JSON.stringify(done.warnings));
  const model = (await daemon.get("/models/many")).json;
  assert.equal(model.recipe.columns[0].encoding, "ignore");
  const guess = await daemon.post("/models/many/predict", { instances: [{ user: "nobody", colour: "blue" }] });
  assert.equal(guess.json.predictions[0].label, "0", guess.text);
});

test("rows are added, and split, and the texts go with them", async () => {
  const { status, text } = await daemon.csv("/datasets?name=few&types=user:text", header + users(60));
  assert.equal(status, 201, text);
  await check("few", 60);
  assert.equal((await daemon.csv("/datasets/few/rows", header + users(20, 60))).status, 200);
  assert.equal((await daemon.post("/datasets/few/rows", { rows: [[true, "red", 1], [null, "red", 1]] })).status, 200);
  const grown = (await daemon.get("/datasets/few")).json;
  assert.deepEqual([grown.rows, grown.columns[0].type, grown.columns[0].missing], [82, "text", 1]);
  assert.deepEqual((await daemon.get("/datasets/few/rows?index=79,80,81")).json.rows.map((row) => row[0]), ["user, 79", "true", null]);
  const parts = await daemon.post("/datasets/few/split", { names: ["first", "second"], share: 0.25, seed: 1 });
  assert.equal(parts.status, 201, parts.text);
  const lines = (await Promise.all(["first", "second"].map(async (name) => (await daemon.get(`/datasets/${name}/file`)).text.trim().split("\n").slice(1)))).flat();
  assert.deepEqual(lines.sort(), (await daemon.get("/datasets/few/file")).text.trim().split("\n").slice(1).sort());
  assert.equal((await daemon.get("/datasets/first")).json.columns[0].type, "text");
});

test("what a text column cannot be is said", async () => {
  await daemon.csv("/datasets?name=users&types=user:text", header + users(60));
  const refused = async (request, field, words) => assertProblem(await daemon.post("/train", { dataset: "users", model: "m", ...request }), field ? 400 : 422, words, field ? { field } : {});
  await refused({ target: "user" }, undefined, /'user' holds texts that are not told apart/);
  await refused({ target: "y", sample_weight: "user" }, "sample_weight", /holds text/);
  await refused({ target: "y", recipe: { user: "one_hot" } }, "recipe", /only ignore is possible/);
  assertProblem(await daemon.post("/datasets/users/split", { names: ["a", "b"], share: 0.5, stratify: "user" }), 400, /column of classes/, { field: "stratify" });
  await daemon.csv("/datasets?name=plain", header + users(60).replaceAll(/user, (\d)\d*/g, "u$1"));
  const job = await daemon.post("/train", { dataset: "plain", target: "y", model: "plain", epochs: 1, recipe: { user: "one_hot" } });
  assert.equal(job.status, 202, job.text);
  await daemon.finished(job.json.id);
  const again = await daemon.post("/train", { dataset: "users", from: "plain", model: "again", epochs: 1 });
  assertProblem(again, 422, /'user' holds texts that are not told apart, and the model was trained with it/);
});
