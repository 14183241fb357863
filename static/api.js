// @ts-check
// The only module that talks to the daemon. Every call resolves to the answer's JSON or rejects with a Problem.

/**
 * @typedef {{name: string, type: string, missing: number, note?: string, integer?: boolean, min?: number | null, max?: number | null,
 *   mean?: number | null, distinct?: number, histogram?: {from: number, to: number, counts: number[]}, levels?: {level: string, rows: number}[]}} Column
 */
/** @typedef {{name: string, state: string, rows: number, bytes: number, created: string, columns: any, progress?: {rows_parsed: number, bytes_parsed: number}}} Dataset
 *   columns: Column[] in a profile, their number in a list */
/** @typedef {{epoch: number, seconds: number} & Record<string, number | null>} Epoch and its metrics: loss, accuracy, … each also as val_… */
/** @typedef {{id: number, title?: string | null, state: string, dataset: string, model: string, version: number | null, epoch: number, epochs: number, task: string,
 *   task_reason: string, created: string, started: string | null, ended: string | null, rows: {train: number, validation: number, test: number},
 *   eta_seconds: number | null, samples_per_second: number | null, request?: Record<string, any>, warnings?: {code: string, message: string}[],
 *   history?: Epoch[], history_after?: number, error: {detail?: string, title?: string} | null}} Job */
/** @typedef {{name: string, version: number, created: string, task: string, promoted?: number | null, [more: string]: any}} Model */

/** An answer that is an error; `message` is for people, `status` 0 means that nobody answered. */
export class Problem extends Error {
  /** @param {number} status @param {string} message @param {{row?: number, column?: string, field?: string}} [where] */
  constructor(status, message, { row, column, field } = {}) {
    super(message);
    this.status = status;
    this.row = row;
    this.column = column;
    this.field = field;
  }
}

/** @param {number} status @param {string} body */
function problemOf(status, body) {
  try {
    const problem = JSON.parse(body);
    return new Problem(status, problem.detail ?? problem.title ?? `status ${status}`, problem);
  } catch {
    return new Problem(status, `status ${status}`);
  }
}

/** The answer, where it is a good one. @param {string} path @param {RequestInit} [options] */
async function answer(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Problem(0, "no answer");
  }
  if (!response.ok) throw problemOf(response.status, await response.text());
  return response;
}

/** @param {string} path @param {RequestInit} [options] */
async function request(path, options) {
  const body = await (await answer(path, options)).text();
  return body ? JSON.parse(body) : null;
}

/** @param {unknown} body @returns {RequestInit} */
const json = (body) => ({ method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
/** @param {unknown} body @returns {RequestInit} */
const patch = (body) => ({ ...json(body), method: "PATCH" });
const part = encodeURIComponent;
const strings = (/** @type {Record<string, unknown>} */ query) => Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)]));
/** As a field of a CSV. @param {unknown} value */
const quoted = (value) => (/[",\r\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value));

/** @param {Record<string, File>} fields */
function formOf(fields) {
  const form = new FormData();
  for (const [name, file] of Object.entries(fields)) form.append(name, file);
  return form;
}

export const api = {
  /** @returns {Promise<Dataset[]>} */
  datasets: async () => (await request("datasets")).datasets,
  /** @param {string} name @returns {Promise<Dataset>} */
  dataset: (name) => request(`datasets/${part(name)}`),
  /** How much each column tells about the target, 0 to 1. @param {string} name @param {string} target @returns {Promise<(number | null)[]>} */
  associations: async (name, target) => (await request(`datasets/${part(name)}?target=${part(target)}`)).columns.map((/** @type {any} */ c) => c.association),
  /** @param {string} name @param {number} offset @param {number} limit @returns {Promise<{columns: string[], rows: any[][], total: number}>} */
  rows: (name, offset, limit) => request(`datasets/${part(name)}/rows?offset=${offset}&limit=${limit}`),
  /** @param {string} name @param {number[]} index @returns {Promise<{columns: string[], rows: any[][]}>} those rows, in that order */
  rowsAt: (name, index) => request(`datasets/${part(name)}/rows?index=${index.join()}`),
  /** @param {string} name @param {Record<string, string | number>} row */
  addRow: (name, row) => request(`datasets/${part(name)}/rows`, json({ rows: [row] })),
  /** A dataset of this one row. @param {string} name @param {Record<string, string | number>} row @param {string} target whose values are classes */
  createOfRow: (name, row, target) =>
    request(`datasets?name=${part(name)}&types=${part(`${target}:category`)}`, {
      method: "POST", headers: { "Content-Type": "text/csv" }, body: `${Object.keys(row).map(quoted).join()}\n${Object.values(row).map(quoted).join()}\n`,
    }),
  /** @param {string} name @param {string} to @returns {Promise<Dataset>} */
  renameDataset: (name, to) => request(`datasets/${part(name)}`, patch({ name: to })),
  /** @param {string} name */
  removeDataset: (name) => request(`datasets/${part(name)}`, { method: "DELETE" }),
  /** The kept upload read again: what is empty is found out anew. @param {string} name @param {Record<string, string>} options @returns {Promise<Dataset>} */
  readAgain: (name, options) => request(`datasets/${part(name)}/read?${new URLSearchParams(options)}`, { method: "POST" }),
  /** What is not in the table, as CSV. @param {string} name @returns {Promise<Blob>} */
  rejects: async (name) => (await answer(`datasets/${part(name)}/rejects?limit=10000`, { headers: { Accept: "text/csv" } })).blob(),
  /** @param {string} name */
  datasetFile: (name) => `datasets/${part(name)}/file`,
  /** A table that comes with the page. @param {string} name @returns {Promise<File>} */
  async example(name) {
    return new File([await (await answer(`examples/${name}.csv`)).blob()], `${name}.csv`);
  },
  /** @returns {Promise<Job[]>} */
  jobs: async () => (await request("jobs")).jobs,
  /** @param {number} id @returns {Promise<Job>} */
  job: (id) => request(`jobs/${id}`),
  /** @param {number} id @param {number} after @param {number} limit @returns {Promise<{history: Epoch[], next: number | null}>} */
  history: (id, after, limit) => request(`jobs/${id}/history?after=${after}&limit=${limit}`),
  /** @param {number} id @param {"pause" | "resume" | "cancel"} what @returns {Promise<Job>} */
  control: (id, what) => request(`jobs/${id}/${what}`, { method: "POST" }),
  /** @param {number} id @param {string} title */
  renameJob: (id, title) => request(`jobs/${id}`, patch({ title: title || null })),
  /** @param {number} id */
  removeJob: (id) => request(`jobs/${id}`, { method: "DELETE" }),
  /** @param {number} id */
  jobFile: (id) => `jobs/${id}`,
  /** @returns {Promise<Model[]>} */
  models: async () => (await request("models")).models,
  /** @param {string} name @returns {Promise<Model & {inputs: number, recipe: {target: {name: string}, columns: {name: string, encoding: string}[]}}>} */
  model: (name) => request(`models/${part(name)}`),
  /** @param {string} name @param {number | null} [version] @param {Record<string, string | number>} [query] offset, limit, sort, label, guess */
  evaluation: (name, version, query = { limit: 1 }) => request(`models/${part(name)}/evaluation?${new URLSearchParams(strings({ ...query, ...(version && { version }) }))}`),
  /** @param {string} name @param {number} version @returns {Promise<ArrayBuffer>} safetensors */
  modelFile: async (name, version) => (await answer(`models/${part(name)}/file?version=${version}`)).arrayBuffer(),
  /** @param {string} name @param {{name: string} | {promoted: number | null}} change */
  changeModel: (name, change) => request(`models/${part(name)}`, patch(change)),
  /** @param {string} name */
  removeModel: (name) => request(`models/${part(name)}`, { method: "DELETE" }),
  /** @param {string} model @param {Record<string, string | number | null>[]} instances */
  predictRows: (model, instances) => request("predict", json({ model, instances })),
  /** @param {object} settings @returns {Promise<Job>} */
  train: (settings) => request("train", json(settings)),
  /** @param {string} model @param {number[][][]} strokes */
  predictDrawing: (model, strokes) => request("predict", json({ model, strokes })),

  /**
   * Streams the file up as it is; with the labels of its pictures as a form. fetch() cannot tell how far it is, XMLHttpRequest can.
   * @param {File} file @param {File | null} labels @param {string} name @param {boolean} replace @param {(sent: number, all: number) => void} progress
   * @returns {Promise<Dataset>}
   */
  upload(file, labels, name, replace, progress) {
    return new Promise((resolve, reject) => {
      const upload = new XMLHttpRequest();
      upload.open("POST", `datasets?name=${part(name)}${replace ? "&replace=true" : ""}`);
      if (!labels) upload.setRequestHeader("Content-Type", "text/csv");
      upload.upload.onprogress = (event) => progress(event.loaded, event.total);
      upload.onerror = () => reject(new Problem(0, "no answer"));
      upload.onload = () => {
        if (upload.status >= 200 && upload.status < 300) resolve(JSON.parse(upload.responseText));
        else reject(problemOf(upload.status, upload.responseText));
      };
      upload.send(labels ? formOf({ file, labels }) : file);
    });
  },

  /**
   * Follows a job: all its epochs from the first, then each as it ends. The browser reconnects by itself, unless it was refused: closed.
   * @param {number} id
   * @param {{epoch: (epoch: Epoch) => void, state: (state: {state: string, epoch: number, epochs: number}) => void,
   *   done: (end: {state: string}) => void, gone: (isClosed: boolean) => void, back: () => void}} on
   * @returns {() => void} ends it
   */
  follow(id, on) {
    const source = new EventSource(`jobs/${id}/events`);
    const listen = (/** @type {string} */ name, /** @type {(data: any) => void} */ take) =>
      source.addEventListener(name, (event) => take(JSON.parse(/** @type {MessageEvent} */ (event).data)));
    listen("epoch", on.epoch);
    listen("state", on.state);
    listen("done", (end) => {
      source.close();
      on.done(end);
    });
    source.onopen = on.back;
    source.onerror = () => on.gone(source.readyState === EventSource.CLOSED);
    return () => source.close();
  },
};
