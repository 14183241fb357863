// Datasets: upload, profile, rows, names, removal.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Daemon, assertProblem, sums } from "./daemon.mjs";

let daemon;
before(async () => (daemon = await Daemon.start({ flags: ["--max-body=2MB"] })));
after(() => daemon.stop());

const table = "id,size,colour\n1,2.5,red\n2,,blue\n3,4.5,red\n";

test("an upload is answered with its profile", async () => {
  const reply = await daemon.csv("/datasets?name=things", table);
  assert.equal(reply.status, 201, reply.text);
  assert.equal(reply.headers.get("location"), "/datasets/things");
  const { json } = reply;
  assert.deepEqual([json.name, json.state, json.rows, json.bytes], ["things", "ready", 3, table.length]);
  assert.deepEqual([json.separator, json.header], [",", true]);
  const [id, size, colour] = json.columns;
  assert.deepEqual([id.name, id.type, id.missing, id.integer, id.min, id.max, id.mean], ["id", "number", 0, true, 1, 3, 2]);
  assert.deepEqual([size.name, size.missing, size.min, size.max, size.mean, size.stddev], ["size", 1, 2.5, 4.5, 3.5, 1]);
  assert.deepEqual([colour.type, colour.distinct], ["category", 2]);
  assert.deepEqual(colour.levels, [{ level: "red", rows: 2 }, { level: "blue", rows: 1 }]);
  assert.deepEqual((await daemon.get("/datasets/things")).json, json);
});

test("rows come back as understood, by pages", async () => {
  await daemon.csv("/datasets?name=paged", table);
  const all = (await daemon.get("/datasets/paged/rows")).json;
  assert.deepEqual(all.columns, ["id", "size", "colour"]);
  assert.deepEqual(all.rows, [[1, 2.5, "red"], [2, null, "blue"], [3, 4.5, "red"]]);
  assert.deepEqual((await daemon.get("/datasets/paged/rows?offset=1&limit=1")).json.rows, [[2, null, "blue"]]);
  assert.deepEqual((await daemon.get("/datasets/paged/rows?offset=3")).json.rows, []);
  assertProblem(await daemon.get("/datasets/paged/rows?offset=-1"), 400, /offset.*whole number.*-1/, { field: "offset" });
  assertProblem(await daemon.get("/datasets/paged/rows?limit=many"), 400, /limit.*many/, { field: "limit" });
});

test("separator and header can be told", async () => {
  const reply = await daemon.csv("/datasets?name=bare&header=false&separator=semicolon", "1;2\n3;4\n");
  assert.equal(reply.status, 201, reply.text);
  assert.deepEqual(reply.json.columns.map((column) => column.name), ["c1", "c2"]);
  assertProblem(await daemon.csv("/datasets?name=x&separator=%23", "1\n"), 400, /separator.*comma/, { field: "separator" });
  assertProblem(await daemon.csv("/datasets?name=x&header=perhaps", "1\n"), 400, /header.*true or false/, { field: "header" });
});

test("a form with the field `file` is taken, its other fields count as parameters", async () => {
  const form = new FormData();
  form.append("name", "formed");
  form.append("file", new Blob([table], { type: "text/csv" }), "things.csv");
  const reply = await daemon.call("POST", "/datasets", form);
  assert.equal(reply.status, 201, reply.text);
  assert.deepEqual([reply.json.name, reply.json.rows], ["formed", 3]);
  const empty = new FormData();
  empty.append("other", "x");
  assertProblem(await daemon.call("POST", "/datasets?name=y", empty), 400, /field "file"/);
});

test("a form's file is found whatever pieces it comes in, boundaries' beginnings within it and all", async () => {
  const body = "a,b\r\n1,2\r\n--not,3\r\n--edg,4\r\n";
  const form = `--edge\r\nContent-Disposition: form-data; name="file"; filename="a;name=b.csv"\r\n\r\n${body}\r\n--edge--\r\n`;
  for (const size of [1, 3, 1000]) {
    const pieces = async function* () {
      for (let i = 0; i < form.length; i += size) yield new TextEncoder().encode(form.slice(i, i + size));
    };
    const reply = await daemon.call("POST", `/datasets?name=pieces${size}`, pieces(), {
      "Content-Type": "multipart/form-data; boundary=edge",
    });
    assert.equal(reply.status, 201, reply.text);
    assert.deepEqual([reply.json.rows, reply.json.bytes], [3, body.length]);
  }
});

test("curl's default content type and chunked bodies are taken", async () => {
  const plain = await daemon.call("POST", "/datasets?name=curled", table, { "Content-Type": "application/x-www-form-urlencoded" });
  assert.equal(plain.status, 201, plain.text);
  const long = sums(40000); // over a buffer's size: it goes through the disk
  const pieces = async function* () {
    for (let i = 0; i < long.length; i += 50000) yield new TextEncoder().encode(long.slice(i, i + 50000));
  };
  const chunked = await daemon.csv("/datasets?name=chunked", pieces());
  assert.equal(chunked.status, 201, chunked.text);
  assert.deepEqual([chunked.json.rows, chunked.json.bytes], [40000, long.length]);
});

test("a name that is taken is a conflict unless replace=true", async () => {
  assert.equal((await daemon.csv("/datasets?name=twice", table)).status, 201);
  assertProblem(await daemon.csv("/datasets?name=twice", table), 409, /twice/, { field: "name" });
  const replaced = await daemon.csv("/datasets?name=twice&replace=true", "a\n1\n2\n");
  assert.equal(replaced.status, 201, replaced.text);
  assert.equal((await daemon.get("/datasets/twice")).json.rows, 2);
});

test("a bad replacement leaves the dataset as it was", async () => {
  await daemon.csv("/datasets?name=kept", table);
  assertProblem(await daemon.csv("/datasets?name=kept&replace=true&on_bad_row=reject", "a,b\n1\n"), 422, /row 1/);
  assert.equal((await daemon.get("/datasets/kept")).json.rows, 3);
});

test("names are checked, and a missing one is asked for", async () => {
  for (const name of ["..", "a/b", ".hidden", "a b", "x".repeat(65), "", "a%00b"])
    assert.equal((await daemon.csv(`/datasets?name=${name.includes("%") ? name : encodeURIComponent(name)}`, table)).status, 400, name);
  assertProblem(await daemon.csv("/datasets", table), 400, /name.*\?name=/, { field: "name" });
});

test("bad files are refused with their place, and leave nothing behind", async () => {
  assertProblem(await daemon.csv("/datasets?name=bad&on_bad_row=reject", "a,b\n1,2\n3\n"), 422, /row 2 .*1 field/, { row: 2 });
  assertProblem(await daemon.csv("/datasets?name=bad", ""), 400, /empty/);
  assertProblem(await daemon.csv("/datasets?name=bad&on_bad_row=reject", 'a,b\n1,"2\n'), 422, /quote/);
  assertProblem(await daemon.csv("/datasets?name=bad&on_bad_row=reject", "a,b\n"), 400, /row/);
  assertProblem(await daemon.post("/datasets?name=bad", {}), 400, /no rows/);
  assertProblem(await daemon.csv("/datasets?name=bad", table, { "Content-Encoding": "br" }), 415, /Content-Encoding/);
  assertProblem(await daemon.get("/datasets/bad"), 404, /bad/);
});

test("a body over the limit is 413, told by its length or found on the way", async () => {
  const long = "a,b\n" + "1,2\n".repeat(600000);
  assertProblem(await daemon.csv("/datasets?name=long", long), 413, /2400004.*2000000/);
  const pieces = async function* () {
    for (let i = 0; i < long.length; i += 100000) yield new TextEncoder().encode(long.slice(i, i + 100000));
  };
  assertProblem(await daemon.csv("/datasets?name=long", pieces()), 413, /2000000/);
  assertProblem(await daemon.get("/datasets/long"), 404, /long/);
});

test("a client that waits for 100-continue is refused before it sends", async () => {
  const head = "POST /datasets?name=big HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\nExpect: 100-continue\r\n";
  const refused = await daemon.raw(`${head}Content-Length: 3000000\r\n\r\n`);
  assert.match(refused, /^HTTP\/1\.1 413 /);
  const taken = await daemon.raw(`${head}Content-Length: 8\r\n\r\n`, /100 Continue/i);
  assert.match(taken, /^HTTP\/1\.1 100 Continue/i);
});

test("an upload that breaks off leaves its name free", async () => {
  await daemon.raw("POST /datasets?name=broken HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n", /100 Continue/i);
  // The daemon notices by itself: until then the name is taken.
  let reply;
  do reply = await daemon.csv("/datasets?name=broken", table);
  while (reply.status === 409);
  assert.equal(reply.status, 201, reply.text);
});

test("a dataset is listed until it is deleted", async () => {
  await daemon.csv("/datasets?name=gone", table);
  const names = async () => (await daemon.get("/datasets")).json.datasets.map((dataset) => dataset.name);
  assert.ok((await names()).includes("gone"));
  assert.equal((await daemon.call("DELETE", "/datasets/gone")).status, 204);
  assert.ok(!(await names()).includes("gone"));
  assertProblem(await daemon.call("DELETE", "/datasets/gone"), 404, /gone/);
});
