// What columns are: dates, truths, text, numbers with thousands; from the profile through training to predictions.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Daemon, assertProblem } from "./daemon.mjs";

let daemon;
before(async () => (daemon = await Daemon.start()));
after(() => daemon.stop());

const two = (n) => String(n).padStart(2, "0");
/** Sales: high on weekends, and where the shop is open late; the day as `write` has it. */
function sales(write, n = 200) {
  const lines = Array.from({ length: n }, (_, i) => {
    const day = new Date(Date.UTC(2024, 0, 1 + i)), open = i % 3 > 0;
    const weekend = [0, 6].includes(day.getUTCDay());
    return `${i + 1},${write(day)},${open ? "yes" : "no"},shop,"it was day number ${i} of it","${(1000 + (weekend ? 500 : 0) + (open ? 90 : 0)).toLocaleString("en-US")}"`;
  });
  return `id,day,late,kind,remark,sales\n${lines.join("\n")}\n`;
}
const dots = (day) => `${two(day.getUTCDate())}.${two(day.getUTCMonth() + 1)}.${day.getUTCFullYear()}`;

test("a profile tells dates, truths and text, and what would be left out", async () => {
  const { json, status, text } = await daemon.csv("/datasets?name=sales&thousands=comma", sales(dots));
  assert.equal(status, 201, text);
  assert.deepEqual(json.columns.map((column) => column.type), ["number", "date", "boolean", "category", "text", "number"]);
  const [id, day, late, kind, remark, amount] = json.columns;
  assert.match(id.note, /counts the rows/);
  assert.match(kind.note, /same value/);
  assert.match(remark.note, /200 different texts/);
  assert.deepEqual([day.note, late.note, amount.note], [undefined, undefined, undefined]);
  assert.deepEqual([day.format, day.min, day.max], ["dd.mm.yyyy", "01.01.2024", "18.07.2024"]);
  assert.deepEqual([amount.min, amount.max], [1000, 1590]);
  const { rows } = (await daemon.get("/datasets/sales/rows?limit=1")).json;
  assert.deepEqual(rows, [[1, "01.01.2024", "no", "shop", "it was day number 0 of it", 1000]]);
  const file = (await daemon.get("/datasets/sales/file")).text;
  const again = (await daemon.csv("/datasets?name=again", file)).json;
  assert.deepEqual(again.columns, json.columns);
  const grown = await daemon.post("/datasets/sales/rows", { rows: [[201, "31.12.2024", false, "shop", "the last", 1200]] });
  assert.deepEqual([grown.json.columns[1].type, grown.json.columns[1].max, grown.json.columns[2].type], ["date", "31.12.2024", "boolean"]);
});

test("a model learns from weekdays and takes dates as JSON and CSV alike", async () => {
  const reply = await daemon.csv("/train?name=week&model=week&thousands=comma&target=sales&epochs=150&seed=1", sales(dots));
  assert.equal(reply.status, 202, reply.text);
  assert.equal((await daemon.finished(reply.json.id)).state, "succeeded");
  const { recipe } = (await daemon.get("/models/week")).json;
  const encodings = Object.fromEntries(recipe.columns.map((column) => [column.name, column.encoding]));
  assert.deepEqual(encodings, { id: "ignore", day: "date", late: "boolean", kind: "ignore", remark: "ignore" });
  const predict = async (body) => (await daemon.post("/models/week/predict", { instances: [body] })).json.predictions[0].value;
  const saturday = await predict({ day: "13.07.2024", late: true }), monday = await predict({ day: "2024-07-15", late: "no" });
  assert.ok(saturday > 1400 && monday < 1200, `${saturday} on a Saturday, ${monday} on a Monday`);
  const csv = await daemon.csv("/models/week/predict", "day,late\n13.07.2024,YES\n2024-07-15,false\n");
  assert.deepEqual(csv.json.predictions.map(({ value }) => value), [saturday, monday]);
  const wrong = await daemon.post("/models/week/predict", { instances: [{ day: "07/13/2024", late: true }] });
  assertProblem(wrong, 422, /'day' takes a date as dd.mm.yyyy or yyyy-mm-dd, and "07\/13\/2024"/, { row: 1, column: "day" });
  assertProblem(await daemon.post("/models/week/predict", { instances: [{ day: 7, late: true }] }), 422, /a date.*7 is not one/);
  const floats = await daemon.call("POST", "/models/week/predict", new Float32Array(5), { "Content-Type": "application/octet-stream" });
  assertProblem(floats, 422, /dates.*JSON or CSV/, { column: "day" });
});

test("a model of dates goes out and in as a file", async () => {
  const file = await fetch(`${daemon.url}/models/week/file`).then((reply) => reply.arrayBuffer());
  const put = await daemon.call("PUT", "/models/copy/file", Buffer.from(file));
  assert.equal(put.status, 201, put.text);
  const ask = async (model) => (await daemon.csv(`/models/${model}/predict`, "day,late\n13.07.2024,YES\n,\n")).json.predictions;
  assert.deepEqual(await ask("copy"), await ask("week"));
});

test("a date is no target, and says so", async () => {
  const reply = await daemon.csv("/train?target=day&model=x", "day,n\n2024-03-01,1\n2024-03-02,2\n");
  assertProblem(reply, 422, /'day' holds dates/, { column: "day" });
});

test("-999 stays a number with a warning, which rows added later keep and na= settles", async () => {
  const suspects = ({ json }) => json.reading.filter(({ code }) => code === "perhaps_missing").map(({ count, first }) => [count, first]);
  const first = await daemon.csv("/datasets?name=weather", "t,rain,y\n21.5,0,a\n-999,1,b\n22.5,9999,a\n23,2,b\n20.5,9999,a\n");
  assert.equal(first.status, 201, first.text);
  assert.deepEqual(suspects(first), [[3, [{ column: "t", text: "-999" }, { column: "rain", text: "9999" }]]]);
  assert.equal(first.json.columns[0].min, -999);
  const more = await daemon.csv("/datasets/weather/rows", "t,rain,y\n-999,3,a\n");
  assert.deepEqual(suspects(more).map(([count]) => count), [4], more.text);
  const settled = await daemon.csv("/datasets?name=settled&na=-999,9999", "t,rain,y\n21.5,0,a\n-999,1,b\n22.5,9999,a\n23,2,b\n20.5,9999,a\n");
  assert.deepEqual([suspects(settled), settled.json.columns.map(({ missing }) => missing)], [[], [1, 2, 0]], settled.text);
});
