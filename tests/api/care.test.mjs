// What a job is told about its data and its training, and rows that count more than others.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Daemon, assertProblem, sums } from "./daemon.mjs";

let daemon;
before(async () => (daemon = await Daemon.start()));
after(() => daemon.stop());

const upload = async (name, rows) => assert.equal((await daemon.csv(`/datasets?name=${name}`, rows)).status, 201);
const train = async (request) => {
  const reply = await daemon.post("/train", request);
  assert.equal(reply.status, 202, reply.text);
  return daemon.finished(reply.json.id);
};

/* 300 rows; "answer" gives y away, "rare" stands in every twentieth. */
const telling = () => {
  const rows = Array.from({ length: 300 }, (_, i) => `${i + 1},7,${((i * 37) % 101) / 10},${i % 20 ? "w" : "q"},${i % 20 ? "usual" : "rare"}`);
  return `id,same,x,answer,y\n${rows.join("\n")}\n`;
};

test("a job says what is odd about its data: in the job, and to every stream", async () => {
  await upload("telling", telling());
  const { json } = await daemon.post("/train", { dataset: "telling", epochs: 3, layers: [4] });
  const events = await daemon.events(json.id);
  const job = (await daemon.get(`/jobs/${json.id}`)).json;
  const codes = job.warnings.map(({ code, column }) => `${code} ${column}`);
  assert.deepEqual(codes, ["constant_column same", "id_like_column id", "leaking_column answer", "imbalance y"]);
  assert.match(job.warnings[3].message, /^94\.8 % .*rare.*class_weight/);
  assert.deepEqual(events.filter(({ event }) => event === "warning").map(({ data }) => data), job.warnings);
  const replay = await daemon.events(json.id, { headers: { "Last-Event-ID": "3" } });
  assert.deepEqual(replay.filter(({ event }) => event === "warning").map(({ data }) => data), job.warnings);
});

test("a job without anything odd has no warnings", async () => {
  await upload("sums", sums(200));
  assert.deepEqual((await train({ dataset: "sums", epochs: 2, layers: [4] })).warnings, []);
});

test("a diverged job fails, says when and what to try, and keeps its last good model", async () => {
  const rows = Array.from({ length: 100 }, (_, i) => `${i % 10},${(i * 7) % 13},${(i % 10) * 3 + ((i * 7) % 13)}.5`).join("\n");
  await upload("line", `a,b,y\n${rows}\n`);
  const layers = [{ units: 1, activation: "linear" }];
  const request = { dataset: "line", model: "burst", layers, batch_size: "full", epochs: 5000, optimizer: { name: "sgd", learning_rate: 1.05 } };
  const job = await train(request);
  assert.equal(job.state, "failed");
  assert.match(job.error.detail, /epoch \d+, step \d+.*diverged.*"learning_rate":0.105/);
  assert.deepEqual(job.warnings.map(({ code }) => code), ["divergence"]);
  assert.ok(job.history.length > 0 && job.history.every(({ loss }) => Number.isFinite(loss)));
  const model = (await daemon.get("/models/burst")).json;
  assert.equal(model.state, "partial");
  const { predictions } = (await daemon.post("/predict", { model: "burst", instances: [{ a: 1, b: 2 }] })).json;
  assert.ok(Number.isFinite(predictions[0].value));
});

/* 60 rows of bytes, so that the recipe scales and never centres; every third row stands twice in `twice`. */
const weighted = () => {
  const line = (i) => `${(i * 53) % 256},${(i * 91 + 17) % 256}`;
  const label = (i) => (((i * 53) % 256) + ((i * 91 + 17) % 256) > 250 ? "b" : "a");
  const all = Array.from({ length: 60 }, (_, i) => i);
  const twice = all.flatMap((i) => (i % 3 ? [i] : [i, i]));
  return {
    once: `p,q,w,y\n0,0,1,a\n255,255,1,b\n${all.map((i) => `${line(i)},${i % 3 ? 1 : 2},${label(i)}`).join("\n")}\n`,
    twice: `p,q,y\n0,0,a\n255,255,b\n${twice.map((i) => `${line(i)},${label(i)}`).join("\n")}\n`,
  };
};
const exact = { target: "y", layers: [6], batch_size: "full", epochs: 20, validation_split: 0, seed: 3, learning_rate: 0.02 };
const losses = (job) => job.history.map(({ loss }) => loss);
const near = (a, b) => a.forEach((x, i) => assert.ok(Math.abs(x - b[i]) < 1e-5 * (1 + x), `epoch ${i + 1}: ${x} and ${b[i]}`));

test("a row that counts twice is a row that stands there twice", async () => {
  const { once, twice } = weighted();
  await upload("once", once);
  await upload("twice", twice);
  const by = await train({ ...exact, dataset: "once", sample_weight: "w" });
  near(losses(by), losses(await train({ ...exact, dataset: "twice" })));
  const { columns } = (await daemon.get("/models/once")).json.recipe;
  assert.deepEqual(columns.filter(({ encoding }) => encoding !== "ignore").map(({ name }) => name), ["p", "q"]);
});

test("balanced classes count what scikit-learn makes them count", async () => {
  const { once } = weighted();
  const labels = once.trim().split("\n").slice(1).map((row) => row.split(",")[3]);
  const n = (label) => labels.filter((other) => other === label).length;
  const map = { a: labels.length / (2 * n("a")), b: labels.length / (2 * n("b")) };
  const balanced = losses(await train({ ...exact, dataset: "once", ignore: ["w"], class_weight: "balanced" }));
  near(balanced, losses(await train({ ...exact, dataset: "once", ignore: ["w"], class_weight: map })));
  assert.notDeepEqual(balanced, losses(await train({ ...exact, dataset: "once", ignore: ["w"] })));
});

test("weights that make no sense are refused by name", async () => {
  const wrong = async (fields, words, field) => assertProblem(await daemon.post("/train", { dataset: "once", ...fields }), 400, words, { field });
  await wrong({ class_weight: { c: 2 } }, /no class "c"/, "class_weight");
  await wrong({ class_weight: { a: -1 } }, /class_weight/, "class_weight");
  await wrong({ class_weight: "even" }, /balanced/, "class_weight");
  await wrong({ target: "p", task: "regression", class_weight: "balanced" }, /number/, "class_weight");
  await wrong({ sample_weight: "v" }, /no column "v"/, "sample_weight");
  await wrong({ target: "p", task: "regression", sample_weight: "y" }, /text/, "sample_weight");
  await upload("negative", "x,w,y\n1,1,a\n2,-1,b\n3,1,a\n4,2,b\n");
  assertProblem(await daemon.post("/train", { dataset: "negative", sample_weight: "w", validation_split: 0 }), 422, /row 2/, { row: 2, column: "w" });
});
