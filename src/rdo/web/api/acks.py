"""The endpoints about who is working on a package."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from rdo.trunk.care.acks import acknowledge, take_back
from rdo.web.api.asked import ERRORS, Ci, Name, Reader
from rdo.web.api.values import AckAnswer


class AckQuestion(BaseModel):
    """What somebody does about a package, and a link to the work."""

    model_config = ConfigDict(extra="forbid")

    because: str = Field(max_length=10_000)
    link: str = Field(default="", max_length=10_000)


def router() -> APIRouter:
    """Return the routes that read and change acks; changing them needs the role ci."""
    routes = APIRouter(prefix="/api/v1/targets/{target}/packages/{package}", responses=ERRORS)

    @routes.get("/ack")
    def who_is_on_it(asked: Reader, package: Name) -> AckAnswer | None:
        """Show who is working on a package; null if nobody is."""
        with asked.server.store.read() as at:
            found = at.acks.all(asked.target).get(package)
        return AckAnswer.of(found) if found else None

    @routes.put("/ack")
    def ack(asked: Ci, package: Name, said: AckQuestion) -> AckAnswer:
        """Say that you are working on a package, until it is good again."""
        with asked.trunk() as trunk:
            by = asked.login.user
            done = acknowledge(trunk, package, by=by, why=said.because, link=said.link)
        asked.record("ack", f"{done.package}: {done.why}")
        return AckAnswer.of(done)

    @routes.delete("/ack")
    def unack(asked: Ci, package: Name) -> AckAnswer:
        """Say that nobody is working on a package any more; the answer is who was."""
        with asked.trunk() as trunk:
            done = take_back(trunk, package, by=asked.login.user)
        asked.record("unack", done.package)
        return AckAnswer.of(done)

    return routes
