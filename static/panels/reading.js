// @ts-check
// What was done to a dataset's file, and the form that reads it again.
import { h } from "../dom.js";
import { text } from "../text.js";

const NO_REJECTS = new Set(["encoding_guessed", "bad_character", "perhaps_missing", "padded", "trailing_fields", "quote_mended", "other_separator", "header_row", "empty_line"]); // codes whose lines are in the table, or are nothing

/** What was done to the file, hidden where nothing was. @param {any} profile @param {import("../app.js").Actions} actions */
export function showReading(profile, actions) {
  const reading = profile.reading ?? [];
  const all = h("button", { type: "button", class: "quiet", onclick: () => actions.saveRejects(profile.name) }, text.data.allRejects);
  all.hidden = reading.every((/** @type {{code: string}} */ { code }) => NO_REJECTS.has(code));
  const done = h("div", { class: "stack", "data-reading": true }, h("h4", {}, text.data.done), h("ul", { class: "deeds" }, ...reading.map(showDeed)), h("div", { class: "buttons" }, all));
  done.hidden = reading.length === 0;
  return done;
}

/** @param {{code: string, count: number, first: {row?: number, line?: number, column?: string, text: string}[]}} deed */
function showDeed({ code, count, first }) {
  return h(
    "li",
    { "data-deed": code },
    h("b", {}, text.data.deed(code, count)),
    h("ul", { class: "lines" }, ...first.map((note) => h("li", {}, h("span", {}, text.data.place(note)), note.text))),
  );
}

/** The form that reads the file again. @param {any} profile @param {import("../app.js").Actions} actions */
export function showAgain({ name, told, original }, actions) {
  if (!original?.kept) return h("p", { class: "note" }, text.data.againGone);
  const fields = Object.entries(text.data.againOption).map(([option, label]) => {
    const choices = text.data.againChoice[option];
    const field = choices
      ? h("select", { name: option }, new Option(text.data.found, ""), ...choices.map(([value, words]) => new Option(words, value)))
      : h("input", { name: option, placeholder: option === "na" ? text.data.naHint : text.data.typesHint, autocomplete: "off" });
    const before = told?.[option] ?? "";
    if (choices && before && !choices.some(([value]) => value === before)) field.append(new Option(before, before));
    field.value = before;
    return h("label", {}, h("span", {}, label), field);
  });
  const form = h("form", { class: "again", "data-again": true }, ...fields, h("button", {}, text.data.again));
  form.addEventListener("submit", async (/** @type {Event} */ event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    const options = Object.fromEntries([...new FormData(form)].map(([option, value]) => [option, String(value).trim().replaceAll(/,\s+/g, ",")]));
    await actions.readAgain(name, options);
    button.disabled = false;
  });
  return h("details", { class: "stack" }, h("summary", {}, text.data.again), h("p", { class: "note" }, text.data.againHint), form);
}
