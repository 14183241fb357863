// A CSV is parsed while its upload still arrives; what comes of it is what comes of the whole file.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { after, before, test } from "node:test";
import { Daemon, stateFolder, sums } from "./daemon.mjs";

let daemon;
before(async () => {
  daemon = await Daemon.start({ flags: ["--keep-uploads=0"] }); // none is compressed while folders are compared
});
after(() => daemon.stop());

const rows = 300_000; // over 6 MB: files under 4 MB are read when they are there
const text = sums(rows);
const half = Math.floor(text.length * 0.7);

/** Send the head and the first bytes of an upload; the rest follows by `send`. */
function begin(on, name, body, first, query = "") {
  const socket = net.connect(on.port, "127.0.0.1");
  const reply = new Promise((resolve) => {
    let got = "";
    socket.on("data", (data) => (got += data));
    socket.on("error", () => resolve(got));
    socket.on("close", () => resolve(got));
  });
  socket.write(`POST /datasets?name=${name}${query} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: text/csv\r\nContent-Length: ${body.length}\r\n\r\n`);
  socket.write(body.subarray ? body.subarray(0, first) : body.slice(0, first));
  return { socket, reply, send: (from, to) => socket.write(body.subarray ? body.subarray(from, to) : body.slice(from, to)) };
}

/** The dataset once rows of it are parsed, while its bytes have not all come. */
async function parsed(on, name) {
  for (;;) {
    const { json } = await on.get(`/datasets/${name}`);
    if (json?.progress?.rows_parsed > 0) return json;
    assert.notEqual(json?.state, "ready");
  }
}

/** What is told of a dataset, but for what differs from one upload to the next. */
async function told(on, name) {
  const { json } = await on.get(`/datasets/${name}`);
  delete json.name;
  delete json.created;
  return json;
}

const folder = (on, name) => readdirSync(path.join(on.state, name)).filter((file) => !file.endsWith(".about")).sort();
/** The bytes of the newest table. */
function table(on) {
  const files = folder(on, "datasets").filter((file) => file.endsWith(".table"));
  return readFileSync(path.join(on.state, "datasets", files.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10)).at(-1)));
}

/** The same bytes with no length told, which are read when all are there. */
async function whole(name, body, query = "") {
  const stream = new ReadableStream({
    start(controller) {
      controller.enqueue(Buffer.from(body));
      controller.close();
    },
  });
  return daemon.csv(`/datasets?name=${name}${query}`, stream);
}

test("rows are parsed while the rest is on its way, and the table is that of the whole file to the byte", async () => {
  const upload = begin(daemon, "early", text, half);
  const json = await parsed(daemon, "early");
  assert.ok(json.progress.bytes_parsed <= half, JSON.stringify(json));
  assert.equal(json.progress.bytes_expected, text.length);
  upload.send(half);
  assert.match(await upload.reply, /^HTTP\/1.1 201 /);
  const early = table(daemon);
  const reply = await whole("late", text);
  assert.equal(reply.status, 201, reply.text);
  assert.ok(early.equals(table(daemon)), "the tables differ");
  assert.deepEqual(await told(daemon, "early"), await told(daemon, "late"));
});

for (const [what, last, query] of [
  ["a word in the last row", "1,x,0\n", ""],
  ["rows that are set aside, and a sum", "1\n1,2,3,4\n\nTotal,5\n", ""],
  ["a row that is refused", "1,2,3,4\n", "&on_bad_row=reject"],
  ["a byte that is no UTF-8", "1,\xe4,0\n", ""],
])
  test(`what the end of a file brings is not missed: ${what}`, async () => {
    const body = Buffer.from(text + last, "latin1");
    const upload = begin(daemon, "first", body, half, query);
    await parsed(daemon, "first");
    upload.send(half);
    const first = await upload.reply;
    const reply = await whole("second", body, query);
    assert.match(first, new RegExp(`^HTTP/1.1 ${reply.status} `));
    if (reply.status === 201) {
      assert.deepEqual(await told(daemon, "first"), await told(daemon, "second"));
      assert.equal((await daemon.get("/datasets/first/rejects")).text, (await daemon.get("/datasets/second/rejects")).text);
    } else {
      assert.equal(JSON.parse(first.slice(first.indexOf("\r\n\r\n"))).detail, reply.json.detail);
    }
    for (const name of ["first", "second"]) await daemon.call("DELETE", `/datasets/${name}`);
  });

test("an upload that is broken off leaves nothing, and its name is free", async () => {
  const before = folder(daemon, "datasets");
  const upload = begin(daemon, "broken", text, half);
  await parsed(daemon, "broken");
  upload.socket.destroy();
  while ((await daemon.get("/datasets/broken")).status !== 404);
  assert.deepEqual([folder(daemon, "datasets"), folder(daemon, "tmp")], [before, []]);
  assert.equal((await daemon.csv("/datasets?name=broken", text)).status, 201);
});

test("a client that pauses holds nobody up, and its upload is read in the end", async () => {
  const slow = begin(daemon, "slow", text, half);
  await parsed(daemon, "slow");
  const replies = await Promise.all([1, 2, 3, 4].map((i) => daemon.csv(`/datasets?name=quick${i}`, text)));
  assert.deepEqual(replies.map(({ status }) => status), [201, 201, 201, 201]);
  slow.send(half);
  assert.match(await slow.reply, /^HTTP\/1.1 201 /);
  assert.equal((await daemon.get("/datasets/slow")).json.rows, rows);
});

test("SIGTERM ends an upload that is being parsed, and nothing of it is left", async () => {
  const state = stateFolder();
  const other = await Daemon.start({ state, flags: ["--keep-uploads=0"] });
  const upload = begin(other, "ended", text, half);
  await parsed(other, "ended");
  const at = process.hrtime.bigint();
  await other.stop();
  assert.ok(Number(process.hrtime.bigint() - at) < 5e9 * Number(process.env.MLPD_TEST_PATIENCE ?? 1));
  upload.socket.destroy();
  const again = await Daemon.start({ state });
  assert.equal((await again.get("/datasets/ended")).status, 404);
  assert.deepEqual([folder(again, "datasets"), folder(again, "tmp")], [[], []]);
  await again.stop();
});
