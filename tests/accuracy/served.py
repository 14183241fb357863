"""mlpd as the accuracy tables need it: the benchmark's daemon, one for a whole run, with more patience and figures instead of times."""
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/bench"))
from daemon import Daemon  # noqa: E402


class Served(Daemon):
    train_seconds = 3600

    def __init__(self, binary):
        super().__init__(binary, os.cpu_count())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def upload(self, name, csv):
        """CSV text or an open file becomes a dataset, in place of one of that name."""
        return self.call("POST", f"/datasets?name={name}&replace=true", csv, "text/csv")

    def train(self, **request):
        """Trains to the end; the job as it ended."""
        return super().train(**request)[1]

    def evaluation(self, model, limit=0):
        return self.call("GET", f"/models/{model}/evaluation?limit={limit}")
