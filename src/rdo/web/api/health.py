"""Report whether a server works, which one it is, and which database it uses."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from rdo import __version__
from rdo.app.stores import mark_of
from rdo.web.api.values import ErrorAnswer
from rdo.web.service import WebServer


class HealthAnswer(BaseModel):
    """A server that answers and reaches its database."""

    version: str
    database: str = Field(description="Names the database; `rdo doctor` compares it.")
    rounds: bool | None = Field(
        description="Whether rounds run beside the server; null without --with-trunk."
    )


def router(service: WebServer) -> APIRouter:
    """Return the route; it is open to everybody, because it reveals nothing about the factory."""
    routes = APIRouter(prefix="/api/v1", responses={503: {"model": ErrorAnswer}})

    @routes.get("/health")
    def health() -> HealthAnswer:
        """Show whether the server is well; 503 if it cannot reach its database."""
        with service.store.read() as at:
            at.history.has_builds(service.targets[0] if service.targets else "")
        return HealthAnswer(
            version=__version__,
            database=mark_of(service.store.identity),
            rounds=service.rounds.is_running if service.rounds else None,
        )

    return routes
