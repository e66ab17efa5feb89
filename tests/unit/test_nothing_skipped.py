"""With CI=true a skipped test fails the run."""

from __future__ import annotations

import pytest

from tests.support.nothing_skipped import NothingSkipped

pytest_plugins = ["pytester"]


def outcomes(pytester: pytest.Pytester, source: str) -> dict[str, int]:
    pytester.makepyfile(source)
    result = pytester.inline_run("-p", "no:cacheprovider", plugins=[NothingSkipped()])
    passed, skipped, failed = result.countoutcomes()
    return {"passed": passed, "skipped": skipped, "failed": failed}


@pytest.mark.parametrize(
    "source",
    [
        "import pytest\n@pytest.mark.skip(reason='later')\ndef test_a(): pass",
        "import pytest\ndef test_a(): pytest.skip('no server')",
        "import pytest\n@pytest.fixture\ndef server(): pytest.skip('none')\ndef test_a(server): pass",
        "import pytest\n@pytest.mark.xfail\ndef test_a(): assert False",
        "import pytest\npytest.importorskip('no_such_module')\ndef test_a(): pass",
    ],
    ids=["marked", "in the test", "in a fixture", "expected to fail", "whole file"],
)
def test_a_test_that_does_not_run_fails(pytester: pytest.Pytester, source: str) -> None:
    assert outcomes(pytester, source) == {"passed": 0, "skipped": 0, "failed": 1}


def test_a_test_that_passes_passes(pytester: pytest.Pytester) -> None:
    assert outcomes(pytester, "def test_a(): pass") == {"passed": 1, "skipped": 0, "failed": 0}
