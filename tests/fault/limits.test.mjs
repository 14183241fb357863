// What runs out for real: the disk, file descriptors. The daemon says so, goes on serving, and recovers when there is room again.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { once } from "node:events";
import net from "node:net";
import path from "node:path";
import { test } from "node:test";
import { assertProblem, Daemon, stateFolder, sums } from "../api/daemon.mjs";

const MOUNT_BYTES = 12 << 20;

/** A small disk, or undefined where this process may not mount one. */
function smallDisk(t) {
  const folder = stateFolder();
  const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${MOUNT_BYTES}`, "tmpfs", folder], { stdio: "ignore" });
  if (status !== 0) return undefined;
  t.after(() => spawnSync("umount", ["--lazy", folder]));
  return folder;
}

const free = (folder) => ((disk) => disk.bavail * disk.bsize)(statfsSync(folder));

/** Take all that is left, to the last page. Returns how to give it back. */
function fill(folder) {
  const file = path.join(folder, "filler");
  const fd = openSync(file, "w");
  for (let bytes = 1 << 20; bytes >= 512; )
    try {
      writeSync(fd, Buffer.alloc(bytes));
    } catch (error) {
      assert.equal(error.code, "ENOSPC");
      bytes /= 2;
    }
  closeSync(fd);
  return () => rmSync(file);
}

test("a full disk loses nothing and is no end", async (t) => {
  const state = smallDisk(t);
  if (!state) return t.skip("this process may not mount a tmpfs");
  const daemon = await Daemon.start({ state });
  t.after(() => daemon.child.kill("SIGKILL"));
  assert.equal((await daemon.csv("/datasets?name=before", sums(500))).status, 201);
  const trained = await daemon.post("/train", { dataset: "before", model: "before", epochs: 3 });
  assert.equal((await daemon.finished(trained.json.id)).state, "succeeded");
  const long = await daemon.post("/train", { dataset: "before", model: "long", epochs: 1500, layers: [256, 64], batch_size: 20 });
  await daemon.epoch(long.json.id);

  const empty = fill(state);
  assertProblem(await daemon.csv("/datasets?name=during", sums(5000)), 507, /space|full/i);
  assertProblem(await daemon.post("/train", { dataset: "before", model: "during" }), 507, /space|full/i);
  assertProblem(await daemon.call("DELETE", "/models/before"), 507, /space|full/i);
  assert.equal((await daemon.post("/predict", { model: "before", instances: [{ a: 0.9, b: 0.9 }] })).status, 200);
  assert.equal((await daemon.get("/healthz")).status, 200);
  assert.equal((await daemon.get(`/jobs/${long.json.id}`)).json.state, "running", "a job waits for room");

  empty();
  assert.equal((await daemon.csv("/datasets?name=after", sums(5000))).status, 201);
  const done = await daemon.finished(long.json.id);
  assert.equal(done.state, "succeeded");
  assert.deepEqual(done.history.map(({ epoch }) => epoch), Array.from({ length: 1500 }, (_, i) => i + 1), "no epoch is missing");
  const large = await daemon.csv("/datasets?name=large", sums(600000));
  assertProblem(large, 507, /space|full/i);
  await daemon.stop();

  const again = await Daemon.start({ state });
  assert.deepEqual((await again.get("/datasets")).json.datasets.map(({ name }) => name).sort(), ["after", "before"]);
  assert.deepEqual((await again.get("/models")).json.models.map(({ name }) => name).sort(), ["before", "long"]);
  await again.stop();
  assert.ok(free(state) > MOUNT_BYTES / 2, "what was refused has left nothing");
});

test("no descriptors: who waits is served later", async (t) => {
  const LIMIT = 48;
  const daemon = await Daemon.start({ wrapper: ["prlimit", `--nofile=${LIMIT}:${LIMIT}`] });
  t.after(() => daemon.child.kill("SIGKILL"));
  const idle = await Promise.all(
    Array.from({ length: 2 * LIMIT }, () => {
      const socket = net.connect(daemon.port, "127.0.0.1");
      socket.on("error", () => {}); // refused: that is a way to say it
      return once(socket, "connect").then(() => socket);
    }),
  );
  idle.forEach((socket) => socket.destroy());
  let reply = await daemon.csv("/datasets?name=after", sums(100));
  for (let turn = 0; turn < 100 && reply.status === 503; turn++) reply = await daemon.csv("/datasets?name=after", sums(100)); // it may come before their ends
  assert.equal(reply.status, 201, reply.text);
  await daemon.stop();
});
