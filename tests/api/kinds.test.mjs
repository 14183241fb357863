// Files that are no CSV: taken, or refused by their names.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Daemon, assertProblem } from "./daemon.mjs";

let daemon;
before(async () => {
  daemon = await Daemon.start();
});
after(() => daemon.stop());

let number = 0;
const upload = (body, headers = {}, query = "") => daemon.csv(`/datasets?name=k${++number}${query}`, body, headers);
async function rows(reply) {
  assert.equal(reply.status, 201, reply.text);
  const { json } = await daemon.get(`/datasets/${reply.json.name}/rows`);
  return [json.columns, json.rows];
}
/** The problem's body. */
function problem(reply, status, words = /./) {
  assertProblem(reply, status, words);
  return reply.json;
}
const types = (reply) => reply.json.columns.map((column) => column.type);

test("JSON and libsvm are taken under any type", async () => {
  const objects = [{ id: "01", n: 1, ok: true }, { n: 2.5, id: "02", more: "x" }];
  const expected = [["id", "n", "ok", "more"], [["01", 1, "true", null], ["02", 2.5, null, "x"]]];
  for (const body of [JSON.stringify(objects), JSON.stringify({ data: objects }, null, 2), objects.map((o) => JSON.stringify(o)).join("\n")])
    for (const type of ["application/json", "text/csv", "application/x-www-form-urlencoded"]) {
      const reply = await upload(body, { "Content-Type": type });
      assert.deepEqual(await rows(reply), expected, body);
      assert.deepEqual(types(reply).slice(0, 2), ["category", "number"]);
    }
  assert.deepEqual(await rows(await upload('[["a","b"],[1,2],[3,4]]')), [["a", "b"], [[1, 2], [3, 4]]]);
  assert.deepEqual(await rows(await upload("1 1:0.5 3:2\n0 2:1\n")), [["label", "x1", "x2", "x3"], [[1, 0.5, 0, 2], [0, 0, 1, 0]]]);
  const told = await upload('[{"id":"01"},{"id":"2"}]', {}, "&types=id:number");
  assert.deepEqual(types(told), ["number"]);
});

test("what is wrong in JSON names its row", async () => {
  const nested = problem(await upload('[{"a":1},{"a":{"b":1}}]', { "Content-Type": "application/json" }), 422);
  assert.deepEqual([nested.code, nested.row, nested.column], ["json_nested", 2, "a"]);
  assert.equal(problem(await upload('{"a":1}\n{"a":'), 422).row, 2);
  assert.equal((await daemon.get(`/datasets/k${number}`)).status, 404);
});

test("what is no table is named, and nothing is left of it", async () => {
  for (const [body, code] of [
    [Buffer.from("PK\x03\x04....xl/workbook.xml", "latin1"), "file_is_xlsx"],
    [Buffer.from("PAR1......PAR1", "latin1"), "file_is_parquet"],
    [Buffer.from("<!doctype html><html>"), "file_is_html"],
    [Buffer.from("%PDF-1.4\n"), "file_is_pdf"],
  ]) {
    assert.equal(problem(await upload(body), 415).code, code);
    assert.equal((await daemon.get(`/datasets/k${number}`)).status, 404);
  }
});

test("curl -d is told to use --data-binary", async () => {
  const type = { "Content-Type": "application/x-www-form-urlencoded" };
  const found = problem(await upload("a,b1,23,4", type), 400, /--data-binary/);
  assert.equal(found.code, "lines_dropped");
  assert.equal((await upload("a,b\n1,2\n", type)).status, 201);
  assert.equal((await upload("a,b\r1,2\r", type)).status, 201);
});
