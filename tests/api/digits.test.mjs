// Pictures: augmentation in training, and predictions from pen strokes.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Daemon, assertProblem, sums } from "./daemon.mjs";

// Bars of 28×28 pixels: upright ones are "1", level ones "-".
function bars(rows) {
  const lines = [["label", ...Array.from({ length: 784 }, (_, i) => `p${i}`)].join(",")];
  for (let row = 0; row < rows; row++) {
    const upright = row % 2 === 0;
    const middle = 10 + ((row * 7) % 8);
    const pixels = Array.from({ length: 784 }, (_, i) => {
      const [along, across] = upright ? [Math.floor(i / 28), i % 28] : [i % 28, Math.floor(i / 28)];
      return along >= 4 && along < 24 && Math.abs(across - middle) <= 1 ? 255 - (row % 5) : 0;
    });
    lines.push([upright ? "one" : "dash", ...pixels].join(","));
  }
  return lines.join("\n") + "\n";
}

const script = fileURLToPath(new URL("../../scripts/pen-forms.mjs", import.meta.url));
let daemon;
let plain;
const settings = { dataset: "bars", target: "label", layers: [16], epochs: 4, batch_size: 16, seed: 3, validation_split: 0.2 };
async function train(extra) {
  const reply = await daemon.post("/train", { ...settings, ...extra });
  assert.equal(reply.status, 202, reply.text);
  const job = await daemon.finished(reply.json.id);
  assert.equal(job.state, "succeeded", JSON.stringify(job.error));
  return job;
}
const losses = (job) => job.history.map(({ loss }) => loss);

before(async () => {
  daemon = await Daemon.start();
  for (const [name, csv] of [["bars", bars(200)], ["sums", sums(60)]]) assert.equal((await daemon.csv(`/datasets?name=${name}`, csv)).status, 201);
  plain = await train({ model: "bars" });
});
after(() => daemon.stop());

test("augmentation changes the training, the same way each time", async () => {
  const augmentation = { shift: 1, rotation: 10, scale: 0.1, shear: 0.1, elastic_alpha: 20, elastic_sigma: 4, thickness: 0.5 };
  const one = await train({ model: "augmented", augmentation, image: [28, 28] });
  const two = await train({ model: "augmented", augmentation });
  assert.deepEqual(losses(one), losses(two));
  assert.notDeepEqual(losses(one), losses(plain));
  assert.notDeepEqual(losses(await train({ model: "augmented", augmentation: true })), losses(one));
  assert.deepEqual(losses(await train({ model: "augmented", augmentation: false })), losses(plain));
});

test("wrong augmentation says what was expected", async () => {
  const ask = (extra) => daemon.post("/train", { ...settings, ...extra });
  assertProblem(await ask({ augmentation: 5 }), 400, /true, false or an object/, { field: "augmentation" });
  assertProblem(await ask({ augmentation: { rotation: 500 } }), 400, /degrees from 0 to 180/, { field: "rotation" });
  assertProblem(await ask({ augmentation: { spin: 1 } }), 400, /shift, rotation/, { field: "spin" });
  assertProblem(await ask({ image: [28] }), 400, /height,width/, { field: "image" });
});

test("augmentation of what is no picture is refused", async () => {
  const ask = (extra) => daemon.post("/train", { ...settings, augmentation: true, ...extra });
  assertProblem(await ask({ dataset: "sums" }), 400, /not all bytes/, { field: "augmentation" });
  assertProblem(await ask({ image: [14, 28] }), 400, /14 x 28/, { field: "image" });
});

test("strokes are predicted, and the picture they made comes back", async () => {
  const ask = (strokes, path = "/predict", extra = { model: "bars" }) => daemon.post(path, { ...extra, strokes });
  for (const [label, strokes] of [["one", [[[50, 10], [50, 300]]]], ["dash", [[[-3, 7.5], [2, 7.5]], [[1, 7.5], [4, 7.5]]]]]) {
    const reply = await ask(strokes);
    assert.equal(reply.status, 200, reply.text);
    const { predictions, image, model, version } = reply.json;
    assert.deepEqual([predictions.length, predictions[0].label, model, version], [1, label, "bars", 1]);
    assert.equal(image.length, 784);
    assert.deepEqual([Math.max(...image), Math.min(...image)], [255, 0]);
    const same = await daemon.post("/predict", { model: "bars", instances: [image] });
    assert.deepEqual(same.json.predictions, predictions);
    assert.equal(same.json.image, undefined);
    assert.deepEqual((await ask(strokes, "/models/bars/predict", {})).json, reply.json);
  }
  const long = await ask([Array.from({ length: 9000 }, (_, i) => [i % 3, i])]);
  assert.deepEqual([long.status, long.json.predictions[0].label], [200, "one"]);
});

test("the forms that the demo adds to MNIST are rows of it, the same each time", async () => {
  const write = async () => (await promisify(execFile)(process.execPath, [script, daemon.url, "bars", "1"])).stdout;
  const csv = await write();
  const rows = csv.trim().split("\n").map((line) => line.split(",").map(Number));
  assert.deepEqual([...new Set(rows.map(([label]) => label))].sort(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  for (const [, ...pixels] of rows) assert.deepEqual([pixels.length, Math.min(...pixels), Math.max(...pixels)], [784, 0, 255]);
  assert.equal(new Set(rows.map(String)).size, rows.length, "each is another picture");
  assert.equal(await write(), csv);
});

test("wrong strokes say what was expected", async () => {
  const ask = (body) => daemon.post("/predict", { model: "bars", ...body });
  assertProblem(await ask({ strokes: [[[1, 2], [3]]] }), 400, /two numbers/, { field: "strokes" });
  assertProblem(await ask({ strokes: [], instances: [] }), 400, /instances/);
  assertProblem(await ask({ strokes: [Array.from({ length: 20001 }, () => [0, 0])] }), 413, /20000 points/, { field: "strokes" });
  assertProblem(await daemon.post("/predict", { strokes: [] }), 400, /model/);
  assertProblem(await daemon.post("/predict", { model: "ghost", strokes: [] }), 404, /ghost/);
  assertProblem(await daemon.post("/models/bars/predict", { model: "other", strokes: [] }), 400, /other/);
  const reply = await daemon.csv("/train?target=label&model=sums&epochs=1&layers=4", sums(60));
  await daemon.finished(reply.json.id);
  assertProblem(await daemon.post("/predict", { model: "sums", strokes: [] }), 400, /784/, { field: "strokes" });
});
