"""Opens every export with the program it is for and holds its scores against `lightmeter recommend`.

Usage: check_exports.py LIGHTMETER MODEL FOLDER DOCS
FOLDER holds model.npz, model.safetensors, lists.csv and the folders arrays, vectors, recbole.
"""

import contextlib
import csv
import io
import json
import os
import re
import subprocess
import sys

import faiss
import numpy as np
from safetensors.numpy import load_file

lightmeter, model, folder, docs = sys.argv[1:]


def recommend(*arguments):
    output = subprocess.run(
        [lightmeter, "recommend", model, "--format", "json", *arguments], check=True, capture_output=True, text=True
    ).stdout
    return json.loads(output)


def close(found, expected, what):
    found, expected = np.asarray(found, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    gap = float(np.abs(found - expected).max(initial=0))
    assert gap < 2e-5, f"{what}: a difference of {gap}"
    print(f"{what}: {expected.size} numbers, largest difference {gap:.1e}")


def ids(path):
    return open(path, encoding="utf-8").read().splitlines()


users = ids(f"{folder}/arrays/users.txt")
items = ids(f"{folder}/arrays/items.txt")
some = users[:: max(1, len(users) // 12)]
truth = {}
for answer in recommend("--count", str(len(items)), "--with-seen", *[part for user in some for part in ("--user", user)]):
    truth[answer["user"]] = {entry["item"]: entry for entry in answer["items"]}
expected = np.array([[truth[user][item]["score"] for item in items] for user in some])
rows = [users.index(user) for user in some]


def scores(arrays):
    return (
        np.reshape(arrays["intercept"], ())
        + arrays["user_biases"][rows][:, None]
        + arrays["item_biases"][None, :]
        + arrays["user_factors"][rows] @ arrays["item_factors"].T
    )


# Folder of arrays.
names = ["user_factors", "item_factors", "user_biases", "item_biases", "intercept", "item_popularity"]
arrays = {name: np.load(f"{folder}/arrays/{name}.npy") for name in names}
assert all(array.dtype == np.float32 for array in arrays.values())
close(scores(arrays), expected, "npy")
description = json.load(open(f"{folder}/arrays/model.json", encoding="utf-8"))
assert (description["users"], description["items"]) == (len(users), len(items))

# One archive, by NumPy and by Python's own zip reader, which checks the sums.
archive = np.load(f"{folder}/model.npz", allow_pickle=False)
assert list(archive["users"]) == users and list(archive["items"]) == items
assert archive.zip.testzip() is None
assert json.loads(str(archive["model"][0])) == description
close(scores(archive), expected, "npz")

# safetensors, ids from bytes and starts.
tensors = load_file(f"{folder}/model.safetensors")
close(scores(tensors), expected, "safetensors")
for name, known in (("users", users), ("items", items)):
    text, starts = tensors[f"{name}.utf8"].tobytes(), tensors[f"{name}.starts"]
    assert [text[a:b].decode() for a, b in zip(starts, starts[1:])] == known

# Faiss: exact inner products, and the nearest by distance in the same order.
vectors = {
    name: np.load(f"{folder}/vectors/{name}.npy")
    for name in ["items_inner_product", "users_inner_product", "items_l2", "users_l2", "user_offsets"]
}
inner = faiss.IndexFlatIP(vectors["items_inner_product"].shape[1])
inner.add(vectors["items_inner_product"])
found, places = inner.search(vectors["users_inner_product"][rows], 10)
offsets = vectors["user_offsets"][rows][:, None]
close(found + offsets, np.take_along_axis(expected, places, axis=1), "Faiss, inner product")
close(np.sort(found + offsets)[:, ::-1], np.sort(expected)[:, ::-1][:, :10], "Faiss, the best ten")
square = json.load(open(f"{folder}/vectors/model.json", encoding="utf-8"))["largestSquare"]
for index, what in (
    (faiss.IndexFlatL2(vectors["items_l2"].shape[1]), "Faiss, distance"),
    (faiss.IndexHNSWFlat(vectors["items_l2"].shape[1], 32), "Faiss, HNSW by distance"),
):
    index.add(vectors["items_l2"])
    queries = vectors["users_l2"][rows]
    distances, places = index.search(queries, 10)
    products = (square + (queries.astype(np.float64) ** 2).sum(axis=1)[:, None] - distances) / 2
    close(products + offsets, np.take_along_axis(expected, places, axis=1), what)
close(
    np.sort(np.take_along_axis(expected, places, axis=1))[:, ::-1],
    np.sort(expected)[:, ::-1][:, :10],
    "Faiss, HNSW finds the best ten",
)

# The lists.
table = list(csv.DictReader(open(f"{folder}/lists.csv", encoding="utf-8", newline="")))
assert list(table[0]) == ["user", "rank", "item", "relevance", "exposure"]
assert {row["user"] for row in table} == set(users)
lists = [row for row in table if row["user"] in truth]
close(
    [float(row["relevance"]) for row in lists],
    [truth[row["user"]][row["item"]]["relevance"] for row in lists],
    "csv, relevance",
)
close(
    [float(row["exposure"]) for row in lists],
    [truth[row["user"]][row["item"]]["exposure"] for row in lists],
    "csv, exposure",
)

# RecBole's atomic files, by the rules of its format: a typed header, tabs between fields.
for kind, known, field in (("user", users, "user_id:token"), ("item", items, "item_id:token")):
    lines = ids(f"{folder}/recbole/recbole.{kind}")
    assert lines[0] == field and lines[1:] == known
pairs = [line.split("\t") for line in ids(f"{folder}/recbole/recbole.inter")]
assert pairs[0] == ["user_id:token", "item_id:token"]
assert all(user in truth or user in users for user, _ in pairs[1:]) and {item for _, item in pairs[1:]} <= set(items)
print(f"recbole: {len(users)} users, {len(items)} items, {len(pairs) - 1} pairs")

# The snippet of the documentation, as it stands there.
snippet = re.search(r"<!-- snippet:.*?```python\n(.*?)```", open(docs, encoding="utf-8").read(), re.S).group(1)
os.chdir(folder)
printed = io.StringIO()
with contextlib.redirect_stdout(printed):
    exec(compile(snippet, docs, "exec"), {})
shown = [line.split() for line in printed.getvalue().splitlines()]
os.chdir(os.path.dirname(os.path.abspath(__file__)))
best = recommend("--count", "10", "--with-seen", "--user", "u3")[0]["items"]
assert [line[0] for line in shown] == [entry["item"] for entry in best], "the snippet ranks otherwise"
close([float(line[1]) for line in shown], [entry["score"] for entry in best], "the documentation's snippet")
close([float(line[2]) for line in shown], [entry["relevance"] for entry in best], "its relevances")
print("all exports open and score alike")
