// @ts-check
// One model: what is known of it, its versions, its name, and what it makes of a row that somebody types.
import { api } from "../api.js";
import { go } from "../route.js";
import { set, state } from "../store.js";
import { changed, explain } from "./lists.js";
import { lookedAt } from "./understand.js";

/**
 * @typedef {{entry: unknown, name: string, model: any, note: string, isBad: boolean}} Inspected
 *   entry: of the list, to see when it changes; model: GET /models/{m}, null while it is on its way
 */

/** @param {Partial<Inspected>} change */
const show = (change) => state.inspected && set({ inspected: { ...state.inspected, ...change } });

/** Know the model that is looked at; asked again only when the list says something new of it. */
export async function inspect() {
  const entry = lookedAt();
  if (!entry) return state.inspected && set({ inspected: null });
  if (state.inspected?.entry === entry) return;
  const old = state.inspected?.name === entry.name ? state.inspected : null;
  set({ inspected: { entry, name: entry.name, model: old?.model ?? null, note: "", isBad: false } });
  try {
    const model = await api.model(entry.name);
    if (state.inspected?.entry === entry) show({ model });
  } catch (error) {
    const note = explain(error);
    if (state.inspected?.entry === entry) show({ note, isBad: true });
  }
}

/** @param {() => Promise<unknown>} act @returns {Promise<boolean>} whether it was done */
async function change(act) {
  try {
    await act();
    await changed();
    return true;
  } catch (error) {
    show({ note: explain(error), isBad: true });
    return false;
  }
}

/** @param {string} name @param {string} to */
export async function renameModel(name, to) {
  if (name !== to && (await change(() => api.changeModel(name, { name: to })))) go({ model: to });
}
/** @param {string} name @param {number | null} version null: always the newest */
export const promote = (name, version) => change(() => api.changeModel(name, { promoted: version }));
/** @param {string} name */
export async function removeModel(name) {
  if (await change(() => api.removeModel(name))) go({ model: null });
}

/** @param {{name: string, row: Record<string, string | number | null>}} question @returns {Promise<{prediction: any, problem: string}>} */
export async function predictRow({ name, row }) {
  try {
    const { predictions } = await api.predictRows(name, [row]);
    return { prediction: predictions[0], problem: "" };
  } catch (error) {
    return { prediction: null, problem: explain(error) };
  }
}
