"""Opens an export for RecBole with RecBole itself: the same ids and the same pairs come out.

    python check_recbole.py FOLDER/NAME
"""
import os
import sys
import tempfile

import numpy as np

# RecBole 1.2.1 uses names that NumPy 2 no longer has.
for gone, kept in (("float_", "float64"), ("complex_", "complex128"), ("unicode_", "str_")):
    if not hasattr(np, gone):
        setattr(np, gone, getattr(np, kept))

from recbole.config import Config
from recbole.data import create_dataset

place = os.path.abspath(sys.argv[1])
parent, name = os.path.split(place)


def lines(kind):
    with open(f"{place}/{name}.{kind}", encoding="utf-8", newline="") as file:
        return file.read().split("\n")[1:-1]


os.chdir(tempfile.mkdtemp())
sys.argv = sys.argv[:1]
config = Config(
    model="BPR",
    dataset=name,
    config_dict={
        "data_path": parent,
        "load_col": {"inter": ["user_id", "item_id"], "user": ["user_id"], "item": ["item_id"]},
        "state": "ERROR",
        "use_gpu": False,
    },
)
dataset = create_dataset(config)
users, items = lines("user"), lines("item")
# RecBole's own id 0 stands for padding.
assert set(dataset.field2id_token["user_id"][1:]) == set(users), "other users"
assert set(dataset.field2id_token["item_id"][1:]) == set(items), "other items"
pairs = sorted(
    zip(
        dataset.id2token("user_id", dataset.inter_feat["user_id"].to_numpy()),
        dataset.id2token("item_id", dataset.inter_feat["item_id"].to_numpy()),
    )
)
assert pairs == sorted(tuple(line.split("\t")) for line in lines("inter")), "other pairs"
print(f"RecBole reads {len(users)} users, {len(items)} items and {len(pairs)} pairs as they were written")
