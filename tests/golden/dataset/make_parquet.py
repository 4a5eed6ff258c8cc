"""Tables of labels as pandas writes them: `pandas_columns.parquet`, `pandas_lists.parquet`.

They hold what the Parquet importer must bear: an index, categories, nullable booleans, floats that were integers, lists.

Pinned: pandas 3.1.1, pyarrow 26.0.1, numpy 2.4.6.
Run: python tests/golden/dataset/make_parquet.py
"""

from pathlib import Path

import pandas

here = Path(__file__).parent
names = ["b/2.JPG", "1.jpg", "c.png"]
columns = pandas.DataFrame(
    {
        "file_name": names,
        "Bottle": [1, 0, 0],
        "Can": pandas.array([True, False, True], dtype="boolean"),
        "Paper": [0.0, 1.0, 1.0],
        "part": pandas.Categorical(["test", "train", "val"]),
    },
    index=[7, 3, 5],
)
columns.to_parquet(here / "pandas_columns.parquet")
lists = pandas.DataFrame({"file_name": names, "labels": [["Bottle", "Can"], ["Paper"], ["Paper", " Can"]], "size": [1, 2, 3]})
lists.to_parquet(here / "pandas_lists.parquet")
