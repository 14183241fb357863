// @ts-check
// One run: its state and figures, and loss and accuracy over its epochs.
import { mountChart } from "../chart.js";
import { text } from "../text.js";

/**
 * @param {HTMLElement} root
 * @param {{watch: (job: number) => void, cancel: (job: number) => void}} actions
 */
export function mountWatch(root, actions) {
  const find = (/** @type {string} */ hook) => /** @type {any} */ (root.querySelector(hook));
  const select = find("[data-job]");
  const cancel = find("[data-cancel]");
  const charts = find("[data-charts]");
  const lines = [text.train, text.validation];
  const showLoss = mountChart(charts, text.loss, lines);
  const showAccuracy = mountChart(charts, text.accuracy, lines);
  /** @type {unknown} */
  let shownJobs;

  select.addEventListener("change", () => actions.watch(Number(select.value)));
  cancel.addEventListener("click", () => actions.cancel(Number(select.value)));

  /** @param {import("../app.js").State} state */
  function showJobs({ jobs, job }) {
    const options = jobs.map(({ id, model }) => new Option(text.run(id, model), String(id)));
    select.replaceChildren(...(options.length ? options : [new Option(text.noJobs, "")]));
    if (job) select.value = String(job.id);
  }

  /** @param {import("../api.js").Epoch[]} history */
  function showHistory(history) {
    const epochs = history.map((e) => e.epoch);
    showLoss([epochs, history.map((e) => e.loss), history.map((e) => e.val_loss)]);
    showAccuracy([epochs, history.map((e) => e.accuracy), history.map((e) => e.val_accuracy)]);
  }

  return function update(/** @type {import("../app.js").State} */ state) {
    const { job, history, score } = state;
    if (shownJobs !== state.jobs) showJobs(state);
    shownJobs = state.jobs;
    if (job) select.value = String(job.id);
    const last = history.at(-1);
    find("#job-state").value = job?.state ?? text.none;
    find("#epoch").value = job ? (last ? last.epoch : job.epoch) : text.none;
    find("[data-loss]").value = text.figure(last?.loss);
    find("[data-accuracy]").value = typeof last?.accuracy === "number" ? text.percent(last.accuracy) : text.none;
    find("[data-score-name]").textContent = score?.name ?? text.testAccuracy;
    find("#test-accuracy").value = score?.value ?? text.none;
    find("[data-watch-note]").textContent = state.watchNote;
    cancel.hidden = !job || !["queued", "running", "paused"].includes(job.state);
    showHistory(history);
  };
}
