"""The peers, called in place in ../shared/peers, each with its figure read from what it prints."""
import contextlib
import os
import re
import socket
import statistics
import subprocess
import time
from pathlib import Path

import children
import machine
from children import Child, Failed

PYTHON = "/usr/bin/python3"  # Debian's, which its packages belong to
LIMIT = 900                  # seconds for any one run
PACKAGES = {"gcc": "gcc", "curl": "curl", "wrk": "wrk", "h2load": "nghttp2-client", "node": "nodejs"}
MODULES = {"torch": "python3-torch", "numpy": "python3-numpy", "sklearn": "python3-sklearn", "pandas": "python3-pandas"}
FILES = {"/usr/lib/x86_64-linux-gnu/openblas-openmp/libblas.so.3": "libopenblas0-openmp", "/usr/include/microhttpd.h": "libmicrohttpd-dev"}


def which(command):
    return any(os.access(os.path.join(folder, command), os.X_OK) for folder in os.environ.get("PATH", "").split(":"))


def module(name):
    return subprocess.run([PYTHON, "-c", f"import importlib.util as u, sys; sys.exit(u.find_spec('{name}') is None)"], check=False).returncode == 0


def missing():
    """The Debian packages that the peers need and that are not there."""
    if not os.access(PYTHON, os.X_OK):
        return ["python3"]
    return ([p for c, p in PACKAGES.items() if not which(c)] + [p for m, p in MODULES.items() if not module(m)] +
            [p for f, p in FILES.items() if not Path(f).exists()])


def environment(threads):
    """Without these settings Debian's OpenBLAS misdetects recent processors and runs five times slower."""
    wide = machine.has("avx512f")
    return {**os.environ, "OPENBLAS_CORETYPE": "SkylakeX" if wide else "Haswell", "OMP_NUM_THREADS": str(threads),
            "LD_LIBRARY_PATH": "/usr/lib/x86_64-linux-gnu/openblas-openmp", "ATEN_CPU_CAPABILITY": "avx512" if wide else "avx2",
            "PYTHONDONTWRITEBYTECODE": "1"}


def number(pattern, text):
    match = re.search(pattern, text)
    if not match:
        raise Failed(f"no figure in {text.strip()[-200:]!r}")
    return float(match.group(1))


class Peers:
    def __init__(self, folder, idx, temp, threads, ort):
        self.folder, self.idx, self.temp, self.threads, self.ort = folder, idx, temp, threads, ort
        self.env = environment(threads)
        self.built = {}
        self.models = None

    def python(self, script, *arguments):
        """(what it printed, its peak memory)"""
        return children.run([PYTHON, self.folder / script, *map(str, arguments)], LIMIT, self.env, self.temp)

    def torch(self, impl, *arguments):
        return self.python("torch_train.py", "--data", self.idx, "--impl", impl, "--threads", self.threads, *arguments)

    def torch_epoch(self, impl, batch, epochs):
        return number(r"median ([\d.]+)", self.torch(impl, "--batch", batch, "--epochs", epochs)[0])

    def torch_accuracy(self, seeds):
        text, _ = self.torch("manual", "--ftz", "--batch", 512, "--lr", 0.008, "--target", 0.9691, "--seeds", seeds, "--max-epochs", 10)
        return number(r"median s ([\d.]+|inf)", text)

    def torch_large(self, layers, steps):
        text, _ = self.torch("eager", "--batch", 128, "--layers", ",".join(map(str, layers)), "--steps", steps)
        return number(r"([\d.]+) samples/s", text), number(r"([\d.]+) GFLOP/s", text)

    def numpy_epoch(self, batch, epochs):
        return number(r"median ([\d.]+)", self.python("numpy_train.py", "--data", self.idx, "--batch", batch, "--epochs", epochs)[0])

    def sklearn_epoch(self, epochs):
        return number(r"epoch ([\d.]+)s", self.python("sklearn_train.py", "--data", self.idx, "--epochs", epochs)[0])

    def csv(self, path, kind):
        return number(r"median ([\d.]+) s", self.python("csv_ingest.py", path, kind)[0])

    def csv_naive(self, path):
        """A C loop that takes nothing but digits and commas."""
        text, _ = children.run([self.build("csv_read", "-O3", "-march=native"), path], 60)
        return statistics.median(float(ms) for ms in re.findall(r"new f32 array ([\d.]+) ms", text)) / 1e3

    def build(self, name, *flags, libraries=()):
        if name not in self.built:
            children.run(["gcc", *flags, self.folder / f"{name}.c", "-o", self.temp / name, *libraries], 60)
            self.built[name] = self.temp / name
        return self.built[name]

    def infer(self, kind):
        """{batch: rows a second} in the process, without HTTP."""
        return rates(self.python("infer_bench.py", kind, self.threads)[0])

    def infer_ort(self):
        text, _ = children.run(["node", self.folder / "infer_ort.mjs", self.model_onnx(), self.ort, str(self.threads)], LIMIT)
        return rates(text)

    def model_onnx(self):
        """The reference network as ONNX, trained once; needs python3-onnx."""
        if not self.models:
            self.python("export_onnx.py", "--data", self.idx, "--out", self.temp)
            self.models = self.temp / "model.onnx"
        return self.models

    def ort_missing(self):
        """Why ONNX Runtime is not run, or nothing."""
        if not self.ort or not (self.ort / "onnxruntime-node").is_dir():
            return "not installed (npm install --ignore-scripts onnxruntime-node, then --ort its node_modules)"
        return "" if module("onnx") else "not run (Debian package python3-onnx is not installed)"

    @contextlib.contextmanager
    def serve_mhd(self):
        program = self.build("serve_mhd", "-O2", libraries=["-lmicrohttpd"])
        with serving(lambda port: [program, str(port), "pool2epoll"]) as port:
            yield port

    @contextlib.contextmanager
    def serve_ort(self):
        with serving(lambda port: ["node", self.folder / "serve_ort.mjs", self.model_onnx(), self.ort, str(port)]) as port:
            yield port


def rates(text):
    return {int(batch): float(rate) for batch, rate in re.findall(r"batch (\d+): (\d+) samples/s", text)}


@contextlib.contextmanager
def serving(command):
    """A server that says nothing when it is ready: tried until its port answers, for at most 20 s."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    child, until = Child(command(port)), time.monotonic() + 20
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if time.monotonic() > until or child.process.poll() is not None:
                    raise Failed(f"{command(port)[0]} did not answer") from None
                time.sleep(0.05)
        yield port
    finally:
        child.end()
