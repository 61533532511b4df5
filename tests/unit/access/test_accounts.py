"""Users, tokens and roles: which are accepted, and which are not any more."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher
from passlib.hash import sha512_crypt

from rdo.access import passwords
from rdo.access.accounts import Accounts
from rdo.access.limits import PER_ADDRESS, WINDOW_SECONDS
from rdo.access.logins import REMEMBERED_SECONDS, BadLoginError, Logins
from rdo.access.roles import ALL_TARGETS, Login, Role
from rdo.errors import ConfigError, NotFoundError, RefusedError
from rdo.store import Store

NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
PASSWORD = "correct horse"


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)


@pytest.fixture(scope="module")
def stored() -> str:
    return passwords.hash_of(PASSWORD)


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.temporary() as opened:
        yield opened


@pytest.fixture
def accounts(store: Store) -> Accounts:
    return Accounts(store, {"one", "two"}, "me", NOW)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def logins(clock: Clock) -> Logins:
    return Logins(clock.now, clock)


def basic(user: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()


def with_hash(store: Store, accounts: Accounts, stored: str) -> None:
    accounts.add("zuul", {ALL_TARGETS: Role.CI})
    with store.write() as at:
        at.users.set_password("zuul", stored)


@pytest.mark.parametrize(
    ("identity", "target", "wanted"),
    [
        (Login("a", {"*": Role.CI}), "one", Role.CI),
        (Login("a", {"*": Role.CI, "one": Role.ADMIN}), "one", Role.ADMIN),
        (Login("a", {"two": Role.ADMIN}), "one", None),
        (Login("a", {"*": Role.ADMIN}, 1, "two"), "one", None),
        (Login("a", {"*": Role.ADMIN}, 1, "one"), "one", Role.ADMIN),
        (Login("a", {"*": Role.ADMIN}, 1, "", Role.CI), "one", Role.CI),
        (Login("a", {"*": Role.READER}, 1, "", Role.ADMIN), "one", Role.READER),
    ],
)
def test_a_token_never_gives_more_than_its_user_and_its_limits(
    identity: Login, target: str, wanted: Role | None
) -> None:
    assert identity.role(target) == wanted
    assert identity.may(Role.READER, target) == (wanted is not None)


def test_a_password_is_verified_and_remembered_until_it_is_changed(
    store: Store, accounts: Accounts, logins: Logins, stored: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_hash(store, accounts, stored)
    header = basic("zuul", PASSWORD)
    assert logins.identity(store, header, "a").may(Role.CI, "one")
    asked: list[str] = []
    slow = passwords.is_right
    monkeypatch.setattr(
        passwords,
        "is_right",
        lambda *args: asked.append(args[1]) or slow(*args),  # type: ignore[func-returns-value]
    )

    logins.identity(store, header, "a")
    assert asked == [], "the credential was verified a moment ago"

    with store.write() as at:
        at.users.set_password("zuul", passwords.hash_of("another one"))
    with pytest.raises(BadLoginError):
        logins.identity(store, header, "a")


def test_a_failed_login_costs_the_same_whoever_it_names(
    store: Store, accounts: Accounts, logins: Logins, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_hash(store, accounts, passwords.hash_of(PASSWORD))
    accounts.add("with-tokens-only", {ALL_TARGETS: Role.CI})
    verified: list[str] = []
    verify = PasswordHasher.verify

    def counted(self: PasswordHasher, stored: str, password: str) -> bool:
        verified.append(stored)
        return verify(self, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    costs = {}
    for name in ("zuul", "nobody", "with-tokens-only"):
        verified.clear()
        with pytest.raises(BadLoginError):
            logins.identity(store, basic(name, "a wrong password"), "a")
        costs[name] = [stored.rpartition("$")[0].rpartition("$")[0] for stored in verified]

    assert costs["zuul"] == costs["nobody"] == costs["with-tokens-only"]
    assert len(costs["zuul"]) == 1  # with the same parameters, which are what is left of the hash


def test_a_remembered_credential_ends_with_its_time_and_with_its_user(
    store: Store, accounts: Accounts, logins: Logins, stored: str, clock: Clock
) -> None:
    with_hash(store, accounts, stored)
    logins.identity(store, basic("zuul", PASSWORD), "a")

    accounts.remove("zuul")
    with pytest.raises(BadLoginError):
        logins.identity(store, basic("zuul", PASSWORD), "a")

    with_hash(store, accounts, stored)
    clock.seconds += REMEMBERED_SECONDS
    logins.identity(store, basic("zuul", PASSWORD), "a")


def test_a_hash_of_dlrn_is_verified_and_then_replaced(
    store: Store, accounts: Accounts, logins: Logins
) -> None:
    with_hash(store, accounts, sha512_crypt.using(rounds=5000).hash(PASSWORD))

    with pytest.raises(BadLoginError):
        logins.identity(store, basic("zuul", "wrong"), "a")
    logins.identity(store, basic("zuul", PASSWORD), "a")

    with store.read() as at:
        user = at.users.get("zuul")
    assert user
    assert user.password.startswith("$argon2id$")
    logins.identity(store, basic("zuul", PASSWORD), "a")


@pytest.mark.parametrize(
    "stored", ["", "!", "$6$", "$6$rounds=x$y$z", "$argon2id$nonsense", "$1$a$b"]
)
def test_a_hash_that_is_none_is_never_right(stored: str) -> None:
    assert not passwords.is_right("", stored)
    assert not passwords.is_right("x", stored)


def test_a_password_that_is_too_long_costs_nothing(stored: str) -> None:
    assert not passwords.is_right("x" * 100_000, stored)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic !",
        "Basic YQ==",
        "Basic OmE=",
        "Digest a",
        "Bearer ",
        "Bearer rdo_",
        "\0",
    ],
)
def test_a_header_of_another_form_is_refused(store: Store, logins: Logins, header: str) -> None:
    with pytest.raises(BadLoginError):
        logins.identity(store, header, "a")


def test_a_token_is_accepted_until_it_expires_or_is_revoked(
    store: Store, accounts: Accounts, logins: Logins, clock: Clock
) -> None:
    accounts.add("zuul", {"one": Role.CI})
    first, second = (accounts.new_token("zuul", days=1) for _ in range(2))

    assert logins.identity(store, f"Bearer {first.token}", "a").token == first.id
    assert logins.identity(store, basic("zuul", first.token), "a").user == "zuul"
    with pytest.raises(BadLoginError):
        logins.identity(store, basic("other", first.token), "a")
    accounts.revoke(first.id)
    with pytest.raises(BadLoginError):
        logins.identity(store, f"Bearer {first.token}", "a")
    logins.identity(store, f"Bearer {second.token}", "a")
    clock.seconds += 24 * 3600
    with pytest.raises(BadLoginError):
        logins.identity(store, f"Bearer {second.token}", "a")


def test_the_store_has_no_token_and_no_password(store: Store, accounts: Accounts) -> None:
    accounts.add("zuul", {"one": Role.CI}, PASSWORD)
    made = accounts.new_token("zuul")

    with store.connection() as connection:
        dump = "\n".join(
            str(row)
            for table in ("users", "tokens", "audit", "rights")
            for row in connection.exec_driver_sql(f"SELECT * FROM {table}")
        )
    assert made.token not in dump
    assert PASSWORD not in dump
    assert [one.act for one in accounts.audit(9)] == ["token add", "user add"]


def test_guesses_from_one_address_have_to_wait_and_a_remembered_client_does_not(
    store: Store,
    accounts: Accounts,
    logins: Logins,
    stored: str,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_hash(store, accounts, stored)
    logins.identity(store, basic("zuul", PASSWORD), "a")
    monkeypatch.setattr(passwords, "is_right", lambda *_: False)
    for _ in range(PER_ADDRESS):
        with pytest.raises(BadLoginError) as error:
            logins.identity(store, basic("zuul", "guess"), "a")
        assert error.value.wait_seconds == 0

    with pytest.raises(BadLoginError) as error:
        logins.identity(store, basic("zuul", "guess"), "a")
    assert 0 < error.value.wait_seconds <= WINDOW_SECONDS + 1
    assert logins.identity(store, basic("zuul", PASSWORD), "a").user == "zuul"
    clock.seconds += WINDOW_SECONDS + 1
    with pytest.raises(BadLoginError) as error:
        logins.identity(store, basic("zuul", "guess"), "a")
    assert error.value.wait_seconds == 0


def test_bad_users_are_refused(accounts: Accounts) -> None:
    accounts.add("zuul", {"one": Role.CI})
    accounts.set_password("zuul", PASSWORD)

    with pytest.raises(ConfigError):
        accounts.add("a:b", {"one": Role.CI})
    with pytest.raises(NotFoundError):
        accounts.add("a", {"three": Role.CI})
    with pytest.raises(ConfigError, match="at least 8"):
        accounts.add("a", {"one": Role.CI}, "short")
    with pytest.raises(RefusedError, match="exists"):
        accounts.add("zuul", {"one": Role.CI}, PASSWORD)
    with pytest.raises(NotFoundError, match='did you mean "zuul"'):
        accounts.remove("zull")
    with pytest.raises(NotFoundError):
        accounts.revoke(9)


def test_the_password_of_a_login_is_not_shown_by_repr() -> None:
    from rdo.access.logins import Credentials

    assert PASSWORD not in repr(Credentials.parse(basic("zuul", PASSWORD)))
