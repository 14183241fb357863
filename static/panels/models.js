// @ts-check
// A model's page: what it is, its versions, the recipe that makes its inputs, and a form that asks it.
import { confirmed, newName } from "../dialog.js";
import { h, keyed, say } from "../dom.js";
import { text } from "../text.js";
import { mountPredict } from "./predict.js";

const RECIPE_ROWS = 40;
const LEVELS = 12; // of a column, named in the recipe

/** @param {string} label of the region that scrolls where it is too wide @param {string[]} names @param {any[]} rows */
function tableOf(label, names, rows) {
  const head = h("tr", {}, ...names.map((name) => h("th", { scope: "col" }, name)));
  const table = h("table", { class: "rows" }, h("thead", {}, head), h("tbody", {}, ...rows));
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label }, table);
}

/** @param {any} model */
function figuresOf({ network, task, target, epochs, parameters, bytes }) {
  const layers = network.layers.map((/** @type {any} */ layer) => `${text.count(layer.units)} ${layer.activation}`);
  const figures = [
    [text.models.target, `${target} (${text.models.task(task)})`],
    [text.models.network, [text.count(network.inputs), ...layers].join(" → ")],
    [text.models.parameters, text.count(parameters)],
    [text.models.loss, network.loss],
    [text.models.epochs, text.count(epochs)],
    [text.models.size, text.bytes(bytes)],
  ];
  return figures.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]);
}

/** @param {any} version of GET /models/{m} */
function scoreOf({ evaluation }) {
  if (!evaluation) return text.none;
  const { accuracy, r2, on } = evaluation;
  return `${typeof accuracy === "number" ? text.percent(accuracy) : `R² ${text.figure(r2)}`} ${text.models.on(on)}`;
}

/** @param {any} value of a column's row of the recipe */
function wordsOf(value) {
  if (Array.isArray(value)) return value.slice(0, LEVELS).join(", ") + (value.length > LEVELS ? " …" : "");
  return text.value(value);
}

/** What a column's row says beside its name and encoding. @param {Record<string, any>} column */
function detailOf({ name, encoding, ...rest }) {
  const told = Object.entries(rest).filter(([, value]) => value !== false && value !== null);
  return told.map(([key, value]) => (value === true ? key : `${key} ${wordsOf(value)}`)).join(" · ");
}

/** @param {any[]} columns */
function recipeTable(columns) {
  const rows = columns
    .slice(0, RECIPE_ROWS)
    .map((column) =>
      h(
        "tr",
        {},
        h("th", { scope: "row" }, column.name),
        h("td", {}, text.models.encoding(column.encoding)),
        h("td", { class: "detail" }, detailOf(column)),
      ),
    );
  const more = columns.length - RECIPE_ROWS;
  if (more > 0) rows.push(h("tr", {}, h("td", { colspan: 3, class: "note" }, text.models.moreColumns(more))));
  return tableOf(text.models.recipe, [text.models.column, text.models.how, text.models.detail], rows);
}

/** @param {any} model @param {any} v one of its versions @param {(version: number | null) => void} promote */
function versionRow({ name, promoted, version: answers, fallback }, v, promote) {
  const served = fallback ? answers : (promoted ?? answers);
  const isServed = v.version === served;
  const words = v.version < served ? text.models.rollBack : text.models.promote;
  let act;
  if (v.damage) act = h("span", { class: "damaged", title: v.damage, "data-damaged": v.version }, text.models.damaged);
  else if (isServed) act = h("span", { class: "served" }, promoted === served ? text.models.promoted : text.models.served);
  else
    act = h("button", { type: "button", "data-promote": v.version, onclick: () => promote(v.version) }, words);
  const path = `models/${encodeURIComponent(name)}/file?version=${v.version}`;
  const file = h("a", { href: path, download: `${name}-${v.version}.safetensors` }, text.models.download);
  const cells = [text.time(v.created), v.partial ? text.models.partial : text.count(v.epochs), scoreOf(v), act, file];
  return h(
    "tr",
    { class: isServed ? "is-served" : "" },
    h("th", { scope: "row" }, text.count(v.version)),
    ...cells.map((cell) => h("td", {}, cell)),
  );
}

/** @param {any} model @param {(version: number | null) => void} promote */
function versionsOf(model, promote) {
  const t = text.models;
  const rows = model.versions.map((/** @type {any} */ version) => versionRow(model, version, promote));
  const table = tableOf(t.versions, [t.version, t.created, t.epochs, t.score, t.answers, t.file], rows);
  if (!model.promoted) return [table];
  return [table, h("button", { type: "button", "data-promote": "", onclick: () => promote(null) }, t.useNewest)];
}

/** A model in the list. @param {any} model @param {(name: string) => void} choose @param {() => string | undefined} chosen */
function entryOf({ name }, choose, chosen) {
  const score = h("span", { class: "note" });
  const button = h("button", { type: "button", class: "model", "data-model": name, onclick: () => choose(name) }, h("b", {}, name), score);
  const update = (/** @type {any} */ now) => {
    say(score, scoreOf(now));
    button.setAttribute("aria-pressed", String(name === chosen()));
  };
  return { element: h("li", {}, button), update };
}

/** @param {HTMLElement} root */
function build(root) {
  const parts = {
    note: h("p", { class: "note", role: "status", "data-model-note": true }),
    list: h("ul", { class: "model-list" }),
    title: h("h3", { "data-model-name": true }),
    rename: h("button", { type: "button", "data-model-rename": true }, text.rename),
    remove: h("button", { type: "button", class: "danger", "data-model-remove": true }, text.models.remove),
    figures: h("dl", { class: "facts" }),
    ask: h("div"),
    versions: h("div", { class: "versions" }),
    recipe: h("div"),
  };
  const page = h(
    "div",
    { class: "model-page", hidden: true },
    h("div", { class: "model-head" }, parts.title, h("div", { class: "buttons" }, parts.rename, parts.remove)),
    parts.figures,
    h("div", { class: "block" }, h("h4", {}, text.models.ask), parts.ask),
    h("div", { class: "block" }, h("h4", {}, text.models.versions), parts.versions),
    h("details", { class: "block" }, h("summary", {}, text.models.recipe), parts.recipe),
  );
  root.append(
    h("div", { class: "head" }, h("h2", { id: "models-title" }, text.models.title)),
    parts.note,
    h("div", { class: "models" }, parts.list, page),
  );
  return { ...parts, page };
}

/**
 * @param {HTMLElement} root
 * @param {{go: (choice: Record<string, any>) => void, inspect: () => void, renameModel: (name: string, to: string) => void,
 *   removeModel: (name: string) => void, promote: (name: string, version: number | null) => void, predictRow: (question: any) => Promise<any>}} actions
 */
export function mountModels(root, actions) {
  const parts = build(root);
  const buildForm = mountPredict(parts.ask, actions.predictRow);
  /** @type {any} the model that the page shows */
  let shown = null;
  /** @type {string | undefined} */
  let chosen;

  parts.rename.addEventListener("click", async () => {
    const { name } = shown;
    const to = await newName(text.models.renameTitle(name), name);
    if (to) actions.renameModel(name, to);
  });
  parts.remove.addEventListener("click", async () => {
    const { name } = shown;
    if (await confirmed(text.models.removeTitle(name), text.models.removeWords, text.models.remove)) actions.removeModel(name);
  });

  /** @param {any} model */
  function showModel(model) {
    const isOther = shown?.name !== model.name || shown?.version !== model.version || shown?.promoted !== model.promoted;
    shown = model;
    say(parts.title, model.name);
    parts.figures.replaceChildren(...figuresOf(model));
    parts.versions.replaceChildren(...versionsOf(model, (version) => actions.promote(model.name, version)));
    parts.recipe.replaceChildren(recipeTable(model.recipe.columns));
    if (isOther) buildForm(model);
  }

  return function update(/** @type {import("../store.js").State} */ state) {
    actions.inspect();
    const { inspected, models } = state;
    chosen = inspected?.name;
    const choose = (/** @type {string} */ name) => actions.go({ model: name, cell: null });
    keyed(
      parts.list,
      models ?? [],
      ({ name }) => name,
      (model) => entryOf(model, choose, () => chosen),
    );
    say(parts.note, inspected?.note || (models && !models.length ? text.models.none : ""));
    parts.note.classList.toggle("bad", inspected?.isBad ?? false);
    parts.page.hidden = !inspected?.model;
    if (inspected?.model && inspected.model !== shown) showModel(inspected.model);
  };
}
