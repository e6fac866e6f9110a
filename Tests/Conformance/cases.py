"""A list of named cases, run one after another, told in one line each."""

import time
import traceback


class Failed(Exception):
    """A case that did not come out as it must."""


def expect(condition: bool, otherwise: str) -> None:
    """Fails the case unless the condition holds."""
    if not condition:
        raise Failed(otherwise)


def expect_equal(found, wanted, what: str) -> None:
    """Fails the case unless both are the same."""
    expect(found == wanted, f"{what}: {found!r} where {wanted!r} was expected")


class Cases:
    """Runs cases and counts them."""

    def __init__(self, name: str):
        self._name = name
        self._passed = 0
        self._failed = 0

    def run(self, name: str, case) -> None:
        """Runs `case()`, which raises when it fails."""
        began = time.monotonic()
        try:
            case()
        except Failed as failure:
            self._tell("FAILED", name, began)
            print(f"         {failure}", flush=True)
            self._failed += 1
        except Exception:  # A case must not end the others, whatever it raises.
            self._tell("FAILED", name, began)
            print(traceback.format_exc(limit=-3, chain=False), flush=True)
            self._failed += 1
        else:
            self._tell("ok", name, began)
            self._passed += 1

    def close(self) -> int:
        """Prints the counts; the exit code of the program."""
        print(f"{self._name}: {self._passed} passed, {self._failed} failed", flush=True)
        return 0 if self._failed == 0 and self._passed > 0 else 1

    @staticmethod
    def _tell(outcome: str, name: str, began: float) -> None:
        print(f"  {outcome:7}{name} ({time.monotonic() - began:.2f} s)", flush=True)
