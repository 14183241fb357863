"""What the measurements share: files, the peers, and daemons that are started once and hold the data already."""
import contextlib
import re
from dataclasses import dataclass, field

from children import Failed
from daemon import Daemon

LAYERS = [128, 64]


@dataclass
class Row:
    """A line of the table. Values are in `unit`; `more`: more is better."""
    title: str
    unit: str
    more: bool = False


@dataclass
class Case:
    """What is measured in turn: contestants take a round's number and give {row's key: value}."""
    name: str
    rows: dict
    contestants: dict
    notes: list = field(default_factory=list)


class Context:
    def __init__(self, options, temp, peers, probe, stack):
        self.options, self.temp, self.peers, self.probe, self.stack = options, temp, peers, probe, stack
        self.quick, self.threads = options.quick, options.threads
        self.train_csv, self.test_csv = options.csv / "mnist_train.csv", options.csv / "mnist_test.csv"
        self.daemons, self.started = {}, []

    def fresh(self, threads):
        """A daemon that holds nothing; it ends with the run."""
        daemon = self.stack.enter_context(ended(Daemon(self.options.mlpd, threads)))
        self.started.append(daemon)
        return daemon

    def daemon(self, threads=None):
        """The daemon with MNIST in it, the same each time."""
        threads = threads or self.threads
        if threads not in self.daemons:
            daemon = self.fresh(threads)
            daemon.upload("mnist_train", self.train_csv)
            daemon.upload("mnist_test", self.test_csv)
            self.daemons[threads] = daemon
        return self.daemons[threads]

    def kernels(self):
        """Those that the daemon chose, as its log has it."""
        for daemon in self.started:
            for line in filter(None, daemon.child.lines):
                if match := re.search(r"(\w+) kernels", line):
                    return match.group(1)
        return "no"

    def digits(self):
        """The daemon, with the model `digits` to ask."""
        daemon = self.daemon()
        try:
            daemon.call("GET", "/models/digits")
        except Failed:
            daemon.train(**reference(model="digits", batch_size=128, epochs=2))
        return daemon


@contextlib.contextmanager
def ended(daemon):
    try:
        yield daemon
    finally:
        daemon.end()


def reference(**more):
    """The request to train the reference network."""
    return {"dataset": "mnist_train", "target": "label", "model": "bench", "layers": LAYERS, "validation_split": 0, "seed": 1, **more}


def per_epoch(daemon, many, **request):
    """(seconds an epoch by the clock outside: a run of many epochs less a run of one; the long run's job)"""
    one, _ = daemon.train(**request, epochs=1)
    all_of_them, job = daemon.train(**request, epochs=many)
    daemon.forget(request["model"])
    return (all_of_them - one) / (many - 1), job
