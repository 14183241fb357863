// CSV as people have it: every way to read one, told or guessed; compressed bodies; profiles; every table of the shared data.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import zlib from "node:zlib";
import { Daemon, assertProblem, sums } from "./daemon.mjs";

let daemon, hasZstd;
before(async () => {
  daemon = await Daemon.start({ flags: ["--max-body=80MB"] });
  const reply = await upload("a\n1\n", "", { "Content-Encoding": "br" });
  assertProblem(reply, 415, /br is not taken here: expected gzip/);
  hasZstd = /zstd/.test(reply.json.detail);
});
after(() => daemon.stop());

let number = 0;
/** Upload under a new name; the reply. */
function upload(body, query = "", headers = {}) {
  return daemon.csv(`/datasets?name=d${++number}${query}`, body, headers);
}
/** Upload and give back the profile and all rows. */
async function read(body, query, headers) {
  const reply = await upload(body, query, headers);
  assert.equal(reply.status, 201, reply.text);
  const { json } = await daemon.get(`/datasets/${reply.json.name}/rows`);
  return { ...reply.json, names: json.columns, values: json.rows };
}
const bytes = (text, encoding) => Buffer.from(text, encoding);

test("what was guessed stands in the profile", async () => {
  const found = await read("# made by hand\n# today\na;b\n1,5;x\n-2,25;y\n");
  assert.deepEqual(found.values, [[1.5, "x"], [-2.25, "y"]]);
  assert.deepEqual(
    [found.separator, found.decimal, found.comment, found.quote, found.encoding, found.header, found.count_line, found.skipped_rows],
    [";", ",", "#", '"', "utf-8", true, false, 0],
  );
  assert.deepEqual([found.compression, found.skipped], [null, []]);
  const { json } = await daemon.get("/datasets");
  const line = json.datasets.find((dataset) => dataset.name === found.name);
  assert.deepEqual([line.separator, line.decimal, line.comment, line.encoding], [";", ",", "#", "utf-8"]);
  assert.deepEqual((await read(" 1  2.5 3\n 4   5 6\n")).separator, " ");
  assert.deepEqual((await read("a\tb\n1\t2\n")).separator, "\t");
  assert.equal((await read("4,2,red,blue\n1.5,2.5,0\n3,4,1\n5,6,0\n7,8,1\n")).count_line, true);
});

test("a title above the table is left out, and shown", async () => {
  const table = "area,kind,price\n42,flat,150\n168,house,556\n";
  for (const [body, titles, query] of [
    [`Sales of 2024\n\nall prices in thousands\n${table}`, 2],
    [`Sales of 2024,,\n,,\n${table}`, 2], // as spreadsheets write it
    [`Flats, spring 2024\n\n${table}`, 1],
    [`1,2\n3\n${table}`, 2, "&title_lines=2"],
    [`\ufeff"Sales, by\narea"\n${table.replaceAll(",", ";")}`, 1],
    [table, 0],
  ]) {
    const found = await read(body, query);
    assert.deepEqual([found.title_lines, found.header, found.names], [titles, true, ["area", "kind", "price"]], body);
    assert.deepEqual(found.values, [[42, "flat", 150], [168, "house", 556]]);
  }
  // no titles: a column of texts, a table without a header, missing values in the first row, and what was told
  assert.deepEqual((await read("words\nhello\nworld\n")).names, ["words"]);
  assert.deepEqual((await read("x,,\ny,1,2\nz,3,4\n", "&header=false")).values, [["x", null, null], ["y", 1, 2], ["z", 3, 4]]);
  assert.deepEqual((await read("x,,\ny,1,2\nz,3,4\n")).title_lines, 0);
  assert.match((await upload(`Sales\n${table}`, "&title_lines=0&on_bad_row=reject")).json.detail, /row 1 has 3 fields/);
  assert.equal((await upload(table, "&title_lines=x")).json.field, "title_lines");
  // the row of a problem counts from below the header, as ever
  assert.match((await upload(`Sales\n${table}1,2\n`, "&on_bad_row=reject")).json.detail, /row 3 has 2/);
});

test("codings are found out, or told", async () => {
  const text = "n,é€\n1,ä\n2,b\n";
  for (const [encoding, body] of [
    ["utf-8", bytes(text)],
    ["utf-8", bytes(`\ufeff${text}`)],
    ["utf-16le", bytes(`\ufeff${text}`, "utf16le")],
    ["utf-16be", bytes(`\ufeff${text}`, "utf16le").swap16()],
    ["windows-1252", bytes(text.replace("€", "\x80"), "latin1")],
  ]) {
    const found = await read(body);
    assert.deepEqual([found.encoding, found.names, found.values], [encoding, ["n", "é€"], [[1, "ä"], [2, "b"]]]);
  }
  const latin = await read(bytes("n,\xe9\n1,\x80\xe4\n", "latin1"), "&encoding=latin-1");
  assert.deepEqual([latin.encoding, latin.names, latin.values], ["latin-1", ["n", "é"], [[1, "\x80ä"]]]);
});

test("every way to read can be told", async () => {
  const values = async (body, query) => (await read(body, query)).values;
  assert.deepEqual(await values("a:b\n1:2\n", "&separator=:"), [[1, 2]]);
  for (const [word, mark] of [["comma", ","], ["semicolon", ";"], ["tab", "\t"], ["pipe", "|"], ["blank", "  "]])
    assert.deepEqual(await values(`a${mark}b\n1${mark}2\n`, `&separator=${word}`), [[1, 2]], word);
  assert.deepEqual(await values("x,y\n1,2\n", "&header=false"), [["x", "y"], ["1", "2"]]);
  assert.deepEqual(await values("a,b\n'x,y',1\n", "&quote=single"), [["x,y", 1]]);
  assert.deepEqual(await values("a,b\n~x,y~,1\n", "&quote=~"), [["x,y", 1]]);
  assert.deepEqual(await values('a,b\n"x,1\n', "&quote=none"), [['"x', 1]]);
  assert.deepEqual(await values("a;b\n1,5;2.5\n", "&decimal=comma"), [[1.5, "2.5"]]);
  assert.deepEqual(await values("a;b\n1,5;2\n", "&decimal=point"), [["1,5", 2]]);
  assert.deepEqual(await values("a,b\n%1,2\n3,4\n", "&comment=%25"), [[3, 4]]);
  assert.deepEqual(await values("#a\n1\n", "&comment=none&header=true"), [[1]]);
  assert.deepEqual(await values("a,b\n-999,x\n2,none\n", "&na=-999,none"), [[null, "x"], [2, null]]);
  const named = await read("1,2\n3,4\n", '&columns=size,"colour, of sorts"');
  assert.deepEqual([named.names, named.values], [["size", "colour, of sorts"], [[1, 2], [3, 4]]]);
  assert.deepEqual(await values("zip,n\n01234,1\n", "&types=zip:category,n:number"), [["01234", 1]]);
});

test("a form's fields count as parameters", async () => {
  const form = new FormData();
  form.append("file", new Blob(["a:b\n'1':2\n"], { type: "text/csv" }), "things.csv");
  for (const [name, value] of [["name", "by-form"], ["separator", ":"], ["quote", "single"], ["types", "a:category"]]) form.append(name, value);
  const reply = await daemon.call("POST", "/datasets", form);
  assert.equal(reply.status, 201, reply.text);
  assert.deepEqual([reply.json.separator, reply.json.quote, reply.json.sample], [":", "'", [["1", 2]]]);
});

test("wrong parameters are named, with what they may be", async () => {
  for (const [name, value, words] of [
    ["separator", "5", /comma, semicolon, tab, pipe or blank/],
    ["separator", "long", /comma/],
    ["header", "maybe", /true or false/],
    ["quote", "x", /double, single or none/],
    ["decimal", ";", /point or comma/],
    ["encoding", "ebcdic", /utf-8, utf-16le, utf-16be, windows-1252 or latin-1.*ebcdic/],
    ["comment", "//", /none/],
    ["on_bad_row", "ignore", /reject or skip/],
    ["na", "", /list/],
    ["columns", "a,,b", /name for each column/],
    ["columns", "a", /1 names are given.*2/],
    ["types", "a", /name:type.*number, category or text/],
    ["types", "a:date", /number, category or text.*a:date/],
    ["types", "nowhere:number", /no column called nowhere/],
    ["seperator", ";", /did you mean "separator"/],
  ])
    assertProblem(await upload("a,b\n1,2\n", `&${name}=${encodeURIComponent(value)}`), 400, words, { field: name });
  assertProblem(await upload("a,b\n1,2\n", "&separator=comma&decimal=comma"), 400, /already means something/, { field: "decimal" });
  assertProblem(await upload("a,b\n1,2\n", "&separator=tab&quote=!&comment=!"), 400, /already means something/, { field: "comment" });
  assertProblem(await daemon.csv("/train?target=b&decimal=x", "a,b\n1,2\n"), 400, /point or comma/, { field: "decimal" });
});

test("bad rows are refused, or left out and counted", async () => {
  const csv = "a,b\n1,2\n3\n4,x\n5,6,7\n8,9\n";
  assertProblem(await upload(csv, "&on_bad_row=reject"), 422, /row 2 has 1 field/, { row: 2 });
  assertProblem(await upload("a,b\n1,2\n3,x\n", "&types=b:number&on_bad_row=reject"), 422, /row 2/, { row: 2, column: "b" });
  const found = await read(csv, "&types=b:number");
  assert.deepEqual([found.values, found.rows, found.skipped_rows], [[[1, 2], [3, null], [8, 9]], 3, 2]);
  assert.deepEqual(found.skipped.map(({ row, column }) => [row, column]), [[3, "b"], [4, undefined]]);
  assert.match(found.skipped[1].detail, /row 4 has 3 fields, the header has 2/);
  assert.deepEqual((await daemon.get(`/datasets/${found.name}`)).json.skipped, found.skipped);
});

test("a column's profile has its quartiles, histogram, distinct values and commonest levels; a few rows stand beside", async () => {
  const rows = Array.from({ length: 101 }, (_, i) => `${i},${i / 4 - 5},${i % 10 ? "often" : "seldom"},${i % 2 ? "" : 1}`);
  const found = await read(`byte,float,word,gaps\n${rows.join("\n")}\n`);
  const [byte, float, word, gaps] = found.columns;
  assert.equal(found.profiled_rows, 101);
  assert.deepEqual([byte.distinct, byte.quartiles], [101, [25, 50, 75]]);
  assert.deepEqual([byte.histogram.from, byte.histogram.to], [0, 100]);
  assert.deepEqual(byte.histogram.counts, [...Array(19).fill(5), 6]);
  assert.deepEqual([float.distinct, float.quartiles, float.min, float.max], [101, [1.25, 7.5, 13.75], -5, 20]);
  assert.deepEqual(float.histogram.counts, [...Array(19).fill(5), 6]);
  assert.deepEqual(word.levels, [{ level: "often", rows: 90 }, { level: "seldom", rows: 11 }]);
  assert.deepEqual([gaps.missing, gaps.distinct, gaps.quartiles], [50, 1, [1, 1, 1]]);
  assert.equal(gaps.histogram.counts[0], 51);
  assert.deepEqual(found.sample, found.values.slice(0, 5));
});

test("byte columns side by side are counted one by one, those that are mostly 0 too", async () => {
  const value = (row, column) => (column % 3 === 0 || row % 7 ? 0 : (row * column) % 256);
  const rows = Array.from({ length: 2100 }, (_, row) => Array.from({ length: 75 }, (_, column) => (column === 40 ? row / 8 : value(row, column))));
  const found = await read(`${rows[0].map((_, column) => `c${column}`)}\n${rows.join("\n")}\n`);
  for (const [column, { name, min, max, distinct, quartiles, histogram }] of found.columns.entries()) {
    const sorted = Float64Array.from(rows, (row) => row[column]).sort();
    const bins = Array(20).fill(0);
    for (const number of sorted) bins[max > min ? Math.min(19, Math.trunc(((number - min) / (max - min)) * 20)) : 0]++;
    assert.deepEqual([min, max, distinct], [sorted[0], sorted.at(-1), new Set(sorted).size], name);
    assert.deepEqual(quartiles, [0.25, 0.5, 0.75].map((share) => {
      const at = 2099 * share, low = Math.floor(at);
      return sorted[low] + (at - low) * (sorted[low + 1] - sorted[low]);
    }), name);
    assert.deepEqual(histogram.counts, bins, name);
  }
});

test("quartiles are those of the sorted values, whatever their order and signs", async () => {
  let state = 7;
  const next = () => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) / 2 ** 32;
  const values = Array.from({ length: 5000 }, () => Math.fround((next() - 0.5) * 10 ** Math.floor(next() * 12 - 6)));
  const sorted = Float64Array.from(values).sort();
  const quartile = (share) => {
    const at = (sorted.length - 1) * share;
    const low = Math.floor(at);
    return Math.fround(sorted[low] + (at - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]));
  };
  const [column] = (await read(`v\n${values.join("\n")}\n`)).columns;
  assert.deepEqual(column.quartiles.map(Math.fround), [0.25, 0.5, 0.75].map(quartile));
  assert.equal(column.distinct, new Set(values).size);
  assert.equal(column.histogram.counts.reduce((a, b) => a + b), 5000);
});

test("a large table is profiled by a sample, and says so", async () => {
  const rows = Array.from({ length: 45000 }, (_, i) => i + ",.5".repeat(200));
  const found = await upload(`i,${Array.from({ length: 200 }, (_, j) => `f${j}`)}\n${rows.join("\n")}\n`);
  assert.equal(found.status, 201, found.text);
  const [i, f0] = found.json.columns;
  assert.ok(found.json.profiled_rows < 45000 && found.json.profiled_rows >= 30000, `${found.json.profiled_rows}`);
  assert.equal(found.json.rows, 45000);
  assert.equal(i.distinct, undefined, "how many there are is not known");
  for (const [k, share] of [0.25, 0.5, 0.75].entries()) assert.ok(Math.abs(i.quartiles[k] - share * 45000) < 300, `${i.quartiles}`);
  assert.deepEqual([i.min, i.max, f0.quartiles], [0, 44999, [0.5, 0.5, 0.5]]);
});

// --- compressed bodies ---

const table = sums(20000);
// node's own zlib may know no zstd: then the tool, where it is.
const zstd = (body) => {
  if (zlib.zstdCompressSync) return zlib.zstdCompressSync(body);
  const made = spawnSync("zstd", ["-q", "-c"], { input: body });
  return made.status === 0 ? made.stdout : null;
};
/** A frame by hand, of one run-length block: `n` times the byte. */
const zstdRun = (byte, n) => Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58, (((n << 3) | 3) & 255), (n << 3) >> 8 & 255, (n << 3) >> 16, byte.charCodeAt(0)]);

test("gzip bodies are unpacked, by their header or by their first bytes, in whatever pieces they come", async () => {
  const packed = zlib.gzipSync(table);
  for (const headers of [{}, { "Content-Encoding": "gzip" }]) {
    const reply = await upload(packed, "", headers);
    assert.equal(reply.status, 201, reply.text);
    assert.deepEqual([reply.json.rows, reply.json.bytes, reply.json.compression], [20000, table.length, "gzip"]);
  }
  for (const size of [1, 7, 100000]) {
    const small = zlib.gzipSync(table.slice(0, 2000));
    const pieces = async function* () {
      for (let i = 0; i < small.length; i += size) yield small.subarray(i, i + size);
    };
    assert.equal((await upload(pieces(), "&on_bad_row=skip")).json.bytes, 2000);
  }
  const two = Buffer.concat([zlib.gzipSync("a,b\n1,2\n"), zlib.gzipSync("3,4\n")]);
  assert.deepEqual((await read(two)).values, [[1, 2], [3, 4]]);
  const form = new FormData();
  form.append("file", new Blob([packed]), "table.csv.gz");
  const formed = await daemon.call("POST", "/datasets?name=gz-form", form);
  assert.deepEqual([formed.status, formed.json.rows, formed.json.compression], [201, 20000, "gzip"]);
});

test("zstd bodies are unpacked where that is built in, and else refused with what is", async () => {
  const body = Buffer.concat([zstdRun("1", 3), zstdRun("\n", 1), zstdRun("7", 2)]); // 111, 77
  if (!hasZstd) {
    assertProblem(await upload(body), 415, /zstd.*expected gzip/);
    assertProblem(await upload(body, "", { "Content-Encoding": "zstd" }), 415, /expected gzip/);
    return;
  }
  for (const headers of [{}, { "Content-Encoding": "zstd" }]) {
    const found = await read(body, "&header=false", headers);
    assert.deepEqual([found.values, found.compression, found.bytes], [[[111], [77]], "zstd", 6]);
  }
  const whole = zstd(Buffer.from(table));
  if (whole) assert.equal((await upload(whole)).json.rows, 20000);
  assertProblem(await upload(body.subarray(0, body.length - 1)), 400, /zstd data ends too early/);
  assertProblem(await upload(Buffer.concat([body, Buffer.from("rest")])), 400, /zstd data is damaged/);
});

test("compressed bodies that are cut, damaged or no such thing are refused, and leave nothing", async () => {
  const packed = zlib.gzipSync(table);
  assertProblem(await upload(packed.subarray(0, packed.length - 9)), 400, /gzip data ends too early/);
  assertProblem(await upload(Buffer.concat([packed, Buffer.from("rest")])), 400, /gzip data is damaged/);
  const damaged = Buffer.from(packed);
  damaged[packed.length - 6] ^= 1;
  assertProblem(await upload(damaged), 400, /gzip data is damaged/);
  assertProblem(await upload("a,b\n1,2\n", "", { "Content-Encoding": "gzip" }), 400, /gzip data is damaged/);
  assertProblem(await daemon.get(`/datasets/d${number}`), 404, /no dataset/);
  const bodiless = await daemon.call("POST", "/jobs/1/cancel", "x", { "Content-Encoding": "gzip" });
  assertProblem(bodiless, 415, /expected none/);
});

test("what a body unpacks to is bounded in size", async () => {
  const small = await Daemon.start({ flags: ["--max-body=300KB"] });
  const packed = zlib.gzipSync(table);
  assert.ok(packed.length < 300000 && table.length > 300000);
  for (const headers of [{}, { "Content-Encoding": "gzip" }])
    assertProblem(await small.csv("/datasets?name=bomb", packed, headers), 413, /longer than 300000 bytes once it is unpacked/);
  assertProblem(await small.get("/datasets/bomb"), 404, /bomb/);
  await small.stop();
});

test("what a body unpacks to is bounded by its own size", async () => {
  if (!hasZstd) return; // gzip cannot pack so tightly
  const block = zstdRun("1", 128 * 1024).subarray(6); // its header says that it is the last
  const middle = Buffer.from(block);
  middle[0] &= ~1;
  const body = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58]), ...Array(600).fill(middle), block]); // 79 MB
  assertProblem(await upload(body), 413, /more than 1000 times its size/);
});

// --- predictions ---

test("predictions read CSV as uploads do, told or guessed, compressed too", async () => {
  const rows = Array.from({ length: 60 }, (_, i) => [i % 7 ? (i / 8).toFixed(3) : "-9", i % 3 ? "~l:inks~" : "rechts", i % 2]);
  const query = "separator=:&quote=~&decimal=comma&na=-9&comment=%25";
  const csv = `% by hand\na:b:k\n${rows.map(([a, b, k]) => `${a.replace(".", ",")}:${b}:${k}`).join("\n")}\n`;
  const trained = await daemon.csv(`/train?name=told&model=told&epochs=2&target=k&${query}`, csv);
  assert.equal(trained.status, 202, trained.text);
  assert.equal((await daemon.finished(trained.json.id)).state, "succeeded");
  const expected = await daemon.post("/predict", {
    model: "told",
    instances: rows.map(([a, b]) => ({ a: a === "-9" ? null : Number(a), b: b.replaceAll("~", "") })),
  });
  assert.equal(expected.status, 200, expected.text);
  const where = `/models/told/predict?${query}`;
  const same = async (path, body, headers) => {
    const reply = await daemon.csv(path, body, headers);
    assert.equal(reply.status, 200, reply.text);
    assert.deepEqual(reply.json.predictions, expected.json.predictions);
  };
  await same(where, csv);
  await same(where, zlib.gzipSync(csv), { "Content-Encoding": "gzip" });
  await same(`${where}&encoding=utf-16le`, bytes(csv, "utf16le"));
  await same(`${where}&columns=k,b,a&header=false`, csv.split("\n").slice(2).map((line) => line.split(/:(?=[^~]*(?:~[^~]*~)*[^~]*$)/).reverse().join(":")).join("\n"));
  await same(`${where}&columns=a,b,k&header=true`, csv);
  assertProblem(await daemon.csv(`${where}&on_bad_row=skip`, csv), 400, /unknown parameter/, { field: "on_bad_row" });
  assertProblem(await daemon.csv("/models/told/predict?quote=xx", csv), 400, /double, single or none/, { field: "quote" });
  assertProblem(await daemon.csv(where, zlib.gzipSync(csv).subarray(0, 60), { "Content-Encoding": "gzip" }), 400, /ends too early/);
});

// --- the shared data ---

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), "../..");
const shared = process.env.MLPD_SHARED ?? path.join(root, "../shared");
const skip = existsSync(path.join(shared, "data/iris/iris.csv")) ? false : "the shared data sets are not here";

// File, what is to be learnt (by itself the target is a column called label, class, target or y, else the last one), rows, columns.
for (const [file, target, rows, columns] of [
  ["adult/adult-train.csv", "", 32561, 15],
  ["adult/adult-test.csv", "", 16281, 15],
  ["boston-housing/housing.csv", "", 506, 14],
  ["boston-housing/housing.data", "", 506, 14],
  ["breast-cancer-wdbc/breast_cancer.sklearn.csv", "", 569, 31],
  ["california-housing/housing.csv", "median_house_value", 20640, 10],
  ["iris/iris.csv", "", 150, 5],
  ["iris/iris.noheader.csv", "", 150, 5],
  ["iris/iris.sklearn.csv", "", 150, 5],
  ["penguins/penguins.csv", "species", 344, 7],
  ["penguins/penguins.rdatasets.csv", "species", 344, 9],
  ["penguins/penguins_size.csv", "species", 344, 7],
  ["tips/tips.csv", "tip", 244, 7],
  ["titanic/titanic.csv", "Survived", 891, 12],
  ["wine/wine.csv", "", 178, 14],
  ["wine/wine_data.sklearn.csv", "", 178, 14],
  ["winequality/winequality-red.csv", "", 1599, 12],
  ["winequality/winequality-white.csv", "", 4898, 12],
])
  test(`${file} is read and trains in one call${target && `, its target told`}`, { skip }, async () => {
    const body = readFileSync(path.join(shared, "data", file));
    const name = `shared${++number}`;
    // curl --data-binary @file 'http://.../train?target=...'; one epoch, since how well it learns is not the matter here
    const reply = await daemon.csv(`/train?name=${name}&model=${name}&epochs=1${target && `&target=${target}`}`, body);
    assert.equal(reply.status, 202, reply.text);
    const profile = (await daemon.get(`/datasets/${name}`)).json;
    assert.deepEqual([profile.rows, profile.columns.length, profile.skipped_rows], [rows, columns, 0]);
    assert.equal(profile.count_line, /sklearn/.test(file));
    assert.equal(profile.separator, /winequality/.test(file) ? ";" : /housing\.data/.test(file) ? " " : ",");
    const job = await daemon.finished(reply.json.id);
    assert.equal(job.state, "succeeded", JSON.stringify(job.error));
  });
