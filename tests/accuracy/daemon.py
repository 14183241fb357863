"""mlpd as its users see it: a process on a free port of the loopback, spoken to over HTTP. Standard library only."""
import http.client
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Failed(Exception):
    """What mlpd refused or could not do; the message says it."""


class Daemon:
    def __init__(self, binary=ROOT / "build/release/mlpd", threads=1):
        self.state = tempfile.mkdtemp(prefix="mlpd-accuracy-")
        self.log = open(Path(self.state) / "log", "w+")
        self.process = subprocess.Popen([binary, "--listen=127.0.0.1:0", f"--state-dir={self.state}", f"--threads={threads}"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if found := re.search(r"listening on http://127\.0\.0\.1:(\d+)", line):
                self.port = int(found.group(1))
                break
        else:
            raise Failed("mlpd did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate()
        self.log.close()
        shutil.rmtree(self.state, ignore_errors=True)

    def call(self, method, path, body=None, kind="application/json"):
        """The reply's JSON; an error status is a failure."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        try:
            connection.request(method, path, body, {"Content-Type": kind} if body is not None else {})
            reply = connection.getresponse()
            text = reply.read()
        finally:
            connection.close()
        if reply.status >= 300:
            raise Failed(f"{method} {path}: {reply.status} {text[:400].decode(errors='replace')}")
        return json.loads(text) if text else None

    def upload(self, name, csv):
        """CSV text or an open file becomes a dataset."""
        return self.call("POST", f"/datasets?name={name}&replace=true", csv, "text/csv")

    def train(self, **request):
        """Trains to the end; the job as it ended."""
        job = self.call("POST", "/train", json.dumps(request))["id"]
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=3600)
        connection.request("GET", f"/jobs/{job}/events")
        reply = connection.getresponse()
        while reply.readline():
            pass
        connection.close()
        done = self.call("GET", f"/jobs/{job}")
        if done["state"] != "succeeded":
            raise Failed(f"job {job} {done['state']}: {done['error']}")
        return done

    def evaluation(self, model, limit=0):
        return self.call("GET", f"/models/{model}/evaluation?limit={limit}")
