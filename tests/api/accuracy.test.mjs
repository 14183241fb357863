// With nothing but the data set named, the daemon's own choices reach what is known of these tables. tests/accuracy compares at length.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Daemon, sharedData } from "./daemon.mjs";

const docs = fileURLToPath(new URL("../../docs", import.meta.url));
let daemon;
before(async () => (daemon = await Daemon.start()));
after(() => daemon.stop());

// Every fifth row tests. `least`: two rows of the test below what is usual.
const tables = [
  { folder: "iris", file: "iris.csv", header: true, target: "species", least: 0.89 },
  { folder: "wine", file: "wine.csv", header: false, least: 0.92 },
  { folder: "penguins", file: "penguins.csv", header: true, target: "species", least: 0.95 },
  { folder: "breast-cancer-wdbc", file: "breast_cancer.sklearn.csv", header: true, least: 0.94 },
];

const part = (lines, header, wanted) =>
  [...(header ? [lines[0]] : []), ...lines.slice(header ? 1 : 0).filter((_, i) => (i % 5 === 0) === wanted)].join("\n") + "\n";

for (const { folder, file, header, target, least } of tables) {
  const data = folder === "iris" ? docs : sharedData(folder);
  test(`${folder} is learnt well without any setting`, { skip: data ? false : "no shared data" }, async () => {
    const lines = readFileSync(path.join(data, file), "utf8").trimEnd().split("\n");
    assert.equal((await daemon.csv(`/datasets?name=${folder}`, part(lines, header, false))).status, 201);
    assert.equal((await daemon.csv(`/datasets?name=${folder}-test`, part(lines, header, true))).status, 201);
    const reply = await daemon.post("/train", { dataset: folder, test: `${folder}-test`, ...(target ? { target } : {}) });
    assert.equal(reply.status, 202, reply.text);
    const job = await daemon.finished(reply.json.id);
    assert.equal(job.state, "succeeded");
    assert.equal(job.rows.validation, 0, "no row is held out where other rows judge");
    assert.ok(Number.isFinite(job.history.at(-1).val_loss), "the folds do");
    const { accuracy } = (await daemon.get(`/models/${folder}/evaluation`)).json;
    assert.ok(accuracy >= least, `accuracy ${accuracy}`);
  });
}
