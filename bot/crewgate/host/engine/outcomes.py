"""From a person's answer to a flow to the outcome that the person meant."""

from __future__ import annotations

import json
from typing import Any

from crewai.llms.base_llm import BaseLLM
from crewai.utilities.llm_utils import create_llm
from pydantic import PrivateAttr


class ExactOutcome(BaseLLM):
    """A model that chooses the outcome which a person named exactly; then the flow's own goes on.

    CrewAI asks the flow's model which outcome an answer means even where it is the label of one:
    that costs a call, fails without a model, and may choose another.
    """

    _outcome: str = PrivateAttr(default="")
    _chosen: bool = PrivateAttr(default=False)
    _model: Any = PrivateAttr(default=None)

    @classmethod
    def of(cls, outcome: str, model: Any) -> ExactOutcome:
        """Choose this; `model` is asked for everything after it.

        It may be the name of one, its settings, or None. It is made when it is asked, so that a
        label needs no key of a model.
        """
        made = cls(model="exact-outcome")
        made._outcome, made._model = outcome, model
        return made

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The outcome once, then what the flow's own model says."""
        if self._chosen:
            return self._resolved().call(*args, **kwargs)
        self._chosen = True
        return json.dumps({"outcome": self._outcome})

    def supports_function_calling(self) -> bool:
        """As the flow's own model does."""
        asked = getattr(self._resolved(), "supports_function_calling", None)
        return bool(asked()) if asked else False

    def supports_stop_words(self) -> bool:
        """No."""
        return False

    def _resolved(self) -> Any:
        if self._model is None or isinstance(self._model, str | dict):
            self._model = create_llm(self._model)
        return self._model
