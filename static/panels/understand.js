// @ts-check
// What a model gets right and wrong, and why: confusion, worst mistakes, scores by class, what the columns are worth, its first weights.
import { h, say } from "../dom.js";
import { signedPicture } from "../picture.js";
import { text } from "../text.js";
import { mountConfusion } from "./confusion.js";
import { mountGallery } from "./gallery.js";
import { classTable, importanceList, importanceOf } from "./scores.js";
import { scatterOf } from "./scatter.js";

/** @typedef {import("../actions/understand.js").Understood} Understood */

const UNITS = 64; // of the first layer, shown

/**
 * A heading over what show() fills; hidden while it has nothing.
 * @param {HTMLElement} root @param {string} name @param {string} title @param {string} [note]
 */
function mountBlock(root, name, title, note) {
  const body = h("div");
  const block = h(
    "div",
    { class: `block block-${name}`, "data-block": name, hidden: true },
    h("h3", {}, title),
    note && h("p", { class: "note" }, note),
    body,
  );
  root.append(block);
  return { block, body };
}

/** @param {Understood} u */
function summaryOf({ evaluation, model }) {
  const on = text.understand.on(evaluation.rows, evaluation.on);
  if (model.task === "classification") return text.understand.right(evaluation.accuracy, evaluation.loss, on);
  return text.understand.close(evaluation.rmse, evaluation.mae, evaluation.r2, on);
}

/** The most important columns first, so that a table shows those. @param {Understood} u @returns {string[]} */
function columnsOf({ model, evaluation, side }) {
  const names = model.recipe.columns.map((/** @type {any} */ column) => column.name);
  if (side || !evaluation.importance?.length) return names; // nobody waited for it, or the columns are too many
  return evaluation.importance.map((/** @type {any} */ one) => one.column).filter((/** @type {string} */ name) => names.includes(name));
}

/** Over the rows. @param {Understood} u @param {string} [label] @param {string} [guess] of the cell that is chosen */
function titleOf({ cell, evaluation }, label = "", guess = "") {
  if (cell) return text.understand.cellTitle(label, guess);
  return evaluation.accuracy === 1 ? text.understand.noMistakes : text.understand.worst;
}

/** @param {Understood} u weights (inputs, units) */
function weightPictures({ weights, side }) {
  const {
    shape: [n_inputs, n_units],
    values,
  } = /** @type {NonNullable<Understood["weights"]>} */ (weights);
  const pictures = Array.from({ length: Math.min(UNITS, n_units) }, (_, unit) =>
    signedPicture(
      Float32Array.from({ length: n_inputs }, (_, i) => values[i * n_units + unit]),
      side,
      text.understand.unit(unit + 1),
    ),
  );
  return h("div", { class: "weights" }, ...pictures);
}

/**
 * @param {HTMLElement} root
 * @param {{go: (choice: Record<string, any>) => void, understand: () => void, showCell: (cell: string | null) => void,
 *   moreSamples: () => void}} actions
 */
export function mountUnderstand(root, actions) {
  const select = h("select", { "data-understand-model": true, onchange: () => actions.go({ model: select.value, cell: null }) });
  const summary = h("p", { class: "summary", "data-summary": true });
  const note = h("p", { class: "note", role: "status", "data-understand-note": true });
  const blocks = h("div", { class: "blocks" });
  root.append(
    h(
      "div",
      { class: "head" },
      h("h2", { id: "understand-title" }, text.understand.title),
      h("label", {}, text.understand.model, " ", select),
    ),
    summary,
    note,
    blocks,
  );
  root.setAttribute("aria-labelledby", "understand-title");

  const [figures, rows] = [h("div", { class: "findings" }), h("div", { class: "findings" })];
  blocks.append(figures, rows);
  const confusion = mountBlock(figures, "confusion", text.understand.confusion, text.understand.confusionNote);
  const scatter = mountBlock(figures, "scattered", text.understand.scatterTitle);
  const samples = mountBlock(rows, "samples", text.understand.worst);
  const classes = mountBlock(figures, "classes", text.understand.classes);
  const importance = mountBlock(figures, "importance", text.understand.importance, text.understand.importanceNote);
  const weights = mountBlock(blocks, "layer", text.understand.weights, text.understand.weightsNote);
  const showConfusion = mountConfusion(confusion.body, actions.showCell);
  const gallery = h("div");
  const more = h("button", { type: "button", "data-more": true, onclick: actions.moreSamples }, text.understand.more);
  const all = h("button", { type: "button", "data-all": true, onclick: () => actions.showCell(null) }, text.understand.allMistakes);
  samples.body.append(gallery, h("p", { class: "buttons" }, more, all));
  const showSamples = mountGallery(gallery);

  /** @param {Understood} u */
  function showScores(u) {
    const { evaluation, side } = u;
    const isClass = Boolean(evaluation.confusion);
    const columns = columnsOf(u);
    scatter.body.replaceChildren(...(isClass ? [] : [scatterOf(evaluation.samples)]));
    classes.body.replaceChildren(...(isClass ? [classTable(evaluation.classes)] : []));
    importance.body.replaceChildren(
      ...(evaluation.importance?.length
        ? [
            side
              ? h(
                  "div",
                  { class: "weights" },
                  signedPicture(importanceOf(evaluation.importance, columns), side, text.understand.importance),
                )
              : importanceList(evaluation.importance, isClass),
          ]
        : []),
    );
  }

  /** @param {Understood} u */
  function showAll(u) {
    const { evaluation, cell } = u;
    const labels = evaluation.confusion?.labels;
    const [label, guess] = (cell ?? "").split(",").map((i) => labels?.[Number(i)]);
    say(summary, summaryOf(u));
    if (labels) showConfusion(evaluation.confusion, cell);
    if (u.evaluation !== shown?.evaluation) showScores(u);
    say(/** @type {Element} */ (samples.block.querySelector("h3")), titleOf(u, label, guess));
    showSamples(u.samples, columnsOf(u), u.side);
    more.hidden = u.samples.length >= u.matching;
    all.hidden = cell === null;
    if (u.weights !== shown?.weights) weights.body.replaceChildren(...(u.weights ? [weightPictures(u)] : []));
    confusion.block.hidden = !labels;
    samples.block.hidden = false;
    for (const { block, body } of [scatter, classes, importance, weights]) block.hidden = !body.firstChild;
  }

  /** @type {Understood | null} */
  let shown = null;
  /** @type {unknown} */
  let models;
  return function update(/** @type {import("../store.js").State} */ state) {
    actions.understand();
    const u = state.understood;
    if (models !== state.models) select.replaceChildren(...(state.models ?? []).map(({ name }) => h("option", { value: name }, name)));
    models = state.models;
    if (u) select.value = u.name;
    select.disabled = !state.models?.length;
    blocks.hidden = summary.hidden = !u?.evaluation;
    say(note, u ? u.problem || (u.isLoading && !u.evaluation ? text.understand.loading : "") : text.understand.noModel);
    note.classList.toggle("bad", Boolean(u?.problem));
    if (u?.evaluation && u !== shown) showAll(u);
    shown = u?.evaluation ? u : null;
  };
}
