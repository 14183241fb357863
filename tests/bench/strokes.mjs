// How many drawn digits a model reads: posts each drawing of a file of lines {"label","strokes"} to a daemon, strokes as they are.
// usage: node tests/bench/strokes.mjs ADDRESS MODEL FILE.ndjson[.gz]
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

const [address, model, file] = process.argv.slice(2);
const bytes = readFileSync(file);
const lines = (file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString().trim().split("\n");
const wrong = {};
const times = [];
let first = 0;
let firstTwo = 0;
for (const line of lines) {
  const { label, strokes } = JSON.parse(line);
  const begin = performance.now();
  const reply = await fetch(`${address}/predict`, { method: "POST", body: JSON.stringify({ model, strokes }) });
  const { predictions, detail } = await reply.json();
  times.push(performance.now() - begin);
  if (!predictions) throw new Error(detail);
  const [best, next] = Object.entries(predictions[0].probabilities).sort((a, b) => b[1] - a[1]);
  first += best[0] === label;
  firstTwo += best[0] === label || next[0] === label;
  if (best[0] !== label) wrong[`${label} as ${best[0]}`] = (wrong[`${label} as ${best[0]}`] ?? 0) + 1;
}
const percent = (n) => `${((100 * n) / lines.length).toFixed(2)} %`;
times.sort((a, b) => a - b);
console.log(`${lines.length} drawings: right ${percent(first)}, among the first two ${percent(firstTwo)}`);
console.log(`milliseconds a drawing: median ${times[times.length >> 1].toFixed(2)}, p95 ${times[Math.floor(times.length * 0.95)].toFixed(2)}`);
console.log(Object.entries(wrong).sort((a, b) => b[1] - a[1]).map(([what, n]) => `${what}: ${n}`).join(", "));
