"""How fast it trains: epochs, the way to an accuracy, a large network, one thread against two."""
import itertools
import json
import re
import statistics
import subprocess
import time

import children
import machine
from children import Failed
from context import LAYERS, Case, Row, per_epoch, reference

BATCHES = [32, 128, 1024, "full"]
TARGET = 0.9691
# The fastest to the target in our own terms, as `run --tune` finds it: a single epoch in which the rate rises and falls.
ACCURACY = {"batch_size": 64, "learning_rate": 0.006, "schedule": "one_cycle"}
ACCURACY_EPOCHS = 1
LARGE = [2500, 2000, 1500, 1000, 500]
LARGE_ROWS = 2560


def epoch(context):
    return [epoch_case(context, batch) for batch in BATCHES]


def epoch_case(context, batch):
    many = 3 if context.quick else 51
    peer_epochs = 1 if context.quick else 2 if batch == 32 else 5
    daemon, peers, rows = context.daemon(), context.peers, 60000 if batch == "full" else batch

    def ours(_):
        return {"epoch": 1e3 * per_epoch(daemon, many, **reference(batch_size=batch))[0]}

    contestants = {
        "mlpd": ours,
        "PyTorch": lambda _: {"epoch": 1e3 * peers.torch_epoch("eager", rows, peer_epochs)},
        "PyTorch by hand": lambda _: {"epoch": 1e3 * peers.torch_epoch("manual", rows, peer_epochs)},
        "NumPy": lambda _: {"epoch": 1e3 * peers.numpy_epoch(rows, peer_epochs)},
    }
    if batch == 128:
        contestants["scikit-learn"] = lambda _: {"epoch": 1e3 * peers.sklearn_epoch(max(2, peer_epochs))}
    return Case(f"epoch-{batch}", {"epoch": Row(f"epoch, batch {batch}", "ms")}, contestants,
                [f"epoch, batch {batch}: {many} epochs less 1, over the API"])


def reached(daemon, job, began):
    """Seconds until the first epoch whose test accuracy is the target's; endless where none is."""
    seconds = float("inf")
    for name, data, at in daemon.events(job):
        if name == "epoch" and data["val_accuracy"] >= TARGET and seconds == float("inf"):
            seconds = at - began
            try:
                daemon.call("POST", f"/jobs/{job}/cancel")
            except Failed:
                pass  # it has ended meanwhile
    return seconds


def from_memory(daemon, seed):
    began = time.perf_counter()
    job = daemon.call("POST", "/train", reference(validation="mnist_test", epochs=ACCURACY_EPOCHS, **{**ACCURACY, "seed": seed}))["id"]
    return reached(daemon, job, began)


def curl(daemon, path, file):
    """A CSV by curl; the reply's JSON."""
    done = subprocess.run(["curl", "-sS", "--fail-with-body", "--max-time", "300", "-X", "POST", "-H", "Content-Type: text/csv", "-T", file,
                           daemon.url + path], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode:
        raise Failed(f"curl {path}: {(done.stdout or done.stderr)[:300].decode(errors='replace')}")
    return json.loads(done.stdout)


def from_upload(context, seed):
    """Both files by curl, the second one with the call that trains on it."""
    daemon = context.fresh(context.threads)
    began = time.perf_counter()
    curl(daemon, "/datasets?name=mnist_test", context.test_csv)
    settings = {"name": "mnist_train", "target": "label", "model": "bench", "layers": ",".join(map(str, LAYERS)), "validation": "mnist_test",
                "validation_split": 0, "epochs": ACCURACY_EPOCHS, "seed": seed, **ACCURACY}
    job = curl(daemon, "/train?" + "&".join(f"{name}={value}" for name, value in settings.items()), context.train_csv)["id"]
    seconds = reached(daemon, job, began)
    daemon.end()
    return seconds


def accuracy(context):
    daemon, seeds = context.daemon(), 1 if context.quick else 5

    def ours(_):
        return {"memory": statistics.median(from_memory(daemon, seed) for seed in range(1, seeds + 1))}

    contestants = {
        "mlpd": ours,
        "mlpd, from curl": lambda turn: {"upload": from_upload(context, turn)},
        "PyTorch by hand": lambda _: {"memory": context.peers.torch_accuracy(seeds)},
    }
    rows = {"memory": Row(f"to {TARGET:.2%} test accuracy, data in memory", "s"),
            "upload": Row(f"to {TARGET:.2%} test accuracy, from the start of the upload", "s")}
    settings = ", ".join(f"{name} {value}" for name, value in ACCURACY.items())
    return [Case("accuracy", rows, contestants, [f"to {TARGET:.2%}: mlpd {settings}, PyTorch batch 512, rate 0.008; median of {seeds} seeds a round"])]


def head(source, target, n_rows):
    with open(source, encoding="ascii") as file, open(target, "w", encoding="ascii") as out:
        for _ in range(n_rows + 1):
            out.write(next(file))
    return target


def large(context):
    layers, many, steps = [784, *LARGE, 10], 2 if context.quick else 5, 3 if context.quick else 25
    daemon = context.daemon()
    daemon.upload("mnist_head", head(context.train_csv, context.temp / "head.csv", LARGE_ROWS))
    weights = [a * b for a, b in zip(layers, layers[1:])]
    flops = 2 * (2 * sum(weights) + sum(weights[1:]))  # a row's, of the matrix products

    def ours(_):
        request = reference(dataset="mnist_head", layers=LARGE, batch_size=128)
        rate = LARGE_ROWS / per_epoch(daemon, many, **request)[0]
        plain = LARGE_ROWS / per_epoch(daemon, many, **{**request, "optimizer": {"name": "sgd", "learning_rate": 0.01}})[0]
        peak = context.probe.peak()
        shares = {"peak": 100 * rate * flops / 1e9 / peak, "plain": 100 * plain * flops / 1e9 / peak} if peak else {}
        return {"rate": rate, "flops": rate * flops / 1e9, **shares}

    def torch(_):
        rate, gigaflops = context.peers.torch_large(layers, steps)
        return {"rate": rate, "flops": gigaflops}

    rows = {"rate": Row("-".join(map(str, layers)) + ", batch 128", "rows/s", True), "flops": Row("its matrix products", "GFLOP/s", True),
            "peak": Row("of the probe's best reading on two cores", "%", True),
            "plain": Row("the same with plain SGD, whose update costs next to nothing in Adam's place", "%", True)}
    return [Case("large", rows, {"mlpd": ours, "PyTorch": torch},
                 [f"large network: {LARGE_ROWS} rows, {many} epochs less 1; GFLOP/s count every weight, zero pixels too"])]


def threads(context):
    many, seen = 3 if context.quick else 21, {}

    def turn(n):
        def ours(_):
            seconds, job = per_epoch(context.daemon(n), many, **reference(batch_size=128))
            seen[n] = [line["loss"] for line in job["history"]]
            if len(seen) == 2 and seen[1] != seen[2]:
                raise Failed("one thread and two do not train to the same bits")
            return {"epoch": 1e3 * seconds}
        return ours

    return [Case("threads", {"epoch": Row("epoch, batch 128, 2 threads", "ms")}, {"mlpd": turn(2), "mlpd, 1 thread": turn(1)},
                 [f"2 threads against 1: {many} epochs less 1; every loss equal to the bit"])]


def rested(context, *arguments):
    """[(what, ms, GFLOP/s of the cores then)] of the pieces of work that had both cores free before and after."""
    program, root = context.temp / "rested", context.options.root
    if not program.exists():
        children.run(["gcc", "-O3", "-march=native", "-mprefer-vector-width=512", "-pthread", "-I", root / "include", "-I", root / "engine",
                      root / "tests/bench/rested.c", context.options.mlpd.parent / "libmlp.a", "-lm", "-o", program], 60)
    text, _ = children.run([program, *map(str, arguments)], 300)
    pieces = [(what, *map(float, numbers)) for what, *numbers in
              re.findall(r"^(\S+) ([\d.]+) ms  (\d+) (\d+) GFLOP/s  ([\d.]+) ([\d.]+) a ns$", text, re.M)]
    most = max([context.probe.best_taken, *(max(piece[4:]) for piece in pieces)])
    return [(what, ms, max(before, after)) for what, ms, before, after, *taken in pieces if min(taken) >= machine.TAKEN_SHARE * most]


def free(context):
    """Pieces of work so short that some find both cores free where others share the machine."""
    pieces, (epochs, products) = {}, (2, 3) if context.quick else (12, 24)

    def all_of(number):
        if number not in pieces:
            pieces[number] = [*rested(context, "epoch", epochs, context.train_csv, context.temp / "rested.table"),
                              *rested(context, "products", products)]
        return pieces[number]

    def ours(number):
        rates = [(1e3 * float(re.search(r"[\d.]+", what)[0]) / ms, peak) for what, ms, peak in all_of(number) if "GFLOP" in what]
        values = {"epoch": [ms for what, ms, _ in all_of(number) if what == "threads-2"],
                  "products": [rate for rate, _ in rates], "share": [100 * rate / peak for rate, peak in rates]}
        return {key: statistics.median(of_key) for key, of_key in values.items() if of_key}

    def single(number):
        times = [ms for what, ms, _ in all_of(number) if what == "threads-1"]
        return {"epoch": statistics.median(times)} if times else {}

    rows = {"epoch": Row("an epoch, batch 128, while both cores are free", "ms"),
            "products": Row("the large network's matrix products, both cores free", "GFLOP/s", True),
            "share": Row("of what arithmetic on registers does there at that time", "%", True)}
    return [Case("free", rows, {"mlpd": ours, "mlpd, 1 thread": single},
                 [f"both cores free: of {epochs} single epochs and {products} steps' products a round, each after a rest, those with free cores before and after"])]


def tune(context):
    """Prints, for batches and rates, each seed's test accuracy at the end (the same on any machine), and the seconds to the target here."""
    daemon, seeds = context.daemon(), range(1, 4 if context.quick else 6)
    print("epochs batch   rate  accuracy by seed  seconds by seed", flush=True)
    for epochs, batch, rate in itertools.product((1, 2), (32, 48, 64, 96, 128, 256), (0.004, 0.006, 0.008, 0.01, 0.015)):
        ends = []
        for seed in seeds:
            began = time.perf_counter()
            request = reference(validation="mnist_test", batch_size=batch, learning_rate=rate, schedule="one_cycle", seed=seed, epochs=epochs)
            job = daemon.call("POST", "/train", request)["id"]
            seconds = reached(daemon, job, began)
            history = daemon.call("GET", f"/jobs/{job}")["history"]
            ends.append((history[-1]["val_accuracy"] if history else 0, seconds))
            daemon.forget("bench")
        print(f"{epochs:6} {batch:5} {rate:6} ", *(f"{accuracy:.4f}" for accuracy, _ in ends), " ", *(f"{seconds:.2f}" for _, seconds in ends),
              flush=True)
