// Whether what readers saw of one register fits what its only writer wrote: a
// linearizability checker for a single writer.

/** What the writer did, in order: the value that stood after each write, and when the write began and was acknowledged. */
export class Writes {
  #list = [];

  constructor(value) {
    this.#list.push({ value, begin: -Infinity, end: -Infinity });
  }

  /** `write` resolves with the value that stands after it. */
  async add(write) {
    const entry = { begin: performance.now(), end: Infinity, value: Symbol("not known yet") };
    this.#list.push(entry);
    entry.value = await write();
    entry.end = performance.now();
    return entry.value;
  }

  get list() {
    return this.#list;
  }
}

/** A read that saw `value` between `begin` and `end`. */
export async function timed(read) {
  const begin = performance.now();
  const value = await read();
  return { begin, end: performance.now(), value };
}

/**
 * The first read that no order explains in which every write and read takes
 * place at one moment between its begin and its end; undefined: all fit.
 * Reads are taken in the order of their ends. Each gets the earliest write that
 * may explain it: not before those of the reads that ended before it began.
 */
export function misfit(writes, reads) {
  const placed = []; // {end, at}, by end
  for (const read of [...reads].sort((a, b) => a.end - b.end)) {
    let least = 0;
    for (const earlier of placed) if (earlier.end < read.begin && earlier.at > least) least = earlier.at;
    let at = least;
    while (at < writes.length && !(writes[at].value === read.value && (writes[at + 1]?.end ?? Infinity) >= read.begin)) at++;
    if (at === writes.length || writes[at].begin > read.end) return read;
    placed.push({ end: read.end, at });
  }
  return undefined;
}
