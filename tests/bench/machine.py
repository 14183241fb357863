"""The machine: what it is, and whether its cores are free right now."""
import os
import re
from pathlib import Path

import children

QUIET_SHARE = 0.93  # of twice the best one-thread reading: what two threads must reach
TAKEN_SHARE = 0.85  # of the most instructions that the slower core has taken in: fewer, and it runs another thread
STEAL_MOST = 0.02   # of the processors' time, taken by the host during a measurement


def cpu():
    text = Path("/proc/cpuinfo").read_text()
    name = re.search(r"model name\s*: (.*)", text)
    codes = [re.search(rf"{key}\s*: (\d+)", text) for key in ("cpu family", "model\t", "stepping")]
    more = " family %s model %s stepping %s" % tuple(code.group(1) for code in codes) if all(codes) else ""
    return (name.group(1) if name else os.uname().machine) + more


def cores():
    return len(os.sched_getaffinity(0))


def has(flag):
    return re.search(rf"\b{flag}\b", Path("/proc/cpuinfo").read_text()) is not None


def times():
    """(all, stolen) processor time so far, in ticks."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return sum(ticks), ticks[7]


class Probe:
    """0.3 s of arithmetic on one core, then on two, and how many instructions they take in: what other loads leave of them. Then how far
    apart they are."""

    def __init__(self, source, folder):
        self.best_one, self.best_taken, self.readings, self.distances, self.program = 0, 0, [], [], None
        self.handoff, self.decoders = folder / "handoff", folder / "decoders"
        for program in (self.handoff, self.decoders):
            children.run(["gcc", "-O2", "-pthread", Path(__file__).with_name(f"{program.name}.c"), "-o", program], 60)
        try:
            program = folder / "machine_limits"
            children.run(["gcc", "-O2", "-march=sapphirerapids", "-mprefer-vector-width=512", "-pthread", source, "-o", program], 60)
            self.program = program
            self.why = ""
            self.read()
        except (children.Failed, OSError) as error:
            self.program, self.why = None, str(error)

    def read(self):
        """(one thread, two threads) in GFLOP/s and instructions a ns, or None where the probe does not run on this machine."""
        if not self.program:
            return None
        text, _ = children.run([self.program, "q"], 30)
        taken, _ = children.run([self.decoders], 30)
        reading = tuple(float(number) for number in (*re.search(r"1 thr (\d+), 2 thr (\d+)", text).groups(), taken))
        self.best_one, self.best_taken = max(self.best_one, reading[0]), max(self.best_taken, reading[2])
        self.readings.append(reading)
        return reading

    def distance(self):
        """Nanoseconds that a cache line takes from one core to another and back; None where there is one core."""
        if cores() < 2:
            return None
        text, _ = children.run([self.handoff], 30)
        self.distances.append(float(text))
        return self.distances[-1]

    def quiet(self, reading):
        return reading is not None and reading[1] >= QUIET_SHARE * 2 * self.best_one and reading[2] >= TAKEN_SHARE * self.best_taken

    def wait(self, tries):
        """Reads until both cores are free, at most `tries` times; the last reading."""
        for _ in range(tries):
            reading = self.read()
            if reading is None or self.quiet(reading):
                break
        return reading

    def peak(self):
        return max((two for _, two, _ in self.readings), default=0)
