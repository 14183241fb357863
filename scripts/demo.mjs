// What ./demo shows of the daemon's answers: reads one on stdin, prints lines. A problem is printed and fails.
// usage: node scripts/demo.mjs dataset|job|events|model-job|history|evaluation|instance|prediction
import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin });
const percent = (share) => `${(100 * share).toFixed(2)} %`;
const epochLine = ({ epoch, loss, accuracy, seconds }) =>
  `epoch ${String(epoch).padStart(3)}   loss ${loss.toFixed(4)}   accuracy ${accuracy.toFixed(4)}   ${seconds.toFixed(2)} s`;

async function readJson() {
  let text = "";
  for await (const line of lines) text += line + "\n";
  const answer = JSON.parse(text);
  if (typeof answer.status === "number" && answer.title) throw new Error(answer.detail ?? answer.title);
  return answer;
}

const views = {
  async dataset() {
    const { name, rows, columns } = await readJson();
    console.log(`${name}: ${rows.toLocaleString("en")} rows, ${columns.length} columns`);
  },
  async job() {
    console.log((await readJson()).id);
  },
  /** Server-sent events, each epoch as it ends. */
  async events() {
    let event = "";
    for await (const line of lines) {
      if (line.startsWith("event:")) event = line.slice(6).trim();
      if (!line.startsWith("data:")) continue;
      const data = JSON.parse(line.slice(5));
      if (event === "epoch") console.log(epochLine(data));
      if (event === "done" && data.state === "succeeded") return;
      if (event === "done") throw new Error(`the job ${data.state}: ${data.error ?? ""}`);
    }
    throw new Error("the stream ended before the job did");
  },
  async "model-job"() {
    const model = await readJson();
    console.log(model.job);
  },
  async history() {
    for (const epoch of (await readJson()).history) console.log(epochLine(epoch));
  },
  async evaluation() {
    const { loss, accuracy, samples } = await readJson();
    console.log(`test accuracy ${percent(accuracy)}, loss ${loss.toFixed(4)}`);
    for (const { label, guess } of samples) console.log(`Label: ${label}, Guess: ${guess}`);
  },
  /** A row of mnist_test.csv as a picture on stderr and as the body of a prediction. */
  async instance() {
    for await (const line of lines) {
      const [, ...pixels] = line.split(",").map(Number);
      for (let y = 4; y < 26; y += 2) {
        const ink = (x, row) => pixels[row * 28 + x] > 100;
        const cells = Array.from({ length: 28 }, (_, x) => " ▀▄█"[(ink(x, y) ? 1 : 0) + (ink(x, y + 1) ? 2 : 0)]);
        console.error("    " + cells.join("").trimEnd());
      }
      console.log(JSON.stringify({ model: "digits", instances: [pixels] }));
    }
  },
  async prediction() {
    const [{ label, probability }] = (await readJson()).predictions;
    console.log(`It is a ${label} (${percent(probability)}).`);
  },
};

try {
  await views[process.argv[2]]();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
