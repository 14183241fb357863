// @ts-check
// A form made from a model's recipe: numbers, choices, dates; what is typed is predicted at once.
import { h, say } from "../dom.js";
import { askNewest } from "../newest.js";
import { text } from "../text.js";

const COLUMNS_MAX = 60; // more is no form

/** @typedef {{name: string, encoding: string, levels?: string[], mean?: number, impute?: any, [more: string]: any}} Column of a recipe */

/** A first value: what stands for a missing one, else the mean, to a few digits. @param {Column} column */
function firstOf({ impute, mean }) {
  const value = typeof impute === "number" ? impute : mean;
  return typeof value === "number" ? String(Number(value.toPrecision(4))) : "";
}

/** The control of a column, and how what it holds goes to the daemon; empty: missing. @param {Column} column */
function fieldOf(column) {
  const isDate = column.encoding.includes("date");
  if (column.levels) {
    const options = column.levels.map((level) => h("option", { value: level }, level));
    const select = h("select", { name: column.name }, ...options, h("option", { value: "" }, text.models.missing));
    return { control: select, read: () => select.value || null };
  }
  if (isDate || column.encoding.includes("text")) {
    const input = h("input", { name: column.name, type: isDate ? "date" : "text", autocomplete: "off" });
    return { control: input, read: () => input.value || null };
  }
  const input = h("input", {
    name: column.name,
    type: "number",
    step: "any",
    value: firstOf(column),
    placeholder: text.models.missing,
    autocomplete: "off",
  });
  return { control: input, read: () => (input.value === "" ? null : Number(input.value)) };
}

/** @param {Record<string, number>} probabilities the likeliest first */
function barsOf(probabilities) {
  const order = Object.entries(probabilities)
    .sort((a, b) => b[1] - a[1])
    .slice(0, 10);
  return h(
    "ol",
    { class: "hbars" },
    ...order.map(([label, probability]) => {
      const item = h(
        "li",
        {},
        h("span", { class: "name" }, label),
        h("span", { class: "track" }, h("span", { class: "fill" })),
        h("span", { class: "share" }, text.draw.share(probability)),
      );
      item.style.setProperty("--share", String(probability));
      return item;
    }),
  );
}

/**
 * @param {HTMLElement} root
 * @param {(question: {name: string, row: Record<string, string | number | null>}) => Promise<{prediction: any, problem: string}>} predictRow
 * @returns {(model: any) => void} build the form of this model, of GET /models/{m}
 */
export function mountPredict(root, predictRow) {
  const fields = h("form", {
    class: "fields",
    "data-predict-form": true,
    onsubmit: (/** @type {Event} */ event) => event.preventDefault(),
  });
  const output = h("output", { class: "prediction", "data-prediction": true });
  const detail = h("div");
  const note = h("p", { class: "note", role: "status" });
  root.append(fields, h("div", { class: "predicted" }, output, detail), note);
  /** @type {() => void} */
  let ask = () => {};
  fields.addEventListener("input", () => ask());

  const want = askNewest(predictRow, ({ prediction, problem }) => {
    const isClass = prediction?.probabilities !== undefined;
    say(output, prediction ? text.value(isClass ? prediction.label : prediction.value) : "");
    detail.replaceChildren(...(isClass ? [barsOf(prediction.probabilities)] : []));
    say(note, problem);
    note.classList.toggle("bad", problem !== "");
  });

  return function build(model) {
    const columns = /** @type {Column[]} */ (model.recipe.columns);
    const isForm = columns.length <= COLUMNS_MAX;
    const made = isForm ? columns.map((column) => ({ name: column.name, ...fieldOf(column) })) : [];
    want(null);
    fields.replaceChildren(...made.map(({ name, control }) => h("label", {}, h("span", {}, name), control)));
    output.value = "";
    detail.replaceChildren();
    note.classList.remove("bad");
    say(note, isForm ? "" : text.models.tooManyColumns(columns.length));
    ask = () => want({ name: model.name, row: Object.fromEntries(made.map(({ name, read }) => [name, read()])) });
    if (isForm) ask();
  };
}
