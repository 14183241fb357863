// Bad requests to train: each gets a 4xx that a stranger understands, and the daemon goes on.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Daemon, assertProblem, sums } from "./daemon.mjs";

let daemon;
before(async () => {
  daemon = await Daemon.start();
  assert.equal((await daemon.csv("/datasets?name=sums", sums(60))).status, 201);
});
after(() => daemon.stop());

const send = (body) => daemon.call("POST", "/train", body, { "Content-Type": "application/json" });

test("malformed JSON is told with its place", async () => {
  const cases = [
    ["", /empty.*JSON object/],
    ["   ", /empty/],
    ["{", /not valid JSON.*line 1/],
    ['{"dataset":"sums",}', /line 1, column 19|line 1, column 18/],
    ['{"dataset":"sums"}}', /text after the end.*column 19/],
    ['{"dataset":\n"sums" "x"}', /line 2/],
    ["[1]", /expected a JSON object, found a list/],
    ['"train"', /expected a JSON object, found text/],
    ['{"dataset":"a","dataset":"b"}', /"dataset" appears twice/],
    ['{"dataset":"a\\u0000b"}', /u0000/],
    ['{"dataset":"\u0001"}', /control character/],
    [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), /UTF-8/],
    ["[".repeat(5000), /within each other/],
    ['{"a":'.repeat(100), /within each other/],
    [`{${Array.from({ length: 3000 }, (_, i) => `"f${i}":1`).join()}}`, /more than 256 fields/],
  ];
  for (const [body, words] of cases) assertProblem(await send(body), 400, words);
});

test("unknown and wrong fields are named, with what was expected and found", async () => {
  const cases = [
    [{ epoch: 3 }, "epoch", /unknown field "epoch".*epochs/],
    [{ epochs: "ten" }, "epochs", /whole number from 1 to 100000, found "ten"/],
    [{ epochs: 0 }, "epochs", /found 0/],
    [{ epochs: 2.5 }, "epochs", /found 2.5/],
    [{ epochs: 1e300 }, "epochs", /found 1e\+300/],
    [{ learning_rate: -1 }, "learning_rate", /above 0.*found -1/],
    [{ batch_size: "half" }, "batch_size", /or "full", found "half"/],
    [{ layers: "128" }, "layers", /list.*units/],
    [{ layers: [0] }, "layers.units", /1 to 65536, found 0/],
    [{ layers: [{ units: 5, activation: "tanhh" }] }, "layers.activation", /relu.*tanhh/],
    [{ layers: [{ activation: "relu" }] }, "layers", /no "units"/],
    [{ layers: [{ units: 5, dropot: 1 }] }, "dropot", /units/],
    [{ layers: Array(64).fill(4) }, "layers", /at most 63/],
    [{ loss: "huge" }, "loss", /categorical_crossentropy.*huge/],
    [{ optimizer: "adamm" }, "optimizer", /adam.*adamm/],
    [{ optimizer: { name: "adam", beta_1: 2 } }, "beta_1", /below 1, found 2/],
    [{ optimizer: { name: "adam", beta: 0.5 } }, "beta", /beta_1/],
    [{ validation_split: 1 }, "validation_split", /below 1, found 1/],
    [{ validation_split: 0.1, validation: "sums" }, "validation_split", /exclude each other/],
    [{ test_split: 0.1, test: "sums" }, "test_split", /exclude each other/],
    [{ seed: -1 }, "seed", /found -1/],
    [{ task: "clustering" }, "task", /classification.*clustering/],
    [{ model: "../etc" }, "model", /\.\.\/etc|name/],
    [{ model: 7 }, "model", /name.*found 7/],
    [{ target: "height" }, "target", /height.*a, b, label/],
    [{ ignore: "a" }, "ignore", /list/],
    [{ ignore: ["height"] }, "ignore", /height/],
    [{ shuffle: "yes" }, "shuffle", /true or false/],
    [{ init: "zeros" }, "init", /he_normal.*zeros/],
  ];
  for (const [fields, field, words] of cases)
    assertProblem(await daemon.post("/train", { dataset: "sums", ...fields }), 400, words, { field });
});

test("missing datasets are named", async () => {
  assertProblem(await daemon.post("/train", {}), 400, /"dataset" is missing/, { field: "dataset" });
  assertProblem(await daemon.post("/train", { dataset: "ghost" }), 404, /ghost/, { field: "dataset" });
  assertProblem(await daemon.post("/train", { dataset: "sums", test: "ghost" }), 404, /ghost/, { field: "test" });
});

test("data that nothing can be learned from is refused with the reason", async () => {
  await daemon.csv("/datasets?name=same", "a,label\n" + "1,x\n2,x\n".repeat(5));
  assert.match((await daemon.post("/train", { dataset: "same" })).json.detail, /label/);
  await daemon.csv("/datasets?name=alone", "label\nx\ny\n");
  assert.equal((await daemon.post("/train", { dataset: "alone" })).status, 400);
  await daemon.csv("/datasets?name=one", "a,label\n1,x\n");
  assert.ok((await daemon.post("/train", { dataset: "one" })).status < 500);
});

test("a body over the limit of control messages is 413", async () => {
  assertProblem(await send(`{"dataset":"${"x".repeat(1100000)}"}`), 413, /1048576/);
});

test("null stands for the default", async () => {
  const reply = await daemon.post("/train", { dataset: "sums", model: null, epochs: 1, layers: [4], test: null });
  assert.equal(reply.status, 202, reply.text);
  assert.equal((await daemon.finished(reply.json.id)).state, "succeeded");
});

test("after all of this it still trains", async () => {
  const reply = await daemon.post("/train", { dataset: "sums", model: "after", epochs: 2, layers: [4] });
  assert.equal((await daemon.finished(reply.json.id)).state, "succeeded");
});
