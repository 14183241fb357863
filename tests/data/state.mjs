// Makes a state folder with the daemon MLPD_BIN, to be kept for tests/api/older.test.mjs: node tests/data/state.mjs NEW_FOLDER
import { rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Daemon, sums } from "../api/daemon.mjs";

const state = process.argv[2];
const daemon = await Daemon.start({ state, flags: ["--threads=1"] });
const ask = async (...call) => {
  const reply = await daemon.call(...call);
  if (reply.status >= 300) throw new Error(`${call[1]}: ${reply.text}`);
  return reply.json;
};
const patch = (where, change) => ask("PATCH", where, JSON.stringify(change), { "Content-Type": "application/json" });
const train = async (request) => (await daemon.post("/train", request)).json.id;

await daemon.csv("/datasets?name=rows", sums(150));
await daemon.csv("/datasets?name=numbers", sums(60, "# a title\na;b;label\n").replaceAll(",", ";"));
await patch("/datasets/numbers", { name: "renamed" });
for (const seed of [1, 2]) await daemon.finished(await train({ dataset: "rows", model: "m", epochs: 20, layers: [6], test_split: 0.2, seed }));
await patch("/models/m", { promoted: 1 });
const instances = [[0.1, 0.2], [0.9, 0.8], [0.5, 0.55], [0.3, 0.9]];
const expected = { instances, versions: {} };
for (const version of [1, 2]) {
  const { predictions } = (await daemon.post("/predict", { model: "m", version, instances })).json;
  const evaluation = (await daemon.get(`/models/m/evaluation?version=${version}`)).json;
  expected.versions[version] = { predictions, evaluation };
}
expected.datasets = (await daemon.get("/datasets")).json.datasets;
expected.history = (await daemon.get("/jobs/1")).json.history;
// a job at work, with a checkpoint, when the daemon stops
expected.unfinished = await train({ dataset: "rows", model: "on", epochs: 400, layers: [12], batch_size: 1, seed: 3 });
await daemon.epoch(expected.unfinished);
await daemon.stop();
for (const name of ["lock", "tmp"]) rmSync(path.join(state, name), { recursive: true });
writeFileSync(path.join(state, "expected.json"), `${JSON.stringify(expected)}\n`);
