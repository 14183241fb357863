// ./demo in a folder of its own, with small pictures and without what a bare machine lacks: no node, no npm, no network, no port 8080.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { stateFolder } from "./daemon.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const hidden = /^(node|nodejs|npm|npx|apt-get|sudo)$/;

/** A folder with what ./demo reads, and one of commands: those of this machine less the hidden ones, and the given scripts. */
function stage(scripts = {}, less = hidden) {
  const folder = stateFolder();
  for (const file of ["demo", "scripts/packages.sh", "cmake/packages", "docs/iris.csv", "package-lock.json"])
    cpSync(path.join(root, file), path.join(folder, file));
  const bin = path.join(folder, "bin");
  mkdirSync(bin);
  for (const from of ["/usr/bin", "/bin"])
    for (const name of readdirSync(from))
      if (!less.test(name) && !(name in scripts) && !existsSync(path.join(bin, name))) {
        try {
          symlinkSync(path.join(from, name), path.join(bin, name));
        } catch (error) {
          if (error.code !== "EEXIST") throw error;
        }
      }
  for (const [name, script] of Object.entries(scripts)) writeFileSync(path.join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return folder;
}

/** ./demo to its end. MLPD_BIN is the daemon that is tested, so that nothing is built. */
function demo(folder, flags, env = {}) {
  return new Promise((resolve) => {
    const child = spawn("./demo", flags, {
      cwd: folder,
      env: { ...process.env, PATH: path.join(folder, "bin"), MLPD_MNIST: "", MLPD_DEMO_PORT: "0", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    child.stdout.on("data", (data) => (said += data));
    child.stderr.on("data", (data) => (said += data));
    child.on("close", (code) => resolve({ code, said }));
  });
}

/** MNIST's four files in small: a bar at the place of its digit. */
function mnistWrite(folder) {
  for (const [part, n] of [["train", 200], ["t10k", 40]]) {
    const images = Buffer.alloc(16 + n * 784);
    const labels = Buffer.alloc(8 + n);
    [0x803, n, 28, 28].forEach((value, i) => images.writeUInt32BE(value, 4 * i));
    [0x801, n].forEach((value, i) => labels.writeUInt32BE(value, 4 * i));
    for (let i = 0; i < n; i++) {
      labels[8 + i] = i % 10;
      for (let y = 4; y < 24; y++) images.fill(200, 16 + i * 784 + y * 28 + 4 + 2 * (i % 10), 16 + i * 784 + y * 28 + 6 + 2 * (i % 10));
    }
    writeFileSync(path.join(folder, `${part}-images-idx3-ubyte`), images);
    writeFileSync(path.join(folder, `${part}-labels-idx1-ubyte`), labels);
  }
}

test("with pictures at hand it wants neither node nor npm, and predicts before it trains for drawing", async () => {
  const folder = stage();
  mkdirSync(path.join(folder, ".cache/mnist"), { recursive: true });
  mnistWrite(path.join(folder, ".cache/mnist"));
  const { code, said } = await demo(folder, ["--no-wait"]);
  assert.equal(code, 0, said);
  const places = ["drawing ", "mnist_train: 200 rows", "epoch   1 ", "epoch  10 ", "test accuracy ", "Label: 0, Guess: ", "It is 0 (", "784-512-256-10 as", "epoch  24 "];
  places.reduce((after, text) => {
    const at = said.indexOf(text, after);
    assert.ok(at > 0, `"${text}" comes in its turn in:\n${said}`);
    return at;
  }, 0);

  const again = await demo(folder, ["--no-wait", "--no-draw"]);
  assert.equal(again.code, 0, again.said);
  assert.match(again.said, /is there already[^]*epoch  10 [^]*It is 0 \(/);
  assert.doesNotMatch(again.said, /784-512-256-10|Uploading/);
});

test("where npm reaches nothing it says so in its own words and goes on with iris", async () => {
  const folder = stage({ npm: 'echo "npm ERR! code ENOTFOUND" >&2; echo "npm ERR! a hundred lines of log" >&2; exit 1' });
  const { code, said } = await demo(folder, ["--no-wait"]);
  assert.equal(code, 0, said);
  assert.match(said, /npm could not install its packages: code ENOTFOUND/);
  assert.doesNotMatch(said, /a hundred lines/);
  assert.match(said, /\.cache\/mnist[^]*iris: 150 rows[^]*It is setosa \(/);
});

test("where a package cannot be installed it names the package and the command", async () => {
  const failing = 'echo "E: Could not resolve host" >&2; exit 100';
  const folder = stage({ "apt-get": failing, sudo: failing }, /^(node|npm|pkg-config)$/);
  const { code, said } = await demo(folder, ["--no-wait"], { MLPD_BIN: "" });
  assert.equal(code, 1, said);
  assert.match(said, /E: Could not resolve host/);
  assert.match(said, /apt-get install --no-install-recommends.* pkg-config/);
});

test("where its port is taken it says so and takes another", async () => {
  const server = net.createServer((socket) => socket.end()).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address();
  const { code, said } = await demo(stage({ npm: "exit 1" }), ["--no-wait"], { MLPD_DEMO_PORT: String(port) });
  server.close();
  assert.equal(code, 0, said);
  assert.match(said, new RegExp(`Port ${port} is taken`));
  assert.match(said, /It is setosa/);
});

test("an option that it does not know is answered with its usage", async () => {
  const { code, said } = await demo(stage(), ["--what"]);
  assert.equal(code, 2);
  assert.match(said, /usage: \.\/demo \[--again\] \[--no-draw\] \[--no-wait\]/);
});
