// @ts-check
// What to train, and the start of it. An empty field is left to the daemon.
import { h, say } from "../dom.js";
import { text } from "../text.js";

/** Give a select these options, keeping what is chosen where it still exists. @param {HTMLSelectElement} select @param {[string, string][]} options */
function setOptions(select, options) {
  const chosen = select.value;
  select.replaceChildren(...options.map(([value, label]) => new Option(label, value)));
  if (options.some(([value]) => value === chosen)) select.value = chosen;
}

/**
 * @param {HTMLElement} root
 * @param {{choose: (dataset: string) => void, train: (settings: object) => void}} actions
 */
export function mountTrain(root, actions) {
  /** @type {Record<string, any>} */
  const field = {};
  const button = h("button", { type: "submit", id: "train", class: "primary" }, text.train.start);
  const note = h("p", { class: "note", role: "status", "data-train-note": true });
  const make = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string} */ tag, props = {}) => {
    field[name] = h(tag, { "data-field": name, ...props });
    return h("label", {}, label, field[name]);
  };
  const number = { type: "number", min: "1", step: "1" };
  const form = h(
    "form",
    { class: "fields" },
    make("dataset", text.train.dataset, "select"),
    make("target", text.train.target, "select"),
    make("test", text.train.test, "select"),
    make("model", text.train.model, "input", { autocomplete: "off" }),
    make("layers", text.train.layers, "input", { autocomplete: "off" }),
    make("epochs", text.train.epochs, "input", number),
    make("batch_size", text.train.batch, "input", number),
    make("seed", text.train.seed, "input", { ...number, min: "0" }),
    button,
    note,
  );
  root.append(h("h2", { id: "train-title" }, text.train.title), form);
  /** @type {unknown} */
  let shownDatasets;
  /** @type {unknown} */
  let shownProfile;

  function settings() {
    /** @type {Record<string, unknown>} */
    const wanted = {};
    for (const name of ["dataset", "target", "test", "model"]) if (field[name].value) wanted[name] = field[name].value;
    for (const name of ["epochs", "batch_size", "seed"]) if (field[name].value) wanted[name] = Number(field[name].value);
    const units = field.layers.value.match(/\d+/g);
    if (units) wanted.layers = units.map((/** @type {string} */ n) => ({ units: Number(n), activation: "relu" }));
    return wanted;
  }

  field.dataset.addEventListener("change", () => actions.choose(field.dataset.value));
  form.addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    actions.train(settings());
  });

  return function update(/** @type {import("../store.js").State} */ state) {
    if (shownDatasets !== state.datasets && state.datasets) {
      const names = state.datasets.filter((d) => d.state !== "loading").map((d) => d.name);
      setOptions(field.dataset, names.length ? names.map((n) => [n, n]) : [["", text.train.noData]]);
      setOptions(field.test, [["", text.train.noTest], .../** @type {[string, string][]} */ (names.map((n) => [n, n]))]);
    }
    shownDatasets = state.datasets;
    if (state.profile && shownProfile !== state.profile) {
      field.dataset.value = state.profile.name;
      const names = state.profile.columns.map((/** @type {any} */ c) => c.name);
      setOptions(field.target, [["", text.train.guessTarget], .../** @type {[string, string][]} */ (names.map((/** @type {string} */ n) => [n, n]))]);
    }
    shownProfile = state.profile;
    button.disabled = !state.datasets?.length || state.isStarting || ["sending", "reading"].includes(state.upload?.state ?? "");
    say(note, state.trainNote.text);
    note.classList.toggle("bad", state.trainNote.isBad);
  };
}
