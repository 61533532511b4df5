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
    is_of_the_machine,
)


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
        case OutsideError():
            return _away(str(error))
        case UserError() if is_of_the_machine(error):  # whatever a client asks, it meets it
            return _away(str(error))
        case NotFoundError():
            return ApiError(404, str(error))
        case RefusedError():
            return ApiError(403, str(error))
        case ConfigError():
            return ApiError(400, str(error))
    return ApiError(500, str(error))


def of_the_machine(error: OSError) -> ApiError:
    """Translate an error of a disk, or of other means that the server is short of."""
    return _away(f"the server cannot do this now: {error.strerror}")


def _away(message: str) -> ApiError:
    return ApiError(503, message, {"Retry-After": "10"})
