// A dataset's rows after its upload: chosen ones, all as a file, more of them, and another name for it.
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { Daemon, assertProblem, sums } from "./daemon.mjs";

let daemon;
before(async () => (daemon = await Daemon.start()));
after(() => daemon.stop());

const table = 'size,colour,n\n2.5,red,1\n,blue,2\n4.5,"a ""b"", c",255\n';

const rows = async (name) => (await daemon.get(`/datasets/${name}/rows`)).json.rows;

test("chosen rows come in the order asked for", async () => {
  await daemon.csv("/datasets?name=chosen", table);
  const reply = (await daemon.get("/datasets/chosen/rows?index=2,0,2")).json;
  assert.deepEqual([reply.total, reply.columns], [3, ["size", "colour", "n"]]);
  assert.deepEqual(reply.rows, [[4.5, 'a "b", c', 255], [2.5, "red", 1], [4.5, 'a "b", c', 255]]);
  for (const index of ["3", "-1", "1,", "x", "", ",1", "1;2"])
    assertProblem(await daemon.get(`/datasets/chosen/rows?index=${index}`), 400, /index.*below 3/, { field: "index" });
});

test("the file of a dataset reads as the same dataset", async () => {
  await daemon.csv("/datasets?name=whole", table);
  const file = await daemon.get("/datasets/whole/file");
  assert.equal(file.status, 200);
  assert.match(file.headers.get("content-type"), /^text\/csv/);
  assert.equal(file.text, table);
  await daemon.csv("/datasets?name=again", file.text);
  assert.deepEqual(await rows("again"), await rows("whole"));
  const long = `a,b\n${Array.from({ length: 40000 }, (_, i) => `${i / 8},w${i % 7}\n`).join("")}`;
  await daemon.csv("/datasets?name=long", long);
  assert.equal((await daemon.get("/datasets/long/file")).text, long);
  await daemon.csv("/datasets?name=single&types=a:category", 'a\n" x"\n""\n"#y"\n01\n');
  assert.equal((await daemon.get("/datasets/single/file")).text, 'a\n" x"\n""\n"#y"\n01\n');
  assertProblem(await daemon.get("/datasets/nowhere/file"), 404, /nowhere/);
});

test("rows are added as CSV, by name or by position", async () => {
  await daemon.csv("/datasets?name=grown", table);
  const reply = await daemon.csv("/datasets/grown/rows", "n;colour;size\n7;green;1,5\n");
  assert.equal(reply.status, 200, reply.text);
  assert.deepEqual([reply.json.rows, reply.json.separator], [4, ","]);
  assert.equal((await daemon.csv("/datasets/grown/rows", "9,red,3\n8,,\n")).status, 200);
  assert.deepEqual((await rows("grown")).slice(3), [[1.5, "green", 7], [9, "red", 3], [8, null, null]]);
  const profile = (await daemon.get("/datasets/grown")).json;
  assert.deepEqual(profile.columns[1].levels.map(({ level, rows }) => [level, rows]), [["red", 2], ["blue", 1], ['a "b", c', 1], ["green", 1]]);
});

test("rows are added in the format of a column's numbers, or plainly, and written back in it", async () => {
  const money = 'price,share\n"$1.137,00",5 %\n"-$2,25",7.5 %\n"$5,50",0 %\n';
  await daemon.csv("/datasets?name=money", money);
  const column = async () => (await daemon.get("/datasets/money")).json.columns.map(({ type, format }) => [type, format]);
  const formats = [["number", "$#.##0,00"], ["number", "0 %"]];
  assert.deepEqual(await column(), formats);
  assert.equal((await daemon.csv("/datasets/money/rows", 'price,share\n"$2.000,50",9 %\n')).status, 200);
  assert.deepEqual(await column(), formats);
  assert.equal((await daemon.get("/datasets/money/file")).text, `${money}"$2.000,50",9 %\n`);
  assert.equal((await daemon.post("/datasets/money/rows", { rows: [{ price: 1234.5, share: 2 }, ["$7,25", "3.5 %"], [null, null]] })).status, 200);
  assert.equal((await daemon.csv("/datasets/money/rows", "price;share\n8,5;1\n")).status, 200);
  assert.deepEqual(await rows("money"),
    [[1137, 5], [-2.25, 7.5], [5.5, 0], [2000.5, 9], [1234.5, 2], [7.25, 3.5], [null, null], [8.5, 1]]);
  assert.deepEqual((await column()).map(([type]) => type), ["number", "number"]);
  await daemon.csv("/datasets?name=money2", (await daemon.get("/datasets/money/file")).text);
  assert.deepEqual(await rows("money2"), await rows("money"));
});

test("rows are added as JSON, as arrays or by name", async () => {
  await daemon.csv("/datasets?name=json", "size,open,n\n2.5,Yes,1\n,No,2\n1,True,3\n");
  const reply = await daemon.post("/datasets/json/rows", { rows: [[0.1, "No", 3], { n: 300, open: "x,y", size: null }, [1e-7, true, true]] });
  assert.equal(reply.status, 200, reply.text);
  assert.equal(reply.json.rows, 6);
  assert.deepEqual((await rows("json")).slice(3), [[0.1, "No", 3], [null, "x,y", 300], [1e-7, "True", 1]]);
});

test("types widen as an upload of all rows would have it, and text stays text", async () => {
  await daemon.csv("/datasets?name=wide&types=zip:category", "zip,n\n01,1\n02,2\n");
  const reply = await daemon.csv("/datasets/wide/rows", "03,many\n");
  assert.deepEqual(reply.json.columns.map((column) => column.type), ["category", "category"]);
  assert.deepEqual(await rows("wide"), [["01", "1"], ["02", "2"], ["03", "many"]]);
});

test("rows that do not fit are refused with their place, and none is added", async () => {
  await daemon.csv("/datasets?name=firm", table);
  const refused = async (reply, status, pattern, place) => assertProblem(await reply, status, pattern, place);
  await refused(daemon.csv("/datasets/firm/rows?on_bad_row=reject", "1,red,2\n1,red\n"), 422, /row 2 has 2 fields/, { row: 2 });
  await refused(daemon.csv("/datasets/firm/rows", "1,red\n"), 422, /row 1 has 2 fields/, { row: 1 });
  await refused(daemon.csv("/datasets/firm/rows", "size,colour,n\n1,red,2,3\n"), 400, /4 fields.*3 columns/);
  await refused(daemon.csv("/datasets/firm/rows", "size,colour\n1,red\n"), 422, /lacks.*'n'/, { column: "n" });
  await refused(daemon.csv("/datasets/firm/rows", "size,colour,n,m\n1,red,1,2\n"), 400, /no column 'm'/);
  await refused(daemon.csv("/datasets/firm/rows", "size,colour,n\n"), 400, /no rows/);
  await refused(daemon.csv("/datasets/firm/rows", ""), 400, /empty/);
  await refused(daemon.csv("/datasets/firm/rows?types=n:number", "1,red,2\n"), 400, /types/, { field: "types" });
  await refused(daemon.post("/datasets/firm/rows", { rows: [[1, "red", 1], [1, "red"]] }), 422, /rows\[1\].*3 values/, { row: 2 });
  await refused(daemon.post("/datasets/firm/rows", { rows: [{ size: 1 }] }), 422, /lacks.*colour/, { row: 1, column: "colour" });
  await refused(daemon.post("/datasets/firm/rows", { rows: [{ size: 1, hue: 2 }] }), 422, /no column 'hue'/, { row: 1 });
  await refused(daemon.post("/datasets/firm/rows", { rows: [[1, [2], 3]] }), 422, /'colour'.*expected a number, a text/, { row: 1 });
  await refused(daemon.post("/datasets/firm/rows", { row: [] }), 400, /"row".*rows/, { field: "row" });
  await refused(daemon.post("/datasets/firm/rows", { rows: [] }), 400, /no rows/);
  await refused(daemon.csv("/datasets/nowhere/rows", "1\n"), 404, /nowhere/);
  assert.equal((await rows("firm")).length, 3);
});

test("rows added as CSV are read as an upload is: mended, set aside, counted, kept behind what was before", async () => {
  await daemon.csv("/datasets?name=odd", "a,b,c\n1,x,2\n3,y,4,9\n5,z,6\n");
  const reply = await daemon.csv("/datasets/odd/rows", "c,a,b\n8,7,u\n10,9,v,9\n12,11\n\n14,13,\"w\n16,15,\"p\"q\nc,a,b\n18,17,r,\n20,21");
  assert.equal(reply.status, 200, reply.text);
  assert.deepEqual((await rows("odd")).slice(2), [[7, "u", 8], [11, null, 12], [13, "w", 14], [15, "pq", 16], [17, "r", 18]]);
  const { rejects } = (await daemon.get("/datasets/odd/rejects")).json;
  const old = { row: 2, line: 3, code: "too_many_fields", text: "3,y,4,9" };
  const expected = [old, { row: 2, line: 3, code: "too_many_fields", text: "10,9,v,9" }, { row: 6, line: 8, code: "repeated_header", text: "c,a,b" },
    { row: 8, line: 10, code: "cut_off", text: "20,21" }];
  assert.deepEqual(rejects.map(({ row, line, code, text }) => ({ row, line, code, text })), expected);
  const profile = (await daemon.get("/datasets/odd")).json;
  for (const { skipped_rows, reading, skipped } of [reply.json, profile]) {
    const counts = Object.fromEntries(reading.map(({ code, count }) => [code, count]));
    assert.deepEqual([skipped_rows, counts], [3, { too_many_fields: 2, padded: 1, trailing_fields: 1, quote_mended: 2, empty_line: 1, repeated_header: 1, cut_off: 1 }]);
    assert.deepEqual(reading.find(({ code }) => code === "too_many_fields").first.map(({ text }) => text), ["3,y,4,9", "10,9,v,9"]);
    assert.deepEqual(skipped.map(({ row }) => row), [2, 2, 8]);
  }
  // Rows as JSON leave it as it is; a body of another dialect is refused, and adds nothing.
  assert.equal((await daemon.post("/datasets/odd/rows", { rows: [[1, "x", 2]] })).json.skipped_rows, 3);
  assert.equal((await daemon.get("/datasets/odd")).json.reading.length, 7);
  assertProblem(await daemon.csv("/datasets/odd/rows", `a,b,c\n${"1,x,2\n".repeat(50)}${"1,x,2,3\n".repeat(11)}${"1,x,2\n".repeat(40)}`), 422, /do not fit/, { row: 51 });
  assert.equal((await daemon.get("/datasets/odd/rejects")).json.rejects.length, 4);
  assert.equal((await rows("odd")).length, 8);
});

test("what was set aside of added rows is there after a kill, and goes with its dataset", async () => {
  const state = mkdtempSync(path.join(tmpdir(), "mlpd-rows-"));
  const first = await Daemon.start({ state });
  await first.csv("/datasets?name=kept", "a,b\n1,x\n2,y\n");
  assert.equal((await first.csv("/datasets/kept/rows", "3,z\n4,u,9\n")).json.skipped_rows, 1);
  const before = [(await first.get("/datasets/kept/rejects")).json, (await first.get("/datasets/kept")).json];
  assert.deepEqual(before[0].rejects.map(({ row, text }) => [row, text]), [[2, "4,u,9"]]);
  first.child.kill("SIGKILL");
  await first.ended;
  const again = await Daemon.start({ state });
  assert.deepEqual([(await again.get("/datasets/kept/rejects")).json, (await again.get("/datasets/kept")).json], before);
  await again.call("DELETE", "/datasets/kept");
  assert.deepEqual(readdirSync(path.join(state, "datasets")).filter((name) => name.endsWith(".rejects")), []);
  await again.stop();
});

test("rows added at the same time are all there, or their request is told to come again", async () => {
  await daemon.csv("/datasets?name=busy", "n\n0\n");
  const replies = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => daemon.csv("/datasets/busy/rows", `${n}\n`)));
  const taken = replies.filter((reply) => reply.status === 200).length;
  assert.ok(taken > 0 && replies.every((reply) => [200, 409].includes(reply.status)), replies.map((reply) => reply.status).join());
  assert.equal((await rows("busy")).length, 1 + taken);
});

test("a dataset's new name is its only one, and jobs at work go on under it", async () => {
  await daemon.csv("/datasets?name=before", sums(3000));
  await daemon.csv("/datasets?name=other", table);
  const job = (await daemon.post("/train", { dataset: "before", model: "renamed", epochs: 100000 })).json;
  const reply = await daemon.call("PATCH", "/datasets/before", JSON.stringify({ name: "after" }));
  assert.equal(reply.status, 200, reply.text);
  assert.deepEqual([reply.json.name, reply.headers.get("location")], ["after", "/datasets/after"]);
  assertProblem(await daemon.get("/datasets/before"), 404, /before/);
  assert.equal((await daemon.get(`/jobs/${job.id}`)).json.dataset, "after");
  assert.equal((await daemon.csv("/datasets/after/rows", "1,2,3\n")).status, 200);
  const { state, dataset } = await daemon.cancel(job.id);
  assert.deepEqual([state, dataset], ["cancelled", "after"]);
  const patch = (name, body) => daemon.call("PATCH", `/datasets/${name}`, JSON.stringify(body));
  assertProblem(await patch("after", { name: "other" }), 409, /other is there/, { field: "name" });
  assertProblem(await patch("after", { name: "../x" }), 400, /name/, { field: "name" });
  assertProblem(await patch("after", { title: "x" }), 400, /title.*expected name/, { field: "title" });
  assertProblem(await patch("after", {}), 400, /new name/, { field: "name" });
  assertProblem(await patch("nowhere", { name: "x" }), 404, /nowhere/);
  assert.equal((await patch("after", { name: "after" })).status, 200);
});
