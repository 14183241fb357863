// @ts-check
// Drawings: which model reads them, and what it makes of the newest.
import { api } from "../api.js";
import { set, state } from "../store.js";
import { explain } from "./lists.js";

/** `draw` where it is, else `digits`, else the newest for 28×28 pictures. */
export async function pickDrawModel() {
  const models = state.models ?? [];
  for (const name of ["draw", "digits"]) if (models.some((model) => model.name === name)) return set({ drawModel: name });
  const newestFirst = models.filter((m) => m.task === "classification").sort((a, b) => b.created.localeCompare(a.created));
  for (const { name } of newestFirst) if ((await api.model(name)).inputs === 28 * 28) return set({ drawModel: name });
  set({ drawModel: null });
}

/** @type {number[][][] | undefined} the newest drawing, not yet asked about */
let nextDrawing;
let isAsking = false;
/** One question at a time, always about the newest drawing. @param {number[][][]} strokes */
export async function classify(strokes) {
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
