"""Python messages and stubs, generated from proto/ into a folder of their own."""

import atexit
import os
import shutil
import sys
import tempfile

import grpc
import grpc_tools
from grpc_tools import protoc

PROTO = os.path.join(os.path.dirname(__file__), "../../proto")


def generate(*protos: str) -> None:
    """Generates the protos (paths below proto/) and makes them importable by their own names."""
    out = tempfile.mkdtemp(prefix="cadre-stubs-")
    atexit.register(shutil.rmtree, out, ignore_errors=True)
    well_known = os.path.join(os.path.dirname(grpc_tools.__file__), "_proto")
    code = protoc.main(["protoc", f"-I{PROTO}", f"-I{well_known}", f"--python_out={out}",
                        f"--grpc_python_out={out}", *protos])
    if code != 0:
        raise SystemExit(f"stubs: protoc could not read {protos}")
    sys.path.insert(0, out)
    # The package grpc.testing lies beside grpcio's own modules.
    grpc.__path__.append(os.path.join(out, "grpc"))
