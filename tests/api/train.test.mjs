// Training: both ways in, jobs, their events and what is left of them.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { Daemon, assertProblem, sums } from "./daemon.mjs";

let daemon;
before(async () => {
  daemon = await Daemon.start();
  assert.equal((await daemon.csv("/datasets?name=sums", sums(400))).status, 201);
  assert.equal((await daemon.csv("/datasets?name=more", sums(100))).status, 201);
});
after(() => daemon.stop());

const small = { layers: [8], batch_size: 16, seed: 1 };
const long = { dataset: "sums", epochs: 100000, ...small };
const epochsOf = (events) => events.filter(({ event }) => event === "epoch").map(({ data }) => data);

test("a JSON request makes a job, a model and an evaluation", async () => {
  const reply = await daemon.post("/train", { dataset: "sums", model: "adder", epochs: 12, test: "more", ...small });
  assert.equal(reply.status, 202, reply.text);
  assert.equal(reply.headers.get("location"), `/jobs/${reply.json.id}`);
  assert.deepEqual([reply.json.dataset, reply.json.model, reply.json.epochs, reply.json.error], ["sums", "adder", 12, null]);
  const job = await daemon.finished(reply.json.id);
  assert.deepEqual([job.state, job.epoch, job.version, job.task], ["succeeded", 12, 1, "classification"]);
  assert.deepEqual(job.rows, { train: 360, validation: 40, test: 100 });
  assert.match(job.task_reason, /label/);
  assert.equal(job.request.dataset, "sums");
  assert.equal(job.history.length, 12);
  assert.ok(job.history.at(-1).loss < job.history[0].loss, "the loss falls");
  const model = (await daemon.get("/models/adder")).json;
  assert.deepEqual([model.name, model.version, model.state, model.target], ["adder", 1, "finished", "label"]);
  assert.deepEqual(model.recipe.columns.map(({ name }) => name), ["a", "b"]);
  assert.deepEqual(model.classes, ["high", "low"]);
  assert.deepEqual(model.network.layers.map((layer) => layer.units), [8, 2]);
  const scores = (await daemon.get("/models/adder/evaluation?limit=5")).json;
  assert.deepEqual([scores.on, scores.rows, scores.samples.length], ["test", 100, 5]);
  assert.ok(scores.accuracy > 0.8, `accuracy ${scores.accuracy}`);
  const { matrix, labels } = scores.confusion;
  assert.deepEqual(labels, ["high", "low"]);
  assert.equal(matrix.flat().reduce((sum, n) => sum + n), 100);
  assert.equal((matrix[0][0] + matrix[1][1]) / 100, scores.accuracy);
  const [high] = scores.classes;
  assert.equal(high.support, matrix[0][0] + matrix[0][1]);
  assert.equal(high.recall, matrix[0][0] / high.support);
  assert.equal(high.precision, matrix[0][0] / (matrix[0][0] + matrix[1][0]));
  assert.deepEqual(scores.samples.map((sample) => sample.row), [0, 1, 2, 3, 4]);
  assert.equal(scores.dataset, "more");
  const page = (await daemon.get("/models/adder/evaluation?offset=3&limit=1")).json;
  assert.deepEqual(page.samples, [scores.samples[3]]);
});

test("an evaluation tells which columns matter, its worst rows, and the rows of a cell", async () => {
  const { json } = await daemon.post("/train", { dataset: "sums", model: "judged", epochs: 12, test: "more", ...small });
  await daemon.finished(json.id);
  const all = (await daemon.get("/models/judged/evaluation")).json;
  assert.deepEqual(all.importance.map(({ column }) => column).sort(), ["a", "b"]);
  assert.ok(all.importance[0].drop >= all.importance[1].drop && all.importance[1].drop > 0.1, JSON.stringify(all.importance));
  assert.ok(all.auc > 0.9 && all.macro_f1 > 0.7, `${all.auc} ${all.macro_f1}`);
  assert.ok(!("top_5_accuracy" in all) && !("rmse" in all));
  const worst = (await daemon.get("/models/judged/evaluation?sort=worst")).json;
  assert.deepEqual(worst.samples.map(({ loss }) => loss), all.samples.map(({ loss }) => loss).sort((x, y) => y - x));
  const cell = (await daemon.get("/models/judged/evaluation?label=high&guess=low&sort=worst")).json;
  assert.equal(cell.matching, all.confusion.matrix[0][1]);
  assert.deepEqual(cell.samples, worst.samples.filter(({ label, guess }) => label === "high" && guess === "low"));
  for (const { row, label } of cell.samples) { // the rows are those of the dataset
    const { rows } = (await daemon.get(`/datasets/${cell.dataset}/rows?offset=${row}&limit=1`)).json;
    assert.ok(JSON.stringify(rows).includes(label), JSON.stringify(rows));
  }
  assertProblem(await daemon.get("/models/judged/evaluation?label=middle"), 400, /middle/, { field: "label" });
  assertProblem(await daemon.get("/models/judged/evaluation?sort=best"), 400, /worst/, { field: "sort" });
});

test("one call with a CSV and a query does everything, and the model's name serves the dataset too", async () => {
  const reply = await daemon.call("POST", "/train?target=label&model=quick&epochs=3&layers=6,5&batch_size=full&shuffle=false", sums(60), {
    "Content-Type": "application/x-www-form-urlencoded",
  });
  assert.equal(reply.status, 202, reply.text);
  assert.deepEqual([reply.json.dataset, reply.json.model], ["quick", "quick"]);
  const job = await daemon.finished(reply.json.id);
  assert.equal(job.state, "succeeded");
  assert.deepEqual(job.request, {
    dataset: "quick", target: "label", model: "quick", epochs: 3, layers: [6, 5], batch_size: "full", shuffle: false,
  });
  const again = await daemon.call("POST", "/train?target=label&model=quick&epochs=2&layers=6", sums(60));
  assert.deepEqual([again.json.dataset, again.json.model], ["quick-2", "quick"]);
  const second = await daemon.finished(again.json.id);
  assert.equal(second.version, 2);
  const { versions } = (await daemon.get("/models/quick")).json;
  assert.deepEqual(versions.map((model) => model.version), [2, 1]);
});

test("a CSV body without a name gets one", async () => {
  const reply = await daemon.csv("/train?epochs=1&layers=4", sums(40));
  assert.equal(reply.status, 202, reply.text);
  assert.deepEqual([reply.json.dataset, reply.json.model], ["data-1", "data-1"]);
  const form = new FormData();
  form.append("epochs", "1");
  form.append("target", "label");
  form.append("layers", "4");
  form.append("file", new Blob([sums(40)]), "x.csv");
  const formed = await daemon.call("POST", "/train", form);
  assert.equal(formed.status, 202, formed.text);
  assert.deepEqual([formed.json.dataset, formed.json.epochs], ["data-2", 1]);
  await daemon.finished(formed.json.id);
});

test("a CSV whose job is refused leaves no dataset behind", async () => {
  assertProblem(await daemon.csv("/train?name=refused&target=nope", sums(40)), 400, /nope.*a, b, label/, { field: "target" });
  assertProblem(await daemon.get("/datasets/refused"), 404, /refused/);
  assertProblem(await daemon.csv("/train?name=refused&epoch=3", sums(40)), 400, /epoch.*epochs/, { field: "epoch" });
  assertProblem(await daemon.csv("/train?name=refused&epochs=many", sums(40)), 400, /epochs.*many/, { field: "epochs" });
});

test("events: the state on connect, each epoch once and in order, done at the end; history says the same", async () => {
  const { json } = await daemon.post("/train", { dataset: "sums", model: "events", epochs: 7, ...small });
  const events = await daemon.events(json.id);
  assert.equal(events[0].event, "state");
  /* A job this small may have ended before the connection; the next test sees one that has not. */
  assert.ok(["queued", "running", "succeeded"].includes(events[0].data.state));
  assert.deepEqual(epochsOf(events).map(({ epoch }) => epoch), [1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(events.filter(({ event }) => event === "epoch").map(({ id }) => id), ["1", "2", "3", "4", "5", "6", "7"]);
  const { data, id } = events.at(-1);
  assert.equal(id, "done");
  assert.deepEqual([data.state, data.model, data.version, data.epoch, data.error], ["succeeded", "events", 1, 7, null]);
  assert.equal(events.filter(({ event }) => event === "done").length, 1);
  assert.deepEqual((await daemon.get(`/jobs/${json.id}`)).json.history, epochsOf(events));
});

test("events of a job that goes on begin with its state", async () => {
  const { json } = await daemon.post("/train", { ...long, model: "going" });
  const [first] = await daemon.events(json.id, { stop: () => true });
  assert.equal(first.event, "state");
  assert.ok(["queued", "running"].includes(first.data.state), first.data.state);
  assert.equal((await daemon.call("DELETE", `/jobs/${json.id}`)).status, 204);
});

test("Last-Event-ID goes on behind it; after done there is nothing more", async () => {
  const { json } = await daemon.post("/train", { dataset: "sums", model: "events", epochs: 6, ...small });
  const live = await daemon.events(json.id, { stop: ({ id }) => id === "2" });
  assert.deepEqual(epochsOf(live).map(({ epoch }) => epoch), [1, 2]);
  const rest = await daemon.events(json.id, { headers: { "Last-Event-ID": "2" } });
  assert.deepEqual(epochsOf(rest).map(({ epoch }) => epoch), [3, 4, 5, 6]);
  assert.equal(rest.at(-1).event, "done");
  const replay = await daemon.events(json.id);
  assert.deepEqual(epochsOf(replay).map(({ epoch }) => epoch), [1, 2, 3, 4, 5, 6]);
  assert.equal((await daemon.events(json.id, { headers: { "Last-Event-ID": "done" } })).status, 204);
});

test("a job is paused, goes on, and is cancelled; its best model stays, marked so", async () => {
  const { json } = await daemon.post("/train", { ...long, model: "stopped" });
  await daemon.epoch(json.id);
  const paused = await daemon.call("POST", `/jobs/${json.id}/pause`);
  assert.deepEqual([paused.status, paused.json.state], [200, "paused"]);
  const still = (await daemon.get(`/jobs/${json.id}`)).json;
  const resumed = await daemon.call("POST", `/jobs/${json.id}/resume`, "{}");
  assert.match(resumed.json.state, /queued|running/);
  await daemon.epoch(json.id, ({ epoch }) => epoch > still.epoch);
  assert.equal((await daemon.cancel(json.id)).state, "cancelled");
  assert.equal((await daemon.get("/models/stopped")).json.state, "partial");
  const { accuracy, importance } = (await daemon.get("/models/stopped/evaluation")).json;
  assert.ok(accuracy >= 0);
  assert.deepEqual(importance, [], "whoever cancels does not wait for it");
  assertProblem(await daemon.call("POST", `/jobs/${json.id}/pause`), 409, /cancelled/);
});

test("the best so far is served while a job trains, unless a finished version is there", async () => {
  const { json } = await daemon.post("/train", { ...long, model: "growing" });
  await daemon.epoch(json.id);
  const { json: growing, text } = await daemon.get("/models/growing");
  assert.deepEqual([growing.state, growing.partial, growing.version, growing.job], ["training", true, 0, json.id], text);
  assert.deepEqual(growing.versions, []);
  const answer = await daemon.post("/predict", { model: "growing", instances: [[0.9, 0.9]] });
  assert.equal(answer.status, 200, answer.text);
  assert.ok(["high", "low"].includes(answer.json.predictions[0].label));
  assertProblem(await daemon.get("/models/growing/evaluation"), 404, /still being trained/);
  const quick = await daemon.post("/train", { dataset: "sums", model: "growing", epochs: 2, ...small });
  await daemon.finished(quick.json.id);
  const finished = (await daemon.get("/models/growing")).json;
  assert.deepEqual([finished.state, finished.partial, finished.version], ["finished", false, 1]);
  assert.equal((await daemon.post("/predict", { model: "growing", instances: [[0.9, 0.9]] })).json.version, 1);
  assert.equal((await daemon.call("DELETE", `/jobs/${json.id}`)).status, 204);
  const gone = await daemon.post("/train", { ...long, model: "gone" });
  await daemon.epoch(gone.json.id);
  assert.equal((await daemon.get("/models/gone")).status, 200);
  assert.equal((await daemon.call("DELETE", `/jobs/${gone.json.id}`)).status, 204);
  assertProblem(await daemon.get("/models/gone"), 404, /gone/);
});

test("jobs are listed newest first, by pages, and deleted", async () => {
  const ids = (await daemon.get("/jobs")).json.jobs.map(({ id }) => id);
  assert.deepEqual(ids, [...ids].sort((a, b) => b - a));
  const page = (await daemon.get(`/jobs?limit=2&before=${ids[1]}`)).json.jobs.map(({ id }) => id);
  assert.deepEqual(page, ids.slice(2, 4));
  assert.equal((await daemon.call("DELETE", `/jobs/${ids[0]}`)).status, 204);
  assertProblem(await daemon.get(`/jobs/${ids[0]}`), 404, new RegExp(`${ids[0]}`));
  assertProblem(await daemon.get(`/jobs/${ids[0]}/events`), 404, new RegExp(`${ids[0]}`));
});

test("a running job is deleted, and its stream ends", async () => {
  const { json } = await daemon.post("/train", { ...long, model: "deleted" });
  let first;
  const streaming = new Promise((resolve) => (first = resolve));
  const stream = daemon.events(json.id, { stop: ({ event }) => (event === "epoch" && first(), false) });
  await streaming;
  assert.equal((await daemon.call("DELETE", `/jobs/${json.id}`)).status, 204);
  await stream;
  assertProblem(await daemon.get(`/jobs/${json.id}`), 404, /no job/);
});

test("regression answers in the target's units", async () => {
  const rows = Array.from({ length: 200 }, (_, i) => `${i % 20},${1000 + 50 * (i % 20)}`).join("\n");
  const { json } = await daemon.csv("/train?name=line&target=price&task=regression&epochs=60&learning_rate=0.01&layers=16", `n,price\n${rows}\n`);
  const job = await daemon.finished(json.id);
  assert.equal(job.task, "regression");
  const scores = (await daemon.get("/models/line/evaluation")).json;
  assert.deepEqual([scores.on, scores.rows], ["validation", 20]);
  assert.ok(scores.r2 > 0.9, `r2 ${scores.r2}`);
  assert.ok(scores.rmse < 100 && scores.mae <= scores.rmse);
  const { predictions } = (await daemon.post("/predict", { model: "line", instances: [{ n: 10 }] })).json;
  assert.ok(Math.abs(predictions[0].value - 1500) < 150, `value ${predictions[0].value}`);
});

test("a model's file goes out and comes in under another name, and predicts the same", async () => {
  const { json } = await daemon.post("/train", { dataset: "sums", model: "original", epochs: 3, ...small });
  await daemon.finished(json.id);
  const reply = await fetch(`${daemon.url}/models/original/file`);
  assert.equal(reply.headers.get("content-type"), "application/octet-stream");
  assert.match(reply.headers.get("content-disposition"), /original-1\.safetensors/);
  const file = Buffer.from(await reply.arrayBuffer());
  const put = await daemon.call("PUT", "/models/copy/file", file, { "Content-Type": "application/octet-stream" });
  assert.equal(put.status, 201, put.text);
  assert.deepEqual([put.json.name, put.json.version, put.json.job], ["copy", 1, null]);
  const instances = [[0.1, 0.2], [0.9, 0.8], [0.5, 0.51]];
  const [from, to] = await Promise.all(["original", "copy"].map((model) => daemon.post("/predict", { model, instances })));
  assert.deepEqual(to.json.predictions, from.json.predictions);
  file[file.length - 1] ^= 1;
  assertProblem(await daemon.call("PUT", "/models/copy/file", file), 400, /damaged|model/);
  assertProblem(await daemon.call("PUT", "/models/copy/file", "no model"), 400, /model/);
  assertProblem(await daemon.get("/models/copy/evaluation"), 404, /evaluation|copy/);
  assert.equal((await daemon.call("DELETE", "/models/copy")).status, 204);
  assertProblem(await daemon.get("/models/copy"), 404, /copy/);
});

test("iris in one call, predicted by column name", async () => {
  const csv = readFileSync(new URL("../../docs/iris.csv", import.meta.url));
  const reply = await daemon.call("POST", "/train?target=species&model=iris&epochs=60&test_split=0.2", csv, {
    "Content-Type": "application/x-www-form-urlencoded",
  });
  assert.equal(reply.status, 202, reply.text);
  const job = await daemon.finished(reply.json.id);
  assert.deepEqual([job.state, job.rows.test], ["succeeded", 30]);
  const scores = (await daemon.get("/models/iris/evaluation")).json;
  assert.ok(scores.accuracy >= 0.85, `accuracy ${scores.accuracy}`);
  const instance = { sepal_length: 5.1, sepal_width: 3.5, petal_length: 1.4, petal_width: 0.2 };
  const { predictions } = (await daemon.post("/predict", { model: "iris", instances: [instance] })).json;
  assert.equal(predictions[0].label, "setosa");
  assert.deepEqual(Object.keys(predictions[0].probabilities), ["setosa", "versicolor", "virginica"]);
});

test("with all choices left open, a table that is learned wholly ends before its last epoch", async () => {
  const csv = `a,b,y\n${Array.from({ length: 600 }, (_, i) => `${i % 9},${i % 4},${i % 2}`).join("\n")}\n`;
  const job = await daemon.finished((await daemon.csv("/train?name=learned&model=learned", csv)).json.id);
  assert.equal(job.state, "succeeded");
  assert.equal((await daemon.get("/models/learned/evaluation")).json.accuracy, 1);
  assert.ok(job.history.length < job.epochs * 0.8, `${job.history.length} of ${job.epochs} epochs`);
});

test("every option of training is taken, and a wrong one is named", async () => {
  const options = {
    layers: [{ units: 12, activation: "gelu", dropout: 0.1 }, { units: 8, activation: "tanh", layer_norm: true }],
    optimizer: { name: "nadam", learning_rate: 0.01, beta_1: 0.9, beta_2: 0.99, epsilon: 1e-7, weight_decay: 0.001 },
    schedule: { name: "cosine", warmup_epochs: 1, min_rate: 0.0001 },
    early_stopping: { monitor: "val_accuracy", patience: 2, min_delta: 0.0001, restore_best: true },
    loss: "binary_crossentropy", label_smoothing: 0.05, clipnorm: 1, global_clipnorm: 2, clipvalue: 0.5,
    l1: 1e-6, l2: 1e-5, max_norm: 3, input_dropout: 0.05, init: "glorot_uniform",
  };
  const reply = await daemon.post("/train", { dataset: "sums", model: "options", epochs: 60, ...options });
  assert.equal(reply.status, 202, reply.text);
  const job = await daemon.finished(reply.json.id);
  assert.equal(job.state, "succeeded", JSON.stringify(job.error));
  assert.ok(job.history.length < 60, "it stops early");
  const model = (await daemon.get("/models/options")).json;
  assert.deepEqual(model.network.layers.map(({ units, activation, layer_norm }) => [units, activation, layer_norm]),
    [[12, "gelu", undefined], [8, "tanh", 1], [1, "sigmoid", undefined]]);
  const answer = await daemon.post("/models/options/predict", { instances: [[0.9, 0.8], [0.1, 0.1]] });
  for (const { label, probability, probabilities } of answer.json.predictions) {
    assert.deepEqual(Object.keys(probabilities).sort(), ["high", "low"]);
    assert.ok(Math.abs(probabilities.high + probabilities.low - 1) < 1e-5);
    assert.equal(probability, probabilities[label]);
  }
  const further = await daemon.post("/train", { dataset: "sums", model: "further", from: "options", epochs: 1 });
  assert.equal((await daemon.finished(further.json.id)).state, "succeeded");
  assert.equal((await daemon.get("/models/further")).json.network.layers[1].layer_norm, 1);
  assertProblem(await daemon.post("/train", { dataset: "sums", layers: [{ units: 3, layer_norm: 1 }] }), 400, /true or false/, { field: "layers.layer_norm" });
  for (const [field, value] of Object.entries({ "layers.dropout": 2, schedule: "sometimes", clipvalue: -1, momentum: 3, early_stopping: 7 })) {
    const wrong = field === "layers.dropout" ? { layers: [{ units: 3, dropout: value }] }
      : field === "momentum" ? { optimizer: { name: "sgd", momentum: value } } : { [field]: value };
    assertProblem(await daemon.post("/train", { dataset: "sums", ...wrong }), 400, /expected/, { field });
  }
});
