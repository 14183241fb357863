// @ts-check
// Upload a CSV; see what is there.
import { text } from "../text.js";

/** A dataset's name out of a file's: what the daemon accepts. @param {string} file */
export function nameOf(file) {
  const name = file.replace(/\.[^.]*$/, "").replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "");
  return name.slice(0, 64) || "data";
}

/**
 * @param {HTMLElement} root
 * @param {{upload: (file: File, name: string, replace: boolean) => void}} actions
 */
export function mountData(root, actions) {
  const find = (/** @type {string} */ hook) => /** @type {any} */ (root.querySelector(hook));
  const input = find("#upload");
  const replace = find("[data-replace]");
  const progress = find("[data-upload-progress]");
  const note = find("[data-upload-note]");
  const list = find("[data-datasets]");
  /** @type {unknown} */
  let shown;

  find("[data-upload-form]").addEventListener("submit", (/** @type {Event} */ event) => event.preventDefault());
  input.addEventListener("change", () => {
    const [file] = input.files;
    if (file) actions.upload(file, nameOf(file.name), replace.checked);
    input.value = "";
  });

  /** @param {import("../api.js").Dataset[]} datasets */
  function showList(datasets) {
    const items = datasets.map((dataset) => {
      const item = document.createElement("li");
      item.dataset.dataset = dataset.name;
      const name = item.appendChild(document.createElement("b"));
      name.textContent = dataset.name;
      const size = item.appendChild(document.createElement("span"));
      const n = Array.isArray(dataset.columns) ? dataset.columns.length : dataset.columns;
      size.textContent = dataset.state === "loading" ? text.loading : text.rows(dataset.rows, n);
      return item;
    });
    if (items.length === 0) {
      items.push(document.createElement("li"));
      items[0].className = "note";
      items[0].textContent = text.noDatasets;
    }
    list.replaceChildren(...items);
  }

  return function update(/** @type {import("../app.js").State} */ state) {
    const { upload } = state;
    const isMoving = upload !== null && upload.end === null;
    input.disabled = isMoving;
    progress.hidden = !isMoving;
    if (upload) {
      progress.value = upload.sent / Math.max(1, upload.all);
      note.textContent = upload.end ?? (upload.sent < upload.all ? text.uploading(upload.sent, upload.all) : text.reading);
      note.classList.toggle("bad", upload.isBad);
    }
    if (shown !== state.datasets && state.datasets) showList(state.datasets);
    shown = state.datasets;
  };
}
