"""A study of Optuna that can forget: what an ask writes into it is dropped again, so that it leaves nothing behind."""

from collections.abc import Container, Mapping, Sequence
from copy import copy, deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

NAME = "archsmith"
STUDY = 0
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""When every trial began and ended: samplers do not look at it, and a searcher has no clock."""

Attributes = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a trial was given, by the parameters' names, and from what."""

    values: dict[str, Any] = field(default_factory=dict)
    distributions: dict[str, BaseDistribution] = field(default_factory=dict)


class ForgetfulStorage(BaseStorage):
    """One study in memory; ``forget`` drops what was written since the last ``keep``. A trial's id is its number."""

    def __init__(self, objectives: int) -> None:
        self._directions = [StudyDirection.MAXIMIZE] * objectives
        self._trials: list[FrozenTrial] = []
        self._attributes: Attributes = {}
        self._user_attributes: Attributes = {}
        self._kept: tuple[int, Attributes, Attributes] = (0, {}, {})

    def keep(self) -> None:
        """All that was written stays; a trial that has not ended must not be written to from here on."""
        self._kept = len(self._trials), dict(self._attributes), dict(self._user_attributes)

    def forget(self) -> None:
        """Drop the trials and the study's attributes that were written since ``keep``."""
        count, attributes, user_attributes = self._kept
        del self._trials[count:]
        self._attributes, self._user_attributes = dict(attributes), dict(user_attributes)

    def add(
        self,
        state: TrialState,
        parameters: Parameters,
        *,
        values: Sequence[float] | None = None,
        attributes: Mapping[str, Any] | None = None,
        curve: Mapping[int, float] | None = None,
    ) -> FrozenTrial:
        """A trial that is told as a whole."""
        number = len(self._trials)
        trial = FrozenTrial(
            number=number,
            trial_id=number,
            state=state,
            value=None,
            values=values,
            datetime_start=EPOCH,
            datetime_complete=EPOCH if state.is_finished() else None,
            params=parameters.values,
            distributions=parameters.distributions,
            user_attrs={},
            system_attrs=dict(attributes or {}),
            intermediate_values=dict(curve or {}),
        )
        self._trials.append(trial)
        return trial

    def answer(self, number: int, parameters: Parameters) -> None:
        """Give a running trial these parameters, whatever was suggested to it."""
        self._change(number, params=parameters.values, distributions=parameters.distributions)

    def create_new_study(self, directions: Sequence[StudyDirection], study_name: str | None = None) -> int:
        """The one study, which is there already."""
        return STUDY

    def delete_study(self, study_id: int) -> None:
        """Drop all of it."""
        self._kept = (0, {}, {})
        self.forget()

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        self._user_attributes[key] = value

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        self._attributes[key] = value

    def get_study_id_from_name(self, study_name: str) -> int:
        return STUDY

    def get_study_name_from_id(self, study_id: int) -> str:
        return NAME

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        return self._directions

    def get_study_user_attrs(self, study_id: int) -> Attributes:
        return dict(self._user_attributes)

    def get_study_system_attrs(self, study_id: int) -> Attributes:
        return dict(self._attributes)

    def get_all_studies(self) -> list[Any]:
        """Only for listings of many studies, which this storage has not."""
        return []

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        if template_trial is None:
            return int(self.add(TrialState.RUNNING, Parameters()).number)
        trial = deepcopy(template_trial)
        trial.number = trial._trial_id = len(self._trials)
        self._trials.append(trial)
        return int(trial.number)

    def set_trial_param(
        self, trial_id: int, param_name: str, param_value_internal: float, distribution: BaseDistribution
    ) -> None:
        trial = self._trials[trial_id]
        value = distribution.to_external_repr(param_value_internal)
        self._change(
            trial_id,
            params={**trial.params, param_name: value},
            distributions={**trial.distributions, param_name: distribution},
        )

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        ended = EPOCH if state.is_finished() else None
        self._change(trial_id, state=state, values=values, datetime_complete=ended)
        return True

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        curve = self._trials[trial_id].intermediate_values
        self._change(trial_id, intermediate_values={**curve, step: intermediate_value})

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        self._change(trial_id, user_attrs={**self._trials[trial_id].user_attrs, key: value})

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        self._change(trial_id, system_attrs={**self._trials[trial_id].system_attrs, key: value})

    def get_trial(self, trial_id: int) -> FrozenTrial:
        return self._trials[trial_id]

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,  # noqa: FBT001, FBT002  Optuna gives it by position
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        """No trial ever waits, so a study that looks for one need not look through all."""
        if states == (TrialState.WAITING,):
            return []
        found = self._trials if states is None else [trial for trial in self._trials if trial.state in states]
        return _apart(found) if deepcopy else list(found)

    def _change(self, number: int, **fields: Any) -> None:
        """A changed copy takes the trial's place, because lists of trials that were handed out stay as they were."""
        trial = self._trials[number]
        self.check_trial_is_updatable(number, trial.state)
        changed = copy(trial)
        for name, value in fields.items():
            setattr(changed, name, value)
        self._trials[number] = changed


def _apart(trials: list[FrozenTrial]) -> list[FrozenTrial]:
    return deepcopy(trials)
