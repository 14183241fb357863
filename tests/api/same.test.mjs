// A prediction with every value as the file had it equals the training's evaluation of that row exactly, whichever way the values come in.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { Daemon, sharedData } from "./daemon.mjs";

const most = 1500; // rows compared of one table

let daemon;
before(async () => (daemon = await Daemon.start()));
after(() => daemon.stop());

/** A line's fields as texts, quotes taken off. */
function fieldsOf(line, separator) {
  if (separator === " ") return line.trim().split(/\s+/);
  const fields = [];
  for (let at = 0; at <= line.length; ) {
    const quoted = /^\s*"((?:[^"]|"")*)"\s*/y.exec(line.slice(at));
    const end = quoted ? at + quoted[0].length : (line + separator).indexOf(separator, at);
    fields.push(quoted ? quoted[1].replaceAll('""', '"') : line.slice(at, end));
    at = end + 1;
  }
  return fields;
}

/** Lines of the file that hold rows, by what the profile says of it. */
function rowsOf(file, profile) {
  const lines = file.toString("latin1").replace(/^\xef\xbb\xbf/, "").split(/\r\n|\n|\r/).filter((line) => line.trim());
  return lines.slice((profile.header ? 1 : 0) + (profile.count_line ? 1 : 0));
}

const utf8 = (text) => {
  const bytes = Buffer.from(text, "latin1");
  return bytes.toString("utf8").includes("\ufffd") ? new TextDecoder("windows-1252").decode(bytes) : bytes.toString("utf8");
};

function compare(what, samples, predictions) {
  assert.equal(predictions.length, samples.length, what);
  samples.forEach((sample, i) => {
    const said = predictions[i].label === undefined ? { guess: predictions[i].value } : { guess: predictions[i].label, probability: predictions[i].probability };
    for (const key in said) assert.equal(said[key], sample[key], `${what}, row ${sample.row}: ${key}`);
  });
}

async function predicted(what, reply) {
  assert.equal(reply.status, 200, `${what}: ${reply.text.slice(0, 300)}`);
  return reply.json.predictions;
}

async function sameEverywhere(name, file, query) {
  const reply = await daemon.csv(`/train?name=${name}&model=${name}&epochs=2&test_split=0.4&seed=3${query}`, file);
  assert.equal(reply.status, 202, reply.text);
  const job = await daemon.finished(reply.json.id);
  assert.equal(job.state, "succeeded", JSON.stringify(job.error));
  const profile = (await daemon.get(`/datasets/${name}`)).json;
  const { samples, dataset } = (await daemon.get(`/models/${name}/evaluation?limit=${most}`)).json;
  assert.ok(samples.length > 1, `${samples.length} rows were held out`);
  const lines = rowsOf(file, profile), names = profile.columns.map((column) => column.name);
  assert.equal(lines.length, profile.rows, "the test finds the rows");
  const chosen = samples.map(({ row }) => lines[dataset === undefined ? row - 1 : row]); // once it names the dataset, rows count from 0
  const instances = chosen.map((line) => Object.fromEntries(fieldsOf(utf8(line), profile.separator).map((text, i) => [names[i], text])));
  for (const target of [job.target ?? reply.json.target]) instances.forEach((instance) => target && delete instance[target]);
  compare("by name in JSON", samples, await predicted("JSON", await daemon.post("/predict", { model: name, instances })));
  const header = names.map((text) => `"${text.replaceAll('"', '""')}"`).join(profile.separator);
  const dialect = `separator=${encodeURIComponent(profile.separator)}&decimal=${encodeURIComponent(profile.decimal)}`;
  const csv = Buffer.from([header, ...chosen.map(utf8)].join("\n") + "\n");
  compare("in CSV, told", samples, await predicted("CSV", await daemon.csv(`/predict?model=${name}&${dialect}&header=true&encoding=utf-8&comment=none`, csv)));
}

const data = sharedData("iris") && path.dirname(sharedData("iris"));
// What the target is where a file has it neither last nor under a usual name.
const targets = { "california-housing/housing.csv": "median_house_value", "titanic/titanic.csv": "Survived", "tips/tips.csv": "tip",
  "penguins/penguins.csv": "species", "penguins/penguins_size.csv": "species", "penguins/penguins.rdatasets.csv": "species" };
const files = data ? readdirSync(data, { recursive: true }).filter((name) => /\.(csv|data)$/.test(name) && !/spectrum/.test(name)).sort() : [];

test("the shared tables are here", { skip: data ? false : "no shared data" }, () => assert.ok(files.length >= 18, `${files}`));

for (const [i, name] of files.entries())
  test(`a row of ${name} is predicted as it was evaluated`, async () => {
    await sameEverywhere(`same${i}`, readFileSync(path.join(data, name)), targets[name] ? `&target=${targets[name]}` : "");
  });

const rows = (n, row) => Array.from({ length: n }, (_, i) => row(i)).join("\n") + "\n";
for (const [what, file] of Object.entries({
  "decimal commas": `a;b;c;y\n${rows(60, (i) => `${i},${i % 10};${i % 3 ? `1,${i % 3}` : "x"};${i % 7};${i % 2 ? "p" : "q"}`)}`,
  "decimal commas and a target of them": `a;b;y\n${rows(60, (i) => `${i},${i % 10};${i % 7};${i * 3},25`)}`,
  "missing values of every kind": `a,b,y\n${rows(80, (i) => `${["NA", "?", "", " - ", "null", ".", i, i, i, i][i % 10]},${["x", " y", "", "?", "z "][i % 5]},${i % 2}`)}`,
  "blanks, in quotes and not": `a,b,y\n${rows(60, (i) => `${[" x", "x", "x ", '"x"', "  "][i % 5]}, ${i} ,${i % 2}`)}`,
  "numbers of many digits": `a,b,y\n${rows(60, (i) => `${i}.${"123456789".repeat(5)},1e-${i % 40},${i % 2}`)}`,
  "integers that become texts": `a,b,y\n${rows(60, (i) => `${i % 4 ? `0${i % 5}` : "n1"},${i % 9},${i % 2}`)}`,
  "numbers too large for a float": `a,b,y\n${rows(60, (i) => `${i % 9 ? i : "1e39"},${i % 9},${i % 2}`)}`,
  "dates": `a,b,y\n${rows(60, (i) => `2024-0${1 + (i % 9)}-1${i % 9} 0${i % 7}:30,${i % 9},${i % 2}`)}`,
}))
  test(`a row with ${what} is predicted as it was evaluated`, () => sameEverywhere(what.replaceAll(/\W/g, "-"), Buffer.from(file), ""));
