"""Child processes: bounded in time, ended by their own id, with the peak of their memory."""
import os
import subprocess
import tempfile
import threading


class Failed(Exception):
    """A measurement that could not be taken; the message says why."""


class Child:
    """A server that runs until `end`. Its lines of standard error are kept; `wait_line` waits for one of them."""

    def __init__(self, command, env=None, cwd=None):
        self.lines, self.news = [], threading.Condition()
        self.process = subprocess.Popen(command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True, errors="replace")
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stderr:
            with self.news:
                self.lines.append(line.rstrip("\n"))
                self.news.notify_all()
        with self.news:
            self.lines.append(None)  # it has ended
            self.news.notify_all()

    def wait_line(self, pattern, seconds):
        """The match of the first line that the pattern is found in."""
        def found():
            return next((m for m in map(pattern.search, filter(None, self.lines)) if m), None) or (None in self.lines)
        with self.news:
            self.news.wait_for(found, seconds)
            match = found()
        if not match or match is True:
            raise Failed(f"{self.process.args[0]} did not start: {' / '.join(filter(None, self.lines[-3:]))}")
        return match

    def end(self, seconds=30):
        self.process.terminate()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join()


def run(command, seconds, env=None, cwd=None):
    """Runs a command to its end: (standard output, peak resident memory in bytes)."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        timer = threading.Timer(seconds, process.kill)
        timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:  # the run is being ended: so is this
            process.kill()
            process.wait()
            raise
        finally:
            timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            last = err.read().strip().splitlines()[-1:] or out.read().strip().splitlines()[-1:] or [""]
            raise Failed(f"{' '.join(map(str, command[:3]))}: exit status {process.returncode} {last[0][:200]}")
        return out.read(), usage.ru_maxrss * 1024
