// @ts-check
// Datasets: choose, upload, rename, remove.
import { api } from "../api.js";
import { go } from "../route.js";
import { set, state } from "../store.js";
import { text } from "../text.js";
import { linesAround } from "../lines.js";
import { changed, explain } from "./lists.js";

const PEEK_MS = 400; // how often the daemon is asked how many rows it has read: no event tells
const SAMPLE = 24;

/** Show this dataset and train on it; without a name the one that the address or the list names first. @param {string} [name] */
export async function choose(name) {
  const ready = (state.datasets ?? []).filter((d) => d.state === "ready");
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

/** @param {File} file @param {string} name @param {boolean} replace */
export async function upload(file, name, replace) {
  const show = (/** @type {Partial<import("../store.js").Upload>} */ now) => {
    set({ upload: { name, sent: 0, all: file.size, rows: 0, state: "sending", text: "", lines: [], ...state.upload, ...now } });
  };
  set({ upload: null });
  show({});
  const peek = setInterval(async () => {
    const { progress } = await api.dataset(name).catch(() => ({ progress: undefined }));
    if (progress && state.upload?.name === name) show({ rows: progress.rows_parsed });
  }, PEEK_MS);
  try {
    const profile = await api.upload(file, name, replace, (sent) => show({ sent, state: sent < file.size ? "sending" : "reading" }));
    clearInterval(peek);
    show({ sent: file.size, state: "done", rows: profile.rows, text: text.data.uploaded(profile.name, profile.rows, profile.columns.length) });
    await changed();
    await choose(profile.name);
  } catch (error) {
    clearInterval(peek);
    show({ state: "failed", text: explain(error), lines: await linesAround(file, /** @type {any} */ (error).row).catch(() => []) });
  }
}
