// @ts-check
// What to train, and the start of it. An empty field is left to the daemon.
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
  const find = (/** @type {string} */ hook) => /** @type {any} */ (root.querySelector(hook));
  const field = (/** @type {string} */ name) => find(`[data-field="${name}"]`);
  const button = find("#train");
  const note = find("[data-train-note]");
  /** @type {unknown} */
  let shownDatasets;
  /** @type {unknown} */
  let shownProfile;

  function settings() {
    /** @type {Record<string, unknown>} */
    const wanted = {};
    for (const name of ["dataset", "target", "test", "model"]) if (field(name).value) wanted[name] = field(name).value;
    for (const name of ["epochs", "batch_size", "seed"]) if (field(name).value) wanted[name] = Number(field(name).value);
    const units = field("layers").value.match(/\d+/g);
    if (units) wanted.layers = units.map((/** @type {string} */ n) => ({ units: Number(n), activation: "relu" }));
    return wanted;
  }

  field("dataset").addEventListener("change", () => actions.choose(field("dataset").value));
  find("[data-train-form]").addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    actions.train(settings());
  });

  return function update(/** @type {import("../app.js").State} */ state) {
    if (shownDatasets !== state.datasets && state.datasets) {
      const names = state.datasets.filter((d) => d.state !== "loading").map((d) => d.name);
      setOptions(field("dataset"), names.length ? names.map((n) => [n, n]) : [["", text.noData]]);
      setOptions(field("test"), [["", text.noTest], .../** @type {[string, string][]} */ (names.map((n) => [n, n]))]);
    }
    shownDatasets = state.datasets;
    if (state.profile && shownProfile !== state.profile) {
      field("dataset").value = state.profile.name;
      const names = Array.isArray(state.profile.columns) ? state.profile.columns.map((c) => c.name) : [];
      setOptions(field("target"), [["", text.guessTarget], .../** @type {[string, string][]} */ (names.map((n) => [n, n]))]);
    }
    shownProfile = state.profile;
    button.disabled = !state.datasets?.length || state.isStarting;
    note.textContent = state.trainNote.text;
    note.classList.toggle("bad", state.trainNote.isBad);
  };
}
