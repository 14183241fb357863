// @ts-check
// Bring a table in: drop or choose a file, see how far it is, see why it was not taken.
import { h, say } from "../dom.js";
import { text } from "../text.js";

/** @param {import("../app.js").Actions} actions */
export function mountUpload(actions) {
  const input = h("input", { type: "file", id: "upload", class: "unseen", multiple: true });
  const zone = h(
    "label",
    { class: "drop", for: "upload" },
    h("b", {}, text.data.drop),
    h("span", { class: "link" }, text.data.choose),
    h("span", { class: "note" }, text.data.formats),
  );
  const name = h("b", {});
  const progress = h("progress", { max: 1, value: 0, "aria-label": text.data.drop });
  const bytes = h("span", { class: "number" });
  const rows = h("span", { class: "number" });
  const moving = h("div", { class: "stack" }, name, progress, h("p", { class: "note spread" }, bytes, rows));
  const note = h("p", { class: "note", role: "status", "data-upload-note": true });
  const lines = h("ol", { class: "lines", "aria-label": text.data.lines, tabIndex: 0 });
  const replace = h("button", { type: "button", onclick: () => actions.uploadAgain(true) }, text.data.replace);
  const both = h("button", { type: "button", onclick: () => actions.uploadAgain(false) });
  const choices = h("div", { class: "buttons" }, replace, both);
  const end = h("div", { class: "upload-end" }, note, lines, choices);
  const element = h("div", { class: "stack" }, h("div", { class: "drop-box" }, input, zone), moving, end);

  const take = (/** @type {FileList | undefined} */ files) => actions.upload([...(files ?? [])]);
  input.addEventListener("change", () => {
    take(input.files);
    input.value = "";
  });
  // A file may be dropped anywhere on the page: the browser would leave the page for it otherwise.
  addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  for (const leave of ["dragleave", "drop"]) addEventListener(leave, () => zone.classList.remove("over"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    take(event.dataTransfer?.files);
  });

  /** @type {unknown} */
  let shown;
  function update(/** @type {import("../store.js").State} */ { upload }) {
    if (shown === upload) return;
    shown = upload;
    const isMoving = upload?.state === "sending" || upload?.state === "reading";
    input.disabled = isMoving;
    moving.hidden = !isMoving;
    end.hidden = !upload || isMoving;
    if (!upload) return;
    say(name, upload.name);
    progress.value = upload.sent / Math.max(1, upload.all);
    say(bytes, upload.state === "reading" ? text.data.reading : text.data.sending(upload.sent, upload.all));
    say(rows, upload.rows ? text.data.rowsRead(upload.rows) : "");
    say(note, upload.text);
    note.classList.toggle("bad", upload.state === "failed");
    end.classList.toggle("problem", upload.state === "failed");
    lines.hidden = !upload.lines.length;
    lines.replaceChildren(...upload.lines.map(({ row, line }, i) => h("li", { class: i === upload.lines.length - 1 ? "at" : false }, h("span", {}, row), line)));
    choices.hidden = !upload.isTaken;
    say(both, text.data.keepBoth(actions.freeName(upload.name)));
  }
  return Object.assign(update, { element });
}
