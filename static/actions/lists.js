// @ts-check
// The lists of datasets, jobs and models, kept fresh; and whether the daemon answers.
import { Problem, api } from "../api.js";
import { set, state } from "../store.js";
import { choose } from "./data.js";
import { pickDrawModel } from "./draw.js";
import { rest, syncRuns } from "./jobs.js";

const FRESH_MS = 5000; // others (curl, a second tab) change the lists too, and no event tells of it
const GONE_MS = 1000;

/** What an error says; one without an answer shows as the daemon being gone. @param {unknown} error */
export function explain(error) {
  if (!(error instanceof Problem)) throw error;
  if (error.status === 0) lose();
  return error.message;
}

/** The daemon does not answer: ask until it does. */
export function lose() {
  if (!state.isGone) set({ isGone: true });
  schedule(GONE_MS);
}

/** @type {number | undefined} */
let timer;
/** @param {number} ms */
function schedule(ms) {
  clearTimeout(timer);
  timer = setTimeout(refresh, ms);
}

/** Other tabs of this page hear of what this one changed. */
const tabs = new BroadcastChannel("mlpd");
export function changed() {
  tabs.postMessage("changed");
  return refresh();
}

let asked = 0;
let told = 0; // the newest question that was answered: the answer to an older one no longer counts
/** Ask for the three lists; what is unchanged keeps its identity, so that panels do nothing. */
export async function refresh() {
  const turn = ++asked;
  try {
    const [datasets, jobs, models] = await Promise.all([api.datasets(), api.jobs(), api.models()]);
    if (turn < told) return;
    told = turn;
    const wasGone = state.isGone;
    set({ isGone: false, datasets: same(state.datasets, datasets), jobs: same(state.jobs, jobs), models: same(state.models, models) });
    await Promise.all([pickDrawModel(), choose(), syncRuns(wasGone)]);
  } catch (error) {
    explain(error);
  }
  if (!document.hidden) schedule(state.isGone ? GONE_MS : FRESH_MS);
}

/** @template T @param {T} old @param {T} now @returns {T} */
const same = (old, now) => (JSON.stringify(old) === JSON.stringify(now) ? old : now);

/** Nobody looks. */
function pause() {
  clearTimeout(timer);
  rest();
}

export function start() {
  tabs.onmessage = () => refresh();
  document.addEventListener("visibilitychange", () => (document.hidden ? pause() : refresh()));
  return refresh();
}
