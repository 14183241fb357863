#!/usr/bin/env python3
"""The blog post's run, twice: by mlpd over HTTP, and by an independent float64 rewrite in NumPy that starts from the same weights.

    784-128-64-10, ReLU, softmax, cross-entropy, full batch, Adam 0.001, weights 0.1 x standard normal, inputs / 255.

Usage:
    blog.py rewrite IDX_DIR [--epochs 201] [--seed 1] [--counter step|layer] [--out FILE]
        the float64 run; --counter layer counts one Adam step per layer, as the post's code does
    blog.py mlpd URL TRAIN_CSV TEST_CSV [--epochs 201] [--seeds 1,2,3,4,5] [--against FILE]
        the runs through the API; --against compares seed 1's curve with what `rewrite --out` wrote

IDX_DIR holds MNIST's four IDX files. Needs python3-numpy; not part of ./check: a float64 run takes minutes."""
import argparse
import json
import sys
import time
import urllib.error
import urllib.request

import numpy as np

LAYERS = [784, 128, 64, 10]


# ---- the generator: Philox 4x32-10 (Salmon et al. 2011) and Box-Muller, keyed like the engine's ----

def philox(seed, stream, index):
    """index: array of uint64; returns four arrays of uint32 words."""
    mask = np.uint64(0xFFFFFFFF)
    c = [index & mask, index >> np.uint64(32), np.full_like(index, stream & 0xFFFFFFFF), np.full_like(index, stream >> 32)]
    key = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [(p1 >> np.uint64(32)) ^ c[1] ^ np.uint64(key[0]), p1 & mask, (p0 >> np.uint64(32)) ^ c[3] ^ np.uint64(key[1]), p0 & mask]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return [w.astype(np.float64) for w in c]


def normals(seed, layer, n):
    w = philox(seed, 1 << 32 | layer, np.arange(0, n, 2, dtype=np.uint64))
    u1, u2 = (w[0] + 0.5 + w[2] * 2.0**-32) * 2.0**-32, (w[1] + w[3] * 2.0**-32) * 2.0**-32
    radius = np.sqrt(-2 * np.log(u1))
    return np.stack([radius * np.cos(2 * np.pi * u2), radius * np.sin(2 * np.pi * u2)], 1).ravel()[:n]


# ---- the rewrite ----

def idx(path, skip):
    with open(path, "rb") as f:
        return np.frombuffer(f.read(), np.uint8)[skip:]


def load(folder):
    x, t = idx(folder + "/train-images-idx3-ubyte", 16).reshape(-1, 784), idx(folder + "/train-labels-idx1-ubyte", 8)
    xe, te = idx(folder + "/t10k-images-idx3-ubyte", 16).reshape(-1, 784), idx(folder + "/t10k-labels-idx1-ubyte", 8)
    return x / 255.0, t, xe / 255.0, te


def forward(x, w, b):
    hs = [x]
    for i in range(3):
        z = hs[-1] @ w[i] + b[i]
        hs.append(np.maximum(z, 0) if i < 2 else z)
    z = hs[-1] - hs[-1].max(1, keepdims=True)
    p = np.exp(z)
    return hs, p / p.sum(1, keepdims=True)


def rewrite(a):
    x, t, xe, te = load(a.idx)
    w = [(0.1 * normals(a.seed, i, LAYERS[i] * LAYERS[i + 1])).astype(np.float32).astype(np.float64).reshape(LAYERS[i], -1)
         for i in range(3)]
    b = [np.zeros(n) for n in LAYERS[1:]]
    state = [[np.zeros_like(q) for q in w + b] for _ in range(2)]
    rate, rows, step, curve = float(np.float32(0.001)), np.arange(len(t)), 0, []
    for epoch in range(1, a.epochs + 1):
        hs, p = forward(x, w, b)
        curve.append({"epoch": epoch, "loss": float(-np.log(p[rows, t]).mean()), "accuracy": float((p.argmax(1) == t).mean())})
        if epoch % 20 == 1 or epoch == a.epochs:
            print(f"epoch {epoch:3d}  loss {curve[-1]['loss']:.4f}  accuracy {curve[-1]['accuracy']:.4f}", flush=True)
        p[rows, t] -= 1
        d, grads = p / len(t), {}
        for i in (2, 1, 0):
            grads[i], grads[i + 3] = hs[i].T @ d, d.sum(0)
            if i:
                d = (d @ w[i].T) * (hs[i] > 0)
        for i in range(3):
            step += 1 if a.counter == "layer" or i == 0 else 0
            for j in (i, i + 3):
                q = (w + b)[j]
                m, v = state[0][j], state[1][j]
                m += 0.1 * (grads[j] - m)
                v += 0.001 * (grads[j] ** 2 - v)
                q -= rate * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
    test = float((forward(xe, w, b)[1].argmax(1) == te).mean())
    print(f"float64, seed {a.seed}, Adam counting each {a.counter}: {a.epochs} epochs end with loss {curve[-1]['loss']:.4f}, "
          f"train accuracy {curve[-1]['accuracy']:.4f}; test accuracy {test:.4f}")
    if a.out:
        with open(a.out, "w") as f:
            json.dump({"curve": curve, "test_accuracy": test}, f)


# ---- mlpd ----

def call(url, data=None, kind="application/json"):
    request = urllib.request.Request(url, data=data, headers={"Content-Type": kind})
    try:
        with urllib.request.urlopen(request) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as error:
        sys.exit(f"{url}: {error.code} {error.read().decode()}")


def upload(url, name, path):
    with open(path, "rb") as f:
        call(f"{url}/datasets?name={name}&replace=true", f.read(), "text/csv")


def run(url, seed, epochs):
    job = call(url + "/train", json.dumps({
        "dataset": "blog-train", "test": "blog-test", "target": "label", "model": f"blog-{seed}-{epochs}", "seed": seed, "epochs": epochs,
        "layers": [{"units": 128, "activation": "relu"}, {"units": 64, "activation": "relu"}], "batch_size": "full",
        "optimizer": "adam", "learning_rate": 0.001, "init": "normal", "stddev": 0.1, "validation_split": 0}).encode())
    started = time.monotonic()
    with urllib.request.urlopen(f"{url}/jobs/{job['id']}/events") as events:
        for line in events:
            if line.strip() == b"event: done":
                break
    seconds = time.monotonic() - started
    history = call(f"{url}/jobs/{job['id']}")["history"]
    evaluation = call(f"{url}/models/blog-{seed}-{epochs}/evaluation?limit=0")
    last = history[-1]
    print(f"mlpd, seed {seed}: {epochs} epochs end with loss {last['loss']:.4f}, train accuracy {last['accuracy']:.4f}; "
          f"test accuracy {evaluation['accuracy']:.4f}; {seconds:.1f} s", flush=True)
    return history, evaluation["accuracy"]


def compare(history, test, path):
    with open(path) as f:
        other = json.load(f)
    pairs = list(zip(history, other["curve"]))
    loss = max(abs(p["loss"] - q["loss"]) / q["loss"] for p, q in pairs)
    accuracy = max(abs(p["accuracy"] - q["accuracy"]) for p, q in pairs)
    print(f"against float64 over {len(pairs)} epochs: loss differs by at most {loss:.2e} of itself, accuracy by {accuracy:.5f}, "
          f"test accuracy by {abs(test - other['test_accuracy']):.5f}")
    return loss < 2e-3 and accuracy < 1e-3


def mlpd(a):
    upload(a.url, "blog-train", a.train)
    upload(a.url, "blog-test", a.test)
    ok = True
    for seed in [int(s) for s in a.seeds.split(",")]:
        history, test = run(a.url, seed, a.epochs)
        if a.against and seed == 1:
            ok = compare(history, test, a.against)
    sys.exit(0 if ok else "the curves differ by more than the tolerance (loss 0.2 %, accuracy 0.001)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    c = commands.add_parser("rewrite")
    c.add_argument("idx")
    c.add_argument("--seed", type=int, default=1)
    c.add_argument("--counter", choices=["step", "layer"], default="step")
    c.add_argument("--out")
    c.set_defaults(call=rewrite)
    d = commands.add_parser("mlpd")
    d.add_argument("url")
    d.add_argument("train")
    d.add_argument("test")
    d.add_argument("--seeds", default="1,2,3,4,5")
    d.add_argument("--against")
    d.set_defaults(call=mlpd)
    for p in (c, d):
        p.add_argument("--epochs", type=int, default=201)
    a = parser.parse_args()
    a.call(a)


main()
