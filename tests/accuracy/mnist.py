#!/usr/bin/env python3
"""Error rates on MNIST's test set of networks from the literature, mean and deviation over seeds, each from one request to train.

usage: mnist.py [--only NAME,...] [--seeds 1,2,...] [--validate] [--curl]
--validate: hold out 10,000 of the training pictures and judge by them, never looking at the test set: how the requests below were chosen."""
import argparse
import json
import statistics
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
from served import ROOT, Served  # noqa: E402

AFFINE = {"shift": 1.5, "rotation": 12, "scale": 0.12, "shear": 0.2}
SLIGHT = {"shift": 1, "rotation": 7.5, "scale": 0.07, "shear": 0.1}
ELASTIC = {"elastic_alpha": 30, "elastic_sigma": 4.5}
COMMON = {"optimizer": {"name": "adam", "learning_rate": 0.002}, "schedule": "one_cycle", "batch_size": 128}


def layers(*units, dropout=0):
    return [{"units": n, "dropout": dropout} if dropout else n for n in units]


# name: published error rate, the most that ours may be, seeds, the request
RECIPES = {
    "128-64": ("3.09 % (the blog)", 2.0, 5, {"layers": layers(128, 64), "input_dropout": 0.1, "epochs": 60, **COMMON}),
    "300": ("4.7 %, 1.6 % deskewed (LeCun 1998)", 1.7, 5, {"layers": layers(300, dropout=0.3), "input_dropout": 0.2, "epochs": 50, **COMMON}),
    "800": ("1.6 % (Simard 2003)", 1.5, 5, {"layers": layers(800, dropout=0.5), "input_dropout": 0.2, "epochs": 50, **COMMON}),
    "800 affine": ("1.1 % (Simard 2003)", 1.0, 5, {"layers": layers(800, dropout=0.1), "epochs": 60, "augmentation": AFFINE, **COMMON}),
    "800 elastic": ("0.7 % (Simard 2003)", 0.7, 3,
                    {"layers": layers(800, dropout=0.1), "epochs": 160, "augmentation": {**SLIGHT, **ELASTIC}, **COMMON}),
    "3x1024 dropout": ("1.06 % (Srivastava 2014)", 1.1, 2,
                       {"layers": layers(1024, 1024, 1024, dropout=0.3), "epochs": 90, "input_dropout": 0.2, "max_norm": 3, **COMMON}),
    "1000-500 elastic+affine": ("0.49 % on validation (Ciresan 2010)", 0.55, 2,
                                {"layers": layers(1000, 500, dropout=0.1), "epochs": 160, "augmentation": {**SLIGHT, **ELASTIC}, **COMMON}),
}


def curl(request):
    body = {"dataset": "mnist_train", "test": "mnist_test", "validation_split": 0, **request}
    return f"curl localhost:8080/train -d '{json.dumps(body)}'"


def run(daemon, name, seeds, validate):
    published, most, own_seeds, request = RECIPES[name]
    judged = {"validation_split": 1 / 6} if validate else {"validation_split": 0, "test": "mnist_test"}
    errors = []
    for seed in seeds or range(1, own_seeds + 1):
        began = time.monotonic()
        job = daemon.train(dataset="mnist_train", model="m", seed=seed, **judged, **request)
        errors.append(100 - 100 * daemon.evaluation("m")["accuracy"])
        epoch = statistics.median(e["seconds"] for e in job["history"])
        print(f"# {name} seed {seed}: {errors[-1]:.2f} % in {time.monotonic() - began:.0f} s, an epoch {epoch:.2f} s", file=sys.stderr, flush=True)
    spread = f" ± {statistics.stdev(errors):.2f}" if len(errors) > 1 else ""
    print(f"| {name} | {published} | {statistics.mean(errors):.2f}{spread} % ({len(errors)} seeds) | {most} % |", flush=True)
    return statistics.mean(errors) <= most


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(RECIPES), help="names, with commas")
    parser.add_argument("--seeds", type=lambda text: [int(seed) for seed in text.split(",")], help="1 to 5, fewer for the largest, where absent")
    parser.add_argument("--validate", action="store_true")
    parser.add_argument("--curl", action="store_true", help="print the requests as curl commands, and end")
    parser.add_argument("--csv", type=Path, default=ROOT / ".cache/mnist")
    parser.add_argument("--mlpd", type=Path, default=ROOT / "build/release/mlpd")
    options = parser.parse_args()
    names = options.only.split(",")
    if options.curl:
        for name in names:
            print(f"# {name}\n{curl(RECIPES[name][3])}")
        return 0
    with Served(options.mlpd) as daemon:
        for name in ["mnist_train", "mnist_test"]:
            with open(options.csv / f"{name}.csv", "rb") as file:
                daemon.upload(name, file)
        print("| network | published | ours | at most |\n| --- | --- | --- | --- |", flush=True)
        good = [run(daemon, name, options.seeds, options.validate) for name in names]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
