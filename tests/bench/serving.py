"""How fast it answers: rows a second, requests a second, and while a job trains."""
import array
import contextlib
import json
import re
import struct
import threading
import time
from pathlib import Path

import children
from children import Failed
from context import Case, Row, reference

HERE = Path(__file__).resolve().parent
SIZES, FORMS = [1, 32, 10000], ["JSON", "float32"]
RATE = 1000      # requests a second while a job trains
CLIENTS = 8


def images(path, n):
    """The first n images of a CSV file, as lists of numbers."""
    with open(path, encoding="ascii") as file:
        next(file)
        return [[int(word) for word in line.split(",")[1:]] for line, _ in zip(file, range(n))]


def bodies(context):
    """{(size, form): (file, content type)}"""
    files, digits = {}, images(context.test_csv, max(SIZES))
    for size in SIZES:
        numbers, floats = context.temp / f"rows-{size}.json", context.temp / f"rows-{size}.f32"
        numbers.write_text(json.dumps({"model": "digits", "instances": digits[:size]}, separators=(",", ":")))
        values = array.array("f", (value for row in digits[:size] for value in row))
        if struct.pack("=f", 1) != struct.pack("<f", 1):
            values.byteswap()
        floats.write_bytes(values.tobytes())
        files[size, "JSON"] = numbers, "application/json"
        files[size, "float32"] = floats, "application/octet-stream"
    return files


def wrk(url, script, connections, seconds, *arguments):
    """(requests a second, p50 in ms, p99 in ms)"""
    text, _ = children.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "--latency", "-s", script, url, "--",
                            *arguments], seconds + 60)
    match = re.search(r"([\d.]+) req/s; p50 (\d+) us; p99 (\d+) us; errors (\d+)", text)
    if not match or int(match.group(4)):
        raise Failed(f"wrk {url}: {text.strip()[-200:]}")
    return float(match.group(1)), float(match.group(2)) / 1e3, float(match.group(3)) / 1e3


def predict(context):
    daemon, files, seconds = context.digits(), bodies(context), 1 if context.quick else 4
    url = daemon.url + "/models/digits/predict"

    def ours(_):
        return {(size, form): size * wrk(url, HERE / "predict.lua", 1, seconds, *files[size, form])[0] for size, form in files}

    def of_peer(measure):
        def turn(_):
            rates = measure()
            return {(size, form): rates[size] for size, form in files}
        return turn

    contestants = {"mlpd": ours, "PyTorch, in process": of_peer(lambda: context.peers.infer("torch_jit"))}
    notes = ["prediction: one connection, a request after the other; the peers answer in their own process, without HTTP"]
    why = context.peers.ort_missing()
    if why:
        notes.append(f"ONNX Runtime: {why}")
    else:
        contestants["ONNX Runtime, in process"] = of_peer(context.peers.infer_ort)
    rows = {(size, form): Row(f"prediction, {size:,} row{'s' * (size > 1)} a request, {form}", "rows/s", True) for form in FORMS for size in SIZES}
    return [Case("predict", rows, contestants, notes)]


def serve(context):
    daemon, peers, seconds = context.digits(), context.peers, 2 if context.quick else 10

    def load(url):
        rate, _, p99 = wrk(url, peers.folder / "post.lua", 16, seconds)
        return {"rate": rate, "p99": p99}

    def of_peer(server):
        def turn(_):
            with server() as port:
                return load(f"http://127.0.0.1:{port}/predict")
        return turn

    contestants = {"mlpd": lambda _: load(daemon.url + "/models/digits/predict"), "libmicrohttpd alone": of_peer(peers.serve_mhd)}
    if not peers.ort_missing():
        contestants["node, ONNX Runtime"] = of_peer(peers.serve_ort)
    rows = {"rate": Row("requests, 784 numbers of JSON each", "requests/s", True), "p99": Row("their p99", "ms")}
    return [Case("serve", rows, contestants, [f"requests: wrk -t1 -c16 -d{seconds}s on the same cores"])]


@contextlib.contextmanager
def training(daemon):
    """A job on all threads, cancelled at the end: gives (list of times at which its epochs ended, wait(n) for the n-th of them)."""
    ends, news = [], threading.Condition()
    job = daemon.call("POST", "/train", reference(batch_size=128, epochs=100000))["id"]

    def follow():
        for name, _, at in daemon.events(job):
            with news:
                if name == "epoch":
                    ends.append(at)
                news.notify_all()

    def wait(n):
        with news:
            if not news.wait_for(lambda: len(ends) >= n, 120):
                raise Failed(f"job {job} does not get on")

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield ends, wait
    finally:
        daemon.call("POST", f"/jobs/{job}/cancel")
        thread.join(60)
        daemon.forget("bench")


def pace(ends, began, ended):
    """Seconds an epoch, of the epochs that lie between two times."""
    inside = [at for at in ends if began <= at <= ended]
    if len(inside) < 2:
        raise Failed("too few epochs in the time measured")
    return (inside[-1] - inside[0]) / (len(inside) - 1)


def h2load(url, body, seconds, log):
    """(requests answered a second, p50 in ms, p99 in ms) at RATE requests a second."""
    log.unlink(missing_ok=True)
    children.run(["h2load", "--h1", "-t1", f"-c{CLIENTS}", f"--rps={RATE / CLIENTS:g}", f"-D{seconds}", "-d", body, "-H", "Content-Type: application/json",
                  f"--log-file={log}", url], seconds + 60)
    lines = [line.split("\t") for line in log.read_text().splitlines()]
    if not lines or any(status != "200" for _, status, _ in lines):
        raise Failed(f"h2load: {len(lines)} replies, not all of them 200")
    times = sorted(int(us) / 1e3 for _, _, us in lines)
    return len(times) / seconds, times[len(times) // 2], times[min(len(times) - 1, int(len(times) * 0.99))]


def busy(context):
    daemon, seconds = context.digits(), 4 if context.quick else 8
    body = bodies(context)[1, "JSON"][0]

    def ours(_):
        with training(daemon) as (ends, wait):
            wait(1)
            alone = len(ends)
            wait(alone + (3 if context.quick else 40))
            began = time.perf_counter()
            rate, p50, p99 = h2load(daemon.url + "/models/digits/predict", body, seconds, context.temp / "h2load.log")
            ended = time.perf_counter()
            wait(len(ends) + 1)
            slower = pace(ends, began, ended) / pace(ends, ends[0], began) - 1
        return {"rate": rate, "p50": p50, "p99": p99, "slower": 100 * slower}

    rows = {"rate": Row(f"requests answered of {RATE:,} a second while a job trains on all threads", "requests/s", True), "p50": Row("their p50", "ms"),
            "p99": Row("their p99", "ms"), "slower": Row("the training's slowdown by them", "%")}
    return [Case("busy", rows, {"mlpd": ours}, [f"while a job trains: h2load, {CLIENTS} connections, one row of JSON each, {seconds} s"])]
