// @ts-check
// Drawings: which model reads them, what it makes of one, and what is kept to train on.
import { api } from "../api.js";
import { set, state } from "../store.js";
import { text } from "../text.js";
import { train } from "./jobs.js";
import { changed, explain } from "./lists.js";

/**
 * @typedef {{prediction: import("../store.js").Prediction | null, picture: number[] | null, problem: string}} Answer
 *   picture: 28×28 bytes, as the network sees it
 */

export const DRAWINGS = "drawings"; // the dataset of what was corrected
const PIXELS = 28 * 28;

/** `draw` where it is, else `digits`, else the newest for 28×28 pictures. */
export async function pickDrawModel() {
  const models = state.models ?? [];
  for (const name of ["draw", "digits"]) if (models.some((model) => model.name === name)) return set({ drawModel: name });
  const newestFirst = models.filter((m) => m.task === "classification").sort((a, b) => b.created.localeCompare(a.created));
  for (const { name } of newestFirst) if ((await api.model(name)).inputs === PIXELS) return set({ drawModel: name });
  set({ drawModel: null });
}

/** @param {number[][][]} strokes @returns {Promise<Answer>} */
export async function readDrawing(strokes) {
  if (!state.drawModel) return { prediction: null, picture: null, problem: "" };
  try {
    const { predictions, image } = await api.predictDrawing(state.drawModel, strokes);
    return { prediction: predictions[0], picture: image, problem: "" };
  } catch (error) {
    return { prediction: null, picture: null, problem: explain(error) };
  }
}

/** Keep a drawing as a row of its own, under the names of the model's columns. @param {string} label @param {number[]} picture */
export async function keepDrawing(label, picture) {
  try {
    const { recipe } = await api.model(/** @type {string} */ (state.drawModel));
    const row = { [recipe.target.name]: label, ...Object.fromEntries(recipe.columns.map(({ name }, i) => [name, picture[i]])) };
    const isThere = state.datasets?.some((dataset) => dataset.name === DRAWINGS);
    await (isThere ? api.addRow(DRAWINGS, row) : api.createOfRow(DRAWINGS, row, recipe.target.name));
    set({ keptNote: { text: "", isBad: false } });
    await changed();
  } catch (error) {
    set({ keptNote: { text: explain(error), isBad: true } });
  }
}

/** The model that reads drawings, trained on with those that were kept: gently, so that it forgets nothing. */
export async function trainOnDrawings() {
  const model = state.drawModel;
  if (!model) return;
  await train({
    dataset: DRAWINGS,
    model,
    from: model,
    epochs: 5,
    batch_size: 16,
    validation_split: 0,
    optimizer: { name: "adam", learning_rate: 0.0001 },
  });
  set({ keptNote: state.trainNote });
}
