// @ts-check
// Data: bring a table in, see which are there, look into one.
import { h, keyed, say } from "../dom.js";
import { text } from "../text.js";
import { mountProfile } from "./profile.js";
import { mountUpload } from "./upload.js";

const EXAMPLES = ["mnist_train", "flowers", "houses", "spirals"];

/**
 * @param {HTMLElement} root
 * @param {import("../app.js").Actions} actions
 */
export function mountData(root, actions) {
  const updateUpload = mountUpload(actions);
  const updateProfile = mountProfile(actions);
  const examples = EXAMPLES.map((name) => {
    const { title, words } = text.data.example[name];
    return h(
      "button",
      { type: "button", class: "example", "data-example": name, onclick: () => actions.example(name) },
      h("b", {}, title),
      h("span", { class: "note" }, words),
    );
  });
  const list = h("ul", { class: "datasets" });
  const pending = h("p", { class: "note" }, text.data.pending);
  const listed = h("div", { class: "stack" }, h("h3", {}, text.data.list), pending, list);
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  root.append(
    h("div", { class: "head" }, h("h2", { id: "data-title" }, text.data.title), h("p", { class: "note" }, text.data.lead)),
    h(
      "div",
      { class: "data" },
      h(
        "div",
        { class: "data-side" },
        updateUpload.element,
        listed,
        h("div", { class: "stack" }, h("h3", {}, text.data.examples), h("div", { class: "examples" }, ...examples)),
      ),
      h("div", { class: "data-main" }, problem, updateProfile.element),
    ),
  );

  /** @param {import("../api.js").Dataset} dataset */
  function makeItem({ name }) {
    const size = h("span", { class: "note" });
    const button = h("button", { type: "button", class: "choice", onclick: () => actions.choose(name) }, h("b", {}, name), size);
    return {
      element: h("li", { "data-dataset": name }, button),
      update(/** @type {import("../api.js").Dataset} */ { state, rows, columns, progress }) {
        say(size, state === "loading" ? text.data.loading(progress?.rows_parsed ?? 0) : text.data.size(rows, columns));
        button.disabled = state === "loading";
      },
    };
  }

  /** @type {unknown} */
  let shownList;
  return function update(/** @type {import("../store.js").State} */ state) {
    const { datasets, profile } = state;
    updateUpload(state);
    updateProfile(state);
    problem.hidden = !state.dataProblem;
    say(problem, state.dataProblem);
    if (shownList !== datasets) {
      keyed(list, datasets ?? [], (d) => d.name, makeItem);
      pending.hidden = datasets !== null;
      listed.hidden = datasets?.length === 0;
      for (const button of examples) button.hidden = button.dataset.example === "mnist_train" && !datasets?.some((d) => d.name === "mnist_train");
    }
    shownList = datasets;
    for (const item of list.children) item.firstElementChild.setAttribute("aria-pressed", String(item.dataset.dataset === profile?.name));
  };
}
