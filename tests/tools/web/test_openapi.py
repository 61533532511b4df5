"""schemathesis asks every operation of our OpenAPI, with right and with wrong input."""

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode, openapi
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi import checks

from rdo.access.roles import Role
from tests.publishing import TARGET, Factory
from tests.serving import Served

_EXAMPLES = 20
_OURS = {"target": TARGET, "build": 1, "package": "python-b"}
"""Half of the requests ask for what is there: names made up at random are all unknown."""

# each raises what the answer has against the schema; a 5xx that it names is not expected here
_CHECKS = [
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.status_code_conformance,
]


def _answers_as_described(operation: APIOperation[Any, Any, Any, Any], token: str) -> None:
    modes = [GenerationMode.POSITIVE]
    modes += [GenerationMode.NEGATIVE] if any(operation.iter_parameters()) else []
    cases = st.one_of([operation.as_strategy(generation_mode=mode) for mode in modes])

    @seed(15)
    @settings(
        max_examples=_EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases, st.booleans())
    def asked(case: Case[Any], of_what_is_there: bool) -> None:
        if of_what_is_there:
            known = {name: _OURS[name] for name in case.path_parameters if name in _OURS}
            case.path_parameters.update(known)
        answer = case.call(headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code < 500, (answer.status_code, case.as_curl_command())
        case.validate_response(answer, checks=_CHECKS)

    asked()


@pytest.mark.slow
def test_every_operation_answers_as_the_schema_says(made: Factory, server: Served) -> None:
    schema = openapi.from_url(f"{server.url}/api/v1/openapi.json")
    token = server.token(Role.ADMIN)

    found = list(schema.get_all_operations())
    operations = [one.ok() for one in found if isinstance(one, Ok)]
    for operation in operations:
        _answers_as_described(operation, token)

    assert len(operations) == len(found) >= 12
