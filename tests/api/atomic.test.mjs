// A dataset that is replaced, renamed or deleted under its readers is one
// whole version to each of them: no error, no mix of two, none older than
// what was stored before the read. MLPD_ATOMIC_ROUNDS: replacements (25).
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Daemon } from "./daemon.mjs";

const rounds = Number(process.env.MLPD_ATOMIC_ROUNDS ?? 25);

let daemon;
before(async () => {
  daemon = await Daemon.start();
});
after(() => daemon.stop());

const rowsOf = (version) => 20 + (version % 7);

/** A dataset with its version in every row, and in how many there are. */
function table(version) {
  const rows = Array.from({ length: rowsOf(version) }, (_, i) => `${version},v${version},${i % 5},${i % 2 ? "yes" : "no"}`);
  return `number,word,place,target\n${rows.join("\n")}\n`;
}

async function put(name, version) {
  const reply = await daemon.csv(`/datasets?name=${name}&replace=true`, table(version));
  assert.equal(reply.status, 201, reply.text);
}

async function read(where) {
  const reply = await daemon.get(where);
  assert.equal(reply.status, 200, `GET ${where}: ${reply.text}`);
  return reply;
}

/** The one version that all of these say. */
function same(values, what) {
  const [version] = values;
  assert.ok(
    values.every((value) => value === version),
    `${what} mixes versions ${[...new Set(values)]}`,
  );
  return version;
}

function profileVersion({ json }) {
  const version = json.columns[0].min;
  assert.equal(json.columns[0].max, version);
  assert.equal(json.rows, rowsOf(version));
  assert.ok(JSON.stringify(json.columns[1]).includes(`"v${version}"`), "each column is of the same version");
  return version;
}

/** Every way to read a dataset: each gives the version that it saw. */
const readers = {
  profile: async (name) => profileVersion(await read(`/datasets/${name}`)),
  associations: async (name) => profileVersion(await read(`/datasets/${name}?target=target`)),
  rows: async (name) => {
    const { json } = await read(`/datasets/${name}/rows?limit=100`);
    const version = same(
      json.rows.map(([number]) => number),
      "a page of rows",
    );
    assert.ok(json.rows.every(([, word]) => word === `v${version}`));
    assert.deepEqual([json.total, json.rows.length], [rowsOf(version), rowsOf(version)]);
    return version;
  },
  page: async (name) => {
    const { json } = await read(`/datasets/${name}/rows?offset=15&limit=100`);
    const version = same(
      json.rows.map(([number]) => number),
      "a page of rows",
    );
    assert.deepEqual([json.total, json.rows.length], [rowsOf(version), rowsOf(version) - 15]);
    return version;
  },
  file: async (name) => {
    const lines = (await read(`/datasets/${name}/file`)).text.trim().split("\n").slice(1);
    const version = same(
      lines.map((line) => Number(line.split(",")[0])),
      "a file",
    );
    assert.equal(lines.length, rowsOf(version));
    return version;
  },
  list: async (name) => {
    const found = (await read("/datasets")).json.datasets.find((dataset) => dataset.name === name);
    assert.equal(found?.state, "ready");
    return -1;
  },
};

/** Call `step` over and over, several times at once, until `work` has ended; how often. */
async function during(work, steps) {
  let ended = false;
  let n = 0;
  const loop = async (step) => {
    for (; !ended; n++) await step();
  };
  const working = work().finally(() => (ended = true));
  await Promise.all([working, ...steps.map((step) => loop(step).finally(() => (ended = true)))]);
  return n;
}

test("a dataset that is replaced is read whole at every moment, and never goes back", async () => {
  await put("d", 1);
  let stored = 1;
  const steps = Object.values(readers).flatMap((reader) => {
    const step = async () => {
      const least = stored;
      const version = await reader("d");
      assert.ok(version === -1 || version >= least, `read version ${version} after ${least} had been stored`);
    };
    return [step, step];
  });
  const n = await during(async () => {
    for (let version = 2; version <= rounds; version++) {
      await put("d", version);
      stored = version;
    }
  }, steps);
  assert.ok(n >= steps.length, `${n} reads`);
});

test("jobs, splits and appended rows take the version that they find", async () => {
  await put("t", 1);
  let made = 0;
  const train = async () => {
    const { status, text, json } = await daemon.post("/train", { dataset: "t", target: "target", model: `m${made++}`, epochs: 1, layers: [2] });
    if (status === 429) return; // more jobs than may wait
    assert.equal(status, 202, text);
    assert.equal((await daemon.finished(json.id)).state, "succeeded");
  };
  const split = async () => {
    const names = [`a${made++}`, `b${made++}`];
    const { status, text } = await daemon.post("/datasets/t/split", { share: 0.5, names });
    assert.equal(status, 201, text);
    const versions = await Promise.all(names.map(async (name) => (await read(`/datasets/${name}/rows?limit=100`)).json));
    const version = same(
      versions.flatMap(({ rows }) => rows.map(([number]) => number)),
      "a split",
    );
    assert.equal(versions[0].total + versions[1].total, rowsOf(version));
    for (const name of names) await daemon.call("DELETE", `/datasets/${name}`);
  };
  await during(async () => {
    for (let version = 2; version <= rounds; version++) await put("t", version);
  }, [train, train, split]);
  await put("t", 3);
  const more = await daemon.csv("/datasets/t/rows", "3,v3,0,no\n");
  assert.deepEqual([more.status, more.json.rows], [200, rowsOf(3) + 1], more.text);
});

test("a file on its way out is that of one version to its end", async () => {
  const large = (version) => `number\n${`${version}\n`.repeat(400000)}`;
  assert.equal((await daemon.csv("/datasets?name=large", large(1))).status, 201);
  const reply = await fetch(`${daemon.url}/datasets/large/file`);
  const reader = reply.body.getReader();
  let text = Buffer.from((await reader.read()).value).toString();
  assert.equal((await daemon.csv("/datasets?name=large&replace=true", large(2))).status, 201);
  assert.equal((await daemon.call("DELETE", "/datasets/large")).status, 204);
  for (let part; !(part = await reader.read()).done; ) text += Buffer.from(part.value).toString();
  assert.equal(text, large(1));
});

test("a dataset answers under its old name or the new one at every moment", async () => {
  await put("left", 5);
  const names = ["left", "right"];
  const look = async () => {
    const [a, b] = [await daemon.get("/datasets/left/rows"), await daemon.get("/datasets/right/rows")];
    for (const { status, text } of [a, b]) assert.ok(status === 200 || status === 404, text);
    const { json } = await daemon.get("/datasets");
    assert.equal(json.datasets.filter(({ name }) => names.includes(name)).length, 1, "one of them at every moment");
  };
  await during(async () => {
    for (let i = 0; i < rounds; i++) {
      const { status, text } = await daemon.call("PATCH", `/datasets/${names[i % 2]}`, JSON.stringify({ name: names[(i + 1) % 2] }));
      assert.equal(status, 200, text);
    }
  }, [look, look]);
});

test("a dataset that is deleted is there, on its way, or not: nothing in between", async () => {
  const look = async () => {
    for (const where of ["/datasets/x", "/datasets/x/rows", "/datasets/x/file", "/datasets/x?target=target"]) {
      const { status, text } = await daemon.get(where);
      if (status === 404) assert.match(text, /there is no dataset called x/);
      else if (status === 409) assert.match(text, /still loading/);
      else assert.equal(status, 200, `${where}: ${text}`);
    }
  };
  await during(async () => {
    for (let version = 1; version <= rounds; version++) {
      await put("x", version);
      assert.equal((await daemon.call("DELETE", "/datasets/x")).status, 204);
    }
  }, [look, look]);
});
