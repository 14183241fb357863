// One kind of request does not starve another, and a long history comes in pages.
import assert from "node:assert/strict";
import { after, before, test as plainTest } from "node:test";

import { Daemon, sums } from "./daemon.mjs";

const patience = Number(process.env.MLPD_TEST_PATIENCE ?? 1); // a sanitizer's build is slower
const columns = 100;
const rows = patience > 1 ? 1000 : 5000;

let daemon;
before(async () => {
  daemon = await Daemon.start();
  const names = Array.from({ length: columns }, (_, i) => `c${i}`).join(",");
  const line = (row) => Array.from({ length: columns }, (_, i) => (row * 31 + i * 17) % 1000).join(",");
  const { status } = await daemon.csv("/datasets?name=wide", `${names}\n${Array.from({ length: rows }, (_, row) => line(row)).join("\n")}\n`);
  assert.equal(status, 201);
});
after(() => daemon.stop());

/** Send so many heavy requests at once; `done()` says how many have been answered. */
function flood(n, where) {
  let done = 0;
  const all = Promise.all(Array.from({ length: n }, async () => {
    const { status } = await daemon.get(where);
    assert.equal(status, 200);
    done++;
  }));
  return { all, done: () => done };
}

const test = (name, run) => plainTest(name, { timeout: 60_000 * patience }, run);

test("a list is answered while 32 heavy requests of the same client wait", async () => {
  const { all, done } = flood(32, "/datasets/wide?target=c0");
  assert.equal((await daemon.get("/models")).status, 200);
  assert.ok(done() <= 16, `${done()} of 32 were answered before it`);
  await all;
});

test("a history of 5,000 epochs: the newest with the job, all in pages", async () => {
  await daemon.csv("/datasets?name=small", sums(20));
  const { json } = await daemon.post("/train", { dataset: "small", layers: [1], epochs: 5000, batch_size: 20, validation_split: 0 });
  const job = await daemon.finished(json.id);
  assert.equal(job.history_after, 3000);
  assert.deepEqual([job.history.length, job.history[0].epoch, job.history.at(-1).epoch], [2000, 3001, 5000]);
  const epochs = [];
  for (let after = 0; after !== null; ) {
    const page = (await daemon.get(`/jobs/${json.id}/history?after=${after}&limit=1700`)).json;
    epochs.push(...page.history);
    after = page.next;
  }
  assert.deepEqual(epochs.map(({ epoch }) => epoch), Array.from({ length: 5000 }, (_, i) => i + 1));
  assert.deepEqual(epochs.slice(3000), job.history);
  assert.deepEqual((await daemon.get(`/jobs/${json.id}/history?after=4999`)).json.next, null);
  assert.deepEqual((await daemon.get(`/jobs/${json.id}/history?limit=0`)).json, { history: [], next: null });
  assert.equal((await daemon.get(`/jobs/${json.id}/history?limit=10001`)).status, 400);
  assert.equal((await daemon.get("/jobs/999/history")).status, 404);
});
