#!/usr/bin/env python3
"""Writes time_zones.jsonl: files of the system's time zone database, and the offsets that Python's
zoneinfo reads from them around their changes and at random instants up to the year 2099.

    python make_time_zones.py
"""

import base64
import datetime
import json
import pathlib
import random
import zoneinfo

ZONES = [
    "UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe",
    "Asia/Kolkata", "Africa/Casablanca", "Asia/Gaza", "America/Nuuk", "Pacific/Apia",
    "Europe/Dublin", "Pacific/Chatham", "America/St_Johns",
]
DATABASE = pathlib.Path("/usr/share/zoneinfo")


def offset(zone, instant):
    moment = datetime.datetime.fromtimestamp(instant, tz=datetime.timezone.utc).astimezone(zone)
    return int(moment.utcoffset().total_seconds())


def changes(zone, first, last):
    """Instants at which the offset changes, found by halving days that begin and end otherwise."""
    for day in range(first, last, 86_400):
        low, high = day, day + 86_400
        if offset(zone, low) == offset(zone, high):
            continue
        while high - low > 1:
            middle = (low + high) // 2
            if offset(zone, middle) == offset(zone, low):
                low = middle
            else:
                high = middle
        yield high


def main():
    rng = random.Random(20261125)
    end = 4_102_444_800 - 86_400
    lines = []
    for name in ZONES:
        content = (DATABASE / name).read_bytes()
        with (DATABASE / name).open("rb") as file:
            zone = zoneinfo.ZoneInfo.from_file(file, key=name)
        instants = [rng.randrange(0, end) for _ in range(100)]
        for span in ((0, 200), (600, 700), (1200, 1300)):
            begin = span[0] * 2_592_000
            for change in changes(zone, begin, min(span[1] * 2_592_000, end)):
                instants += [change - 1, change]
        samples = [[instant, offset(zone, instant)] for instant in sorted(set(instants))]
        line = {"zone": name, "tzif": base64.b64encode(content).decode(), "samples": samples}
        lines.append(json.dumps(line, separators=(",", ":")))
    path = pathlib.Path(__file__).with_name("time_zones.jsonl")
    path.write_text("\n".join(lines) + "\n")
    print(f"{len(lines)} zones, {sum(line.count('],[') for line in lines)} samples")


if __name__ == "__main__":
    main()
