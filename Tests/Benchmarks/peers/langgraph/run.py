#!/usr/bin/env python3
"""No-op graphs on LangGraph with its SQLite checkpointer, each node durable before the next.

    run.py DIR STEPS:CALLERS:COUNT...

LangGraph is a library in the application's process: there is no server, and no remote client to pay
for. Its saver sets a write-ahead log and leaves SQLite's default synchronous=FULL.
"""

import os
import sys
import uuid
from typing import TypedDict

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../common"))

import measured  # noqa: E402
from langgraph.checkpoint.sqlite import SqliteSaver  # noqa: E402
from langgraph.graph import END, START, StateGraph  # noqa: E402

SAYING = "NEWUSDT"


class Said(TypedDict):
    text: str


def chain(steps: int, saver: SqliteSaver):
    """A graph of so many nodes, one after the other."""
    graph = StateGraph(Said)
    names = [START] + [f"s{number}" for number in range(steps)] + [END]
    for name in names[1:-1]:
        graph.add_node(name, lambda said: {"text": said["text"]})
    for before, after in zip(names, names[1:]):
        graph.add_edge(before, after)
    return graph.compile(checkpointer=saver)


def main() -> None:
    with SqliteSaver.from_conn_string(os.path.join(sys.argv[1], "langgraph.sqlite")) as saver:
        for name, steps, callers, count in measured.loads(sys.argv[2:]):
            graph = chain(steps, saver)

            def call(_number: int) -> None:
                said = graph.invoke({"text": SAYING}, durability="sync",
                                    config={"configurable": {"thread_id": str(uuid.uuid4())}})
                measured.expect(said, {"text": SAYING})

            for number in range(min(8, callers)):
                call(number)
            measured.with_threads(name, callers, count, call)


if __name__ == "__main__":
    main()
