// @ts-check
// Datasets: choose, upload, rename, remove.
import { api } from "../api.js";
import { linesAround } from "../lines.js";
import { go } from "../route.js";
import { set, state } from "../store.js";
import { text } from "../text.js";
import { changed, explain } from "./lists.js";

const PEEK_MS = 400; // how often the daemon is asked how many rows it has read: no event tells
const SAMPLE = 20;

/** Show this dataset and train on it; without a name the one that the address names, else the newest. @param {string} [name] */
export async function choose(name) {
  const ready = (state.datasets ?? []).filter((d) => d.state === "ready").sort((a, b) => b.created.localeCompare(a.created));
  const wanted = name ?? [state.route.params.data, state.profile?.name].find((n) => ready.some((d) => d.name === n)) ?? ready[0]?.name;
  if (name) go({ data: name });
  if (!wanted) return set({ profile: null, rows: null });
  const line = ready.find((d) => d.name === wanted);
  if (line && state.profile?.name === wanted && state.profile.created === line.created && state.profile.rows === line.rows) return;
  try {
    const [profile, rows] = await Promise.all([api.dataset(wanted), api.rows(wanted, 0, SAMPLE)]);
    set({ profile, rows, dataProblem: "" });
  } catch (error) {
    set({ dataProblem: explain(error) });
  }
}

/** @type {File | null} the last that was uploaded, to send again under another name */
let lastFile = null;

/** A dataset's name out of a file's: what the daemon accepts. @param {string} file */
function nameOf(file) {
  const name = file.replace(/(\.(csv|tsv|txt|gz|zst))+$/i, "").replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "");
  return name.slice(0, 64) || "data";
}

/** Send a file; its progress and end stand in state.upload. @param {File} file @param {string} [name] @param {boolean} [replace] */
export async function upload(file, name = nameOf(file.name), replace = false) {
  if (isSending()) return;
  lastFile = file;
  const begun = { name, sent: 0, all: file.size, rows: 0, text: "", lines: [], isTaken: false };
  /** @type {import("../store.js").Upload} */
  let now = { ...begun, state: "sending" };
  const show = (/** @type {Partial<import("../store.js").Upload>} */ change) => set({ upload: (now = { ...now, ...change }) });
  if (!replace && state.datasets?.some((d) => d.name === name)) return show({ state: "failed", isTaken: true, text: text.data.taken(name) });
  show({});
  const peek = setInterval(async () => {
    const datasets = await api.datasets().catch(() => []); // not the one: a 404 before it is there would stand in the console
    const progress = datasets.find((d) => d.name === name)?.progress;
    if (progress && now.state !== "done") show({ rows: progress.rows_parsed });
  }, PEEK_MS);
  try {
    const profile = await api.upload(file, name, replace, (sent) => show({ sent, state: sent < file.size ? "sending" : "reading" }));
    clearInterval(peek);
    show({ sent: file.size, state: "done", rows: profile.rows, text: text.data.uploaded(profile.name, profile.rows, profile.columns.length) });
    await changed();
    await choose(profile.name);
  } catch (error) {
    clearInterval(peek);
    const words = explain(error);
    const { row, status } = /** @type {import("../api.js").Problem} */ (error);
    show({ state: "failed", text: text.data.failed(file.name, words), isTaken: status === 409, lines: await linesAround(file, row).catch(() => []) });
  }
}

const isSending = () => ["sending", "reading"].includes(state.upload?.state ?? "");

/** The name was taken: replace what has it, or send under the next free name. @param {boolean} replace */
export function uploadAgain(replace) {
  const { upload: last } = state;
  if (lastFile && last) upload(lastFile, replace ? last.name : freeName(last.name), replace);
}

/** @param {string} name */
export function freeName(name) {
  const isTaken = (/** @type {string} */ n) => state.datasets?.some((d) => d.name === n);
  let next = name;
  for (let n = 2; isTaken(next); n++) next = `${name.slice(0, 60)}-${n}`;
  return next;
}

/** Put away what is said of the last upload. */
export const dismissUpload = () => set({ upload: null });

/** One of the tables that come with the page, or one that is there already. @param {string} name */
export async function example(name) {
  if (state.datasets?.some((d) => d.name === name)) return choose(name);
  try {
    await upload(await api.example(name));
  } catch (error) {
    set({ dataProblem: explain(error) });
  }
}

/** @param {string} name @param {string} to */
export async function renameDataset(name, to) {
  try {
    await api.renameDataset(name, to);
    await changed();
    await choose(to);
  } catch (error) {
    set({ dataProblem: explain(error) });
  }
}

/** @param {string} name */
export async function removeDataset(name) {
  try {
    await api.removeDataset(name);
    go({ data: null });
    await changed();
  } catch (error) {
    set({ dataProblem: explain(error) });
  }
}
