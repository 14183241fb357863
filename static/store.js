// @ts-check
// The one state of the page. Panels read it, actions change it with set(); a change is shown once a frame.

/** @typedef {{label: string, probability: number, probabilities: Record<string, number>}} Prediction */
/**
 * @typedef {object} State
 * @property {import("./route.js").Route} route what the address selects
 * @property {import("./api.js").Dataset[] | null} datasets null: not known yet
 * @property {import("./api.js").Job[] | null} jobs newest first; null: not known yet
 * @property {import("./api.js").Model[] | null} models null: not known yet
 * @property {boolean} isGone the daemon does not answer
 * @property {import("./api.js").Dataset | null} profile of the dataset that is shown and trained on
 * @property {{columns: string[], rows: any[][], total: number} | null} rows the first of that dataset
 * @property {{profile: import("./api.js").Dataset, target: string, values: (number | null)[] | null} | null} ties how much each of its columns tells about one; values null: not known yet
 * @property {string} dataProblem
 * @property {Upload | null} upload
 * @property {{text: string, isBad: boolean}} trainNote
 * @property {boolean} isStarting a job is being asked for
 * @property {Record<number, Run>} runs the jobs that are watched or compared, by number
 * @property {string} watchProblem
 * @property {string | null | undefined} drawModel undefined: not known yet; null: there is none
 * @property {{text: string, isBad: boolean}} keptNote of drawings that are kept to train on
 * @property {import("./actions/understand.js").Understood | null} understood the model that is looked at: what it gets right and wrong
 * @property {import("./actions/models.js").Inspected | null} inspected the same model: what it is
 */
/** @typedef {{job: import("./api.js").Job, history: import("./api.js").Epoch[], score: {name: string, value: string} | null, at: number}} Run at: when the job was told */
/**
 * @typedef {{name: string, sent: number, all: number, rows: number, state: "sending" | "reading" | "done" | "failed", text: string,
 *   lines: {row: string, line: string}[], isTaken: boolean}} Upload isTaken: another dataset has the name
 */

/** @type {State} */
export const state = {
  route: { at: "", params: {} },
  datasets: null,
  jobs: null,
  models: null,
  isGone: false,
  profile: null,
  rows: null,
  ties: null,
  dataProblem: "",
  upload: null,
  trainNote: { text: "", isBad: false },
  isStarting: false,
  runs: {},
  watchProblem: "",
  drawModel: undefined,
  keptNote: { text: "", isBad: false },
  understood: null,
  inspected: null,
};

/** @type {((state: State) => void)[]} */
const updates = [];
let isDue = false;

/** Change the state; every panel is shown it at the next frame. @param {Partial<State>} change */
export function set(change) {
  Object.assign(state, change);
  if (!isDue) requestAnimationFrame(show);
  isDue = true;
}

/** Show the state now. */
export function show() {
  isDue = false;
  for (const update of updates) update(state);
}

/** Call update(state) at each change, and once now. @param {(state: State) => void} update */
export function subscribe(update) {
  updates.push(update);
  update(state);
}
