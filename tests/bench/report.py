"""Medians and ratios of what was measured, as a Markdown table."""
import re
import statistics

BEGIN, END = "<!-- bench -->", "<!-- /bench -->"


def amount(value, unit):
    if value == float("inf"):
        return "never"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:,.{digits}f} {unit}"


def ratio(row, ours, theirs):
    better = ours / theirs if row.more else theirs / ours
    return f"{better:,.0f} ×" if better >= 100 else f"{better:.2g} ×" if better < 1 else f"{better:.1f} ×"


def cells(samples, unit, more):
    """median (best)"""
    best = max(samples) if more else min(samples)
    median = statistics.median(samples)
    return amount(median, unit) + (f" (best {amount(best, unit).removesuffix(' ' + unit)})" if len(samples) > 1 else "")


def lines(case, results):
    """The lines of one case: ours, then a line for each who did the same."""
    for key, row in case.rows.items():
        samples = {who: [turn["values"][str(key)] for turn in turns if str(key) in turn["values"]] for who, turns in results.items()}
        samples = {who: values for who, values in samples.items() if values}
        if not samples:
            continue
        first, *others = samples
        median = statistics.median(samples[first])
        ours = f"{cells(samples[first], row.unit, row.more)}" + ("" if first == "mlpd" else f", {first.removeprefix('mlpd, ')}")
        if not others:
            yield f"| {row.title} | {ours} | | |"
        for n, who in enumerate(others):
            theirs = statistics.median(samples[who])
            speed = ratio(row, median, theirs) if median and theirs else ""
            yield f"| {row.title if n == 0 else ''} | {ours if n == 0 else ''} | {who}: {cells(samples[who], row.unit, row.more)} | {speed} |"


def quiet_share(results):
    turns = [turn for of_case in results.values() for of_one in of_case.values() for turn in of_one]
    return sum(turn["quiet"] for turn in turns), len(turns)


def markdown(cases, results, about):
    quiet, n = quiet_share(results)
    said = [note for case in cases for note in case.notes]
    failed = [f"{case.name}, {who}: {text}" for case in cases for who, text in about["failed"].get(case.name, {}).items()]
    out = [f"{about['date']}, {about['cpu']}, {about['cores']} cores, {about['threads']} threads, {about['kernels']} kernels, commit {about['commit']}. "
           f"Medians of {about['rounds']} rounds, run in turn; {quiet} of {n} measurements had both cores free before and after "
           f"({about['probe']}).", "", "| what | mlpd | beside it | mlpd is better by |", "| --- | --- | --- | --- |"]
    for case in cases:
        out += lines(case, results.get(case.name, {}))
    out += ["", *(f"- {note}" for note in said), *(f"- not measured: {text}" for text in failed)]
    return "\n".join(out) + "\n"


def write_block(path, text):
    """Replaces what stands between the markers; says no where they are not there once."""
    page = path.read_text(encoding="utf-8")
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        raise SystemExit(f"{path}: expected {BEGIN} and {END}, each once")
    page = re.sub(f"(?s){BEGIN}.*{END}", lambda _: f"{BEGIN}\n{text}{END}", page)
    path.write_text(page, encoding="utf-8")
