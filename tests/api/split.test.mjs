// What columns tell about a target, and a dataset's rows dealt to two.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Daemon, assertProblem } from "./daemon.mjs";

let daemon;
before(async () => (daemon = await Daemon.start()));
after(() => daemon.stop());

const colours = ["red", "green", "blue"];
const row = (i) => [i % 7, (i * i) % 11 / 4, colours[(i * 5) % 3], i % 4 ? colours[(i * 5 + 1) % 3] : "grey", i % 9 ? `${i % 28 + 1}/${i % 12 + 1}/2024` : "", 3];
const table = `n,x,colour,other,day,same\n${Array.from({ length: 90 }, (_, i) => row(i).join(",")).join("\n")}\n`;

test("associations are those of numpy", async () => {
  await daemon.csv("/datasets?name=told", table);
  const of = async (target) => (await daemon.get(`/datasets/told?target=${target}`)).json.columns.map((column) => column.association);
  const near = (found, expected) =>
    found.forEach((value, i) => assert.ok(expected[i] === null ? value === null : Math.abs(value - expected[i]) < 1e-6, `${found}, expected ${expected}`));
  near(await of("n"), [1, 0.018159504106216865, 0.027411409426915313, 0.02903585904772993, 0.0006584886016694447, null]);
  near(await of("colour"), [0.027411409426915313, 0.027616091790845395, 1, 0.863091846927014, 0.24207240822722473, null]);
  const plain = (await daemon.get("/datasets/told")).json, rest = (await daemon.get("/datasets/told?target=n")).json;
  for (const column of rest.columns) delete column.association;
  assert.deepEqual(rest, plain);
  assertProblem(await daemon.get("/datasets/told?target=z"), 400, /no column 'z'/, { field: "target" });
});

test("a split deals every row once, by the share, the same for the same seed", async () => {
  await daemon.csv("/datasets?name=whole", table);
  const split = (names, more = {}) => daemon.post("/datasets/whole/split", { share: 0.2, names, seed: 7, ...more });
  const reply = await split(["big", "small"]);
  assert.equal(reply.status, 201, reply.text);
  assert.deepEqual(reply.json.datasets.map(({ name, rows }) => [name, rows]), [["big", 72], ["small", 18]]);
  const file = async (name) => (await daemon.get(`/datasets/${name}/file`)).text.trimEnd().split("\n").slice(1);
  const dealt = [...(await file("big")), ...(await file("small"))];
  assert.deepEqual(dealt.sort(), (await file("whole")).sort());
  const types = async (name) => (await daemon.get(`/datasets/${name}`)).json.columns.map(({ name, type, format }) => [name, type, format]);
  assert.deepEqual(await types("small"), await types("whole"));
  await split(["big2", "small2"]);
  assert.deepEqual(await file("small2"), await file("small"));
  await split(["big3", "small3"], { seed: 8 });
  assert.notDeepEqual(await file("small3"), await file("small"));
});

test("a stratified split keeps each value's share", async () => {
  for (const [column, index] of [["n", 0], ["other", 3]]) {
    const reply = await daemon.post("/datasets/whole/split", { share: 0.25, names: [`a-${column}`, `b-${column}`], stratify: column });
    assert.equal(reply.status, 201, reply.text);
    const count = async (name) => {
      const counts = {};
      for (const values of (await daemon.get(`/datasets/${name}/rows`)).json.rows) counts[values[index]] = (counts[values[index]] ?? 0) + 1;
      return counts;
    };
    const all = await count("whole"), part = await count(`b-${column}`);
    for (const value of Object.keys(all)) assert.equal(part[value], Math.round(all[value] * 0.25), value);
  }
});

test("a split that cannot be is refused, and leaves nothing", async () => {
  const refused = async (body, status, words, field) => assertProblem(await daemon.post("/datasets/whole/split", body), status, words, { field });
  await refused({ names: ["p", "q"] }, 400, /share/, "share");
  await refused({ share: 1, names: ["p", "q"] }, 400, /between 0 and 1/, "share");
  await refused({ share: 0.001, names: ["p", "q"] }, 400, /empty/, "share");
  await refused({ share: 0.5 }, 400, /two names/, "names");
  await refused({ share: 0.5, names: ["p", "p"] }, 400, /different/, "names");
  await refused({ share: 0.5, names: ["p", "../q"] }, 400, /name/, "names");
  await refused({ share: 0.5, names: ["p", "whole"] }, 409, /whole is there/, "name");
  await refused({ share: 0.5, names: ["p", "q"], stratify: "z" }, 400, /no column 'z'/, "stratify");
  await refused({ share: 0.5, names: ["p", "q"], seeds: 1 }, 400, /seeds/, "seeds");
  assertProblem(await daemon.post("/datasets/nowhere/split", { share: 0.5, names: ["p", "q"] }), 404, /nowhere/);
  for (const name of ["p", "q"]) assertProblem(await daemon.get(`/datasets/${name}`), 404, new RegExp(name));
});
