// @ts-check
// Questions before something is done: a native dialog, so that focus is kept in it and Escape says no.
import { h } from "./dom.js";
import { text } from "./text.js";

/** @param {string} title @param {any[]} body @param {string} yes @param {string} look of the button @returns {Promise<boolean>} */
function ask(title, body, yes, look) {
  const dialog = h(
    "dialog",
    { class: "dialog", "aria-labelledby": "dialog-title" },
    h(
      "form",
      { method: "dialog" },
      h("h3", { id: "dialog-title" }, title),
      ...body,
      h("div", { class: "buttons" }, h("button", { value: "no", type: "submit", formNoValidate: true }, text.cancel), h("button", { value: "yes", class: look }, yes)),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}

/** @param {string} title @param {string} words @param {string} yes what the button says */
export const confirmed = (title, words, yes) => ask(title, [h("p", { class: "note" }, words)], yes, "danger");

/**
 * A new name, or null. @param {string} title @param {string} now @param {{pattern?: string, hint?: string, required?: boolean}} [rules]
 * @returns {Promise<string | null>}
 */
export async function newName(title, now, { pattern = "[A-Za-z0-9][A-Za-z0-9._\\-]{0,63}", hint = text.nameRule, required = true } = {}) {
  const input = h("input", { value: now, pattern, required, maxLength: 200, autocomplete: "off", autofocus: true, "aria-label": title });
  const isYes = await ask(title, [input, h("p", { class: "note" }, hint)], text.rename, "primary");
  return isYes && input.value !== now ? input.value : null;
}
