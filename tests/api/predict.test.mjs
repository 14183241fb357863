// Predictions: by position, by name, as CSV and as raw floats.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { Daemon, assertProblem, sums } from "./daemon.mjs";

let daemon;
before(async () => {
  daemon = await Daemon.start();
  const { json } = await daemon.csv("/train?target=label&model=sums&epochs=25&layers=16&batch_size=16&seed=3", sums(400));
  assert.equal((await daemon.finished(json.id)).state, "succeeded");
});
after(() => daemon.stop());

const labels = ({ json }) => json.predictions.map(({ label }) => label);

test("by position and by name give the same, in both routes", async () => {
  const byPosition = await daemon.post("/predict", { model: "sums", instances: [[0.1, 0.1], [0.9, 0.95]] });
  assert.equal(byPosition.status, 200, byPosition.text);
  assert.deepEqual([byPosition.json.model, byPosition.json.version], ["sums", 1]);
  assert.deepEqual(labels(byPosition), ["low", "high"]);
  const [first] = byPosition.json.predictions;
  assert.equal(first.probability, first.probabilities.low);
  assert.ok(Math.abs(first.probabilities.low + first.probabilities.high - 1) < 1e-5);
  const byName = await daemon.post("/models/sums/predict", { instances: [{ b: 0.1, a: 0.1 }, { a: 0.9, b: 0.95 }] });
  assert.deepEqual(byName.json.predictions, byPosition.json.predictions);
});

test("a CSV body: by name in any order, the target ignored; and without names by position", async () => {
  const reference = await daemon.post("/predict", { model: "sums", instances: [[0.2, 0.3], [0.8, 0.7]] });
  const named = await daemon.csv("/models/sums/predict", "label,b,a\nlow,0.3,0.2\nhigh,0.7,0.8\n");
  assert.equal(named.status, 200, named.text);
  assert.deepEqual(named.json.predictions, reference.json.predictions);
  const bare = await daemon.call("POST", "/predict?model=sums", "0.2,0.3\n0.8,0.7\n", { "Content-Type": "application/x-www-form-urlencoded" });
  assert.deepEqual(bare.json.predictions, reference.json.predictions);
});

test("model and version may stand in the URL beside a JSON body, and must not contradict it", async () => {
  const rows = { instances: [[0.2, 0.3]] };
  const reference = await daemon.post("/predict", { model: "sums", ...rows });
  for (const [url, body] of [
    ["/predict?model=sums", rows], ["/predict?model=sums&version=1", { model: "sums", version: 1, ...rows }],
    ["/predict?version=1", { ...rows, model: "sums" }], ["/models/sums/predict?version=0", rows],
  ])
    assert.deepEqual((await daemon.post(url, body)).json, reference.json, url);
  assert.equal((await daemon.post("/predict?model=sums&version=9", rows)).status, 404);
  for (const [url, body, field, names] of [
    ["/predict?model=other", { model: "sums", ...rows }, "model", /sums.*other/],
    ["/models/other/predict", { model: "sums", ...rows }, "model", /sums.*other/],
    ["/predict?version=2", { model: "sums", version: 1, ...rows }, "version", /1.*2/],
    ["/models/sums/predict?version=1", { ...rows, version: 2 }, "version", /2.*1/],
    ["/predict?version=new", { model: "sums", ...rows }, "version", /new/],
  ]) {
    const reply = await daemon.post(url, body);
    assertProblem(reply, 400, names);
    assert.equal(reply.json.field, field, reply.text);
  }
});

test("a name in quotes keeps its blanks, in the data as in what is to be predicted", async () => {
  const file = sums(60, '" a","b ", label\n');
  const { json } = await daemon.csv("/train?name=blanks&model=blanks&epochs=2&layers=4", file);
  assert.equal((await daemon.finished(json.id)).state, "succeeded");
  assert.deepEqual((await daemon.get("/models/blanks")).json.recipe.columns.map(({ name }) => name), [" a", "b "]);
  const reply = await daemon.csv("/models/blanks/predict", file);
  assert.equal(reply.status, 200, reply.text);
  assert.equal(reply.json.predictions.length, 60);
});

test("raw little-endian floats", async () => {
  const rows = new DataView(new ArrayBuffer(16));
  [0.2, 0.3, 0.8, 0.7].forEach((value, i) => rows.setFloat32(4 * i, value, true));
  const reply = await daemon.call("POST", "/predict?model=sums&version=1", rows.buffer, { "Content-Type": "application/octet-stream" });
  assert.equal(reply.status, 200, reply.text);
  const reference = await daemon.post("/predict", { model: "sums", instances: [[0.2, 0.3], [0.8, 0.7]] });
  assert.deepEqual(reply.json.predictions, reference.json.predictions);
  const cut = await daemon.call("POST", "/predict?model=sums", rows.buffer.slice(0, 7), { "Content-Type": "application/octet-stream" });
  assertProblem(cut, 400, /7 bytes/);
});

test("a compressed body is known by its first bytes, small or large, by whatever way the rows go", async () => {
  const csv = "a,b\n" + Array.from({ length: 120000 }, (_, i) => `${(i * 7919) % 120000 / 120000},${(i * 31) % 997 / 997}\n`).join("");
  const small = csv.slice(0, csv.indexOf("\n", 200) + 1);
  for (const body of [small, csv]) {
    const packed = gzipSync(body);
    for (const accept of ["application/json", "text/csv"]) {
      const headers = { "Content-Type": "text/csv", Accept: accept };
      const plain = await daemon.call("POST", "/models/sums/predict", body, headers);
      assert.equal(plain.status, 200, plain.text.slice(0, 300));
      const found = await daemon.call("POST", "/models/sums/predict", packed, headers);
      assert.equal(found.text, plain.text);
      const told = await daemon.call("POST", "/models/sums/predict", packed, { ...headers, "Content-Encoding": "gzip" });
      assert.equal(told.text, plain.text);
      const cut = await daemon.call("POST", "/models/sums/predict", packed.subarray(0, packed.length - 9), headers);
      assertProblem(cut, 400, /gzip data ends too early/);
    }
  }
  const json = JSON.stringify({ model: "sums", instances: [[0.2, 0.3]] });
  const type = { "Content-Type": "application/json" };
  assert.equal((await daemon.call("POST", "/predict", gzipSync(json), type)).text, (await daemon.call("POST", "/predict", json, type)).text);
  const floats = Buffer.from([0x1f, 0x8b, 0x08, 0x3f, 0, 0, 0, 0]); // raw floats that begin as a gzip does
  assert.equal((await daemon.call("POST", "/predict?model=sums", floats, { "Content-Type": "application/octet-stream" })).status, 200);
});

test("columns that the model does not know are named in a warning, a missing value is imputed", async () => {
  const reply = await daemon.post("/predict", { model: "sums", instances: [{ a: 0.1, b: null, shoe: 44 }] });
  assert.equal(reply.status, 200, reply.text);
  assert.match(reply.json.warnings.join(), /shoe/);
  assert.equal(reply.json.predictions.length, 1);
});

test("many rows at once, through the disk", async () => {
  const instances = Array.from({ length: 30000 }, (_, i) => [i / 30000, 0.25]);
  const reply = await daemon.post("/predict", { model: "sums", instances });
  assert.equal(reply.status, 200, reply.text.slice(0, 300));
  assert.equal(reply.json.predictions.length, 30000);
  const one = await daemon.post("/predict", { model: "sums", instances: [instances[12345]] });
  assert.deepEqual(one.json.predictions[0], reply.json.predictions[12345]);
  const floats = new Float32Array(instances.flat());
  const octets = { "Content-Type": "application/octet-stream" };
  const raw = await daemon.call("POST", "/models/sums/predict", Buffer.from(floats.buffer), octets);
  assert.deepEqual(raw.json, reply.json);
  floats[2 * 23456] = floats[2 * 29000] = Infinity;
  assertProblem(await daemon.call("POST", "/models/sums/predict", Buffer.from(floats.buffer), octets), 422, /infinite/, { row: 23457 });
  instances[23456] = [0.1, null];
  assert.equal((await daemon.post("/predict", { model: "sums", instances })).json.predictions.length, 30000);
  instances[23456] = [0.1, "tall"];
  instances[29000] = [0.1];
  assertProblem(await daemon.post("/predict", { model: "sums", instances }), 422, /'b'.*number.*tall/, { row: 23457 });
});

test("wrong instances say which, where and what was expected", async () => {
  const ask = (instances) => daemon.post("/predict", { model: "sums", instances });
  assertProblem(await ask([[0.1]]), 422, /1 value.*2/, { row: 1 });
  assertProblem(await ask([[0.1, 0.2], [0.1, 0.2, 0.3]]), 422, /3 values.*2/, { row: 2 });
  assertProblem(await ask([[0.1, "tall"]]), 422, /'b'.*number.*tall/, { row: 1 });
  assertProblem(await ask([{ a: 0.1 }]), 422, /b/, { row: 1, column: "b" });
  assertProblem(await ask([[0.1, [2]]]), 422, /expected a number/, { row: 1 });
  assertProblem(await daemon.csv("/models/sums/predict", "a,b\n0.1,x\n"), 422, /number.*x|x.*number/, { row: 1 });
  assertProblem(await daemon.csv("/models/sums/predict", "a\n0.1\n"), 422, /b/);
});

test("line n of the answer is of row n of a CSV, with the reason where that cannot be read", async () => {
  const rows = Array.from({ length: 700 }, (_, i) => (i % 100 === 42 ? `${i},tall` : i % 100 === 57 ? `${i},1,2` : `0.${i},0.25`));
  const ask = (rows, accept) => daemon.csv("/models/sums/predict", `a,b\n${rows.join("\n")}\n`, { Accept: accept });
  const good = rows.filter((row) => row.endsWith(",0.25"));
  const clean = (await ask(good, "application/json")).json;
  const { json } = await ask(rows, "application/json");
  assert.equal(json.predictions.length, 700);
  assert.match(json.warnings.join(), /14 of 700 rows.*row 43/);
  assert.deepEqual(json.predictions.filter(({ error }) => !error), clean.predictions);
  json.predictions.forEach(({ error }, i) => assert.equal(Boolean(error), i % 100 === 42 || i % 100 === 57, i));
  assert.match(json.predictions[42].error, /'b'.*tall/);
  const { predictions } = (await daemon.get("/openapi.json")).json.components.schemas.Predictions.properties;
  const described = predictions.items.oneOf.flatMap(({ properties }) => Object.keys(properties));
  assert.deepEqual(json.predictions.flatMap(Object.keys).filter((key) => !described.includes(key)), []);
  assert.match(json.predictions[657].error, /row 658 has 3 fields/);
  const lines = (await ask(rows, "text/csv")).text.trimEnd().split("\n"), plain = (await ask(good, "text/csv")).text.trimEnd().split("\n");
  assert.deepEqual([lines.length, lines[0], plain[0]], [701, "a,b,prediction,probability,error", "a,b,prediction,probability"]);
  assert.deepEqual(lines.slice(1).filter((line) => line.endsWith(",")).map((line) => line.slice(0, -1)), plain.slice(1));
  assert.match(lines[43], /^42,tall,,,.*tall/);
  assert.match(lines[58], /^,,,,"?row 58 has 3 fields/);
  for (const accept of ["application/json", "text/csv"]) assertProblem(await ask(["1,x", "2,y"], accept), 422, /'b'.*x/, { row: 1 });
});

test("wrong messages say what is wrong", async () => {
  assertProblem(await daemon.call("POST", "/predict", "", { "Content-Type": "application/json" }), 400, /empty/);
  assertProblem(await daemon.post("/predict", { instances: [[1, 2]] }), 400, /model/);
  assertProblem(await daemon.post("/predict", { model: "ghost", instances: [[1, 2]] }), 404, /ghost/);
  assertProblem(await daemon.post("/predict", { model: "sums", version: 9, instances: [[1, 2]] }), 404, /9/);
  assertProblem(await daemon.post("/models/sums/predict", { model: "other", instances: [[1, 2]] }), 400, /URL/);
  for (const body of ['{"model":"sums","instances":[[1,2]', '{"model":"sums","instances":[[1,2]]}x', "[1,2]", '{"model":"sums","instances":5}',
    '{"model":"sums","instances":[[1,NaN]]}', '{"model":"sums","instances":[[1,1e999]]}', '{"model":"sums","rows":[[1,2]]}', '{"model":"sums"}']) {
    const reply = await daemon.call("POST", "/predict", body, { "Content-Type": "application/json" });
    assert.ok(reply.status === 400 || reply.status === 422, `${body}: ${reply.status} ${reply.text}`);
    assert.ok(reply.json.detail.length > 20, reply.text);
  }
  assert.equal((await daemon.get("/healthz")).status, 200);
});

test("predictions at once from many connections agree", async () => {
  const replies = await Promise.all(Array.from({ length: 40 }, () => daemon.post("/predict", { model: "sums", instances: [[0.3, 0.4]] })));
  for (const reply of replies) assert.deepEqual(reply.json, replies[0].json);
});
