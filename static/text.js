// @ts-check
// What the page says, in English; the only module with sentences.

/** @param {number} n */
const count = (n) => n.toLocaleString("en");

export const text = {
  percent: (/** @type {number} */ share) => `${(100 * share).toFixed(2)} %`,
  figure: (/** @type {number | null | undefined} */ x) => (typeof x === "number" ? x.toPrecision(4) : "–"),
  count,
  bytes(/** @type {number} */ n) {
    if (n < 1e3) return `${n} bytes`;
    return n < 1e6 ? `${(n / 1e3).toFixed(1)} kB` : `${(n / 1e6).toFixed(1)} MB`;
  },
  none: "–",
  noJobs: "no run yet",
  noDatasets: "Nothing here yet: choose a CSV file.",
  noData: "upload a CSV first",
  guessTarget: "guess",
  noTest: "none",
  accuracy: "Accuracy",
  testAccuracy: "Test accuracy",
  /** @param {string} rows */
  score: (rows, isClass = true) => `${rows === "test" ? "Test" : rows === "train" ? "Train" : "Validation"} ${isClass ? "accuracy" : "R²"}`,
  loss: "Loss",
  train: "train",
  validation: "validation",
  epoch: "epoch",
  uploading: (/** @type {number} */ sent, /** @type {number} */ all) => `${text.bytes(sent)} of ${text.bytes(all)}`,
  reading: "All bytes are there; the daemon reads the rows …",
  uploaded: (/** @type {string} */ name, /** @type {number} */ rows, /** @type {number} */ columns) =>
    `${name}: ${count(rows)} rows, ${count(columns)} columns`,
  rows: (/** @type {number} */ rows, /** @type {number} */ columns) => `${count(rows)} rows · ${count(columns)} columns`,
  loading: "loading …",
  run: (/** @type {number} */ id, /** @type {string} */ model) => `${id}: ${model}`,
  started: (/** @type {number} */ id) => `Run ${id} has started.`,
  noDrawModel: "no model for 28×28 pictures yet: train one on MNIST",
  draws: (/** @type {string} */ model) => `model ${model}`,
  notSure: (/** @type {string} */ second) => `not sure; perhaps ${second}`,
  noCharts: "This build is without the chart library; the last epochs:",
  daemonGone: "The daemon does not answer. This page goes on by itself once it is back.",
};
