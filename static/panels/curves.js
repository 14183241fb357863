// @ts-check
// Curves over epochs of the run that is watched and of those compared: the loss, and beside it a metric of choice.
import { mountChart } from "../chart.js";
import { h } from "../dom.js";
import { text } from "../text.js";

const METRICS = ["accuracy", "r2", "rmse", "mae", "top_5_accuracy", "macro_f1", "auc", "learning_rate", "seconds"]; // the first that is there is shown
const SHARES = ["accuracy", "top_5_accuracy"]; // of rows, shown in percent
const COLOURS = 6; // --run-1 … in style.css
const BOTH = 3; // up to so many runs training and validation are drawn, else one line a run

/** @param {import("../store.js").Run[]} runs @param {string} metric @returns {{epochs: number[], lines: import("../chart.js").Line[]}} */
function linesOf(runs, metric) {
  const last = Math.max(0, ...runs.map(({ history }) => history.at(-1)?.epoch ?? 0));
  const first = Math.min(...runs.map(({ history }) => history[0]?.epoch ?? 1), 1);
  const epochs = last ? Array.from({ length: last - first + 1 }, (_, i) => first + i) : [];
  const pick = (/** @type {import("../store.js").Run} */ { history }, /** @type {string} */ key) => {
    const values = Array.from({ length: epochs.length }, () => /** @type {number | null} */ (null));
    for (const epoch of history) values[epoch.epoch - first] = epoch[key] ?? null;
    return values;
  };
  const lines = runs.flatMap((run, i) => {
    const name = runs.length > 1 ? text.watch.run(run.job) : "";
    const has = (/** @type {string} */ key) => run.history.some((e) => typeof e[key] === "number");
    const hasValidation = has(`val_${metric}`);
    const colour = `--run-${(i % COLOURS) + 1}`;
    const own = { name: text.watch.line(name, text.watch.train), colour: runs.length > 1 || !hasValidation ? colour : "--quiet", isFaint: hasValidation, values: pick(run, metric) };
    const other = { name: text.watch.line(name, text.watch.validation), colour, values: pick(run, `val_${metric}`) };
    if (!hasValidation) return [own];
    return runs.length > BOTH ? [other] : [own, other];
  });
  return { epochs, lines };
}

export function mountCurves() {
  const select = h("select", { "aria-label": text.watch.metric, "data-metric": true });
  const loss = mountChart(text.watch.metrics.loss);
  const other = mountChart(h("div", { class: "metric" }, select));
  const element = h("div", { class: "charts" }, loss.element, other.element);
  let chosen = "";
  let shown = "";
  let shownMetrics = "";
  /** @type {import("../store.js").Run[]} */
  let runs = [];

  function show() {
    const lossOf = linesOf(runs, "loss");
    loss.show(text.watch.metrics.loss, lossOf.epochs, lossOf.lines, text.figure);
    const { epochs, lines } = linesOf(runs, select.value);
    other.show(text.watch.metrics[select.value], epochs, lines, SHARES.includes(select.value) ? text.share : text.figure);
  }
  select.addEventListener("change", () => {
    chosen = select.value;
    show();
  });

  /** @param {import("../store.js").State} state @param {import("../store.js").Run | undefined} run the one that is watched */
  function update(state, run) {
    const beside = (state.route.params.compare ?? "").split(",").map((id) => state.runs[Number(id)]);
    runs = /** @type {import("../store.js").Run[]} */ ([run, ...beside.filter((other) => other !== run)].filter(Boolean));
    const now = runs.map(({ job, history }) => `${job.id}:${history.length}:${job.title}`).join();
    if (shown === now) return;
    shown = now;
    const isKnown = (/** @type {string} */ m) => runs.some(({ history }) => history.length && typeof (history.at(-1)?.[m] ?? history.at(-1)?.[`val_${m}`]) === "number");
    const metrics = METRICS.filter(isKnown);
    if (!metrics.length) metrics.push(run?.job.task === "regression" ? "r2" : "accuracy");
    if (shownMetrics !== metrics.join()) {
      select.replaceChildren(...metrics.map((m) => new Option(text.watch.metrics[m], m)));
      select.value = metrics.includes(chosen) ? chosen : metrics[0];
    }
    shownMetrics = metrics.join();
    show();
  }
  return { element, update };
}
