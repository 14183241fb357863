// Counts what a run of CTest came to, by single tests rather than programs where they wrote TAP.
// usage: node scripts/count-tests.mjs JUNIT.XML TAP_FOLDER SKIPS_ALLOWED
// Prints "PASSED FAILED SKIPPED"; says on stderr what failed and what skipped without leave. A program that fails without a failed
// test in its TAP (a crash, a sanitizer) is one failure; one that passes without having run a test is one too. A program that skips
// (status 77, "skipped: REASON") is one skip, beside the tests that it did run.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const [junitPath, tapFolder, allowedPath] = process.argv.slice(2);
const entities = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
const unescape = (text) => text.replace(/&(lt|gt|quot|apos|amp);/g, (_, name) => entities[name]);

/** @returns {{name: string, status: string, output: string}[]} */
function readJunit(path) {
  const tests = [];
  for (const [, attributes, body] of readFileSync(path, "utf8").matchAll(/<testcase ([^>]*)>(.*?)<\/testcase>/gs)) {
    const attribute = (name) => unescape(attributes.match(new RegExp(`${name}="([^"]*)"`))?.[1] ?? "");
    const output = unescape(body.match(/<system-out>(.*?)<\/system-out>/s)?.[1] ?? "");
    tests.push({ name: attribute("name"), status: attribute("status"), output, skipped: body.includes("<skipped") });
  }
  return tests;
}

/** Each "not ok" of a TAP file with what stands below it. */
function failures(path) {
  const told = [];
  let failing = false;
  for (const line of readFileSync(path, "utf8").split("\n")) {
    if (/^ *not ok /.test(line)) failing = true;
    else if (/^ *(ok \d|# Subtest:|1\.\.\d)/.test(line)) failing = false;
    if (failing) told.push(line);
  }
  return told;
}

/** Leaves of a TAP file: Check writes them flat; node nests subtests by indentation, and a parent follows its children. */
function readTap(path) {
  if (!existsSync(path)) return [];
  const leaves = [];
  let deepest = -1;
  for (const line of readFileSync(path, "utf8").split("\n")) {
    const match = line.match(/^( *)(not )?ok \d+(?: - (.*))?$/);
    if (!match) continue;
    const [, indent, bad, text = ""] = match;
    const isParent = indent.length < deepest;
    deepest = indent.length;
    if (isParent) continue;
    const skip = text.match(/^(.*?) ?# SKIP ?(.*)$/i);
    leaves.push({ name: skip ? skip[1] : text, failed: Boolean(bad), skip: skip ? skip[2] : null });
  }
  return leaves;
}

const allowed = readFileSync(allowedPath, "utf8")
  .split("\n")
  .filter((line) => line && !line.startsWith("#"))
  .map((line) => line.match(/^(.*?): (.*)$/).slice(1))
  .map(([name, reason]) => ({ name: new RegExp("^" + name.split("*").map((part) => part.replace(/\W/g, "\\$&")).join(".*") + "$"), reason }));
const maySkip = (name, reason) => allowed.some((entry) => entry.name.test(name) && entry.reason === reason);

const total = { passed: 0, failed: 0, skipped: 0 };
const complain = (name, what, words = []) => {
  total.failed++;
  console.error(`  ${name}: ${what}`);
  if (words.length) console.error(words.map((line) => `    | ${line}`).join("\n"));
};
const end = (output) => output.split("\n").filter(Boolean).slice(-40);
function skip(name, reason) {
  if (maySkip(name, reason)) total.skipped++;
  else complain(name, `skipped, and tests/skips-allowed does not list the reason: ${reason || "(none given)"}`);
}

for (const { name, status, output, skipped } of readJunit(junitPath)) {
  if (skipped) skip(name, output.match(/^skipped: (.*)$/m)?.[1].trim() ?? "");
  const writesTap = /^(unit|api|browser|crash|fault|soak)\//.test(name);
  if (!writesTap) {
    if (status === "run") total.passed++;
    else if (!skipped) complain(name, status, end(output));
    continue;
  }
  const tap = join(tapFolder, `${name.replace("/", "_")}.tap`);
  const leaves = readTap(tap);
  const bad = leaves.filter((leaf) => leaf.failed);
  for (const leaf of leaves) {
    if (leaf.skip !== null) skip(`${name}: ${leaf.name}`, leaf.skip);
    else if (!leaf.failed) total.passed++;
  }
  bad.forEach((leaf, i) => complain(`${name}: ${leaf.name}`, "failed", i === bad.length - 1 ? failures(tap).slice(0, 80) : []));
  if (status !== "run" && !skipped && bad.length === 0) complain(name, `ended badly after ${leaves.length} tests`, end(output));
  if (status === "run" && leaves.length === 0) complain(name, "ran no test");
}
if (total.passed + total.failed + total.skipped === 0) complain(junitPath, "no test was run");
console.log(total.passed, total.failed, total.skipped);
