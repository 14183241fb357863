// The test's side of fault.c: says which call of the daemon is to fail, and reads how many there were.
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

export const KINDS = ["malloc", "write", "fsync", "rename", "thread", "accept"];
export const ENOSPC = 28;
export const EIO = 5;

// Words of struct control, by the place of their first one.
const n = KINDS.length;
const CALLS = 0;
const FAIL_AT = n;
const FAIL_FOR = 2 * n;
const FAILED = 3 * n;
const ERROR = 4 * n;
const CLOCK = 4 * n + 1;
const WORDS = 4 * n + 2;

export class Faults {
  constructor() {
    this.folder = mkdtempSync(path.join(tmpdir(), "mlpd-fault-"));
    this.file = path.join(this.folder, "control");
    this.fd = openSync(this.file, "w+");
    writeSync(this.fd, Buffer.alloc(8 * WORDS), 0, 8 * WORDS, 0);
  }

  close() {
    closeSync(this.fd);
    rmSync(this.folder, { recursive: true });
  }

  /** For the daemon. */
  get env() {
    const asan = `${process.env.ASAN_OPTIONS ?? ""}:verify_asan_link_order=0`; // ours comes before it
    return { LD_PRELOAD: process.env.MLPD_FAULT_LIBRARY, MLPD_FAULT_FILE: this.file, ASAN_OPTIONS: asan };
  }

  #put(word, ...values) {
    const bytes = Buffer.alloc(8 * values.length);
    values.forEach((value, i) => bytes.writeBigInt64LE(BigInt(value), 8 * i));
    writeSync(this.fd, bytes, 0, bytes.length, 8 * word);
  }

  #get(word) {
    const bytes = Buffer.alloc(8);
    readSync(this.fd, bytes, 0, 8, 8 * word);
    return Number(bytes.readBigInt64LE());
  }

  /** From now on the k-th call of this kind fails, and the `calls` - 1 after it. */
  arm(kind, k, { calls = 1, error = ENOSPC } = {}) {
    const i = KINDS.indexOf(kind);
    this.disarm();
    this.#put(ERROR, error);
    this.#put(FAIL_FOR + i, calls);
    this.#put(FAIL_AT + i, k);
  }

  /** Nothing fails any more; counting begins anew. */
  disarm() {
    this.#put(FAIL_AT, ...KINDS.map(() => 0));
    this.#put(CALLS, ...KINDS.map(() => 0));
    this.#put(FAILED, ...KINDS.map(() => 0));
  }

  /** The daemon's wall clock is so many seconds ahead of ours from now on. */
  clock(seconds) {
    this.#put(CLOCK, seconds);
  }

  calls(kind) {
    return this.#get(CALLS + KINDS.indexOf(kind));
  }

  failed(kind) {
    return this.#get(FAILED + KINDS.indexOf(kind));
  }
}
