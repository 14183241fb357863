// @ts-check
// What a model gets right and wrong: its evaluation, the rows behind it, its first weights. Which model stands in the address: model=digits,
// which cell of the confusion matrix too: cell=4,9 (label, guess; by their place in the list of classes).
import { api } from "../api.js";
import { sideOf } from "../picture.js";
import { go } from "../route.js";
import { tensorOf } from "../safetensors.js";
import { set, state } from "../store.js";
import { explain } from "./lists.js";

/**
 * @typedef {object} Understood
 * @property {string} name @property {number | undefined} version what was asked for
 * @property {any} model GET /models/{m} @property {any} evaluation the scores @property {number} side of the rows' pictures, 0: they are none
 * @property {string | null} cell the cell whose rows are shown, null: the worst of all
 * @property {Sample[]} samples @property {number} matching how many there are of their kind @property {boolean} isLoading @property {string} problem
 * @property {{shape: number[], values: Float32Array} | null} weights of the first layer, for pictures
 */
/**
 * @typedef {{row: number, label: any, guess: any, probability?: number, loss?: number, values?: Record<string, any>}} Sample
 *   values: the row, by column
 */

const PAGE = 24; // samples at a time
const SCATTER = 1000; // samples of a regression's picture
const WEIGHTS_MAX_BYTES = 32e6; // of a file that is fetched for its first layer

/** The model that is looked at: the address' or the newest. */
export function lookedAt() {
  const named = state.models?.find(({ name }) => name === state.route.params.model);
  if (named) return named;
  return [...(state.models ?? [])].sort((a, b) => b.created.localeCompare(a.created))[0] ?? null;
}

/** @param {Partial<Understood>} change */
const show = (change) => state.understood && set({ understood: { ...state.understood, ...change } });
/** Whether an answer about this model is still wanted. @param {string} name @param {number | undefined} version */
const isLookedAt = (name, version) => state.understood?.name === name && state.understood.version === version;

/** Know what there is to know about the model that is looked at; nothing is asked twice. */
export async function understand() {
  const wanted = lookedAt();
  if (!wanted) return state.understood && set({ understood: null });
  const { name, version } = wanted;
  const now = state.understood;
  const cell = state.route.params.cell ?? null;
  if (now && isLookedAt(name, version)) return now.cell === cell || now.isLoading ? undefined : loadSamples(cell);
  set({
    understood: {
      name,
      version,
      model: null,
      evaluation: null,
      side: 0,
      cell: null,
      samples: [],
      matching: 0,
      isLoading: true,
      problem: "",
      weights: null,
    },
  });
  try {
    const [model, evaluation] = await Promise.all([
      api.model(name),
      api.evaluation(name, version, { limit: wanted.task === "regression" ? SCATTER : 1 }),
    ]);
    if (!isLookedAt(name, version)) return;
    show({ model, evaluation, side: sideOf(model), isLoading: false });
    await loadSamples(cell);
    const weights =
      sideOf(model) && model.bytes <= WEIGHTS_MAX_BYTES ? tensorOf(await api.modelFile(name, version), "layers.0.weight") : null;
    if (isLookedAt(name, version)) show({ weights });
  } catch (error) {
    const problem = explain(error);
    if (isLookedAt(name, version)) show({ isLoading: false, problem });
  }
}

/** The rows of a cell, or the worst of all. @param {string | null} cell @param {number} [offset] after those that are shown */
async function loadSamples(cell, offset = 0) {
  const { name, version, evaluation, samples: shown } = /** @type {Understood} */ (state.understood);
  const labels = evaluation.confusion?.labels;
  const [label, guess] = (cell ?? "").split(",").map((i) => labels?.[Number(i)]);
  show({ cell, isLoading: true, samples: offset ? shown : [] });
  const query = { sort: "worst", offset, limit: PAGE, ...(cell && { label, guess }) };
  const isCurrent = () => isLookedAt(name, version) && state.understood?.cell === cell;
  try {
    const { samples, matching } = await api.evaluation(name, version, query);
    await addValues(evaluation.dataset, samples);
    if (isCurrent()) show({ samples: offset ? [...shown, ...samples] : samples, matching, isLoading: false, problem: "" });
  } catch (error) {
    const problem = explain(error);
    if (isCurrent()) show({ isLoading: false, problem });
  }
}

/** Look the samples' rows up. @param {string | undefined} dataset @param {Sample[]} samples */
async function addValues(dataset, samples) {
  if (!dataset || !samples.length) return;
  const { columns, rows } = await api.rowsAt(
    dataset,
    samples.map(({ row }) => row),
  );
  samples.forEach((sample, i) => {
    sample.values = Object.fromEntries(columns.map((/** @type {string} */ column, /** @type {number} */ c) => [column, rows[i][c]]));
  });
}

/** @param {string | null} cell */
export const showCell = (cell) => go({ cell });
export const moreSamples = () => state.understood && loadSamples(state.understood.cell, state.understood.samples.length);
