"""The base of all sections of rdo.toml: strict keys, and the kinds of values."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from rdo.model.package import SpecRule

# Other folders in the data folder, beside one folder per target.
RESERVED_NAMES = frozenset(
    {"cache", "labs", "local", "mirrors", "platforms", "releases", "roots", "tmp"}
)


def _kebab(name: str) -> str:
    """Return a key as it is in the file: `base_url` is `base-url`, the Python `from_` is `from`."""
    return name.strip("_").replace("_", "-")


def _target_name(name: str) -> str:
    if name in RESERVED_NAMES:
        raise ValueError("is the name of another folder in data; choose another name")
    return name


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"is not a regular expression: {error}") from error
    return text


def _spec_rule(text: str) -> str:
    SpecRule.parse(text)
    return text


Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
TargetName = Annotated[Name, AfterValidator(_target_name)]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$")]
Url = Annotated[Line, StringConstraints(pattern=r"^(https?|file)://\S+$")]
Pattern = Annotated[Line, AfterValidator(_pattern)]
SpecReplace = Annotated[Line, AfterValidator(_spec_rule)]
Permission = Annotated[
    Line, StringConstraints(pattern=r"^((provides|obsoletes) \S|(setuid|setgid|capabilities) /).*$")
]
Count = Annotated[int, Field(ge=1)]
Job = Annotated[Line, StringConstraints(max_length=256)]
PromotionName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$", max_length=100)]
Fingerprint = Annotated[
    str, StringConstraints(pattern=r"^[0-9A-Fa-f]{40}([0-9A-Fa-f]{24})?$", to_upper=True)
]
Address = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9._%+'=/-]+@[A-Za-z0-9.-]+$", max_length=254)
]


class Section(BaseModel):
    """One section of rdo.toml; it rejects unknown keys and wrong types."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, alias_generator=_kebab, hide_input_in_errors=True
    )
