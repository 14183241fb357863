// @ts-check
// All runs in a list, to watch one and to compare several; what differs between those compared.
import { h, keyed, say } from "../dom.js";
import { text } from "../text.js";

const SKIPPED = ["model"]; // differs by itself

/** @param {import("../app.js").Actions} actions */
export function mountRuns(actions) {
  const list = h("ul", { class: "runs" });
  const differences = h("div", { class: "stack", "data-differences": true });
  const hint = h("p", { class: "note" }, text.watch.compareHint);
  const element = h("div", { class: "stack loose" }, differences, h("div", { class: "stack" }, h("div", { class: "spread" }, h("h3", {}, text.watch.all), hint), list));

  /** @param {import("../api.js").Job} job */
  function makeRun({ id }) {
    const tick = h("input", { type: "checkbox", "data-compare": id });
    tick.addEventListener("change", () => actions.compare(id, tick.checked));
    const name = h("b", {});
    const path = h("span", { class: "note" });
    const button = h("button", { type: "button", class: "choice", "data-run": id, onclick: () => actions.watch(id) }, name, path);
    const state = h("span", { class: "pill" });
    const epochs = h("span", { class: "note number" });
    return {
      element: h("li", {}, tick, button, epochs, state),
      update(/** @type {import("../api.js").Job} */ job) {
        say(name, text.watch.run(job));
        say(path, text.watch.path(job));
        say(state, job.state);
        state.dataset.state = job.state;
        say(epochs, `${text.count(job.epoch)}${text.watch.ofEpochs(job.epochs)}`);
        tick.setAttribute("aria-label", text.watch.compare(text.watch.run(job)));
      },
    };
  }

  /** @param {import("../store.js").Run[]} runs */
  function showDifferences(runs) {
    const settings = runs.map(({ job }) => /** @type {Record<string, unknown>} */ (job.request ?? {}));
    const names = [...new Set(settings.flatMap((s) => Object.keys(s)))].filter((n) => !SKIPPED.includes(n));
    const say = (/** @type {unknown} */ value) => (value === undefined ? text.watch.absent : typeof value === "string" ? value : layersOf(value) ?? JSON.stringify(value));
    const rows = names.map((name) => [name, ...settings.map((s) => say(s[name]))]).filter(([, ...values]) => new Set(values).size > 1);
    const results = [text.watch.result, ...runs.map(({ score }) => (score ? `${score.value}` : text.none))];
    const cells = (/** @type {string[]} */ row) => row.map((value, i) => h(i ? "td" : "th", i ? {} : { scope: "row" }, value));
    const table = h(
      "table",
      {},
      h("thead", {}, h("tr", {}, ...[text.watch.setting, ...runs.map(({ job }) => text.watch.run(job))].map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, ...[...rows, results].map((row) => h("tr", {}, ...cells(row)))),
    );
    differences.replaceChildren(
      h("h3", {}, text.watch.differences),
      ...(rows.length ? [] : [h("p", { class: "note" }, text.watch.same)]),
      h("div", { class: "scroll", tabIndex: 0, role: "group", "aria-label": text.watch.differences }, table),
    );
  }

  /** @type {unknown} */
  let shownJobs;
  let shownRuns = "";
  /** @param {import("../store.js").State} state */
  function update({ jobs, runs, route }) {
    element.hidden = !jobs?.length;
    const compared = (route.params.compare ?? "").split(",");
    if (shownJobs !== jobs) keyed(list, jobs ?? [], (job) => String(job.id), makeRun);
    shownJobs = jobs;
    const ids = [route.params.job, ...compared.filter((id) => id !== route.params.job)];
    const known = ids.map((id) => runs[Number(id)]).filter(Boolean);
    const now = [...ids, ...known.map(({ job, score }) => `${job.id} ${job.title} ${score?.value}`), jobs?.length].join();
    if (shownRuns === now) return;
    shownRuns = now;
    for (const { firstElementChild: tick, children } of list.children) {
      const id = tick.dataset.compare;
      tick.checked = id === route.params.job || compared.includes(id);
      tick.disabled = id === route.params.job;
      children[1].setAttribute("aria-pressed", String(id === route.params.job));
    }
    differences.hidden = known.length < 2;
    if (known.length > 1) showDifferences(known);
  }
  return { element, update };
}

/** Layers in few words: 128 relu, 64 relu. @param {any} value */
function layersOf(value) {
  if (!Array.isArray(value) || !value.every((l) => typeof l === "number" || typeof l?.units === "number")) return null;
  return value.map((l) => (typeof l === "number" ? `${l} relu` : [l.units, l.activation ?? "relu", l.dropout && `dropout ${l.dropout}`, l.layer_norm && "normalised"].filter(Boolean).join(" "))).join(", ");
}
