// @ts-check
// A model's page: what it is, its versions, the recipe that makes its inputs, and a form that asks it.
import { h, keyed, say } from "../dom.js";
import { text } from "../text.js";
import { mountPredict } from "./predict.js";

const RECIPE_ROWS = 40;

/** @param {any} model */
function figuresOf(model) {
  const { network, task, target, epochs, parameters, bytes } = model;
  const layers = [text.count(network.inputs), ...network.layers.map((/** @type {any} */ layer) => `${text.count(layer.units)} ${layer.activation}`)].join(" → ");
  const figures = [[text.models.target, `${target} (${text.models.task(task)})`], [text.models.network, layers],
    [text.models.parameters, text.count(parameters)], [text.models.loss, network.loss], [text.models.epochs, text.count(epochs)], [text.models.size, text.bytes(bytes)]];
  return figures.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]);
}

/** @param {any} version of GET /models/{m} */
function scoreOf({ evaluation }) {
  if (!evaluation) return text.none;
  const { accuracy, r2, on } = evaluation;
  return `${typeof accuracy === "number" ? text.percent(accuracy) : `R² ${text.figure(r2)}`} ${text.models.on(on)}`;
}

/** What a column's row of the recipe says beside its name and encoding. @param {Record<string, any>} column */
function detailOf({ name, encoding, ...rest }) {
  const words = (/** @type {any} */ value) => (typeof value === "number" ? text.figure(value) : Array.isArray(value) ? value.slice(0, 12).join(", ") + (value.length > 12 ? " …" : "") : String(value));
  return Object.entries(rest).filter(([, value]) => value !== false && value !== null).map(([key, value]) => (value === true ? key : `${key} ${words(value)}`)).join(" · ");
}

/** @param {any[]} columns */
function recipeTable(columns) {
  const rows = columns.slice(0, RECIPE_ROWS).map((column) =>
    h("tr", {}, h("th", { scope: "row" }, column.name), h("td", {}, text.models.encoding(column.encoding)), h("td", { class: "detail" }, detailOf(column))));
  if (columns.length > RECIPE_ROWS) rows.push(h("tr", {}, h("td", { colspan: 3, class: "note" }, text.models.moreColumns(columns.length - RECIPE_ROWS))));
  const names = [text.models.column, text.models.how, text.models.detail];
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": text.models.recipe },
    h("table", { class: "rows" }, h("thead", {}, h("tr", {}, ...names.map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, ...rows)));
}

/** @param {any} model @param {(name: string, version: number | null) => void} promote */
function versionTable({ name, versions, promoted, version: newest }, promote) {
  const served = promoted ?? newest;
  const rows = versions.map((/** @type {any} */ v) => {
    const isServed = v.version === served;
    const act = isServed
      ? h("span", { class: "served" }, promoted ? text.models.promoted : text.models.served)
      : h("button", { type: "button", "data-promote": v.version, onclick: () => promote(name, v.version) }, v.version < served ? text.models.rollBack : text.models.promote);
    const file = h("a", { href: `models/${encodeURIComponent(name)}/file?version=${v.version}`, download: `${name}-${v.version}.safetensors` }, text.models.download);
    return h("tr", { class: isServed ? "chosen" : "" }, h("th", { scope: "row" }, text.count(v.version)), h("td", {}, text.time(v.created)),
      h("td", {}, v.partial ? text.models.partial : text.count(v.epochs)), h("td", {}, scoreOf(v)), h("td", {}, act), h("td", {}, file));
  });
  const names = [text.models.version, text.models.created, text.models.epochs, text.models.score, text.models.answers, text.models.file];
  const unpin = promoted && h("button", { type: "button", "data-promote": "", onclick: () => promote(name, null) }, text.models.useNewest);
  return [h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": text.models.versions },
    h("table", { class: "rows" }, h("thead", {}, h("tr", {}, ...names.map((column) => h("th", { scope: "col" }, column)))), h("tbody", {}, ...rows))), unpin];
}

/**
 * @param {HTMLElement} root
 * @param {{go: (choice: Record<string, any>) => void, inspect: () => void, renameModel: (name: string, to: string) => void, removeModel: (name: string) => void,
 *   promote: (name: string, version: number | null) => void, predictRow: (question: any) => Promise<any>}} actions
 */
export function mountModels(root, actions) {
  const list = h("ul", { class: "model-list" });
  const title = h("h3", { "data-model-name": true });
  const figures = h("dl", { class: "facts" });
  const name = h("input", { "data-model-rename": true, pattern: "[A-Za-z0-9][A-Za-z0-9._\\-]{0,63}", required: true, autocomplete: "off", "aria-label": text.models.newName });
  const rename = h("form", { class: "rename", onsubmit: (/** @type {Event} */ event) => (event.preventDefault(), actions.renameModel(shown.name, name.value)) },
    name, h("button", { type: "submit", class: "plain" }, text.models.rename));
  const remove = h("button", { type: "button", class: "danger", "data-model-remove": true, onclick: () => confirm(text.models.sure(shown.name)) && actions.removeModel(shown.name) }, text.models.remove);
  const note = h("p", { class: "note", role: "status", "data-model-note": true });
  const versions = h("div");
  const recipe = h("div");
  const ask = h("div");
  const page = h("div", { class: "model-page", hidden: true },
    h("div", { class: "model-head" }, title, h("div", { class: "model-acts" }, rename, remove)), figures,
    h("div", { class: "block" }, h("h4", {}, text.models.ask), ask),
    h("div", { class: "block" }, h("h4", {}, text.models.versions), versions),
    h("details", { class: "block" }, h("summary", {}, text.models.recipe), recipe));
  root.append(h("div", { class: "head" }, h("h2", { id: "models-title" }, text.models.title), note), h("div", { class: "models" }, list, page));
  root.setAttribute("aria-labelledby", "models-title");
  const build = mountPredict(ask, actions.predictRow);
  /** @type {any} the model that the page shows */
  let shown = null;

  /** @param {any} model */
  function showModel(model) {
    const isOther = shown?.name !== model.name || shown?.version !== model.version || shown?.promoted !== model.promoted;
    shown = model;
    say(title, model.name);
    name.value = model.name;
    figures.replaceChildren(...figuresOf(model));
    versions.replaceChildren(...versionTable(model, actions.promote).filter(Boolean));
    recipe.replaceChildren(recipeTable(model.recipe.columns));
    if (isOther) build(model);
  }

  return function update(/** @type {import("../store.js").State} */ state) {
    actions.inspect();
    const { inspected, models } = state;
    keyed(list, models ?? [], (model) => model.name, (model) => {
      const score = h("span", { class: "note" });
      const link = h("button", { type: "button", class: "model", "data-model": model.name, onclick: () => actions.go({ model: model.name, cell: null }) }, h("b", {}, model.name), score);
      return { element: h("li", {}, link), update: (now) => {
        say(score, scoreOf(now));
        link.setAttribute("aria-pressed", String(now.name === inspected?.name));
      } };
    });
    say(note, inspected?.note || (models && !models.length ? text.models.none : ""));
    note.classList.toggle("bad", inspected?.isBad ?? false);
    page.hidden = !inspected?.model;
    if (inspected?.model && inspected.model !== shown) showModel(inspected.model);
  };
}
