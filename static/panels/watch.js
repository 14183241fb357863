// @ts-check
// Runs: the one that is watched with its figures and curves, others laid over it, all of them in a list.
import { confirmed, newName } from "../dialog.js";
import { h, say } from "../dom.js";
import { text } from "../text.js";
import { mountCurves } from "./curves.js";
import { mountRuns } from "./runs.js";

const RECENT = 5; // epochs whose mean time tells how fast it is now

/** Rows a second and seconds to go, by the last epochs. @param {import("../store.js").Run} run */
function pace({ job, history }) {
  const recent = history.slice(-RECENT);
  const seconds = recent.reduce((sum, e) => sum + e.seconds, 0) / recent.length;
  const rows = job.rows?.train ?? 0;
  return {
    speed: recent.length && seconds > 0 ? rows / seconds : null,
    remaining: job.state === "running" && recent.length ? seconds * Math.max(0, job.epochs - job.epoch) : null,
  };
}

/** Seconds from start to end, or to now. @param {import("../api.js").Job} job */
const elapsed = ({ started, ended }) => (started ? ((ended ? Date.parse(ended) : Date.now()) - Date.parse(started)) / 1000 : null);

/** @param {HTMLElement} root @param {import("../app.js").Actions} actions */
export function mountWatch(root, actions) {
  const name = h("h3", { class: "run-name" });
  const path = h("p", { class: "note" });
  const button = (/** @type {string} */ words, /** @type {Record<string, any>} */ props) => h("button", { type: "button", ...props }, words);
  const control = (/** @type {"pause" | "resume" | "cancel"} */ what) => button(text.watch[what], { [`data-${what}`]: true, onclick: () => actions.control(id(), what) });
  const controls = { pause: control("pause"), resume: control("resume"), cancel: control("cancel") };
  const rename = button(text.watch.rename, { class: "quiet" });
  const download = h("a", { class: "button quiet", download: true }, text.watch.download);
  const remove = button(text.watch.remove, { class: "quiet danger" });
  const jobState = h("output", { id: "job-state", class: "pill" });
  const epoch = h("output", { id: "epoch" });
  const epochs = h("span", { class: "of" });
  const progress = h("progress", { max: 1, value: 0, "aria-label": text.watch.progress });
  const speed = h("output", {});
  const time = h("output", {});
  const remaining = h("output", {});
  const scoreName = h("span", { class: "label" }, text.watch.testAccuracy);
  const score = h("output", { id: "test-accuracy", class: "strong" });
  const figure = (/** @type {any} */ label, /** @type {any[]} */ ...parts) => h("div", {}, typeof label === "string" ? h("span", { class: "label" }, label) : label, h("div", {}, ...parts));
  const notes = h("ul", { class: "stack notes" });
  const curves = mountCurves();
  const runs = mountRuns(actions);
  const one = h(
    "div",
    { class: "stack loose" },
    h("div", { class: "run-head" }, h("div", {}, name, path), h("div", { class: "buttons" }, controls.pause, controls.resume, controls.cancel, rename, download, remove)),
    h(
      "div",
      { class: "figures" },
      figure(text.watch.state, jobState),
      figure(text.watch.epoch, epoch, epochs),
      figure(text.watch.speed, speed),
      figure(text.watch.elapsed, time),
      figure(text.watch.remaining, remaining),
      figure(scoreName, score),
    ),
    progress,
    notes,
    curves.element,
  );
  const empty = h("div", { class: "empty" }, h("b", {}, text.watch.none), h("p", {}, text.watch.noneHint));
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  root.append(h("div", { class: "head" }, h("h2", { id: "watch-title" }, text.watch.title)), problem, empty, h("div", { class: "stack loose" }, one, runs.element));

  /** @type {import("../store.js").Run | undefined} */
  let run;
  const id = () => run?.job.id ?? 0;
  rename.addEventListener("click", async () => {
    if (!run) return;
    const title = await newName(text.watch.renameTitle, run.job.title ?? "", { pattern: ".*", hint: text.watch.renameHint, required: false });
    if (title !== null) actions.renameJob(id(), title);
  });
  remove.addEventListener("click", async () => {
    if (run && (await confirmed(text.watch.removeTitle(text.watch.run(run.job)), text.watch.removeWords, text.watch.remove))) actions.removeJob(id());
  });

  function showTimes() {
    if (!run) return;
    const { speed: rows, remaining: left } = pace(run);
    const isOver = actions.isFinal(run.job);
    say(speed, rows ? text.count(Math.round(rows)) : text.none);
    say(time, text.duration(elapsed(run.job)));
    const until = left === null ? text.none : text.duration(left);
    say(remaining, isOver || left === null ? text.none : run.job.request?.early_stopping || !run.job.request?.epochs ? text.watch.atMost(until) : until);
  }
  setInterval(() => run && !document.hidden && !actions.isFinal(run.job) && showTimes(), 1000); // the clock goes on between epochs

  /** @param {import("../api.js").Job} job */
  function showNotes(job) {
    /** @type {[string, string][]} */
    const words = (job.warnings ?? []).map(({ message }) => ["warning", message]);
    if (job.state === "queued") words.push(["note", text.watch.queued]);
    if (job.state === "cancelling") words.push(["note", text.watch.cancelling(job.epoch > 0)]);
    if (job.state === "cancelled") words.push(["note", text.watch.cancelled(Boolean(job.version))]);
    if (job.error) words.push(["problem", text.watch.failed(job.error.detail ?? job.error.title ?? "")]);
    if (job.task_reason) words.push(["note", job.task_reason]);
    const now = JSON.stringify(words);
    if (notes.dataset.shown === now) return;
    notes.dataset.shown = now;
    notes.replaceChildren(...words.map(([kind, sentence]) => h("li", { class: kind }, sentence)));
  }

  /** @param {import("../api.js").Job} job */
  function showJob(job) {
    const isOver = actions.isFinal(job);
    say(name, text.watch.run(job));
    say(path, [text.watch.path(job), job.rows && text.watch.rows(job.rows)].filter(Boolean).join(" · "));
    jobState.dataset.state = job.state;
    say(epochs, job.epochs ? text.watch.ofEpochs(job.epochs) : "");
    progress.value = job.epochs ? job.epoch / job.epochs : 0;
    progress.classList.toggle("over", isOver);
    controls.pause.hidden = !["queued", "running"].includes(job.state);
    controls.resume.hidden = job.state !== "paused";
    controls.cancel.hidden = isOver || job.state === "cancelling";
    remove.hidden = !isOver;
    download.href = actions.jobFile(job.id);
    download.download = `run-${job.id}.json`;
    showNotes(job);
  }

  return function update(/** @type {import("../store.js").State} */ state) {
    run = state.runs[Number(state.route.params.job)];
    const isNone = state.jobs !== null && state.jobs.length === 0 && !run && !state.isStarting;
    empty.hidden = !isNone;
    problem.hidden = !state.watchProblem;
    say(problem, state.watchProblem);
    one.classList.toggle("pending", !run);
    one.hidden = isNone;
    say(jobState, run?.job.state ?? text.none);
    say(epoch, run ? String(run.history.at(-1)?.epoch ?? run.job.epoch) : text.none);
    say(scoreName, run?.score?.name ?? text.watch.testAccuracy);
    say(score, run?.score?.value ?? text.none);
    if (run) showJob(run.job);
    document.title = run && !actions.isFinal(run.job) ? text.watch.pageTitle(run.job) : "mlpd";
    showTimes();
    curves.update(state, run);
    runs.update(state);
  };
}
