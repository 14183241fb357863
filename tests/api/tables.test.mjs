// CSV in, CSV out: a plain curl that trains, predictions as columns behind the rows, targets that cannot be learnt.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import zlib from "node:zlib";
import { Daemon, assertProblem, sums } from "./daemon.mjs";

let daemon;
before(async () => (daemon = await Daemon.start({ flags: ["--max-body=40MB"] })));
after(() => daemon.stop());

const curl = { "Content-Type": "application/x-www-form-urlencoded" };
const asCsv = { "Content-Type": "text/csv", Accept: "text/csv" };

/** A field of our CSV: no quotes hold a line end in these tests. */
const lines = (text) => text.trimEnd().split("\n").map((line) => line.split(","));

test("a plain curl of a file trains, compressed too; one of JSON is still a request", async () => {
  const plain = await daemon.call("POST", "/train?model=plain&epochs=3", sums(200), curl);
  assert.equal(plain.status, 202, plain.text);
  assert.deepEqual([plain.json.dataset, plain.json.model], ["plain", "plain"]);
  assert.equal((await daemon.finished(plain.json.id)).state, "succeeded");
  const bare = await daemon.call("POST", "/train", sums(200), curl);
  assert.equal(bare.status, 202, bare.text);
  const packed = await daemon.call("POST", "/train?model=packed&epochs=1", zlib.gzipSync(sums(200)), curl);
  assert.equal(packed.status, 202, packed.text);
  const json = await daemon.call("POST", "/train", ' {"dataset":"plain","epochs":1}', curl);
  assert.equal(json.status, 202, json.text);
  await daemon.finished(json.json.id); // of the model "plain" too: what it answers changes no more
  assertProblem(await daemon.call("POST", "/train?epochz=1", sums(20), curl), 400, /epochz/, { field: "epochz" });
  assertProblem(await daemon.call("POST", "/train", "", curl), 400, /JSON/);
  assertProblem(await daemon.call("POST", "/train", "[1]", { "Content-Type": "application/json" }), 400, /object|JSON/);
});

test("rows come back with their predictions behind them", async () => {
  const body = "note,b,a\n\"x, y\",0.25,0.125\n,0.9,0.8\nz,,0.5\n";
  const reply = await daemon.csv("/models/plain/predict", body, asCsv);
  assert.equal(reply.status, 200, reply.text);
  assert.match(reply.headers.get("content-type"), /^text\/csv/);
  const { predictions } = (await daemon.csv("/models/plain/predict", body)).json;
  const ends = predictions.map(({ label, probability }) => `${label},${probability}`);
  assert.equal(reply.text, `note,b,a,prediction,probability\n"x, y",0.25,0.125,${ends[0]}\n,0.9,0.8,${ends[1]}\nz,,0.5,${ends[2]}\n`);
  const bare = await daemon.csv("/predict?model=plain", "0.125,0.25\n", asCsv);
  assert.equal(bare.text, `a,b,prediction,probability\n0.125,0.25,${ends[0]}\n`);
  const named = await daemon.csv("/models/plain/predict", "prediction,a,b\nq,0.125,0.25\n", asCsv);
  assert.equal(named.text, `prediction,a,b,prediction.2,probability\nq,0.125,0.25,${ends[0]}\n`);
});

test("rows without names may hold the target, where those of the training file held it", async () => {
  const rows = Array.from({ length: 40 }, (_, i) => `${i % 2 ? "no" : "maybe"},${i % 5},${i % 2}.5\n`).join("");
  const { json } = await daemon.csv("/train?target=c1&model=bare&epochs=3", rows);
  assert.equal((await daemon.finished(json.id)).state, "succeeded");
  const [with_, without] = await Promise.all(["no,3,1.5\n", "3,1.5\n"].map((body) => daemon.csv("/models/bare/predict", body)));
  assert.deepEqual(with_.json.predictions, without.json.predictions);
  assert.match((await daemon.csv("/models/bare/predict", "no,3,1.5\n", asCsv)).text, /^c1,c2,c3,prediction,probability\nno,3,1.5,/);
  assertProblem(await daemon.csv("/models/bare/predict", "1,2,3,4\n"), 400, /4 fields, the model takes 2/);
});

test("a row that cannot be read has its line in the answer; a head that does not fit is refused before anything is sent", async () => {
  const ask = (body, query = "") => daemon.csv(`/models/plain/predict${query}`, body, asCsv);
  const odd = await ask("a,b\n1,2\n3,x\n1,2\n3,4,5\n3\n3,\n");
  assert.equal(odd.status, 200);
  const answers = odd.text.trimEnd().split("\n");
  assert.equal(answers[0], "a,b,prediction,probability,error");
  assert.equal(answers[3], answers[1]);
  assert.match(answers[2], /^3,x,,,.*'b'/);
  assert.match(answers[4], /^,,,,.*row 4/);
  assert.deepEqual(answers[5], answers[6]); // a missing field is a missing value
  assert.match(answers[5], /^3,,[^,]+,[^,]+,$/);
  assertProblem(await ask("a\n1\n"), 422, /lacks.*'b'/, { column: "b" });
  assertProblem(await ask("a,b\n"), 400, /no row below/);
  assertProblem(await ask("a,b\n1,2\n", "?on_bad_row=skip"), 400, /unknown parameter/, { field: "on_bad_row" });
  assertProblem(await daemon.csv("/models/nowhere/predict", "a,b\n1,2\n", asCsv), 404, /nowhere/);
});

test("a file longer than a request of rows may be is predicted in bounded memory, each row as by itself", async () => {
  const n = 1000000;
  const part = Array.from({ length: 1000 }, (_, i) => `${(i % 100) / 128},${(i % 37) / 64}\n`).join("");
  const body = async function* () {
    yield new TextEncoder().encode("a,b\n");
    for (let i = 0; i < n / 1000; i++) yield new TextEncoder().encode(part);
  };
  const memory = () => Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${daemon.child.pid}/status`, "utf8"))[1]);
  const one = lines((await daemon.csv("/models/plain/predict", `a,b\n${part}`, asCsv)).text).slice(1);
  const before = memory();
  const reply = await fetch(`${daemon.url}/models/plain/predict`, { method: "POST", body: body(), headers: asCsv, duplex: "half" });
  assert.equal(reply.status, 200);
  let rest = "", seen = -1, most = 0;
  const decoder = new TextDecoder();
  for await (const chunk of reply.body) {
    const all = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = all.pop();
    for (const line of all) {
      if (seen >= 0 && line !== one[seen % 1000].join()) assert.fail(`row ${seen}: ${line}, by itself ${one[seen % 1000]}`);
      seen++;
    }
    most = Math.max(most, memory());
  }
  assert.equal(seen, n);
  if (!process.env.ASAN_OPTIONS) assert.ok(most - before < 20000, `${most - before} KB more`);
});

test("a regression gives values", async () => {
  const rows = Array.from({ length: 60 }, (_, i) => `${i},${i * 2.5}\n`).join("");
  const { json } = await daemon.csv("/train?target=y&model=line&epochs=2", `x,y\n${rows}`);
  assert.equal((await daemon.finished(json.id)).state, "succeeded");
  const { predictions } = (await daemon.csv("/models/line/predict", "x\n7\n")).json;
  assert.equal((await daemon.csv("/models/line/predict", "x\n7\n", asCsv)).text, `x,value\n7,${predictions[0].value}\n`);
});

test("a target that cannot be learnt is refused with its column and why", async () => {
  const train = (target, body) => daemon.csv(`/train?target=${target}&model=none`, body);
  const of = (value) => `x,y\n${Array.from({ length: 30 }, (_, i) => `${i % 7},${value(i)}\n`).join("")}`;
  assertProblem(await train("z", of((i) => i)), 400, /no column 'z'.*x, y/, { field: "target" });
  assertProblem(await train("y", of(() => "same")), 422, /'y' holds the same value/, { column: "y" });
  assertProblem(await train("y", of(() => 7)), 422, /'y' holds the same value/, { column: "y" });
  assertProblem(await train("y", of(() => "")), 422, /'y' holds no value/, { column: "y" });
  assertProblem(await train("y", of((i) => `id${i}`)), 422, /'y' holds \d+ different values/, { column: "y" });
  assertProblem(await train("y", "x,y\n1,2\n"), 422, /the same value/, { column: "y" });
});

test("odd tables are told as they are", async () => {
  const read = async (body) => (await daemon.csv(`/datasets?name=odd&replace=true`, body)).json;
  assert.deepEqual((await read("a,a,,a\n1,2,3,4\n5,6,7,8\n")).columns.map(({ name }) => name), ["a", "a.2", "c3", "a.3"]);
  assert.equal((await read("a,b\n1,2\n")).rows, 1);
  assertProblem(await daemon.csv("/datasets?name=none", "word\n"), 400, /header and no rows/);
  assertProblem(await daemon.csv("/datasets?name=none&on_bad_row=reject", "a,b\n"), 400, /header and no rows/);
  assertProblem(await daemon.csv("/datasets?name=none&on_bad_row=reject", "a,b\n1,2\n1,2,3\n"), 422, /row 2 has 3 fields/, { row: 2 });
});

test("names without rows are a dataset: nothing to train on or to split, and the first rows added decide its types", async () => {
  const { status, json } = await daemon.csv("/datasets?name=names", "a,b,label\n");
  assert.deepEqual([status, json.rows, json.columns.map(({ name }) => name)], [201, 0, ["a", "b", "label"]]);
  assert.deepEqual((await daemon.get("/datasets/names/rows")).json, { total: 0, offset: 0, columns: ["a", "b", "label"], rows: [], next: null });
  assert.equal((await daemon.get("/datasets/names/file")).text, "a,b,label\n");
  assert.equal((await daemon.get("/datasets/names?target=label")).status, 200);
  assertProblem(await daemon.post("/train", { dataset: "names", model: "m" }), 422, /nothing to learn/, { column: "label" });
  assertProblem(await daemon.csv("/train?name=unlearnt&model=m", "a,b,label\n"), 422, /nothing to learn/, { column: "label" });
  assert.equal((await daemon.get("/datasets/unlearnt")).status, 404);
  assertProblem(await daemon.post("/datasets/names/split", { share: 0.5, names: ["x", "y"] }), 400, /0 rows/, { field: "share" });
  assertProblem(await daemon.csv("/datasets/names/rows", "a,b,label\n"), 400, /no rows/);
  const added = await daemon.csv("/datasets/names/rows", "label,a,b\nu,1,0007\nv,2.5,\n");
  assert.deepEqual([added.status, added.json.columns.map(({ type }) => type)], [200, ["number", "category", "category"]], added.text);
  assert.deepEqual((await daemon.get("/datasets/names/rows")).json.rows, [[1, "0007", "u"], [2.5, null, "v"]]);
});
