#!/usr/bin/env python3
"""Writes json_schema.jsonl: random schemas of the subset that cadre checks, values for each, and
what the PyPI package jsonschema (4.26, Draft 2020-12) says of them.

    python make_json_schema.py [SEED]

Each line is {"schema": ..., "fit": [...], "unfit": [...]}.
"""

import json
import pathlib
import random
import sys

from jsonschema import Draft202012Validator

WORDS = ["a", "b", "ab", "name", "é", "x/y", "t~u", "😀", "", "long word"]
NUMBERS = [0, 1, 2, 3, 5, -1, -2, 0.5, 1.5, -0.5, 2.0, 1e3, 9007199254740993, 10**30, 1e-7]
TYPES = ["null", "boolean", "number", "integer", "string", "array", "object"]


def value(rng, depth=0):
    kind = rng.randrange(8 if depth < 3 else 6)
    if kind == 0:
        return None
    if kind == 1:
        return rng.random() < 0.5
    if kind in (2, 3):
        return rng.choice(NUMBERS)
    if kind in (4, 5):
        return rng.choice(WORDS)
    if kind == 6:
        return [value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {rng.choice(WORDS): value(rng, depth + 1) for _ in range(rng.randrange(4))}


def pair(rng, low, high, bounds):
    chosen = sorted(rng.sample(bounds, 2))
    return {key: bound for key, bound in zip((low, high), chosen) if rng.random() < 0.6}


def assertions(rng):
    kind = rng.randrange(9)
    if kind == 0:
        types = rng.sample(TYPES, rng.randrange(1, 4))
        return {"type": types if len(types) > 1 or rng.random() < 0.3 else types[0]}
    if kind == 1:
        return {"enum": [value(rng, 2) for _ in range(rng.randrange(1, 8))]}
    if kind == 2:
        return {"const": value(rng, 2)}
    if kind == 3:
        return pair(rng, "minimum", "maximum", NUMBERS)
    if kind == 4:
        return pair(rng, "exclusiveMinimum", "exclusiveMaximum", NUMBERS)
    if kind == 5:
        return pair(rng, "minLength", "maxLength", [0, 1, 2, 3, 4])
    if kind == 6:
        return pair(rng, "minItems", "maxItems", [0, 1, 2, 3])
    if kind == 7:
        return {"uniqueItems": rng.random() < 0.8}
    return pair(rng, "minProperties", "maxProperties", [0, 1, 2, 3])


def applicators(rng, depth, definitions):
    def inner():
        return schema(rng, depth + 1, definitions)

    def some(low=1, high=3):
        return [inner() for _ in range(rng.randrange(low, high + 1))]

    kind = rng.randrange(11)
    if kind == 0:
        return {"properties": {word: inner() for word in rng.sample(WORDS, rng.randrange(1, 4))}}
    if kind == 1:
        return {"required": rng.sample(WORDS, rng.randrange(0, 3))}
    if kind == 2:
        known = {word: inner() for word in rng.sample(WORDS, rng.randrange(0, 3))}
        return {"properties": known, "additionalProperties": inner()}
    if kind == 3:
        return {"items": inner()}
    if kind == 4:
        return {"prefixItems": some(), "items": inner()}
    if kind == 5:
        return {"prefixItems": some()}
    if kind == 6:
        return {rng.choice(["allOf", "anyOf", "oneOf"]): some()}
    if kind == 7:
        return {rng.choice(["anyOf", "oneOf"]): some(2, 4)}
    if kind == 8:
        return {"not": inner()}
    if kind == 9:
        branch = {"if": inner(), "then": inner(), "else": inner()}
        del branch[rng.choice(["if", "then", "else"])]
        return branch
    # Only from inside a value, so that no schema leads straight back to itself.
    name = rng.choice(definitions)
    reference = {"$ref": "#" if name == "" else "#/$defs/" + escaped(name)}
    return rng.choice([{"items": reference}, {"additionalProperties": reference}])


def escaped(name):
    return name.replace("~", "~0").replace("/", "~1")


def schema(rng, depth, definitions):
    if depth > 2 or rng.random() < 0.06:
        return rng.random() < 0.7 if rng.random() < 0.3 else assertions(rng)
    made = {}
    for _ in range(rng.randrange(1, 4)):
        made.update(applicators(rng, depth, definitions) if rng.random() < 0.55 else assertions(rng))
    if rng.random() < 0.1:
        made["description"] = "passed over"
    return made


def near(rng, root, tries):
    """Values that the schema's own words make likely to fit."""
    text = json.dumps(root)
    for _ in range(tries):
        made = value(rng)
        if '"properties"' in text and rng.random() < 0.5:
            made = {word: value(rng, 2) for word in rng.sample(WORDS, rng.randrange(5))}
        elif ("tems" in text) and rng.random() < 0.5:
            made = [value(rng, 2) for _ in range(rng.randrange(5))]
        yield made
    for word in ("const", "enum"):
        if isinstance(root, dict) and word in root:
            yield root[word] if word == "const" else root[word][0]


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 20261125
    rng = random.Random(seed)
    lines, counts = [], [0, 0]
    while len(lines) < 600:
        definitions = [""] + rng.sample(["node", "a/b", "c~d"], 2)
        root = schema(rng, 0, definitions)
        if not isinstance(root, dict):
            root = {"allOf": [root]}
        root["$defs"] = {name: schema(rng, 2, definitions) for name in definitions if name}
        if '"$ref"' not in json.dumps(root):
            del root["$defs"]
        Draft202012Validator.check_schema(root)
        validator = Draft202012Validator(root)
        sorted_out = ([], [])
        for made in near(rng, root, 16):
            fits = validator.is_valid(made)
            bucket = sorted_out[0 if fits else 1]
            if made not in bucket and len(bucket) < 4:
                bucket.append(made)
        if min(len(bucket) for bucket in sorted_out) == 0 and rng.random() < 0.85:
            continue
        counts = [count + len(bucket) for count, bucket in zip(counts, sorted_out)]
        line = {"schema": root, "fit": sorted_out[0], "unfit": sorted_out[1]}
        lines.append(json.dumps(line, ensure_ascii=False, separators=(",", ":")))
    path = pathlib.Path(__file__).with_name("json_schema.jsonl")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"seed {seed}: {len(lines)} schemas, {counts[0]} values fit, {counts[1]} do not")


if __name__ == "__main__":
    main()
