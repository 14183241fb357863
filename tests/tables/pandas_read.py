"""What pandas makes of files: one in base64 a line on standard input, one JSON a line on standard output.

The separator is sniffed by Python's csv.Sniffer, and bad lines are skipped."""
import base64
import csv
import io
import json
import sys
import warnings

import pandas

warnings.simplefilter("ignore")


def text_of(data):
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def read(data):
    text = text_of(data)
    try:
        separator = csv.Sniffer().sniff(text[:65536], delimiters=",;\t|: ").delimiter
    except csv.Error:
        separator = ","
    frame = pandas.read_csv(io.StringIO(text, newline=""), sep=separator, on_bad_lines="skip")
    if not isinstance(frame.index, pandas.RangeIndex):
        frame = frame.reset_index()
    cells = frame.astype(object).where(frame.notna(), None)
    rows = [[None if cell is None else str(cell) for cell in row] for row in cells.values.tolist()]
    return {"found": {"header": [str(name) for name in frame.columns], "rows": rows}}


for line in sys.stdin:
    try:
        answer = read(base64.b64decode(line))
    except Exception as error:  # whatever it is, the file was not taken
        answer = {"told": str(error)}
    print(json.dumps(answer), flush=True)
