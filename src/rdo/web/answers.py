"""Answers to clients: JSON, and errors in DLRN's form."""

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
    is_of_the_machine,
)


class ApiError(Exception):
    """A request that is answered with an error: a status and one sentence."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})


def json_answer(
    content: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a JSON answer; keys stay in order."""
    body = json.dumps(content, ensure_ascii=True, separators=(",", ":")) + "\n"
    return Response(body, status, headers, media_type="application/json")


def error_answer(error: ApiError) -> Response:
    """Return an error as DLRN does: `{"message": ...}`."""
    return json_answer({"message": error.message}, error.status, error.headers)


def api_error(error: UserError) -> ApiError:
    """Convert an error that the command line would print."""
    match error:
        case OutsideError():
            return _away(str(error))
        case UserError() if is_of_the_machine(error):  # any other request would meet it too
            return _away(str(error))
        case NotFoundError():
            return ApiError(404, str(error))
        case RefusedError():
            return ApiError(403, str(error))
        case ConfigError():
            return ApiError(400, str(error))
    return ApiError(500, str(error))


def of_the_machine(error: OSError) -> ApiError:
    """Convert an error of a disk, or of other resources that the server lacks."""
    return _away(f"the server cannot do this now: {error.strerror}")


def _away(message: str) -> ApiError:
    return ApiError(503, message, {"Retry-After": "10"})
