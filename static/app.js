// @ts-check
// Puts the page together: the shell, the panels, and the actions that they call.
import * as data from "./actions/data.js";
import * as draw from "./actions/draw.js";
import * as jobs from "./actions/jobs.js";
import * as lists from "./actions/lists.js";
import * as models from "./actions/models.js";
import * as understand from "./actions/understand.js";
import { api } from "./api.js";
import { whenNear } from "./dom.js";
import { mountData } from "./panels/data.js";
import { mountDraw } from "./panels/draw.js";
import { mountShell } from "./panels/shell.js";
import { mountTrain } from "./panels/train.js";
import { mountWatch } from "./panels/watch.js";
import { arrive, follow, go, settle } from "./route.js";
import { subscribe } from "./store.js";

/** All that panels may do. Later panels add theirs here: one flat object, each action changes the state with set(). */
const actions = { go, datasetFile: api.datasetFile, jobFile: api.jobFile, ...lists, ...data, ...jobs, ...draw, ...understand, ...models };
/** @typedef {typeof actions} Actions */

/** Below the first screen: module and sheet are fetched when the section comes near. [panel, the module's mount function] */
const later = /** @type {const} */ ([["understand", "mountUnderstand"], ["models", "mountModels"]]);

const AGAIN_MS = 2000;

const section = (/** @type {string} */ name) => /** @type {HTMLElement} */ (document.querySelector(`[data-panel="${name}"]`));

follow(() => jobs.syncRuns());
subscribe(mountShell(document.body, actions));
subscribe(mountDraw(section("draw"), actions));
subscribe(mountData(section("data"), actions));
subscribe(mountTrain(section("train"), actions));
subscribe(mountWatch(section("watch"), actions));
/** @type {HTMLElement} */ (document.querySelector("[data-main]")).hidden = false;

lists.start().then(() => {
  arrive();
  for (const [name, mount] of later) mountWhenNear(section(name), name, mount); // only now: what is shown of the lists pushes them down
});

/** @param {HTMLElement} root @param {string} name @param {string} mount */
function mountWhenNear(root, name, mount) {
  let tries = 0;
  whenNear(root, tryLoad);

  async function tryLoad() {
    try {
      await load();
    } catch {
      lists.lose(); // the daemon went away just then: again a little later, by another name, for a failed import may be remembered
      setTimeout(() => whenNear(root, tryLoad), AGAIN_MS * ++tries);
    }
  }
  async function load() {
    const module = await import(`./panels/${name}.js${tries ? `?${tries}` : ""}`);
    const sheet = Object.assign(document.createElement("link"), { rel: "stylesheet", href: `panels/${name}.css` });
    const isStyled = new Promise((resolve) => (sheet.onload = sheet.onerror = resolve));
    document.head.append(sheet);
    await isStyled;
    subscribe(module[mount](root, actions));
    root.setAttribute("aria-labelledby", `${name}-title`);
    settle();
  }
}
