"""mlpd as its users see it: a process, its HTTP routes and its event streams."""
import http.client
import json
import os
import re
import shutil
import socket
import tempfile
import time
from pathlib import Path

from children import Child, Failed

CALL_SECONDS = 300   # no reply takes longer
TRAIN_SECONDS = 600  # nor a job


class Daemon:
    train_seconds = TRAIN_SECONDS

    def __init__(self, binary, threads):
        self.state = tempfile.mkdtemp(prefix="mlpd-bench-")
        self.child = Child([binary, "--listen=127.0.0.1:0", f"--state-dir={self.state}", f"--threads={threads}"])
        self.port = int(self.child.wait_line(re.compile(r"listening on http://127\.0\.0\.1:(\d+)"), 30).group(1))
        self.url = f"http://127.0.0.1:{self.port}"

    def end(self):
        self.child.end()
        shutil.rmtree(self.state, ignore_errors=True)

    def call(self, method, path, body=None, kind="application/json"):
        """The reply's JSON; an error status is a failure. A body of JSON's type is written as JSON, another is sent as it is."""
        if body is not None and kind == "application/json":
            body = json.dumps(body)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=CALL_SECONDS)
        try:
            connection.request(method, path, body, {"Content-Type": kind} if body is not None else {})
            reply = connection.getresponse()
            text = reply.read()
        finally:
            connection.close()
        if reply.status >= 300:
            raise Failed(f"{method} {path}: {reply.status} {text[:300].decode(errors='replace')}")
        return json.loads(text) if text else None

    def events(self, job):
        """Yields (event, data, when it came) until the stream ends."""
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", f"/jobs/{job}/events")
            reply, name = connection.getresponse(), ""
            while line := reply.readline().decode():
                if line.startswith("event: "):
                    name = line[7:].strip()
                elif line.startswith("data: "):
                    yield name, json.loads(line[6:]), time.perf_counter()
                if time.perf_counter() - began > self.train_seconds:
                    raise Failed(f"job {job} took longer than {self.train_seconds} s")
        finally:
            connection.close()

    def upload(self, name, path):
        """A CSV file as a dataset: (seconds to the reply, those of them after the last byte was handed to the kernel)."""
        with socket.create_connection(("127.0.0.1", self.port), CALL_SECONDS) as connection, open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            began = time.perf_counter()
            connection.sendall(f"POST /datasets?name={name} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nContent-Type: text/csv\r\n"
                               f"Content-Length: {size}\r\n\r\n".encode())
            connection.sendfile(file)
            sent = time.perf_counter()
            reply = http.client.HTTPResponse(connection)
            reply.begin()
            ended = time.perf_counter()
            text = reply.read()
        if reply.status != 201:
            raise Failed(f"upload of {path}: {reply.status} {text[:300].decode(errors='replace')}")
        return ended - began, ended - sent

    def train(self, **request):
        """Trains to the end: (seconds from POST to `done`, the job). The model is kept."""
        began = time.perf_counter()
        job = self.call("POST", "/train", request)["id"]
        ended, data = began, {}
        for name, data, at in self.events(job):
            ended = at if name == "done" else ended
        if data.get("state") != "succeeded":
            raise Failed(f"job {job}: {data}")
        return ended - began, self.call("GET", f"/jobs/{job}")

    def forget(self, model):
        """A model and its versions, so that the next run begins as this one did."""
        self.call("DELETE", f"/models/{model}")

    def peak_memory(self):
        text = Path(f"/proc/{self.child.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", text).group(1)) * 1024
