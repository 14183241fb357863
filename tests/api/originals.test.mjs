// Uploads kept as they came: read again with other options, handed out, gone with their dataset or beyond the limit.
import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { Daemon, assertProblem, stateFolder, sums, until } from "./daemon.mjs";

let daemon;
before(async () => {
  daemon = await Daemon.start();
});
after(() => daemon.stop());

/** Kept uploads in a state folder, by the numbers of their datasets. */
const kept = (state) => readdirSync(path.join(state, "datasets")).filter((name) => /\.original(\.zst)?$/.test(name)).map((name) => Number.parseInt(name, 10)).sort((a, b) => a - b);
const types = ({ json }) => json.columns.map((column) => column.type);
const read = (name, query = "", on = daemon) => on.call("POST", `/datasets/${name}/read${query}`);
async function upload(name, body, query = "", on = daemon) {
  const reply = await on.csv(`/datasets?name=${name}${query}`, body);
  assert.equal(reply.status, 201, reply.text);
  return reply;
}

test("an upload is read again with other options, those not given stay", async () => {
  const text = "id;size;word\n01;2,5;n\n02;3,5;m\n";
  const first = await upload("again", text, "&na=n");
  assert.deepEqual(first.json.told, { na: "n" });
  assert.deepEqual(first.json.original, { kept: true, bytes: text.length });
  let reply = await read("again", "?types=id:text");
  assert.equal(reply.status, 200, reply.text);
  assert.deepEqual(reply.json.told, { na: "n", types: "id:text" });
  assert.deepEqual([types(reply)[0], reply.json.columns[2].missing], ["text", 1]);
  reply = await read("again", "?types=size:category"); // of each column
  assert.deepEqual(types(reply).slice(0, 2), ["text", "category"]);
  reply = await read("again", "?types=id:category&na=");
  assert.deepEqual([types(reply).slice(0, 2), reply.json.columns[2].missing], [["category", "category"], 0]);
  reply = await read("again", "?types=&header=false&separator=semicolon");
  assert.equal(reply.json.rows, 3);
  assert.equal((await daemon.get("/datasets/again/original")).text, text);
  assert.deepEqual((await daemon.get("/datasets/again")).json.told, { separator: "semicolon", header: "false" });
});

test("a reading that fails leaves the dataset as it was", async () => {
  await upload("firm", "a,b\n1,2\n3,4\n");
  const before = (await daemon.get("/datasets/firm")).json;
  assertProblem(await read("firm", "?types=none:text"), 400, /none/);
  assertProblem(await read("firm", "?separator=long"), 400, /separator/);
  assertProblem(await read("firm", "?seperator=comma"), 400, /./);
  assert.deepEqual((await daemon.get("/datasets/firm")).json, before);
  assertProblem(await read("nobody"), 404, /nobody/);
});

test("JSON is read again as JSON, a job of the old reading goes on", async () => {
  await upload("json", JSON.stringify([{ a: "1", b: 2 }, { a: "2", b: 3 }]));
  assert.deepEqual(types(await read("json", "?types=a:number")), ["number", "number"]);
  await upload("used", sums(2000));
  const job = await daemon.post("/train", { dataset: "used", target: "label", model: "used", epochs: 20 });
  assert.equal(job.status, 202, job.text);
  assert.equal((await read("used", "?types=a:text")).status, 200);
  const ended = await daemon.call("GET", `/jobs/${job.json.id}/events`);
  assert.match(ended.text, /succeeded/);
});

test("what is deleted, or was added to, is no longer kept", async () => {
  await upload("gone", "a,b\n1,2\n3,4\n");
  const [id] = kept(daemon.state).slice(-1);
  assert.equal((await daemon.call("DELETE", "/datasets/gone")).status, 204);
  assert.ok(!kept(daemon.state).includes(id));
  await upload("more", "a,b\n1,2\n3,4\n");
  const added = await daemon.csv("/datasets/more/rows", "5,6\n");
  assert.deepEqual(added.json.original, { kept: false, bytes: 0 });
  for (const reply of [await read("more"), await daemon.get("/datasets/more/original")]) {
    assertProblem(reply, 409, /--keep-uploads/);
    assert.equal(reply.json.code, "original_gone");
  }
});

test("a kill loses no upload that was acknowledged, and leaves nothing of others", async () => {
  const state = stateFolder(), text = sums(20000);
  let other = await Daemon.start({ state });
  await upload("a", text, "", other);
  await upload("b", text, "", other);
  other.child.kill("SIGKILL");
  await other.ended;
  const ids = kept(state);
  assert.equal(new Set(ids).size, 2);
  writeFileSync(path.join(state, "datasets", "9.original.mine"), "not of mlpd");
  other = await Daemon.start({ state });
  assert.equal((await other.get("/datasets/a/original")).text, text);
  assert.equal((await read("b", "?types=label:text", other)).status, 200);
  assert.ok(readdirSync(path.join(state, "datasets")).includes("9.original.mine"));
  await other.stop();
  other = await Daemon.start({ state, flags: ["--recover"] });
  assert.equal((await other.get("/datasets/b/original")).text, text);
  await other.stop();
});

test("beyond the limit the oldest go, and none is kept where none is wanted", async () => {
  const state = stateFolder();
  const words = Array.from({ length: 6000 }, (_, i) => Math.imul(i + 1, 2654435761) >>> 0).join("\n"); // compresses to half or so
  let other = await Daemon.start({ state, flags: ["--keep-uploads=80KB"] });
  for (const name of ["a", "b", "c", "d"]) await upload(name, `number\n${words}\n`, "", other);
  const names = async () => (await other.get("/datasets")).json.datasets.filter(({ original }) => original.kept).map(({ name }) => name);
  await until(async () => (await names()).length === 2, path.join(state, "datasets"));
  assert.deepEqual(await names(), ["c", "d"]);
  await other.stop();
  other = await Daemon.start({ state, flags: ["--keep-uploads=0"] });
  await upload("e", "a\n1\n2\n", "", other);
  assert.equal((await read("e", "", other)).json.code, "original_gone");
  await other.stop();
});

test("what is not in the table is said, counted, named and had in pages", async () => {
  const rows = Array.from({ length: 200 }, (_, i) => (i % 50 === 10 ? `${i},2,3,4` : `${i},${i % 7}`));
  const { json } = await upload("odd", `a,b\n${rows.join("\n")}\n`);
  assert.deepEqual([json.rows, json.skipped_rows], [196, 4]);
  const deed = json.reading.find(({ code }) => code === "too_many_fields");
  assert.equal(deed.count, 4);
  assert.deepEqual(deed.first.map(({ row, line, text }) => [row, line, text]), [10, 60, 110, 160].map((i) => [i + 1, i + 2, `${i},2,3,4`]));
  const first = (await daemon.get("/datasets/odd/rejects?limit=3")).json;
  assert.deepEqual([first.rejects.map(({ row }) => row), first.from, first.next], [[11, 61, 111], 1, 4]);
  const [reject] = first.rejects;
  assert.deepEqual([reject.line, reject.code, reject.column, reject.text], [12, "too_many_fields", null, "10,2,3,4"]);
  const second = (await daemon.get(`/datasets/odd/rejects?from=${first.next}`)).json;
  assert.deepEqual([second.rejects.map(({ row }) => row), second.next], [[161], null]);
  const text = await daemon.get("/datasets/odd/rejects?limit=1&from=2", { Accept: "text/csv" });
  assert.match(text.headers.get("content-type"), /^text\/csv/);
  assert.match(text.text, /^row,line,code,column,reason,text\n61,62,too_many_fields,,[^\n]*,"60,2,3,4"\n$/);
  assert.equal(text.headers.get("mlpd-next"), "3");
  // rows added later keep what was said of the file; a reading without odd rows has none; and they go with the dataset
  const added = await daemon.csv("/datasets/odd/rows", "1,2\n");
  assert.deepEqual(added.json.reading, json.reading);
  assert.equal((await daemon.get("/datasets/odd/rejects")).json.rejects.length, 4);
  await upload("odd", "a,b\n1,2\n3,4\n", "&replace=true");
  assert.deepEqual((await daemon.get("/datasets/odd/rejects")).json, { rejects: [], from: 1, next: null });
  assert.deepEqual(readdirSync(path.join(daemon.state, "datasets")).filter((name) => name.endsWith(".rejects")), []);
  assertProblem(await daemon.get("/datasets/nobody/rejects"), 404, /nobody/);
  assertProblem(await daemon.get("/datasets/odd/rejects?limit=10001"), 400, /limit/);
});

test("single columns are read again with a decimal and missing values of their own", async () => {
  await upload("columns", "price;t;rain\n1.500;-999;-999\n2.250;3;1\n4.000;5;2\n");
  const reply = await read("columns", "?column_decimal=price:comma&column_na=t:-999");
  assert.equal(reply.status, 200, reply.text);
  assert.deepEqual(reply.json.told, { column_decimal: "price:comma", column_na: "t:-999" });
  assert.deepEqual((await daemon.get("/datasets/columns/rows")).json.rows, [[1500, null, -999], [2250, 3, 1], [4000, 5, 2]]);
  const back = await read("columns", "?column_decimal=");
  assert.deepEqual([back.json.told, back.json.columns.map(({ max }) => max)], [{ column_na: "t:-999" }, [4, 5, 2]], back.text);
  assertProblem(await read("columns", "?column_na=tt:-999"), 400, /no column called tt/, { field: "column_na" });
  assertProblem(await read("columns", "?column_decimal=nobody:comma"), 400, /no column called nobody/, { field: "column_decimal" });
  assertProblem(await read("columns", "?column_decimal=price"), 400, /point or comma/, { field: "column_decimal" });
});
