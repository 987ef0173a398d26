"""The loops: a study asks, evaluates, tells and records; a campaign generates, checks and records.

What the command line does, a function here does: ``from archsmith.jobs import run_study``. Each is imported when it is
first asked for, so that a command which only reads the store waits for none of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archsmith.jobs.campaign import resume_campaign, run_campaign
    from archsmith.jobs.comparison import compare_studies
    from archsmith.jobs.export import export_trial
    from archsmith.jobs.replay import replay_finding
    from archsmith.jobs.study import resume_study, run_study

__all__ = [
    "compare_studies",
    "export_trial",
    "replay_finding",
    "resume_campaign",
    "resume_study",
    "run_campaign",
    "run_study",
]

_HOMES = {
    "compare_studies": "archsmith.jobs.comparison",
    "export_trial": "archsmith.jobs.export",
    "replay_finding": "archsmith.jobs.replay",
    "resume_campaign": "archsmith.jobs.campaign",
    "resume_study": "archsmith.jobs.study",
    "run_campaign": "archsmith.jobs.campaign",
    "run_study": "archsmith.jobs.study",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
