#!/usr/bin/env python3
"""mlpd with nothing but the data set named, beside scikit-learn's MLP with its defaults and early stopping, on the same ten splits.

usage: tables.py [--made] [--only NAME,...] [--splits N] [--extra JSON]
Needs numpy, pandas and scikit-learn (Debian: python3-sklearn python3-pandas). scikit-learn's figures are kept in build/accuracy.json."""
import argparse
import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

sys.dont_write_bytecode = True
from served import ROOT, Served  # noqa: E402
from datasets import FILES, MADE, typed  # noqa: E402

warnings.filterwarnings("ignore")


def sklearn_pipeline(table, numbers, seed):
    numeric = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    text = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    places = range(len(numbers))
    encode = ColumnTransformer([("number", numeric, [i for i in places if numbers[i]]), ("text", text, [i for i in places if not numbers[i]])])
    network = MLPClassifier if table.classes else MLPRegressor
    return make_pipeline(encode, network(early_stopping=True, random_state=seed))


def scores(table, labels, guesses):
    """One figure, where more is better."""
    if table.classes:
        return float(np.mean(np.array(labels) == np.array(guesses)))
    error = np.array(labels, dtype=float) - np.array(guesses, dtype=float)
    return -float(np.mean(np.abs(error)) if table.metric == "mae" else np.sqrt(np.mean(error ** 2)))


def sklearn_score(table, train, test, seed):
    train_columns, train_target = table.columns(train)
    test_columns, test_target = table.columns(test)
    x, numbers = typed(train_columns)
    x_test, _ = typed(test_columns, like=train_columns)
    frame = lambda columns: pd.DataFrame({i: pd.Series(c, dtype=float if numbers[i] else object) for i, c in enumerate(columns)})  # noqa: E731
    model = sklearn_pipeline(table, numbers, seed).fit(frame(x), train_target)
    return scores(table, test_target, model.predict(frame(x_test)))


def our_score(daemon, table, train, test, seed, extra):
    daemon.upload("train", table.text(train))
    daemon.upload("test", table.text(test))
    began = time.monotonic()
    daemon.train(dataset="train", test="test", model="m", seed=seed, **{**table.request, **extra})
    seconds = time.monotonic() - began
    found = daemon.evaluation("m")
    daemon.call("DELETE", "/models/m")
    return found["accuracy"] if table.classes else -found["mae" if table.metric == "mae" else "rmse"], seconds


def summary(values):
    values = np.abs(values)
    return f"{np.mean(values):.4g} ± {np.std(values, ddof=1) / np.sqrt(len(values)):.2g}" if len(values) > 1 else f"{values[0]:.4g}"


class Kept:
    """scikit-learn's scores of earlier runs: they are always the same."""

    def __init__(self, path):
        self.path = path
        self.scores = json.loads(path.read_text()) if path.exists() else {}

    def get(self, key, make):
        if key not in self.scores:
            self.scores[key] = make()
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(json.dumps(self.scores, indent=0))
        return self.scores[key]


def compare(daemon, name, table, n_splits, extra, kept):
    """Prints the row; returns by how many standard errors of the paired differences ours is better."""
    ours, theirs, seconds = [], [], []
    for seed in range(1, n_splits + 1):
        train, test = table.split(seed)
        score, took = our_score(daemon, table, train, test, seed, extra)
        ours.append(score)
        seconds.append(took)
        theirs.append(kept.get(f"{name}/{seed}", lambda: sklearn_score(table, train, test, seed)))  # noqa: B023
    ours, theirs = np.array(ours), np.array(theirs)
    difference = ours - theirs
    spread = np.std(difference, ddof=1) / np.sqrt(n_splits) if n_splits > 1 else 0
    errors = np.mean(difference) / spread if spread > 0 else np.sign(np.mean(difference)) * 99
    print(f"| {name} | {table.metric} | {summary(ours)} | {summary(theirs)} | {errors:+.1f} | {np.mean(seconds):.1f} s |", flush=True)
    return errors


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--made", action="store_true", help="made tables of many kinds, not the files of shared/data")
    parser.add_argument("--only", help="names, with commas")
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--extra", type=json.loads, default={}, help="more for the request, to try what it does")
    parser.add_argument("--kept", type=Path, default=ROOT / "build/accuracy.json")
    parser.add_argument("--mlpd", type=Path, default=ROOT / "build/release/mlpd")
    options = parser.parse_args()
    tables = MADE if options.made else FILES
    names = options.only.split(",") if options.only else list(tables)
    kept = Kept(options.kept)
    print("| table | figure | mlpd | scikit-learn | better by standard errors | training |\n| --- | --- | --- | --- | --- | --- |", flush=True)
    with Served(options.mlpd) as daemon:
        errors = [compare(daemon, name, {**FILES, **MADE}[name](), options.splits, options.extra, kept) for name in names]
    print(f"\nat least as good on {sum(e >= 0 for e in errors)} of {len(errors)}, better by more than a standard error on {sum(e > 1 for e in errors)}")
    return 0 if all(e >= 0 for e in errors) else 1


if __name__ == "__main__":
    sys.exit(main())
