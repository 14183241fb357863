// Parameters and fields that are not known are errors that name the nearest ones; JSON behind a byte order mark is taken.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Daemon, assertProblem, sums } from "./daemon.mjs";

let daemon;
let job;
before(async () => {
  daemon = await Daemon.start();
  assert.equal((await daemon.csv("/datasets?name=sums", sums(60))).status, 201);
  const begun = await daemon.post("/train", { dataset: "sums", model: "sums", target: "label", epochs: 2, layers: [4] });
  job = (await daemon.finished(begun.json.id)).id;
});
after(() => daemon.stop());

test("a query parameter that a route does not know is refused, and the nearest one named", async () => {
  const cases = [
    ["GET", "/version?x=1", "x"],
    ["GET", "/datasets?limit=1", "limit"],
    ["GET", "/datasets/sums?traget=label", "traget", "target"],
    ["GET", "/datasets/sums/rows?limt=1", "limt", "limit"],
    ["GET", "/datasets/sums/rows?per_page=1", "per_page", "limit"],
    ["GET", "/datasets/sums/file?limit=1", "limit"],
    ["DELETE", "/datasets/sums?version=1", "version"],
    ["GET", "/jobs?limt=1", "limt", "limit"],
    ["GET", `/jobs/${job}?history=1`, "history"],
    ["GET", `/jobs/${job}/history?afer=1`, "afer", "after"],
    ["GET", `/jobs/${job}/events?after=1`, "after"],
    ["POST", `/jobs/${job}/cancel?force=1`, "force"],
    ["GET", "/models?limit=1", "limit"],
    ["GET", "/models/sums?versoin=9", "versoin", "version"],
    ["GET", "/models/sums/file?v=1", "v", "version"],
    ["DELETE", "/models/sums?ver=1", "ver", "version"],
    ["GET", "/models/sums/evaluation?dataset=nosuch", "dataset"],
    ["GET", "/models/sums/evaluation?prediction=a", "prediction", "guess"],
    ["GET", "/models/sums/evaluation?limit=1&limt=1", "limt", "limit"],
    ["GET", "/models/nosuch?versoin=9", "versoin", "version"],
    ["HEAD", "/models/sums?versoin=9"],
  ];
  for (const [method, where, field, near] of cases) {
    const reply = await daemon.call(method, where);
    assert.equal(reply.status, 400, `${method} ${where}`);
    if (!field) continue;
    assertProblem(reply, 400, near ? new RegExp(`did you mean "${near}"`) : /^(?!.*did you mean)/, { field });
  }
  assert.equal((await daemon.get("/datasets/sums")).status, 200, "nothing was deleted");
  assert.equal((await daemon.get("/models/sums")).status, 200);
});

test("JSON that is not UTF-8 is told to be", async () => {
  const wide = (value, big) => {
    const bytes = Buffer.from("\ufeff" + JSON.stringify(value), "utf16le");
    return big ? bytes.swap16() : bytes;
  };
  const rows = { model: "sums", instances: [[0.1, 0.2]] };
  for (const [where, value] of [
    ["/predict", rows], ["/predict", { model: "sums", strokes: [] }], ["/train", { dataset: "sums", target: "label" }],
    [`/jobs/${job}/cancel`, {}], ["/datasets/sums/rows", { rows: [[0.1, 0.2, "low"]] }],
  ])
    for (const big of [false, true])
      for (const type of ["application/json", "application/x-www-form-urlencoded"])
        assertProblem(await daemon.call("POST", where, wide(value, big), { "Content-Type": type }), 400, /UTF-16.*UTF-8/);
});

test("what is done to a job takes no fields, and names those that came", async () => {
  for (const action of ["cancel", "pause", "resume"]) {
    const post = (body) => daemon.call("POST", `/jobs/${job}/${action}`, body, { "Content-Type": "application/json" });
    assertProblem(await post('{"priority": 3}'), 400, /PATCH.*priority/, { field: "priority" });
    assertProblem(await post('{"force": true}'), 400, /expected none/, { field: "force" });
    assertProblem(await post("[1]"), 400, /object/);
    assertProblem(await post("{"), 400, /JSON/);
    for (const none of ["{}", " {} ", undefined]) assert.notEqual((await post(none)).status, 400, `${action} ${none}`);
  }
});

test("bodies do not change that: the parameters of uploads, rows, trainings and predictions", async () => {
  const cases = [
    ["/datasets?name=n&sep=comma", "sep", "separator"],
    ["/datasets?name=n&delimiter=,", "delimiter", "separator"],
    ["/datasets?name=n&skiprows=1", "skiprows", "title_lines"],
    ["/datasets?name=n&dtype=a:text", "dtype", "types"],
    ["/datasets?name=n&Header=true", "Header", "header"],
    ["/datasets/sums/rows?types=a:text", "types"],
    ["/train?target=label&lr=0.1", "lr", "learning_rate"],
    ["/train?target=label&n_epochs=3", "n_epochs", "epochs"],
    ["/train?target=label&hidden_layer_sizes=3", "hidden_layer_sizes", "layers"],
    ["/train?target=label&sep=;", "sep", "separator"],
    ["/train?target=label&dataset=sums", "dataset"],
    ["/models/sums/predict?versoin=1", "versoin", "version"],
    ["/models/sums/predict?model=sums", "model"],
    ["/predict?modle=sums", "modle", "model"],
    ["/predict?model=sums&on_bad_row=skip", "on_bad_row"],
  ];
  for (const [where, field, near] of cases)
    assertProblem(await daemon.csv(where, sums(20)), 400, near ? new RegExp(`did you mean "${near}"`) : /^(?!.*did you mean)/, { field });
  const json = await daemon.post("/models/sums/predict?versoin=9", { instances: [[1, 2]] });
  assertProblem(json, 400, /did you mean "version"/, { field: "versoin" });
  assert.equal((await daemon.get("/datasets/n")).status, 404);
});

test("a form's fields are parameters", async () => {
  const form = (fields) => {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append("file", new Blob([sums(30)], { type: "text/csv" }), "a.csv");
    return form;
  };
  assertProblem(await daemon.call("POST", "/datasets", form({ name: "f", delimiter: "," })), 400, /did you mean "separator"/, { field: "delimiter" });
  assertProblem(await daemon.call("POST", "/train", form({ target: "label", n_epochs: "2" })), 400, /did you mean "epochs"/, { field: "n_epochs" });
  assert.equal((await daemon.call("POST", "/datasets", form({ name: "f", separator: "," }))).status, 201);
});

test("a parameter beside a training in JSON would say nothing: it is refused", async () => {
  const reply = await daemon.post("/train?epochs=3", { dataset: "sums", target: "label" });
  assertProblem(reply, 400, /field of the JSON/, { field: "epochs" });
});

test("the page, its files, health and metrics pass any parameter over", async () => {
  for (const where of ["/?utm_source=a", "/app.js?v=3", "/openapi.json?x", "/healthz?probe=1", "/readyz?a=b", "/metrics?name[]=up"])
    assert.equal((await daemon.get(where)).status, 200, where);
});

test("a field of a JSON body that is not known is refused, and the nearest one named", async () => {
  const train = { dataset: "sums", target: "label" };
  const cases = [
    ["POST", "/train", { ...train, lr: 0.1 }, "lr", "learning_rate"],
    ["POST", "/train", { ...train, hidden_layers: [3] }, "hidden_layers", "layers"],
    ["POST", "/train", { ...train, patience: 3 }, "patience", "early_stopping"],
    ["POST", "/train", { ...train, batchsize: 3 }, "batchsize", "batch_size"],
    ["POST", "/train", { ...train, weights: 3 }, "weights", "weight"],
    ["POST", "/train", { ...train, optimizer: { name: "adam", beta1: 0.9 } }, "beta1", "beta_1"],
    ["POST", "/train", { ...train, layers: [{ units: 3, activaton: "relu" }] }, "activaton", "activation"],
    ["POST", "/train", { ...train, early_stopping: { patince: 3 } }, "patince", "patience"],
    ["PATCH", `/jobs/${job}`, { priorty: 1 }, "priorty", "priority"],
    ["PATCH", "/models/sums", { promote: 1 }, "promote", "promoted"],
    ["PATCH", "/datasets/sums", { new_name: "b" }, "new_name", "name"],
    ["POST", "/datasets/sums/split", { share: 0.5, names: ["a", "b"], random_state: 3 }, "random_state", "seed"],
    ["POST", "/datasets/sums/rows", { data: [] }, "data", "rows"],
    ["POST", "/models/sums/predict", { inputs: [[1, 2]] }, "inputs", "instances"],
    ["POST", "/models/sums/predict", { instances: [[1, 2]], vesion: 1 }, "vesion", "version"],
    ["POST", "/models/sums/predict", { strokes: [], modle: "a" }, "modle", "model"],
    ["POST", "/models/sums/predict", { colour: 1 }, "colour"],
  ];
  for (const [method, where, body, field, near] of cases) {
    const reply = await daemon.call(method, where, JSON.stringify(body), { "Content-Type": "application/json" });
    assertProblem(reply, 400, near ? new RegExp(`did you mean "${near}"`) : /^(?!.*did you mean)/, { field });
  }
});

test("JSON behind a byte order mark is taken everywhere", async () => {
  const marked = (method, where, body, type = "application/json") =>
    daemon.call(method, where, Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(JSON.stringify(body))]), type ? { "Content-Type": type } : {});
  const plain = await daemon.post("/models/sums/predict", { instances: [[1, 2]] });
  for (const type of ["application/json", "application/x-www-form-urlencoded", ""]) {
    const reply = await marked("POST", "/models/sums/predict", { instances: [[1, 2]] }, type);
    assert.equal(reply.text, plain.text, type);
    assert.equal((await marked("POST", "/datasets/sums/rows", { rows: [[1, 2, "no"]] }, type)).status, 200, type);
    const begun = await marked("POST", "/train", { dataset: "sums", target: "label", model: "marked", epochs: 1 }, type);
    assert.equal(begun.status, 202, begun.text);
    await daemon.finished(begun.json.id);
  }
  const many = { instances: Array.from({ length: 20000 }, (_, i) => [i % 7, i % 5]) };
  assert.equal((await marked("POST", "/models/sums/predict", many)).text, (await daemon.post("/models/sums/predict", many)).text);
  assert.equal((await marked("PATCH", `/jobs/${job}`, { title: "a" })).status, 200);
  assert.equal((await marked("PATCH", "/models/marked", { name: "renamed" })).status, 200);
  assert.equal((await marked("POST", "/datasets/sums/split", { share: 0.5, names: ["one", "two"] })).status, 201);
  assertProblem(await daemon.call("POST", "/train", Buffer.from([0xef, 0xbb, 0xbf]), { "Content-Type": "application/json" }), 400, /empty/);
});
