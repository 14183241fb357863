// @ts-check
// The head of the page: sections to go to, and whether the daemon is there and at work.
import { h, say } from "../dom.js";
import { format } from "../route.js";
import { text } from "../text.js";

const SECTIONS = ["draw", "data", "train", "watch", "understand", "models"];

/** @param {HTMLElement} root the whole page @param {{go: (change: Record<string, any>) => void}} actions */
export function mountShell(root, actions) {
  const nav = /** @type {HTMLElement} */ (root.querySelector("[data-nav]"));
  const status = /** @type {HTMLElement} */ (root.querySelector("[data-status]"));
  const gone = /** @type {HTMLElement} */ (root.querySelector("[data-gone]"));
  const sections = SECTIONS.map((name) => ({ name, section: /** @type {HTMLElement | null} */ (root.querySelector(`[data-panel="${name}"]`)) })).filter(({ section }) => section);
  for (const { name } of sections) nav.append(h("a", { href: `#${name}`, "data-section-link": name }, text.shell.sections[name]));
  root.addEventListener("click", (event) => {
    const link = /** @type {HTMLElement} */ (event.target).closest?.("[data-section-link]");
    if (!link) return;
    event.preventDefault();
    actions.go({ at: /** @type {any} */ (link).dataset.sectionLink });
  });

  /** Mark the section that is being looked at: the last whose top has passed the upper third. */
  function mark() {
    const passed = sections.filter(({ section }) => /** @type {HTMLElement} */ (section).getBoundingClientRect().top < innerHeight / 3);
    const name = passed.at(-1)?.name ?? SECTIONS[0];
    for (const link of nav.children) {
      const isHere = /** @type {HTMLElement} */ (link).dataset.sectionLink === name;
      if (isHere) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }
  addEventListener("scroll", mark, { passive: true });
  addEventListener("resize", mark);
  requestAnimationFrame(mark);

  /** @type {unknown} */
  let shown;
  return function update(/** @type {import("../store.js").State} */ state) {
    const running = (state.jobs ?? []).filter((job) => job.state === "running").length;
    gone.hidden = !state.isGone;
    say(gone, state.isGone ? text.shell.gone : "");
    say(status, state.isGone ? text.shell.noAnswer : state.jobs === null ? text.shell.connecting : running ? text.shell.running(running) : text.shell.ready);
    status.dataset.status = state.isGone ? "gone" : running ? "running" : "ready";
    if (shown === state.route) return;
    shown = state.route;
    for (const link of /** @type {NodeListOf<any>} */ (root.querySelectorAll("[data-section-link]"))) {
      link.href = format({ at: link.dataset.sectionLink, params: state.route.params });
    }
  };
}
