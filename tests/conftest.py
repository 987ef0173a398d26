"""What every test stands on: one thread, fixed seeds, and no test skipped where all must run."""

import os
import sys
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

# Two workers share two cores, and sums are the same on every machine; set before torch or numpy is imported.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

settings.register_profile(
    "archsmith",
    derandomize=True,
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],  # a busy machine is no defect of a strategy
)
settings.load_profile("archsmith")

REQUIRE_ALL = "ARCHSMITH_REQUIRE_ALL"


@pytest.fixture(autouse=True)
def _fixed_seeds() -> None:
    """What torch draws in a test does not depend on the tests before it, nor on the worker."""
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


def _fail_instead(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure where the environment says that nothing may be missing."""
    if os.environ.get(REQUIRE_ALL) and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid}: {reason}\n{REQUIRE_ALL} is set, so what it needs must be here."


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _fail_instead(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _fail_instead(report)
    return report
