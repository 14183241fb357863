// @ts-check
// Datasets: choose, upload, rename, remove.
import { api } from "../api.js";
import { guessTarget } from "../guess.js";
import { pairOf } from "../idx.js";
import { linesAround } from "../lines.js";
import { pictureOf } from "../pictures.js";
import { go } from "../route.js";
import { set, state } from "../store.js";
import { text } from "../text.js";
import { changed, explain } from "./lists.js";

const PEEK_MS = 400; // how often the daemon is asked how many rows it has read: no event tells
const SAMPLE = 20;

let chosen = 0; // how often: an answer about an earlier choice is dropped, however late it comes
/** Show this dataset and train on it; without a name the one that the address names, else the newest. @param {string} [name] */
export async function choose(name) {
  const turn = ++chosen;
  const ready = (state.datasets ?? []).filter((d) => d.state === "ready").sort((a, b) => b.created.localeCompare(a.created));
  const wanted = name ?? [state.route.params.data, state.profile?.name].find((n) => ready.some((d) => d.name === n)) ?? ready[0]?.name;
  if (name) go({ data: name });
  if (!wanted) return set({ profile: null, rows: null });
  const line = ready.find((d) => d.name === wanted);
  if (line && state.profile?.name === wanted && state.profile.created === line.created && state.profile.rows === line.rows) return;
  try {
    const [profile, rows] = await Promise.all([api.dataset(wanted), api.rows(wanted, 0, SAMPLE)]);
    if (turn !== chosen) return;
    const target = pictureOf(profile) ? null : guessTarget(profile);
    set({ profile, rows, ties: target && { profile, target, values: null }, dataProblem: "" });
    if (target) await tie(target);
  } catch (error) {
    const dataProblem = explain(error);
    if (turn === chosen) set({ dataProblem });
  }
}

let tied = 0; // likewise

/** Ask how much each column of the dataset that is shown tells about this one. @param {string} target */
export async function tie(target) {
  const { profile } = state;
  if (!profile) return;
  const turn = ++tied;
  const isWanted = () => turn === tied && state.profile === profile;
  try {
    const values = await api.associations(profile.name, target);
    if (isWanted()) set({ ties: { profile, target, values } });
  } catch (error) {
    const dataProblem = explain(error);
    if (isWanted()) set({ dataProblem });
  }
}

/** Read the kept upload again. @param {string} name @param {Record<string, string>} options what is empty is found out */
export async function readAgain(name, options) {
  try {
    await api.readAgain(name, options);
    set({ dataProblem: "" });
    await changed();
    await choose(name);
  } catch (error) {
    set({ dataProblem: explain(error) });
  }
}

/** Save what is not in the table. @param {string} name */
export async function saveRejects(name) {
  try {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await api.rejects(name));
    link.download = `${name}-rejects.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href));
  } catch (error) {
    set({ dataProblem: explain(error) });
  }
}

/** @type {{file: File, labels: File | null} | null} what was uploaded last, to send again under another name */
let last = null;

/** A dataset's name out of a file's: what the daemon accepts. @param {string} file */
function nameOf(file) {
  const name = file.replace(/(\.(csv|tsv|txt|gz|zst))+$/i, "").replace(/(-(images|labels))?[-.]idx\d(-ubyte)?$/i, "").replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "");
  return name.slice(0, 64) || "data";
}

/** Send files, one after another; pictures and their labels in IDX together. @param {File[]} files */
export async function upload(files) {
  const pair = await pairOf(files);
  for (const next of pair ? [pair] : files.map((file) => ({ file, labels: null }))) {
    if (isSending()) return;
    last = next;
    await send(nameOf(next.file.name));
    if (state.upload?.state === "failed") return;
  }
}

/** Send the last file; its progress and end stand in state.upload. @param {string} name @param {boolean} [replace] */
async function send(name, replace = false) {
  if (isSending() || !last) return;
  const { file, labels } = last;
  const all = file.size + (labels?.size ?? 0);
  const begun = { name, sent: 0, all, rows: 0, text: "", lines: [], isTaken: false };
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
    const profile = await api.upload(file, labels, name, replace, (sent, whole) => show({ sent, all: whole, state: sent < whole ? "sending" : "reading" }));
    clearInterval(peek);
    show({ sent: all, state: "done", rows: profile.rows, text: text.data.uploaded(profile.name, profile.rows, profile.columns.length) });
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
  const name = state.upload?.name;
  if (name) send(replace ? name : freeName(name), replace);
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
    await upload([await api.example(name)]);
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
