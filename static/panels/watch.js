// @ts-check
// One run: its state and figures, and loss and accuracy over its epochs.
import { mountChart } from "../chart.js";
import { h, say } from "../dom.js";
import { text } from "../text.js";

/**
 * @param {HTMLElement} root
 * @param {{watch: (job: number) => void, control: (job: number, what: "pause" | "resume" | "cancel") => void}} actions
 */
export function mountWatch(root, actions) {
  const select = h("select", { "data-job": true });
  const cancel = h("button", { type: "button", "data-cancel": true, hidden: true }, text.watch.cancel);
  const output = (/** @type {Record<string, any>} */ props) => h("output", props);
  const jobState = output({ id: "job-state" });
  const epoch = output({ id: "epoch" });
  const loss = output({});
  const accuracy = output({});
  const scoreName = h("span", {}, text.watch.testAccuracy);
  const score = output({ id: "test-accuracy" });
  const note = h("p", { class: "note", role: "status" });
  const charts = h("div", { class: "charts" });
  root.append(
    h("h2", { id: "watch-title" }, text.watch.title),
    h(
      "div",
      { class: "figures" },
      h("label", {}, text.watch.run(0, ""), select),
      h("p", {}, text.watch.state, jobState),
      h("p", {}, text.watch.epoch, epoch),
      h("p", {}, text.watch.loss, loss),
      h("p", {}, text.watch.accuracy, accuracy),
      h("p", {}, scoreName, score),
      cancel,
    ),
    note,
    charts,
  );
  const lines = [text.watch.train, text.watch.validation];
  const showLoss = mountChart(charts, text.watch.loss, lines);
  const showAccuracy = mountChart(charts, text.watch.accuracy, lines);
  /** @type {unknown} */
  let shownJobs;

  select.addEventListener("change", () => actions.watch(Number(select.value)));
  cancel.addEventListener("click", () => actions.control(Number(select.value), "cancel"));

  return function update(/** @type {import("../store.js").State} */ state) {
    const run = state.runs[Number(state.route.params.job)];
    const job = run?.job;
    if (shownJobs !== state.jobs) {
      const options = (state.jobs ?? []).map(({ id, model }) => new Option(text.watch.run(id, model), String(id)));
      select.replaceChildren(...(options.length ? options : [new Option(text.watch.noRuns, "")]));
    }
    shownJobs = state.jobs;
    if (job) select.value = String(job.id);
    const history = run?.history ?? [];
    const last = history.at(-1);
    say(jobState, job?.state ?? text.none);
    say(epoch, job ? String(last ? last.epoch : job.epoch) : text.none);
    say(loss, text.figure(last?.loss));
    say(accuracy, typeof last?.accuracy === "number" ? text.percent(last.accuracy) : text.none);
    say(scoreName, run?.score?.name ?? text.watch.testAccuracy);
    say(score, run?.score?.value ?? text.none);
    say(note, state.watchProblem || (job?.error?.detail ?? job?.task_reason ?? ""));
    cancel.hidden = !job || !["queued", "running", "paused"].includes(job.state);
    const epochs = history.map((e) => e.epoch);
    showLoss([epochs, history.map((e) => e.loss), history.map((e) => e.val_loss)]);
    showAccuracy([epochs, history.map((e) => e.accuracy), history.map((e) => e.val_accuracy)]);
  };
}
