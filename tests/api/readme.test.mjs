// The documents' commands, as they stand: each curl runs, in the documents' order, from a folder with the files that it names; only the port
// is another. What does not run here is excluded below, with its reason.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { Daemon, run, stateFolder } from "./daemon.mjs";
import { form, idx, png } from "./pictures.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const pages = ["README.md", "docs/tutorial.md", "docs/training.md"];
const history = "CHANGELOG.md"; // says what changed, not what to do
for (const folder of ["", "docs", "tests"])
  for (const name of readdirSync(path.join(root, folder)))
    if (name.endsWith(".md") && name !== history && !pages.includes(path.join(folder, name))) pages.push(path.join(folder, name));

/** Which commands are not run here, and why. */
const excluded = [
  [/^\.\/(demo|check)\b/, "goes on for minutes; tests/api/demo.test.mjs runs ./demo, .ci/run runs ./check"],
  [/^(cmake|ctest)\b/, "builds or tests everything: ./check --step release does"],
  [/^systemctl\b/, "changes the machine's services; ctest `service` looks at the unit"],
  [/^scripts\//, "a step of ./check, or of ./demo"],
  [/^(build|MLPD_BIN=build)\//, "a program of a build folder, whose place is another here"],
  [/^tests\/(bench|accuracy|blog)\//, "measures for minutes to hours"],
  [/^CK_FORK=no gdb\b/, "a debugger"],
  [/^clang-format\b/, "rewrites files; ./check --step format compares"],
  [/^npm ci\b/, "wants a network; ./check has done it"],
  [/^node scripts\//, "rewrites a document; ctest openapi/docs compares"],
  [/^node --test\b/, "tests, which run by themselves"],
];
const isCommand = /^(\.\/(demo|check)|curl|cmake|ctest|systemctl|scripts\/[\w-]+\.\w+|build\/\S+|tests\/(bench|accuracy|blog)\/[\w.]+|[A-Z_]+=\S+ [^`]*|clang-format|npm|node|mlpd|apt-get)( |$)/;

/** The commands of a page: those of its blocks of shell, where one goes on while a quote is open, and those in backquotes. */
function commands(page) {
  const text = readFileSync(path.join(root, page), "utf8");
  const found = [];
  for (const [, block] of text.matchAll(/^```sh\n(.*?)^```/gms)) {
    let open = "";
    for (const line of block.split("\n")) {
      open += (open && "\n") + line;
      if ((open.match(/'/g) ?? []).length % 2) continue;
      const command = open.replace(/(^|\s+)#.*$/, "").trim();
      if (command) found.push(command);
      open = "";
    }
    assert.equal(open, "", `${page}: a quote is closed`);
  }
  for (const [, code] of text.replace(/^```.*?^```/gms, "").matchAll(/`([^`]+)`/g)) {
    const command = code.replace(/\s+/g, " ");
    if (command.startsWith("curl ") && !command.includes("localhost")) continue; // options, of no address
    if (isCommand.test(command) && / /.test(command) && !/[…\[]/.test(command)) found.push(command);
  }
  return found;
}

/** MNIST's files in small, a picture, and the repository's docs. */
function stage() {
  const folder = stateFolder();
  symlinkSync(path.join(root, "docs"), path.join(folder, "docs"));
  const seven = (x, y) => (y > 4 && y < 8 && x > 6 && x < 20) || (y >= 8 && y < 24 && Math.abs(x - 22 + 0.6 * y) < 2);
  for (const [part, n] of [["train", 120], ["t10k", 40]]) {
    const labels = Array.from({ length: n }, (_, i) => i % 10);
    const images = labels.flatMap((label) => Array.from({ length: 784 }, (_, i) => ((i % 28) % 10 === label && i / 28 > 4 ? 250 : 0)));
    writeFileSync(path.join(folder, `${part}-images-idx3-ubyte`), idx([n, 28, 28], images));
    writeFileSync(path.join(folder, `${part}-labels-idx1-ubyte`), idx([n], labels));
  }
  writeFileSync(path.join(folder, "seven.png"), png(56, 56, (x, y) => (seven(x / 2, y / 2) ? 255 : 0)));
  return folder;
}

test("the documents' curls run as they stand, and each is answered with success", async () => {
  const daemon = await Daemon.start();
  const cwd = stage();
  // What docs/files.md reads again.
  assert.equal((await daemon.csv("/datasets?name=sales", "zip;price\n01067;1,5\n04109;2,25\n")).status, 201);
  const replies = new Map();
  let n = 0;
  for (const page of pages)
    for (const command of commands(page).filter((text) => text.startsWith("curl "))) {
      // The tutorial begins with README's: what is there already is not uploaded again.
      if (replies.has(command)) continue;
      n++;
      const here = command.replaceAll("localhost:8080", `localhost:${daemon.port}`).replace(/^curl /, "curl --silent --show-error --fail-with-body ");
      const { stdout } = await promisify(execFile)("bash", ["-c", here], { cwd, maxBuffer: 1 << 26 }).catch((error) => {
        // A build without libpng takes no pictures.
        if (/image\/png/.test(command) && /"status":415/.test(error.stdout)) return error;
        throw new Error(`${page}: ${command}\n${error.stdout}${error.stderr}`);
      });
      replies.set(command, stdout);
      if (/\/train/.test(command)) assert.equal((await daemon.finished(JSON.parse(stdout).id)).state, "succeeded", command);
    }
  assert.ok(n >= 12, `${n} commands were run`);
  const reply = (part) => [...replies].find(([command]) => command.includes(part))[1];
  assert.equal(JSON.parse(reply("/datasets?name=iris")).rows, 150);
  assert.match(reply("/events"), /event: done/);
  assert.equal(JSON.parse(reply('"sepal_length": 5.1')).predictions[0].label, "setosa");
  assert.match(reply("/models/iris/predict"), /^5\.1,3\.5,1\.4,0\.2,setosa,setosa,/m);
  assert.equal(JSON.parse(reply("strokes")).image.length, 784);
  await daemon.stop();
});

test("every other command of the documents is excluded with a reason, and names files that are there", () => {
  const used = new Set();
  for (const page of pages)
    for (const command of commands(page)) {
      if (command.startsWith("curl ") || command === "mlpd --help") continue;
      const row = excluded.find(([pattern]) => pattern.test(command));
      assert.ok(row, `${page}: "${command}" is neither run nor excluded`);
      used.add(row);
      for (const [file] of command.matchAll(/(?<=^|[ /]|\.\/)(demo|check|(scripts|tests)\/[\w./-]+\w)(?= |$)/g))
        if (!command.includes("build/")) assert.ok(existsSync(path.join(root, file)), `${page}: "${command}" names ${file}, which is not there`);
    }
  assert.deepEqual(excluded.filter((row) => !used.has(row)).map(([pattern]) => String(pattern)), [], "each exclusion excludes something");
});

test("the flags of the daemon that operations.md names are in mlpd --help", async () => {
  const { stdout } = await run(["--help"]);
  const flags = [...readFileSync(path.join(root, "docs/operations.md"), "utf8").matchAll(/`(?:mlpd )?(?:\[)?(--[a-z-]+)/g)].map(([, flag]) => flag);
  const foreign = ["--ultra", "--long"]; // zstd's
  for (const flag of flags) assert.ok(foreign.includes(flag) || stdout.includes(flag), `${flag} is a flag`);
  assert.ok(flags.length >= 10);
});

test("the tutorial begins with README's curls", () => {
  const curls = (page) => commands(page).filter((text) => text.startsWith("curl "));
  assert.equal(curls("README.md").length, 5);
  assert.deepEqual(curls("docs/tutorial.md").slice(0, 5), curls("README.md"));
});
