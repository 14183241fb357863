// Whatever clients do, what their requests hold together stays below --request-memory; who asks for little is served meanwhile; and all
// of it is given back. The most memory that the daemon has had (VmHWM) counts pages of mapped files too: tables are small here.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { Daemon, sums } from "./daemon.mjs";
import { givenBack, heldBytes, MB, modelFile, open, peakBytes, sanitized, send, slow, zstdFrame } from "./memory.mjs";

const LIMIT = 64 * 1024 * 1024;
const flags = ["--request-memory=64MiB", "--model-memory=64MiB", "--job-memory=64MiB"];
const daemons = [];
const start = async () => (daemons.push(await Daemon.start({ flags })), daemons.at(-1));
after(() => Promise.all(daemons.map((daemon) => daemon.stop())));

/** Beside the budgets the daemon has 64 MB for itself. */
const assertPeak = (daemon, budgets) => sanitized || assert.ok(peakBytes(daemon) < budgets + 64 * MB, `${peakBytes(daemon) / MB} MB`);

const daemon = await start();
const noZstd = (await daemon.csv("/datasets?name=x", "", { "Content-Encoding": "zstd" })).status === 415 && "built without zstd";

test("uploads that ask for large windows share the memory for requests", { skip: noZstd }, async () => {
  assert.equal((await daemon.csv("/datasets?name=sums", sums(50))).status, 201);
  const frame = zstdFrame(23, 128, 5);
  const uploads = Array.from({ length: 40 }, (_, i) => open(daemon, 1 + (i >> 3), "POST", `/datasets?name=window${i}`, { "Transfer-Encoding": "chunked" }));
  const held = [];
  for (const upload of uploads) {
    await new Promise((resolve) => upload.write(frame, resolve));
    held.push(await heldBytes(daemon));
  }
  assert.ok(Math.max(...held) > 8 * MB && Math.max(...held) <= LIMIT, `${held}`);
  assert.equal((await daemon.get("/datasets/sums/rows")).status, 200);
  for (const upload of uploads) upload.end();
  const replies = await Promise.all(uploads.map((upload) => upload.reply));
  const statuses = new Set(replies.map(({ status }) => status));
  assert.deepEqual([...statuses].filter((status) => ![400, 422, 429, 503].includes(status)), [], JSON.stringify(replies.slice(0, 9)));
  assert.ok(statuses.has(429), [...statuses].join());
  for (const { headers } of replies.filter(({ status }) => status === 429)) assert.equal(headers["retry-after"], "1");
  await givenBack(daemon);
  assertPeak(daemon, LIMIT);
});

test("a window larger than 8 MB is refused with what to do", { skip: noZstd }, async () => {
  const reply = await send(daemon, 1, "POST", "/datasets?name=wide", zstdFrame(27, 8, 5));
  assert.equal(reply.status, 413);
  assert.match(reply.text, /window of more than 8 MB: compress it without --ultra and --long/);
});

/** The file of a small model, to make others of. */
async function modelOf(target) {
  if ((await target.get("/datasets/sums")).status === 404) assert.equal((await target.csv("/datasets?name=sums", sums(50))).status, 201);
  const { json } = await target.post("/train", { dataset: "sums", model: "sums", epochs: 1, layers: [4] });
  assert.equal((await target.finished(json.id)).state, "succeeded");
  return Buffer.from(await (await fetch(`${target.url}/models/sums/file`)).arrayBuffer());
}
const predict = (n) => send(daemon, n, "POST", "/models/sums/predict", '{"instances":[[0.1,0.2]]}');

test("models that are imported count before they are read", async () => {
  const file = await modelOf(daemon);
  const same = modelFile(file, () => {});
  const wide = gzipSync(modelFile(file, (_, { layers }) => layers.splice(0, 1, { ...layers[0], units: 4000 }, { ...layers[0], units: 5000 })), { level: 1 });
  const deep = gzipSync(modelFile(file, () => {}, { more: Array(7e6).fill(0) }), { level: 1 });
  assert.ok(wide.length < 2 * MB && deep.length < 2 * MB);
  const put = (n, name, body, headers) => send(daemon, n, "PUT", `/models/${name}/file`, body, headers);
  assert.equal((await put(1, "same", same)).status, 201);
  const gzip = { "Content-Encoding": "gzip" };
  const attacks = Array.from({ length: 6 }, (_, n) => put(n, "large", n % 2 ? wide : deep, gzip));
  assert.equal((await predict(99)).status, 200);
  for (const { status, text } of await Promise.all(attacks)) {
    assert.equal(status, 413, text);
    assert.match(text, /the model takes [0-9.]+ MB of memory, and all models may take 67.1 MB together: raise --model-memory/);
  }
  assert.equal((await predict(99)).status, 200);
  assert.equal((await daemon.get("/models/large")).status, 404);
  await givenBack(daemon);
  assertPeak(daemon, 2 * LIMIT);
});

test("long class names and many rows are no way to a large reply", async () => {
  const file = modelFile(await modelOf(daemon), ({ target }) => (target.classes = target.classes.map((name) => name + "x".repeat(100_000))));
  assert.equal((await send(daemon, 1, "PUT", "/models/wordy/file", file)).status, 201);
  const rows = (n) => JSON.stringify({ model: "wordy", instances: Array(n).fill([0, 0]) });
  const large = await send(daemon, 1, "POST", "/predict", rows(400));
  assert.equal(large.status, 413, large.text.slice(0, 200));
  assert.match(large.text, /half of --request-memory.*in parts/);
  const readers = await Promise.all(Array.from({ length: 60 }, (_, i) => slow(daemon, i % 20, "POST", "/predict", rows(20))));
  const statuses = readers.map(({ status }) => status);
  assert.ok(statuses.includes(200) && statuses.includes(503), statuses.join());
  assert.deepEqual(statuses.filter((status) => ![200, 429, 503].includes(status)), []);
  assert.ok((await heldBytes(daemon)) <= LIMIT);
  assert.equal((await predict(99)).status, 200);
  for (const { leave } of readers.slice(4)) leave();
  for (const { rest } of readers.slice(0, 4)) assert.ok((await rest()).length > 100);
  await givenBack(daemon);
  assertPeak(daemon, 2 * LIMIT);
});

test("predictions that unpack to more than there is are refused, the others are made", async () => {
  const body = (n, kind) => gzipSync(kind === "csv" ? "0,0\n".repeat(n) : `{"instances":[${"[0,0],".repeat(n - 1)}[0,0]]}`);
  const post = (n, rows, kind) =>
    send(daemon, n, "POST", "/models/sums/predict", body(rows, kind), { "Content-Encoding": "gzip", "Content-Type": kind === "csv" ? "text/csv" : "application/json" });
  for (const kind of ["json", "csv"]) {
    const { status, text } = await post(1, 7e6, kind);
    assert.equal(status, 413, `${kind}: ${text.slice(0, 200)}`);
  }
  const replies = await Promise.all(Array.from({ length: 16 }, (_, i) => post(i, 60_000, i % 2 ? "csv" : "json")));
  const statuses = replies.map(({ status }) => status);
  assert.ok(statuses.includes(200), statuses.join());
  assert.deepEqual(statuses.filter((status) => ![200, 413, 429, 503].includes(status)), []);
  assert.equal((await predict(99)).status, 200);
  await givenBack(daemon);
  assertPeak(daemon, 2 * LIMIT);
});

test("slow readers of rows hold pieces, not pages; a page ends at 16 MB and says where to go on", async () => {
  const text = "t".repeat(20_000); // of which 1,000 rows are more than a page
  const csv = `n,text\n${Array.from({ length: 1000 }, (_, i) => `${i},${i}${text}`).join("\n")}\n`;
  assert.equal((await send(daemon, 50, "POST", "/datasets?name=long", csv, { "Content-Type": "text/csv" })).status, 201);
  const seen = [];
  for (let offset = 0; offset !== null; ) {
    const { json } = await daemon.get(`/datasets/long/rows?limit=10000&offset=${offset}`);
    assert.equal(json.offset, offset);
    seen.push(...json.rows.map(([n]) => n));
    assert.ok(json.next === null || json.next === seen.length);
    offset = json.next;
    assert.ok(offset === null || offset > 500, "a page is 16 MB");
  }
  assert.deepEqual(seen, Array.from({ length: 1000 }, (_, i) => i));
  const chosen = (await daemon.get(`/datasets/long/rows?index=${Array.from({ length: 900 }, (_, i) => 999 - i)}`)).json;
  assert.equal(chosen.rows.length, chosen.next);
  assert.equal(chosen.rows.at(-1)[0], 1000 - chosen.next);

  const paths = ["/datasets/long/rows?limit=10000", "/datasets/long/file"];
  const readers = await Promise.all(Array.from({ length: 60 }, (_, i) => slow(daemon, i, "GET", paths[i % 2])));
  assert.deepEqual(new Set(readers.map(({ status }) => status)), new Set([200]));
  const held = await heldBytes(daemon);
  assert.ok(held < 60 * 0.3 * MB, `${held / MB} MB for ${readers.length} readers`);
  for (const { leave } of readers.slice(4)) leave();
  const lengths = new Set(await Promise.all(readers.slice(0, 4).map(async ({ rest }) => (await rest()).length)));
  assert.equal(lengths.size, 2, "all of them were sent whole");
  await givenBack(daemon);
  assertPeak(daemon, 2 * LIMIT);
});

test("1,000 clients at once stay within the budgets, and an innocent one is served", async (t) => {
  const crowd = await start();
  const file = await modelOf(crowd);
  const wordy = modelFile(file, ({ target }) => (target.classes = target.classes.map((name) => name + "x".repeat(100_000))));
  assert.equal((await send(crowd, 1, "PUT", "/models/wordy/file", wordy)).status, 201);
  const csv = `n,text\n${Array.from({ length: 300 }, (_, i) => `${i},${i}${"t".repeat(10_000)}`).join("\n")}\n`;
  assert.equal((await send(crowd, 1, "POST", "/datasets?name=long", csv, { "Content-Type": "text/csv" })).status, 201);
  const [frame, gzip] = [zstdFrame(23, 128, 3), { "Content-Encoding": "gzip" }];
  const body = gzipSync(`{"instances":[${"[0,0],".repeat(60_000)}[0,0]]}`);
  const wide = gzipSync(modelFile(file, (_, { layers }) => layers.splice(0, 1, { ...layers[0], units: 3000 }, { ...layers[0], units: 3000 })), { level: 1 });
  const halfway = (n, path, bytes, headers) => {
    const request = open(crowd, n, "POST", path, { "Transfer-Encoding": "chunked", ...headers });
    request.write(bytes);
    return { rest: () => (request.end(), request.reply.then(({ status }) => status)) };
  };
  const reader = async (n, ...request) => {
    const reply = await slow(crowd, n, ...request).catch(() => ({ status: 0, leave() {} }));
    return { rest: () => (reply.leave(), reply.status) };
  };
  const kinds = [
    (n) => reader(n, "GET", "/datasets/long/rows?limit=10000"),
    (n) => reader(n, "POST", "/predict", JSON.stringify({ model: "wordy", instances: Array(10).fill([0, 0]) })),
    (n) => (noZstd ? halfway(n, `/datasets?name=w${n}`, "a,b\n".repeat(150_000)) : halfway(n, `/datasets?name=w${n}`, frame)),
    (n) => halfway(n, `/datasets?name=u${n}`, "a,b\n".repeat(150_000)),
    (n) => ({ rest: () => send(crowd, n, "POST", "/models/sums/predict", body, gzip).then(({ status }) => status) }),
    (n) => ({ rest: () => (n % 50 ? send(crowd, n, "GET", "/models/wordy") : send(crowd, n, "PUT", `/models/w${n}/file`, wide, gzip)).then(({ status }) => status) }),
  ];
  const clients = Array.from({ length: sanitized ? 200 : 960 }, (_, n) => kinds[n % kinds.length](n + 10));
  const innocent = async () => assert.equal((await send(crowd, 5, "POST", "/models/sums/predict", '{"instances":[[0.1,0.2]]}')).status, 200);
  await innocent();
  const begun = await Promise.all(clients);
  let held = 0; // what was sent is there a moment later
  for (const since = performance.now(); held <= LIMIT / 4 && performance.now() - since < 20_000; ) held = await heldBytes(crowd);
  assert.ok(held > LIMIT / 4 && held <= LIMIT, `${held / MB} MB are held`);
  await innocent();
  const statuses = await Promise.all(begun.map(({ rest }) => rest()));
  const counts = {};
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
  assert.deepEqual(Object.keys(counts).filter((status) => ![0, 200, 201, 400, 409, 413, 422, 429, 503].includes(Number(status))), [], JSON.stringify(counts));
  assert.ok((counts[503] ?? 0) + (counts[429] ?? 0) > 0, JSON.stringify(counts));
  await innocent();
  await givenBack(crowd);
  t.diagnostic(`peak ${peakBytes(crowd) / MB} MB, of them ${held / MB} held; replies ${JSON.stringify(counts)}`);
  assertPeak(crowd, 3 * LIMIT);
});

test("messages and rows that are added are reserved too, and long files of rows are not", async () => {
  const message = `{"dataset":"sums","model":"x","ignore":[${"0,".repeat(500_000)}0]}`;
  const reply = await send(daemon, 60, "POST", "/train", message, { "Content-Type": "application/json" });
  assert.equal(reply.status, 413, reply.text);
  assert.match(reply.text, /half of --request-memory/);
  const split = await send(daemon, 60, "POST", "/datasets/sums/split", `{"x":[${"0,".repeat(400_000)}0]}`);
  assert.equal(split.status, 413, split.text);
  const rows = "0.1,0.2,low\n".repeat(3.2e6); // 38 MB: more than one client's share
  const added = await send(daemon, 60, "POST", "/datasets/sums/rows", `a,b,label\n${rows}`, { "Content-Type": "text/csv" });
  assert.equal(added.status, 200, added.text.slice(0, 300));
  const wide = await send(daemon, 60, "POST", "/datasets/sums/rows", `{"rows":[[0.1,0.2,"\\u006cow"]${',[0.1,0.2,"low"]'.repeat(2.2e6)}]}`, { "Content-Type": "application/json" });
  assert.equal(wide.status, 413, wide.text);
  assert.equal((await daemon.get("/datasets/sums")).json.rows, 3_200_050);
  await givenBack(daemon);
});

test("a split and an association reserve what they take", async () => {
  const rows = "0.1,0.2,low\n".repeat(3.2e6);
  const tall = await send(daemon, 61, "POST", "/datasets?name=tall", `a,b,label\n${rows}`);
  assert.equal(tall.status, 201, tall.text.slice(0, 300));
  assert.equal((await send(daemon, 61, "POST", "/datasets/tall/rows", `a,b,label\n${rows}`, { "Content-Type": "text/csv" })).status, 200);
  const split = await send(daemon, 61, "POST", "/datasets/tall/split", '{"names":["l1","l2"],"share":0.5}', { "Content-Type": "application/json" });
  assert.equal(split.status, 413, split.text);
  assert.match(split.text, /half of --request-memory/);
  assert.deepEqual((await daemon.get("/datasets")).json.datasets.filter(({ name }) => /^l[12]$/.test(name)), []);
  for (const [n, status] of [[2000, 200], [2048, 413]]) { // n times n counts of 8 bytes
    const levels = `a,b\n${Array.from({ length: 4 * n }, (_, i) => `a${i % n},b${(7 * i) % n}`).join("\n")}\n`;
    assert.equal((await send(daemon, 61, "POST", "/datasets?name=levels&replace=true", levels)).status, 201);
    const told = await send(daemon, 61, "GET", "/datasets/levels?target=b");
    assert.equal(told.status, status, told.text.slice(0, 300));
  }
  await givenBack(daemon);
});
