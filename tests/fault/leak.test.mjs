// What the daemon leaks is found at its end, so that every suite that stops its
// daemon under the address sanitizer fails where something leaks.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Daemon, run } from "../api/daemon.mjs";
import { Faults } from "./fault.mjs";

const faults = new Faults();
after(() => faults.close());

test("a block that is lost fails the daemon's stop, where the address sanitizer is built in", async () => {
  const asan = /AddressSanitizer/.test((await run(["--version"], { ASAN_OPTIONS: "help=1" })).stderr);
  const daemon = await Daemon.start({ env: { ...faults.env, MLPD_FAULT_LEAK: "1" } });
  if (asan) await assert.rejects(daemon.stop(), /LeakSanitizer/);
  else await daemon.stop();
});
