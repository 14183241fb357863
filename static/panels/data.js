// @ts-check
// Upload a CSV; see what is there.
import { h, keyed, say } from "../dom.js";
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
  const replace = h("input", { type: "checkbox", "data-replace": true });
  const input = h("input", { type: "file", id: "upload", accept: ".csv,.tsv,.txt,text/csv" });
  const progress = h("progress", { max: 1, value: 0, hidden: true, "aria-label": text.data.choose });
  const note = h("p", { class: "note", "data-upload-note": true, role: "status" });
  const lines = h("pre", { class: "lines", hidden: true });
  const list = h("ul", { class: "datasets" });
  root.append(
    h("h2", { id: "data-title" }, text.data.title),
    h("label", {}, text.data.choose, input),
    h("label", { class: "check" }, replace, text.data.replace),
    progress,
    note,
    lines,
    list,
  );
  input.addEventListener("change", () => {
    const [file] = input.files;
    if (file) actions.upload(file, nameOf(file.name), replace.checked);
    input.value = "";
  });

  /** @param {import("../api.js").Dataset} dataset */
  function makeItem(dataset) {
    const size = h("span");
    return {
      element: h("li", { "data-dataset": dataset.name }, h("b", {}, dataset.name), size),
      update: (/** @type {import("../api.js").Dataset} */ d) => say(size, d.state === "loading" ? text.data.loading : text.data.size(d.rows, d.columns)),
    };
  }

  return function update(/** @type {import("../store.js").State} */ state) {
    const { upload } = state;
    const isMoving = upload?.state === "sending" || upload?.state === "reading";
    input.disabled = isMoving;
    progress.hidden = !isMoving;
    if (upload) {
      progress.value = upload.sent / Math.max(1, upload.all);
      say(note, upload.text || (upload.state === "sending" ? text.data.uploading(upload.sent, upload.all) : text.data.reading(upload.rows)));
      note.classList.toggle("bad", upload.state === "failed");
      lines.hidden = !upload.lines.length;
      say(lines, upload.lines.join("\n"));
    }
    keyed(list, state.datasets ?? [], (d) => d.name, makeItem);
  };
}
