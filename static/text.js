// @ts-check
// What the page says, in English; the only module with sentences. A group for each panel.

/** @param {number} n */
const count = (n) => n.toLocaleString("en");
const plural = (/** @type {number} */ n, /** @type {string} */ one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

export const text = {
  none: "–",
  count,
  percent: (/** @type {number} */ share) => `${(100 * share).toFixed(2)} %`,
  figure: (/** @type {number | null | undefined} */ x) => (typeof x === "number" ? String(Number(x.toPrecision(4))) : "–"),
  bytes(/** @type {number} */ n) {
    if (n < 1e3) return plural(n, "byte");
    return n < 1e6 ? `${(n / 1e3).toFixed(1)} kB` : `${(n / 1e6).toFixed(1)} MB`;
  },

  shell: {
    sections: /** @type {Record<string, string>} */ ({
      draw: "Draw",
      data: "Data",
      train: "Train",
      watch: "Watch",
      understand: "Understand",
      models: "Models",
    }),
    connecting: "connecting …",
    ready: "ready",
    running: (/** @type {number} */ n) => `${plural(n, "run")} in progress`,
    gone: "The daemon does not answer. This page goes on by itself once it is back.",
  },

  draw: {
    noModel: "no model for 28×28 pictures yet: train one on MNIST",
    model: (/** @type {string} */ model) => `model ${model}`,
    notSure: (/** @type {string} */ second) => `not sure; perhaps ${second}`,
  },

  data: {
    title: "Data",
    choose: "Choose a CSV file",
    replace: "replace one of the same name",
    none: "Nothing here yet: choose a CSV file.",
    uploading: (/** @type {number} */ sent, /** @type {number} */ all) => `${text.bytes(sent)} of ${text.bytes(all)}`,
    reading: (/** @type {number} */ rows) => `All bytes are there; the daemon reads the rows … ${rows ? count(rows) : ""}`,
    uploaded: (/** @type {string} */ name, /** @type {number} */ rows, /** @type {number} */ columns) =>
      `${name}: ${plural(rows, "row")}, ${plural(columns, "column")}`,
    size: (/** @type {number} */ rows, /** @type {number} */ columns) => `${plural(rows, "row")} · ${plural(columns, "column")}`,
    loading: "loading …",
  },

  train: {
    title: "Train",
    dataset: "Data",
    target: "Target",
    guessTarget: "guess",
    test: "Test data",
    noTest: "none",
    model: "Model",
    layers: "Hidden layers",
    epochs: "Epochs",
    batch: "Batch size",
    seed: "Seed",
    start: "Train",
    noData: "upload a CSV first",
    started: (/** @type {number} */ id) => `Run ${id} has started.`,
  },

  watch: {
    title: "Watch",
    run: (/** @type {number} */ id, /** @type {string} */ model) => `${id}: ${model}`,
    noRuns: "no run yet",
    state: "State",
    epoch: "Epoch",
    loss: "Loss",
    accuracy: "Accuracy",
    testAccuracy: "Test accuracy",
    train: "train",
    validation: "validation",
    cancel: "Cancel",
    /** @param {string} rows */
    score: (rows, isClass = true) => `${rows === "test" ? "Test" : rows === "train" ? "Train" : "Validation"} ${isClass ? "accuracy" : "R²"}`,
    noCharts: "This build is without the chart library; the last epochs:",
  },
};
