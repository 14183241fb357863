// @ts-check
// The state, the actions that change it, and the panels that show it. The run being watched stands in location.hash (#job=3).
import { Problem, api } from "./api.js";
import { mountData } from "./panels/data.js";
import { mountDraw } from "./panels/draw.js";
import { mountTrain } from "./panels/train.js";
import { mountWatch } from "./panels/watch.js";
import { text } from "./text.js";

/** @typedef {{label: string, probability: number, probabilities: Record<string, number>}} Prediction */
/**
 * @typedef {object} State
 * @property {import("./api.js").Dataset[] | null} datasets null: not known yet
 * @property {import("./api.js").Dataset | null} profile of the dataset chosen for training
 * @property {import("./api.js").Job[]} jobs newest first
 * @property {import("./api.js").Job | null} job the one watched
 * @property {import("./api.js").Epoch[]} history of the job watched
 * @property {{name: string, value: string} | null} score of the job watched
 * @property {string} watchNote
 * @property {{sent: number, all: number, end: string | null, isBad: boolean} | null} upload
 * @property {{text: string, isBad: boolean}} trainNote
 * @property {boolean} isStarting
 * @property {string | null | undefined} drawModel undefined: not known yet; null: there is none
 * @property {Prediction | null} prediction
 * @property {number[] | null} picture what the network sees of the drawing, 28×28 bytes
 * @property {string} drawProblem
 * @property {boolean} isGone the daemon does not answer
 */

/** @type {State} */
const state = {
  datasets: null,
  profile: null,
  jobs: [],
  job: null,
  history: [],
  score: null,
  watchNote: "",
  upload: null,
  trainNote: { text: "", isBad: false },
  isStarting: false,
  drawModel: undefined,
  prediction: null,
  picture: null,
  drawProblem: "",
  isGone: false,
};

const panel = (/** @type {string} */ name) => /** @type {HTMLElement} */ (document.querySelector(`[data-panel="${name}"]`));
const banner = /** @type {HTMLElement} */ (document.querySelector("[data-problem]"));
const final = ["succeeded", "failed", "cancelled"];

/** Change the state, then let each panel show it, once a frame. @param {Partial<State>} change */
function set(change) {
  Object.assign(state, change);
  if (!isDue) requestAnimationFrame(show);
  isDue = true;
}
let isDue = false;
function show() {
  isDue = false;
  banner.hidden = !state.isGone;
  banner.textContent = state.isGone ? text.daemonGone : "";
  for (const update of updates) update(state);
}

/** What an error says; one without an answer shows as the daemon being gone. @param {unknown} error */
function explain(error) {
  if (!(error instanceof Problem)) throw error;
  if (error.status === 0) set({ isGone: true });
  return error.message;
}

async function refresh() {
  try {
    const [datasets, jobs, models] = await Promise.all([api.datasets(), api.jobs(), api.models()]);
    set({ datasets, jobs, isGone: false, drawModel: await pickDrawModel(models) });
    const ready = datasets.filter((d) => d.state !== "loading");
    if (!state.profile && ready.length) choose(ready[0].name);
    if (watched === null && !state.isStarting && jobs.length) watch(wantedJob() ?? jobs[0].id);
  } catch (error) {
    explain(error);
  }
}

/** `draw` where it is, else `digits`, else the newest for 28×28 pictures. @param {import("./api.js").Model[]} models */
async function pickDrawModel(models) {
  for (const name of ["draw", "digits"]) if (models.some((model) => model.name === name)) return name;
  const newestFirst = models.filter((m) => m.task === "classification").sort((a, b) => b.created.localeCompare(a.created));
  for (const { name } of newestFirst) if ((await api.model(name)).inputs === 28 * 28) return name;
  return null;
}

/** @param {string} name */
async function choose(name) {
  try {
    set({ profile: await api.dataset(name) });
  } catch (error) {
    set({ trainNote: { text: explain(error), isBad: true } });
  }
}

/** @param {File} file @param {string} name @param {boolean} replace */
async function upload(file, name, replace) {
  const move = (/** @type {number} */ sent, /** @type {number} */ all) => set({ upload: { sent, all, end: null, isBad: false } });
  const end = (/** @type {string} */ words, isBad = false) => set({ upload: { sent: 1, all: 1, end: words, isBad } });
  move(0, file.size);
  try {
    const profile = await api.upload(file, name, replace, move);
    const columns = Array.isArray(profile.columns) ? profile.columns.length : profile.columns;
    end(text.uploaded(profile.name, profile.rows, columns));
    await refresh();
    await choose(profile.name);
  } catch (error) {
    end(explain(error), true);
  }
}

/** @param {object} settings */
async function train(settings) {
  set({ isStarting: true, job: null, history: [], score: null, watchNote: "" });
  unfollow();
  watched = null;
  show(); // at once: nobody shall take the last run's end for this one's
  try {
    const job = await api.train(settings);
    set({ trainNote: { text: text.started(job.id), isBad: false } });
    watch(job.id);
    await refresh();
  } catch (error) {
    set({ trainNote: { text: explain(error), isBad: true } });
  } finally {
    set({ isStarting: false });
  }
}

/** The job that the address names. */
function wantedJob() {
  const match = location.hash.match(/^#job=(\d+)$/);
  return match ? Number(match[1]) : null;
}

/** The score of a job that has ended. @param {import("./api.js").Job} job */
async function showScore(job) {
  if (job.state !== "succeeded") return;
  const { accuracy, r2, on } = await api.evaluation(job.model, job.version);
  const isClass = typeof accuracy === "number";
  const score = { name: text.score(on, isClass), value: isClass ? text.percent(accuracy) : text.figure(r2) };
  if (state.job?.id === job.id) set({ score });
}

let unfollow = () => {};
/** @type {number | null} the run being watched, from the moment it is asked for */
let watched = null;
/** Show this job: what has happened comes as events again from the first, so that a reload finds the chart whole. @param {number} id */
async function watch(id) {
  if (watched === id) return;
  unfollow();
  watched = id;
  history.replaceState(null, "", `#job=${id}`);
  try {
    const job = await api.job(id);
    if (watched !== id) return;
    set({ job, history: job.history ?? [], score: null, watchNote: job.error?.detail ?? job.task_reason });
    if (final.includes(job.state)) await showScore(job);
    else follow(id);
  } catch (error) {
    set({ job: null, watchNote: explain(error) });
    watched = null;
  }
}

/** @param {number} id */
function follow(id) {
  const change = (/** @type {object} */ now) => {
    if (state.job?.id === id) set({ job: { ...state.job, ...now } });
  };
  unfollow = api.follow(id, {
    epoch(epoch) {
      if (state.job?.id !== id || epoch.epoch <= (state.history.at(-1)?.epoch ?? 0)) return;
      set({ history: [...state.history, epoch] });
    },
    state: change,
    async done() {
      try {
        const job = await api.job(id);
        change({ state: job.state, epoch: job.epoch });
        if (job.error) set({ watchNote: job.error.detail ?? "" });
        await showScore(job);
        await refresh();
      } catch (error) {
        set({ watchNote: explain(error) });
      }
    },
    gone: () => set({ isGone: true }),
    back: () => set({ isGone: false }),
  });
}

/** @param {number} id */
async function cancel(id) {
  try {
    await api.cancel(id);
  } catch (error) {
    set({ watchNote: explain(error) });
  }
}

/** @type {number[][][] | undefined} the newest drawing, not yet asked about */
let nextDrawing;
let isAsking = false;
/** One question at a time, always about the newest drawing. @param {number[][][]} strokes */
async function classify(strokes) {
  nextDrawing = strokes;
  if (isAsking) return;
  isAsking = true;
  while (nextDrawing) {
    const drawing = nextDrawing;
    nextDrawing = undefined;
    if (!drawing.length || !state.drawModel) {
      set({ prediction: null, picture: null, drawProblem: "" });
      continue;
    }
    try {
      const { predictions, image } = await api.predictDrawing(state.drawModel, drawing);
      if (nextDrawing?.length !== 0) set({ prediction: predictions[0], picture: image, drawProblem: "" });
    } catch (error) {
      set({ prediction: null, picture: null, drawProblem: explain(error) });
    }
  }
  isAsking = false;
}

const updates = [
  mountDraw(panel("draw"), { classify }),
  mountData(panel("data"), { upload }),
  mountTrain(panel("train"), { choose, train }),
  mountWatch(panel("watch"), { watch, cancel }),
];
addEventListener("hashchange", () => {
  const id = wantedJob();
  if (id) watch(id);
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) refresh();
});
set({});
refresh();
