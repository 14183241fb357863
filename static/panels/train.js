// @ts-check
// What to train, and the start of it; beside it the same as a curl command. What is left empty is left to the daemon.
import { h, say } from "../dom.js";
import { guessTarget, guessTask, guessTest } from "../guess.js";
import { text } from "../text.js";
import { mountNetwork } from "./network.js";
import { mountFields } from "./train-fields.js";

const SHARE = "share:"; // before a share of the rows that is held out, in the select of test data

/** @param {HTMLSelectElement} select @param {[string, string][]} options @param {string} chosen */
function setOptions(select, options, chosen) {
  select.replaceChildren(...options.map(([value, label]) => new Option(label, value)));
  select.value = options.some(([value]) => value === chosen) ? chosen : options[0][0];
}

/** For a POSIX shell. @param {string} words */
const quoted = (words) => `'${words.replaceAll("'", "'\\''")}'`;

/** A member a line, and an item a line. @param {Record<string, unknown>} settings */
function pretty(settings) {
  const words = (/** @type {unknown} */ value) => (Array.isArray(value) ? `[\n${value.map((item) => `    ${JSON.stringify(item)}`).join(",\n")}]` : JSON.stringify(value));
  const members = Object.entries(settings).map(([name, value]) => `  ${JSON.stringify(name)}: ${words(value)}`);
  return `{\n${members.join(",\n")}\n}`;
}

/** @param {HTMLElement} root @param {import("../app.js").Actions} actions */
export function mountTrain(root, actions) {
  /** @type {Record<string, any>} */
  const field = {};
  const make = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string} */ tag, props = {}) => {
    field[name] = h(tag, { "data-field": name, oninput: showRequest, ...props });
    return h("label", { class: "field" }, label, field[name]);
  };
  const network = mountNetwork(showRequest);
  const more = mountFields(showRequest);
  const targets = h("datalist", { id: "targets" });
  const hint = h("p", { class: "note" });
  const button = h("button", { type: "submit", id: "train", class: "primary large" }, text.train.start);
  const note = h("p", { class: "note", role: "status", "data-train-note": true });
  const command = h("code", {});
  const copy = h("button", { type: "button", class: "quiet" }, text.copy);
  const request = h(
    "div",
    { class: "request", role: "group", "aria-label": text.train.request },
    h("div", { class: "spread" }, h("h3", {}, text.train.request), copy),
    h("pre", { class: "scroll", tabIndex: 0, "data-curl": true }, command),
    button,
    note,
  );
  const form = h(
    "form",
    { class: "train" },
    h(
      "div",
      { class: "stack loose" },
      h(
        "div",
        { class: "stack" },
        h(
          "div",
          { class: "fields" },
          make("dataset", text.train.dataset, "select"),
          make("target", text.train.target, "input", { list: "targets", autocomplete: "off" }),
          make("test", text.train.test, "select"),
          make("model", text.train.model, "input", { autocomplete: "off", pattern: "[A-Za-z0-9][A-Za-z0-9._\\-]{0,63}" }),
          make("epochs", text.train.epochs, "input", { type: "number", min: 1, max: 100000, step: 1, placeholder: text.train.auto }),
        ),
        targets,
        hint,
      ),
      network.element,
      more.element,
    ),
    request,
  );
  root.append(h("div", { class: "head" }, h("h2", { id: "train-title" }, text.train.title), h("p", { class: "note" }, text.train.lead)), form);

  /** @type {import("../api.js").Dataset | null} */
  let profile = null;
  /** The body of POST /train. */
  function settings() {
    /** @type {Record<string, any>} */
    const wanted = { dataset: field.dataset.value };
    for (const name of ["target", "model"]) if (field[name].value) wanted[name] = field[name].value;
    if (field.test.value.startsWith(SHARE)) wanted.test_split = Number(field.test.value.slice(SHARE.length));
    else if (field.test.value) wanted.test = field.test.value;
    const layers = network.read();
    if (layers) wanted.layers = layers;
    if (field.epochs.value) wanted.epochs = Number(field.epochs.value);
    more.read(wanted);
    return wanted;
  }
  function showRequest() {
    if (!profile) return say(command, `curl ${location.origin}/train -d ${quoted(pretty({ dataset: "…" }))}`);
    const target = field.target.value || guessTarget(profile);
    const { isClass, classes } = guessTask(profile, target);
    const isKnown = profile.columns.some((/** @type {any} */ c) => c.name === target);
    field.target.setCustomValidity(isKnown ? "" : text.train.noSuchColumn(target));
    network.setEnds({ inputs: profile.columns.length - 1, outputs: classes, isClass });
    say(hint, isKnown ? text.train.hint(target, isClass, classes, !field.target.value) : text.train.noSuchColumn(target));
    say(command, `curl ${location.origin}/train -d ${quoted(pretty(settings()))}`);
  }

  field.dataset.addEventListener("change", () => actions.choose(field.dataset.value));
  form.addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    actions.train(settings());
  });
  copy.addEventListener("click", async () => {
    await navigator.clipboard?.writeText(command.textContent).then(() => say(copy, text.copied), () => getSelection()?.selectAllChildren(command));
    setTimeout(() => say(copy, text.copy), 2000);
  });
  network.show();

  /** @type {unknown} */
  let shownDatasets;
  return function update(/** @type {import("../store.js").State} */ state) {
    const names = (state.datasets ?? []).filter((d) => d.state === "ready").map((d) => d.name);
    if (state.datasets && (shownDatasets !== state.datasets || profile !== state.profile)) {
      setOptions(field.dataset, names.length ? names.map((n) => [n, n]) : [["", text.train.noData]], state.profile?.name ?? "");
      const isOther = profile?.name !== state.profile?.name;
      const test = isOther && state.profile ? guessTest(state.profile.name, names) : field.test.value;
      setOptions(field.test, [["", text.train.noTest], [`${SHARE}0.2`, text.train.holdOut], .../** @type {[string, string][]} */ (names.filter((n) => n !== state.profile?.name).map((n) => [n, n]))], test);
      shownDatasets = state.datasets;
      if (profile !== state.profile) {
        profile = state.profile;
        if (isOther) field.target.value = "";
        const columns = profile?.columns ?? [];
        targets.replaceChildren(...columns.slice(0, 1000).map((/** @type {any} */ c) => new Option(c.name)));
        field.target.placeholder = profile ? text.train.guessed(guessTarget(profile)) : "";
        field.model.placeholder = profile?.name ?? "";
      }
      showRequest();
    }
    const isSending = state.upload?.state === "sending" || state.upload?.state === "reading";
    button.disabled = !names.length || state.isStarting || isSending || !profile;
    say(note, state.trainNote.text || (state.datasets && !names.length ? text.train.noDataHint : ""));
    note.classList.toggle("bad", state.trainNote.isBad);
  };
}
