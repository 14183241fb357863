// How well any table is read, on a sample of the polluted files and on all real ones; tests/tables/run scores all, beside others.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Daemon } from "../api/daemon.mjs";
import { byKind, sampleFiles } from "./generate.mjs";
import { readByDaemon } from "./read.mjs";
import { realFiles } from "./real.mjs";
import { score, sum } from "./score.mjs";

let daemon;
before(async () => (daemon = await Daemon.start()));
after(() => daemon.stop());

/** At least `least` on average; what scored low is said. */
async function holds(files, least) {
  const totals = [];
  for (const file of files) {
    const { found, told } = await readByDaemon(daemon, file);
    totals.push({ total: sum(score(file.truth, found)), told, ...file });
  }
  const mean = sum(totals.map(({ total }) => total)) / totals.length;
  const low = [...byKind(totals.filter(({ total }) => total < least).sort((a, b) => a.total - b.total))]
    .map(([kind, [worst]]) => `${worst.total.toFixed(2)} ${kind}: ${worst.name}${worst.told ? `: ${worst.told}` : ""}`);
  assert.ok(mean >= least, `${mean.toFixed(2)} of 10, at least ${least} was expected:\n${low.join("\n")}`);
  return mean;
}

test("polluted files are read", async () => {
  await holds(sampleFiles(200), 9.9);
});

test("files in the style of real ones are read", async () => {
  await holds(realFiles(), 9.8);
});

const truth = { header: ["a", "b"], rows: [["1", "x"], ["2.50", ""]] };
const near = (values, expected) => values.forEach((value, at) => assert.ok(Math.abs(value - expected[at]) < 1e-9, `${values}`));

test("the score of a file is 10 where its table was read, less where a part is wrong, 0 where nothing was", () => {
  near(score(truth, { header: ["a", "b"], rows: [[2.5, null], [1, "x"]] }), Array(10).fill(1));
  near(score(truth, undefined), Array(10).fill(0));
  // One name of two, one record of three found and two true, five cells of six found and four true.
  near(score(truth, { header: ["a", "c"], rows: [[1, "x"], [2.5, "y"], [null, null]] }),
    [1, 0.5, 0.5, 0.5, 1 / 3, 1 / 2, 0.4, 4 / 6, 1, 0.8]);
  // Leading zeros are no number; any of several rows will do, and none where that is one of them.
  near(score({ header: null, rows: [["01"]] }, { header: ["column1"], rows: [[1]] }), [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
  const open = { header: ["a"], rows: [["1"], { any: [["2"], ["3"], null] }] };
  for (const rows of [[["1"]], [["1"], ["3"]]]) near(score(open, { header: ["a"], rows }), Array(10).fill(1));
  assert.ok(sum(score(open, { header: ["a"], rows: [["1"], ["4"]] })) < 9);
});

test("polluted files are at least 1,000, the same at each run, and no two alike", () => {
  const texts = sampleFiles(1500).map((file) => `${file.kind} ${file.name} ${file.bytes.toString("latin1")}`);
  assert.ok(texts.length >= 1000);
  assert.equal(new Set(texts).size, texts.length);
  assert.deepEqual(sampleFiles(1500).map((file) => `${file.kind} ${file.name} ${file.bytes.toString("latin1")}`), texts);
});
