// Versions of one model are linearizable: while they are published, promoted,
// deleted and trained, each reply is of the version that the bare name means at
// one moment of the request, and its numbers are that version's.
// MLPD_VERSIONS_ROUNDS: how many changes (30).
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import { Daemon, sums } from "./daemon.mjs";
import { Writes, misfit, timed } from "./history.mjs";

const rounds = Number(process.env.MLPD_VERSIONS_ROUNDS ?? 30);
const KINDS = 5;
const ROW = [0.25, 0.5];

let daemon;
const kinds = []; // {file, hash, answer} of models that answer differently

before(async () => {
  daemon = await Daemon.start();
  await daemon.csv("/datasets?name=rows", sums(200));
  for (let seed = 1; seed <= KINDS; seed++) {
    const { json } = await daemon.post("/train", { dataset: "rows", model: "kind", epochs: 1, layers: [4], seed });
    await daemon.finished(json.id);
    const file = Buffer.from(await (await fetch(`${daemon.url}/models/kind/file`)).arrayBuffer());
    const reply = await daemon.post("/predict", { model: "kind", instances: [ROW] });
    kinds.push({ file, hash: hash(file), answer: JSON.stringify(reply.json.predictions[0]) });
  }
  assert.equal(new Set(kinds.map(({ answer }) => answer)).size, KINDS);
});
after(() => daemon.stop());

const hash = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** One client's versions of a name, and which kind each is. */
class Versions {
  kinds = new Map(); // version -> kind

  constructor(name) {
    this.name = name;
  }

  async publish(kind) {
    const reply = await daemon.call("PUT", `/models/${this.name}/file`, kinds[kind].file);
    assert.equal(reply.status, 201, reply.text);
    this.kinds.set(reply.json.version, kind);
    return reply.json.version;
  }

  async promote(version) {
    const reply = await daemon.call("PATCH", `/models/${this.name}`, JSON.stringify({ promoted: version }));
    assert.equal(reply.status, 200, reply.text);
  }

  async remove(version) {
    const reply = await daemon.call("DELETE", `/models/${this.name}?version=${version}`);
    assert.equal(reply.status, 204, reply.text);
  }
}

/** Each way to ask what the bare name means: [version, what shows which kind it is]. */
const ways = {
  async json(name) {
    const { status, json, text } = await daemon.post("/predict", { model: name, instances: [ROW] });
    assert.equal(status, 200, text);
    return [json.version, { answer: JSON.stringify(json.predictions[0]) }];
  },
  async many(name) {
    const { status, json, text } = await daemon.post("/predict", { model: name, instances: Array(3000).fill(ROW) });
    assert.equal(status, 200, text);
    const answers = new Set(json.predictions.map((prediction) => JSON.stringify(prediction)));
    assert.equal(answers.size, 1, "all rows of one version");
    return [json.version, { answer: [...answers][0] }];
  },
  async csv(name) {
    const reply = await daemon.csv(`/models/${name}/predict`, "a,b\n0.25,0.5\n", { Accept: "text/csv" });
    assert.equal(reply.status, 200, reply.text);
    return [Number(reply.headers.get("mlpd-model-version")), {}];
  },
  async file(name) {
    const reply = await fetch(`${daemon.url}/models/${name}/file`);
    const bytes = Buffer.from(await reply.arrayBuffer());
    assert.equal(reply.status, 200, bytes.toString());
    return [Number(reply.headers.get("mlpd-model-version")), { hash: hash(bytes) }];
  },
  async line(name) {
    const { json, text } = await daemon.get(`/models/${name}`);
    assert.ok(json?.version, text);
    return [json.version, {}];
  },
};

/** Ask in all ways at once until `work` has ended: each read's moments, the version that it named, and what it showed of it. */
async function reads(name, work) {
  const seen = [];
  let ended = false;
  const loop = async (way) => {
    while (!ended) {
      let shown;
      const read = await timed(async () => {
        const [version, proof] = await way(name);
        shown = proof;
        return version;
      });
      seen.push({ ...read, shown });
    }
  };
  const over = () => (ended = true);
  await Promise.all([work().finally(over), ...[...Object.values(ways), ways.json].map((way) => loop(way).finally(over))]);
  return seen;
}

function assertKinds(seen, versions) {
  for (const { value, shown } of seen)
    for (const [what, found] of Object.entries(shown)) assert.equal(found, kinds[versions.kinds.get(value)][what], `version ${value} as itself`);
}

function assertFits(writes, seen) {
  const read = misfit(writes, seen);
  assert.equal(read, undefined, `no moment explains version ${read?.value}, of ${seen.length} reads and ${writes.length} writes`);
}

let seed = 1;
/** A whole number below n; the same ones in every run. */
function below(n) {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * n);
}

test("the checker refuses what no order explains", () => {
  const write = (value, begin, end) => ({ value, begin, end });
  const read = (value, begin, end) => ({ value, begin, end });
  const writes = [write(1, -1, -1), write(2, 10, 20), write(3, 30, 40)];
  const fits = (...list) => misfit(writes, list) === undefined;
  assert.ok(fits(read(1, 0, 5), read(2, 12, 14), read(2, 25, 35), read(3, 50, 60)));
  assert.ok(fits(read(2, 11, 13), read(1, 12, 14)), "both at once: either order");
  assert.ok(!fits(read(1, 21, 22)), "older than what was acknowledged");
  assert.ok(!fits(read(2, 5, 9)), "newer than what was asked for");
  assert.ok(!fits(read(2, 11, 12), read(1, 13, 14)), "back again");
  assert.ok(!fits(read(4, 0, 100)), "never written");
});

test("a name means at each moment what publishing, promoting and deleting have made of it", async () => {
  const versions = new Versions("m");
  const writes = new Writes(await versions.publish(0));
  const there = new Set(versions.kinds.keys());
  let promoted = 0;
  const meaning = () => promoted || Math.max(...there);
  const some = () => [...there][below(there.size)];
  const changes = [
    async () => there.add(await versions.publish(below(KINDS))),
    async () => versions.promote((promoted = some())),
    async () => {
      promoted = 0;
      await versions.promote(null);
    },
    async () => {
      const gone = below(2) ? meaning() : some();
      await versions.remove(gone);
      there.delete(gone);
      if (gone === promoted) promoted = 0;
    },
  ];
  const seen = await reads("m", async () => {
    for (let i = 0; i < rounds; i++)
      await writes.add(async () => {
        await changes[there.size < 3 ? 0 : below(changes.length)]();
        return meaning();
      });
  });
  assertFits(writes.list, seen);
  assertKinds(seen, versions);
});

test("with a promoted version, trainings into the name change nothing that the bare name means", async () => {
  const versions = new Versions("p");
  const two = [await versions.publish(0), await versions.publish(1)];
  await versions.promote(two[1]);
  const writes = new Writes(two[1]);
  let ended = false;
  const train = async () => {
    while (!ended) {
      const { json, status, text } = await daemon.post("/train", { dataset: "rows", model: "p", epochs: 1, layers: [4] });
      assert.equal(status, 202, text);
      assert.ok((await daemon.finished(json.id)).version > 2);
    }
  };
  const promote = async () => {
    for (let i = 0; i < rounds; i++)
      await writes.add(async () => {
        await versions.promote(two[i % 2]);
        return two[i % 2];
      });
  };
  const seen = await reads("p", () => Promise.all([promote().finally(() => (ended = true)), train()]));
  assertFits(writes.list, seen);
  assertKinds(seen, versions);
});

test("versions that several clients publish are seen in the order of their numbers", async () => {
  const versions = new Versions("n");
  const published = [{ version: await versions.publish(0), begin: -Infinity, end: -Infinity }];
  const publish = async (kind) => {
    for (let i = 0; i < rounds / 3; i++) {
      const { begin, end, value } = await timed(() => versions.publish(kind));
      published.push({ version: value, begin, end });
    }
  };
  const seen = await reads("n", () => Promise.all([publish(1), publish(2), publish(3)]));
  for (const { value, begin, end } of seen) {
    const acknowledged = Math.max(...published.filter((one) => one.end < begin).map(({ version }) => version));
    assert.ok(value >= acknowledged, `version ${value}, after ${acknowledged} was acknowledged`);
    assert.ok(published.find(({ version }) => version === value).begin <= end);
    const before = Math.max(0, ...seen.filter((read) => read.end < begin).map((read) => read.value));
    assert.ok(value >= before, `version ${value}, after ${before} was seen`);
  }
  assertKinds(seen, versions);
});
