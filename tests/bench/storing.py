"""How fast a CSV comes in, and how much memory it all takes."""
import re
import statistics

import children
from context import Case, Row, reference


def ingest(context):
    daemon, peers, path = context.daemon(), context.peers, context.train_csv

    def upload(_):
        whole, after = daemon.upload("again", path)
        daemon.call("DELETE", "/datasets/again")
        return {"whole": whole, "after": after}

    def engine(_):
        program = context.temp / "ingest"
        root = context.options.root
        children.run(["gcc", "-O2", "-D_POSIX_C_SOURCE=200809L", "-I", root / "include", root / "tests/bench/ingest.c",
                      context.options.mlpd.parent / "libmlp.a", "-lm", "-pthread", "-o", program], 60)
        text, _ = children.run([program, path, context.temp / "ingest.table", str(context.threads)], 120)
        return {"parse": statistics.median(map(float, re.findall(r"ingest ([\d.]+) s", text)))}

    def of_peer(measure):
        def turn(_):
            seconds = measure()
            return {"parse": seconds, "whole": seconds}
        return turn

    rows = {"parse": Row("mnist_train.csv (110 MB) parsed to a table in a synced file", "s"), "whole": Row("the same by upload, to the reply", "s"),
            "after": Row("of it after the last byte was sent", "s")}
    contestants = {"mlpd, the engine alone": engine, "mlpd": upload, "pandas": of_peer(lambda: peers.csv(path, "pandas")),
                   "pandas, float32": of_peer(lambda: peers.csv(path, "pandas_f32")), "a naive C loop": of_peer(lambda: peers.csv_naive(path))}
    return [Case("ingest", rows, contestants, ["the naive C loop takes digits and commas only and keeps nothing on disk; each is the median of 3"])]


def memory(context):
    epochs = 1 if context.quick else 3
    mega = 1e-6

    def ours(_):
        daemon = context.fresh(context.threads)
        seen = {"start": daemon.peak_memory()}
        daemon.upload("mnist_train", context.train_csv)
        seen["upload"] = daemon.peak_memory()
        for key, batch in (("train", 128), ("full", "full")):
            daemon.train(**reference(batch_size=batch, epochs=epochs))
            seen[key] = daemon.peak_memory()
        daemon.end()
        return {key: mega * value for key, value in seen.items()}

    def torch(_):
        return {key: mega * context.peers.torch("eager", "--batch", batch, "--epochs", 1)[1] for key, batch in (("train", 128), ("full", 60000))}

    def pandas(_):
        return {"upload": mega * context.peers.python("csv_ingest.py", context.train_csv, "pandas_f32")[1]}

    rows = {"start": Row("peak memory once started", "MB"), "upload": Row("after mnist_train.csv came in", "MB"),
            "train": Row("after epochs at batch 128", "MB"), "full": Row("after epochs at full batch", "MB")}
    return [Case("memory", rows, {"mlpd": ours, "PyTorch": torch, "pandas, float32": pandas}, ["memory: VmHWM, pages of mapped files included"])]
