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

/** Bytes of a text in an encoding that the test's own language does not write. */
const cyrillic = { "windows-1251": 0xc0, "iso-8859-5": 0xb0 };
const russian = (encoding) => Buffer.from([..."name,n\n\u0411\u0435\u043b\u0430\u044f,1\n\u0421\u0435\u0440\u0430\u044f,2\n"].map((c) => (c < "\u0400" ? c.charCodeAt(0) : c.charCodeAt(0) - 0x410 + cyrillic[encoding])));

test("an encoding is told by any name that iconv knows, asked for where the bytes do not tell", async () => {
  const names = [["name", "n"], [["\u0411\u0435\u043b\u0430\u044f", 1], ["\u0421\u0435\u0440\u0430\u044f", 2]]];
  for (const encoding of Object.keys(cyrillic)) {
    const asked = problem(await upload(russian(encoding)), 400, /encoding=/);
    assert.deepEqual([asked.code, asked.field], ["encoding_unknown", "encoding"]);
    const reply = await upload(russian(encoding), {}, `&encoding=${encoding.toUpperCase()}`);
    assert.deepEqual(await rows(reply), names);
    assert.equal(reply.json.recoded_from.toLowerCase(), encoding);
    const again = await daemon.call("POST", `/datasets/${reply.json.name}/read?types=n:text`);
    assert.deepEqual([again.status, types(again)], [200, ["category", "text"]]); // still in that encoding
  }
  const utf32 = Buffer.from(new Uint32Array([0xfeff, ...[..."a,b\n1,\u00e9\n2,x\n"].map((c) => c.codePointAt(0))]).buffer);
  assert.deepEqual(await rows(await upload(utf32)), [["a", "b"], [[1, "\u00e9"], [2, "x"]]]);
  const shift = Buffer.from([...Buffer.from("a,b\n1,"), 0x93, 0xfa, 0x96, 0x7b, ...Buffer.from("\n2,x\n")]);
  assert.deepEqual((await rows(await upload(shift, {}, "&encoding=shift_jis")))[1][0], [1, "\u65e5\u672c"]);
  assert.equal(problem(await upload("a\n1\n", {}, "&encoding=utf-9"), 400, /iconv/).field, "encoding");
  assert.equal(problem(await daemon.csv("/datasets/k1/rows?encoding=koi8-r", "1"), 400, /utf-8/).field, "encoding");
});

test("a guess of the encoding, and what is none of it, are said", async () => {
  const latin = await upload(Buffer.from("name,n\nCaf\u00e9,1\nM\u00fcsli,2\n", "latin1"));
  assert.deepEqual((await rows(latin))[1], [["Caf\u00e9", 1], ["M\u00fcsli", 2]]);
  assert.deepEqual(latin.json.reading.map(({ code, first }) => [code, first[0].text]), [["encoding_guessed", "windows-1252"]]);
  const told = await upload(Buffer.from("name\nCaf\u00e9\n", "latin1"), {}, "&encoding=latin-1");
  assert.deepEqual(told.json.reading, []);
  const broken = Buffer.concat([Buffer.from("name,n\n"), Buffer.from("x,1\n".repeat(50)), Buffer.from([0x81, 0x20]), Buffer.from(",2\n")]);
  const reading = (await upload(broken, {}, "&encoding=shift_jis")).json.reading;
  assert.deepEqual([reading[0].code, reading[0].count], ["bad_character", 1]);
  assert.equal(problem(await upload(Buffer.from([0x81, 0x20, 0x0a, 0x81, 0x20, 0x0a]), {}, "&encoding=shift_jis"), 400).code, "encoding_wrong");
});
