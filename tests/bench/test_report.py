"""The table that tests/bench/run makes: medians and ratios of made-up figures, and that --write changes what stands between the markers
of docs/performance.md and nothing else."""
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))
import report  # noqa: E402
from context import Case, Row  # noqa: E402

PAGE = Path(__file__).resolve().parents[2] / "docs/performance.md"
ABOUT = {"date": "2026-01-01", "cpu": "a processor", "cores": 2, "threads": 2, "kernels": "avx2", "commit": "0123abc", "rounds": 3, "probe": "quiet",
         "failed": {"epoch": {"NumPy": "not installed"}}}


def turns(*values):
    return [{"values": {"128": value}, "quiet": True} for value in values]


class Table(unittest.TestCase):
    def setUp(self):
        case = Case("epoch", {128: Row("epoch, batch 128", "ms")}, {}, ["three rounds"])
        results = {"epoch": {"mlpd": turns(90, 80, 100), "PyTorch": turns(450, 400, 500)}}
        self.text = report.markdown([case], results, ABOUT)

    def test_medians_bests_and_ratio_stand_in_one_line(self):
        self.assertIn("| epoch, batch 128 | 90.0 ms (best 80.0) | PyTorch: 450 ms (best 400) | 5.0 × |\n", self.text)

    def test_notes_and_what_was_not_measured_follow_the_table(self):
        self.assertTrue(self.text.endswith("- three rounds\n- not measured: epoch, NumPy: not installed\n"))


class Block(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.copy = Path(folder.name) / "performance.md"

    def test_only_the_block_of_the_real_page_changes(self):
        before = PAGE.read_text(encoding="utf-8")
        self.copy.write_text(before, encoding="utf-8")
        report.write_block(self.copy, "a table with \\1 in it\n")
        after = self.copy.read_text(encoding="utf-8")
        self.assertEqual(after, before[:before.index(report.BEGIN)] + report.BEGIN + "\na table with \\1 in it\n" + before[before.index(report.END):])
        self.assertGreater(before.index(report.BEGIN), 0)

    def test_a_page_without_both_markers_is_left_alone(self):
        for text in ("no marker\n", report.BEGIN + "\n", report.END + report.BEGIN, 2 * (report.BEGIN + report.END)):
            self.copy.write_text(text, encoding="utf-8")
            with self.assertRaises(SystemExit):
                report.write_block(self.copy, "a table\n")
            self.assertEqual(self.copy.read_text(encoding="utf-8"), text)


if __name__ == "__main__":
    unittest.main()
