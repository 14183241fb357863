// @ts-check
// Jobs: start, watch, compare, pause, resume, cancel. What is watched stands in the address: job=3, compare=1,2.
import { api } from "../api.js";
import { go } from "../route.js";
import { set, show, state } from "../store.js";
import { text } from "../text.js";
import { changed, explain, lose } from "./lists.js";

export const isFinal = (/** @type {{state: string}} */ job) => ["succeeded", "failed", "cancelled"].includes(job.state);

/** @type {Map<number, () => void>} how to stop following each job that is followed */
const followed = new Map();

/** The job that is watched, and those beside it. */
export function wantedRuns() {
  const { job, compare } = state.route.params;
  const ids = [job, ...(compare ?? "").split(",")].map(Number).filter((id) => Number.isInteger(id) && id > 0);
  return [...new Set(ids)];
}

/** Know the runs that the address names, follow those that go on; with none named, the newest. @param {boolean} [again] ask anew: the daemon was gone */
export async function syncRuns(again = false) {
  if (!state.route.params.job && !state.isStarting && state.jobs?.length) go({ job: state.jobs[0].id });
  const wanted = wantedRuns();
  for (const id of Object.keys(state.runs).map(Number)) if (!wanted.includes(id)) forget(id);
  await Promise.all(wanted.map((id) => (again || !state.runs[id] ? load(id) : undefined)));
}

/** @param {number} id */
function forget(id) {
  followed.get(id)?.();
  followed.delete(id);
  delete state.runs[id];
  set({});
}

/** @param {number} id */
async function load(id) {
  followed.get(id)?.();
  followed.delete(id);
  try {
    const job = await api.job(id);
    if (!wantedRuns().includes(id)) return;
    state.runs[id] = { job, history: job.history ?? [], score: state.runs[id]?.score ?? null, at: Date.now() };
    set({ watchProblem: "" });
    if (isFinal(job)) await loadScore(id);
    else followed.set(id, follow(id));
  } catch (error) {
    set({ watchProblem: explain(error) });
  }
}

/** @param {number} id */
async function loadScore(id) {
  const { job } = state.runs[id];
  if (job.state !== "succeeded") return;
  const { accuracy, r2, on } = await api.evaluation(job.model, job.version);
  const isClass = typeof accuracy === "number";
  if (!state.runs[id]) return;
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
    gone: lose,
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

/** @param {number} id @param {"pause" | "resume" | "cancel"} what */
export async function control(id, what) {
  try {
    await api.control(id, what);
  } catch (error) {
    set({ watchProblem: explain(error) });
  }
}
