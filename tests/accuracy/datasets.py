"""The tables: files under shared/data cut into their own lines, and made ones of other kinds. Each gives header, rows and what the request must say."""
import csv
import io
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from sklearn import datasets as made
from sklearn.model_selection import train_test_split

DATA = Path(__file__).resolve().parents[2] / "../shared/data"


@dataclass
class Table:
    """`header` (may be "") and `rows`, text as in the file; `values`: the same for scikit-learn, target's column `target`."""
    header: str
    rows: list
    target: int
    separator: str = ","
    request: dict = field(default_factory=dict)
    classes: bool = True
    drop: tuple = ()        # columns that nobody would give to scikit-learn: ids, names
    test_rows: list = None  # where the table comes with its own test file
    metric: str = "accuracy"

    def split(self, seed):
        """(rows to train on, rows to test on), the same for everybody; a fifth is for the test."""
        if self.test_rows is not None:
            return self.rows, self.test_rows
        labels = [self.cells(row)[self.target] for row in self.rows] if self.classes else None
        return train_test_split(self.rows, test_size=0.2, random_state=seed, stratify=labels)

    def cells(self, row):
        return [cell.strip() for cell in next(csv.reader([row], delimiter=self.separator))]

    def text(self, rows):
        return "\n".join(([self.header] if self.header else []) + rows) + "\n"

    def columns(self, rows):
        """Columns of numbers (NaN: missing) or texts, and the target, as Python would hand them to scikit-learn."""
        cells = [self.cells(row) for row in rows]
        columns = [[row[i] for row in cells] for i in range(len(cells[0])) if i != self.target and i not in self.drop]
        target = [row[self.target].rstrip(".") for row in cells]
        return columns, target if self.classes else np.array(target, dtype=float)


def from_file(path, header, target, **more):
    lines = [line for line in (DATA / path).read_text().splitlines() if line.strip()]
    return Table(lines[0] if header else "", lines[1:] if header else lines, target, **more)


def adult():
    table = from_file("adult/adult-train.csv", False, 14)
    table.test_rows = from_file("adult/adult-test.csv", False, 14).rows
    return table


def regression(metric="rmse", **request):
    return {"classes": False, "metric": metric, "request": request}


def from_arrays(x, y, classes):
    header = ",".join([f"x{i + 1}" for i in range(x.shape[1])] + ["y"])
    rows = [",".join([str(v) if isinstance(v, str) else f"{v:.6g}" for v in row] + [str(t) if classes else f"{t:.7g}"]) for row, t in zip(x, y)]
    more = {"classes": True, "request": {"task": "classification"}} if classes else regression(task="regression")
    return Table(header, rows, x.shape[1], **more)


def heavy_tails():
    rng = np.random.default_rng(1)
    x = np.exp(rng.normal(0, 2, (3000, 8)))
    y = np.log(x[:, 0] * x[:, 1] / x[:, 2]) + np.sqrt(np.log1p(x[:, 3])) + rng.normal(0, 0.5, 3000)
    return from_arrays(x, np.exp(y / 2), False)


def many_levels():
    """200 levels of very different frequency, each with its own effect, beside three numbers."""
    rng = np.random.default_rng(2)
    level = np.minimum(rng.zipf(1.3, 6000), 200) % 200
    x = rng.normal(0, 1, (6000, 3))
    y = rng.normal(0, 1, 200)[level] + x[:, 0] * (level % 3 - 1) + rng.normal(0, 0.5, 6000) > 0
    rows = [[f"level{l}"] + [float(v) for v in row] for l, row in zip(level, x)]
    return from_arrays(np.array(rows, dtype=object), np.where(y, "yes", "no"), True)


def missing():
    """A fifth of the cells missing, more often where the value is large."""
    x, y = made.make_classification(3000, 15, n_informative=8, n_classes=3, flip_y=0.05, random_state=3)
    table = from_arrays(x, [f"c{c}" for c in y], True)
    gone = np.random.default_rng(3).random(x.shape) < 0.4 / (1 + np.exp(-x))
    table.rows = [",".join(["" if m else c for c, m in zip(row.split(",")[:-1], mask)] + [row.split(",")[-1]]) for row, mask in zip(table.rows, gone)]
    return table


def classification(**options):
    x, y = made.make_classification(random_state=4, **options)
    return from_arrays(x, [f"c{c}" for c in y], True)


def toy(maker, classes, *arguments, **options):
    x, y = maker(*arguments, **options)
    return from_arrays(x, [f"c{c}" for c in y] if classes else y, classes)


FILES = {
    "iris": partial(from_file, "iris/iris.csv", True, 4),
    "penguins": partial(from_file, "penguins/penguins.csv", True, 0, request={"target": "species"}),
    "wine": partial(from_file, "wine/wine.csv", False, 13),
    "breast-cancer": partial(from_file, "breast-cancer-wdbc/breast_cancer.sklearn.csv", True, 30),
    "titanic": partial(from_file, "titanic/titanic.csv", True, 1, request={"target": "Survived"}, drop=(0, 3, 8, 10)),
    "tips": partial(from_file, "tips/tips.csv", True, 1, **regression(target="tip")),
    "boston": partial(from_file, "boston-housing/housing.csv", False, 13, **regression()),
    "winequality-red": partial(from_file, "winequality/winequality-red.csv", True, 11, separator=";", **regression("mae", task="regression")),
    "winequality-white": partial(from_file, "winequality/winequality-white.csv", True, 11, separator=";", **regression("mae", task="regression")),
    "california": partial(from_file, "california-housing/housing.csv", True, 8, **regression(target="median_house_value")),
    "adult": adult,
}
MADE = {
    "digits": partial(toy, made.load_digits, True, return_X_y=True),
    "diabetes": partial(toy, made.load_diabetes, False, return_X_y=True, scaled=False),
    "friedman1": partial(toy, made.make_friedman1, False, 1000, noise=1.0, random_state=1),
    "friedman2": partial(toy, made.make_friedman2, False, 1000, noise=100, random_state=1),
    "friedman3": partial(toy, made.make_friedman3, False, 1000, noise=0.1, random_state=1),
    "moons": partial(toy, made.make_moons, True, 500, noise=0.25, random_state=1),
    "circles": partial(toy, made.make_circles, True, 200, noise=0.1, factor=0.6, random_state=1),
    "imbalanced": partial(classification, n_samples=4000, n_features=20, n_informative=6, weights=[0.95], flip_y=0.02),
    "many-classes": partial(classification, n_samples=4000, n_features=20, n_informative=12, n_classes=15),
    "wide": partial(classification, n_samples=300, n_features=300, n_informative=15, n_redundant=20),
    "noisy": partial(classification, n_samples=1000, n_features=30, n_informative=5, flip_y=0.3),
    "linear": partial(toy, made.make_regression, False, 500, 20, n_informative=8, noise=20, random_state=1),
    "heavy-tails": heavy_tails,
    "many-levels": many_levels,
    "missing": missing,
}


def is_number(cell):
    try:
        return float(cell) == float(cell)
    except ValueError:
        return False


MISSING = {"", "?", "NA", "."}


def typed(columns, like=None):
    """Columns as arrays: numbers where every cell of `like` that is there is one, else texts with None for missing."""
    like = like or columns
    numbers = [all(is_number(c) for c in column if c not in MISSING) for column in like]
    out = [[float(c) if c not in MISSING and is_number(c) else np.nan for c in column] if number else [None if c in MISSING else c for c in column]
           for column, number in zip(columns, numbers)]
    return out, numbers
