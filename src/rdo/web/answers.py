"""What goes back to a client: JSON, and errors in the form of DLRN's."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from rdo.errors import (
    ConfigError,
    NotFoundError,
    OutsideError,
    RefusedError,
    UserError,
)
from rdo.store.database.errors import UnusableStoreError


class ApiError(Exception):
    """A request that is answered by an error: its status, and one sentence."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})


def json_answer(
    content: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return JSON; keys stay in their order."""
    body = json.dumps(content, ensure_ascii=True, separators=(",", ":")) + "\n"
    return Response(body, status, headers, media_type="application/json")


def error_answer(error: ApiError) -> Response:
    """Return an error as DLRN does: `{"message": ...}`."""
    return json_answer({"message": error.message}, error.status, error.headers)


def api_error(error: UserError) -> ApiError:
    """Translate an error that a user of the command line would meet."""
    match error:
        case UnusableStoreError() | OutsideError():
            return ApiError(503, str(error), {"Retry-After": "10"})
        case NotFoundError():
            return ApiError(404, str(error))
        case RefusedError():
            return ApiError(403, str(error))
        case ConfigError():
            return ApiError(400, str(error))
    return ApiError(500, str(error))
