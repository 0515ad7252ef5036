"""Second factors: proven first, each code used once."""

from collections.abc import Callable

from api.accounts.users import User, new_user_id
from tests.contract.people.conftest import Place

Someone = Callable[..., User]


def test_a_second_factor_is_proven_before_it_counts(place: Place, someone: Someone) -> None:
    user = someone()
    assert place.users.begin_mfa(user.id, "sealed")

    assert not place.users.activate_mfa(user.id, "another", step=7, backups=["one"])
    assert place.users.activate_mfa(user.id, "sealed", step=7, backups=["one", "two"])

    stored = place.users.get(user.id)
    assert stored is not None
    assert (stored.mfa_secret, stored.mfa_pending) == ("sealed", "")
    assert not place.users.begin_mfa(user.id, "again")
    assert not place.users.begin_mfa(new_user_id(), "sealed")


def test_a_code_is_used_once_and_no_older_one_after_it(place: Place, someone: Someone) -> None:
    user = someone()
    place.users.begin_mfa(user.id, "sealed")
    place.users.activate_mfa(user.id, "sealed", step=7, backups=["one", "two"])

    steps = [place.users.use_mfa_step(user.id, step) for step in (7, 8, 8, 7, 10)]
    backups = [place.users.use_backup(user.id, digest) for digest in ("one", "one", "x", "two")]

    assert steps == [False, True, False, False, True]
    assert backups == [True, False, False, True]


def test_a_second_factor_can_be_ended_and_made_again(place: Place, someone: Someone) -> None:
    user = someone()
    place.users.begin_mfa(user.id, "sealed")
    place.users.activate_mfa(user.id, "sealed", step=7, backups=["one"])

    place.users.end_mfa(user.id)

    stored = place.users.get(user.id)
    assert stored is not None
    assert stored.mfa_secret == ""
    assert not place.users.use_mfa_step(user.id, 100)
    assert not place.users.use_backup(user.id, "one")
    assert place.users.begin_mfa(user.id, "again")
