"""The base of every scenario record: frozen, closed, documented by attribute docstrings."""

from typing import Any

from pydantic import BaseModel, ConfigDict

UNSAID: Any = object()


class Model(BaseModel):
    """A frozen record that refuses unknown keys, NaN and infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)


class MisfitError(ValueError):
    """A rule that a value, or the fields of a record together, break; validators raise it.

    `at` leads from the record to the field to blame, `value` is what is shown as the offending value (the field's own
    when not given), `fix` is the nearest fix, and `with_` leads to another field that takes part in the fault.
    """

    def __init__(
        self,
        rule: str,
        *,
        at: tuple[str | int, ...] = (),
        value: Any = UNSAID,
        fix: str = "",
        with_: tuple[str | int, ...] = (),
    ) -> None:
        super().__init__(rule)
        self.at = at
        self.value = value
        self.fix = fix
        self.with_ = with_
