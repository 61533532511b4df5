"""A database server that disappears in the middle of an operation."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from rdo.errors import ConfigError, OutsideError
from rdo.store import Store, Transaction
from rdo.store.database.errors import LostConnectionError
from tests.postgresql import Server
from tests.unit.store.samples import NOW, TARGET, commit


def test_a_restart_between_two_transactions_is_not_noticed(
    postgresql: str, postgresql_server: Server
) -> None:
    with Store(postgresql) as store:
        with store.write() as at:
            at.builds.plan(TARGET, commit(), now=NOW)
        postgresql_server.restart()

        with store.read() as at:
            assert len(at.builds.queue(TARGET)) == 1
        postgresql_server.restart()
        with store.write() as at:
            at.builds.plan(TARGET, commit(upstream="bb"), now=NOW)


def test_a_server_that_comes_back_is_waited_for(postgresql: str, postgresql_server: Server) -> None:
    with Store(postgresql) as store:
        postgresql_server.stop()
        later = threading.Timer(2, postgresql_server.start)
        later.start()
        with store.write() as at:
            at.builds.plan(TARGET, commit(), now=NOW)
        later.join()

        with store.read() as at:
            assert len(at.builds.queue(TARGET)) == 1


def test_a_loss_in_a_transaction_undoes_it_and_is_outside(
    postgresql: str, postgresql_server: Server
) -> None:
    with Store(postgresql) as store:

        def plan_and_lose() -> None:
            with store.write() as at:
                at.builds.plan(TARGET, commit(), now=NOW)
                postgresql_server.restart()
                at.builds.queue(TARGET)

        with pytest.raises(LostConnectionError):
            plan_and_lose()

        with store.read() as at:
            assert at.builds.queue(TARGET) == ()


@pytest.mark.parametrize("writes", [True, False])
def test_work_that_can_be_repeated_is(
    postgresql: str, postgresql_server: Server, writes: bool
) -> None:
    tries = []

    def work(at: Transaction) -> int:
        tries.append(at)
        if writes:
            at.builds.plan(TARGET, commit(), now=NOW)
        if len(tries) == 1:
            postgresql_server.restart()
        return len(at.builds.queue(TARGET))

    with Store(postgresql) as store:
        assert (store.change if writes else store.ask)(work) == writes
        assert len(tries) == 2
        with store.read() as at:
            assert len(at.builds.queue(TARGET)) == writes


def test_a_commit_that_was_done_but_not_answered_is_not_repeated(
    postgresql: str, postgresql_server: Server
) -> None:
    tries = []

    def work(at: Transaction) -> None:
        tries.append(at)
        at.builds.plan(TARGET, commit(), now=NOW)

    with Store(postgresql) as store, nobody_confirms(postgresql_server):
        ending = threading.Thread(target=end_commit, args=(postgresql_server,))
        ending.start()
        store.change(work)
        ending.join()

        with store.read() as at:
            assert len(at.builds.queue(TARGET)) == 1
    assert len(tries) == 1


@contextmanager
def nobody_confirms(server: Server) -> Iterator[None]:
    """Let commits wait for a standby that does not exist, after they are done here."""
    server.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    server.sql("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        server.sql("ALTER SYSTEM RESET synchronous_standby_names")
        server.sql("SELECT pg_reload_conf()")


def end_commit(server: Server) -> None:
    waiting = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    give_up = time.monotonic() + 60
    while server.sql(f"SELECT count(*) {waiting}") == "0" and time.monotonic() < give_up:
        time.sleep(0.1)
    server.sql(f"SELECT pg_terminate_backend(pid) {waiting}")


def test_a_server_that_is_down_at_the_start_is_outside(
    postgresql: str, postgresql_server: Server
) -> None:
    postgresql_server.stop()
    try:
        with pytest.raises(OutsideError, match="cannot reach database") as caught:
            Store(postgresql)
    finally:
        postgresql_server.start()

    assert caught.value.exit_code == 6


def test_a_database_that_the_server_does_not_have_is_a_wrong_configuration(
    postgresql: str,
) -> None:
    with pytest.raises(ConfigError, match=r"nothing.*does not exist"):
        Store(postgresql.replace("/postgres?", "/nothing?"))
