// @ts-check
// Jobs: start, watch, compare, pause, resume, cancel. What is watched stands in the address: job=3, compare=1,2.
import { api } from "../api.js";
import { go } from "../route.js";
import { set, show, state } from "../store.js";
import { text } from "../text.js";
import { changed, explain, lose } from "./lists.js";

export const isFinal = (/** @type {{state: string}} */ job) => ["succeeded", "failed", "cancelled"].includes(job.state);

const PAGE = 10_000; // epochs of a job's history that are asked for at once
const STREAMS = 3; // runs followed live at once; more are asked for with the lists

/** @type {Map<number, () => void>} how to stop following each job that is followed */
const followed = new Map();

/** The job that is watched, and those beside it. */
export function wantedRuns() {
  const { job, compare } = state.route.params;
  const ids = [job, ...(compare ?? "").split(",")].map(Number).filter((id) => Number.isInteger(id) && id > 0);
  return [...new Set(ids)];
}

/** Let go of all streams, while nobody looks: a browser has six connections for all tabs. */
export function rest() {
  for (const stop of followed.values()) stop();
  followed.clear();
}

/** Know the runs that the address names, follow those that go on; with none named, the newest. @param {boolean} [again] ask anew: the daemon was gone */
export async function syncRuns(again = false) {
  if (!state.route.params.job && !state.isStarting && state.jobs?.length) go({ job: state.jobs[0].id });
  const wanted = wantedRuns();
  for (const id of Object.keys(state.runs).map(Number)) if (!wanted.includes(id)) forget(id);
  const isLost = (/** @type {number} */ id) => !isFinal(state.runs[id].job) && !followed.has(id);
  await Promise.all(wanted.map((id) => (again || !state.runs[id] || isLost(id) ? load(id) : loadScore(id))));
}

/** @param {number} id */
function forget(id) {
  followed.get(id)?.();
  followed.delete(id);
  delete state.runs[id];
  set({});
}

/** @type {Map<number, Promise<void>>} those being asked for */
const loading = new Map();
/** @param {number} id */
function load(id) {
  if (!loading.has(id)) loading.set(id, loadNow(id).finally(() => loading.delete(id)));
  return loading.get(id);
}

/** @param {number} id */
async function loadNow(id) {
  followed.get(id)?.();
  followed.delete(id);
  try {
    const job = await api.job(id);
    if (job.history) job.history = [...(await earlier(id, job.history_after ?? 0)), ...job.history];
    if (!wantedRuns().includes(id)) return;
    state.runs[id] = { job, history: job.history ?? [], score: state.runs[id]?.score ?? null, at: Date.now() };
    set({ watchProblem: "" });
    if (isFinal(job)) await loadScore(id);
    else if (followed.size < STREAMS && !document.hidden) followed.set(id, follow(id));
  } catch (error) {
    const isGone = /** @type {import("../api.js").Problem} */ (error).status === 404;
    set({ watchProblem: isGone ? text.watch.gone(id) : explain(error) });
    if (isGone) leave(id);
  }
}

/** The epochs up to `last` that do not stand with the job. @param {number} id @param {number} last */
async function earlier(id, last) {
  const epochs = [];
  for (let after = 0; after < last; ) {
    const { history } = await api.history(id, after, Math.min(last - after, PAGE));
    if (!history.length) break;
    epochs.push(...history);
    after = history.at(-1).epoch;
  }
  return epochs;
}

/** Take a run that is gone out of the address. @param {number} id */
function leave(id) {
  forget(id);
  const others = (state.route.params.compare ?? "").split(",").filter((other) => other !== String(id));
  go({ compare: others.join(","), job: state.route.params.job === String(id) ? null : state.route.params.job ?? null });
}

/** What the model of a run that succeeded is worth; once it stands in the list. @param {number} id */
async function loadScore(id) {
  const run = state.runs[id];
  if (run.score || run.job.state !== "succeeded" || !state.models?.some(({ name }) => name === run.job.model)) return;
  run.score = { name: text.watch.testAccuracy, value: text.none }; // asked once: a version may be gone
  const { accuracy, r2, on } = await api.evaluation(run.job.model, run.job.version).catch(() => ({}));
  const isClass = typeof accuracy === "number";
  if (!on || !state.runs[id]) return;
  state.runs[id].score = { name: text.watch.score(on, isClass), value: isClass ? text.percent(accuracy) : text.figure(r2) };
  set({});
}

/** @param {number} id */
function follow(id) {
  return api.follow(id, {
    epoch(epoch) {
      const run = state.runs[id];
      if (!run || epoch.epoch <= (run.history.at(-1)?.epoch ?? -1)) return;
      run.history.push(epoch);
      run.job.epoch = epoch.epoch;
      run.at = Date.now();
      set({});
    },
    state(now) {
      Object.assign(state.runs[id]?.job ?? {}, now);
      set({});
    },
    async done() {
      followed.delete(id);
      await load(id);
      await changed();
    },
    gone(isClosed) {
      if (isClosed) followed.delete(id);
      lose();
    },
    back: () => set({ isGone: false }),
  });
}

/** @param {object} settings */
export async function train(settings) {
  set({ isStarting: true });
  go({ job: null, compare: null });
  for (const id of Object.keys(state.runs).map(Number)) forget(id);
  show(); // at once: nobody shall take the last run's end for this one's
  try {
    const job = await api.train(settings);
    set({ trainNote: { text: text.train.started(job.id), isBad: false } });
    go({ at: "watch", job: job.id });
    await syncRuns();
    await changed();
  } catch (error) {
    set({ trainNote: { text: explain(error), isBad: true } });
  } finally {
    set({ isStarting: false });
  }
}

/** @param {number} id */
export function watch(id) {
  go({ job: id });
  return syncRuns();
}

/** Lay a run's curves over those of the one that is watched, or take them away. @param {number} id @param {boolean} isWanted */
export function compare(id, isWanted) {
  const others = (state.route.params.compare ?? "").split(",").filter((other) => other && other !== String(id));
  go({ compare: (isWanted ? [...others, id] : others).join(",") });
  return syncRuns();
}

/** Ask the daemon for something, then know everything anew. @param {() => Promise<unknown>} what @param {number} id */
async function ask(what, id) {
  try {
    await what();
    await load(id);
    await changed();
  } catch (error) {
    set({ watchProblem: explain(error) });
  }
}

/** @param {number} id @param {string} title */
export const renameJob = (id, title) => ask(() => api.renameJob(id, title), id);

/** @param {number} id */
export async function removeJob(id) {
  try {
    await api.removeJob(id);
    leave(id);
    await changed();
  } catch (error) {
    set({ watchProblem: explain(error) });
  }
}

/** @param {number} id @param {"pause" | "resume" | "cancel"} what */
export const control = (id, what) => ask(() => api.control(id, what), id);
