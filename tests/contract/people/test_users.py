"""People are kept, found and changed."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from api.accounts.errors import LastAdmin
from api.accounts.users import EmailTaken, Registration, User, new_user_id
from tests.contract.people.conftest import Place

Someone = Callable[..., User]


def test_a_user_is_found_however_the_address_is_written(place: Place, someone: Someone) -> None:
    user = someone("Ada.L@Exämple.org", name="Ada", company="A & E", role="premium")

    assert place.users.by_email("ada.l@xn--exmple-cua.ORG") == user
    assert (user.email, user.name, user.company) == ("Ada.L@Exämple.org", "Ada", "A & E")
    assert (user.role, user.status, user.created_ms) == ("premium", "active", place.now_ms)


def test_an_address_has_one_user(place: Place, someone: Someone) -> None:
    someone("ada@example.com")

    with pytest.raises(EmailTaken):
        someone("ADA@example.com")

    assert len(place.users.page(limit=10)) == 1


def test_storing_a_user_again_changes_nothing_else(place: Place, someone: Someone) -> None:
    user = someone()

    place.users.add(user)

    assert place.users.page(limit=10) == (user,)


def test_nobody_is_found_where_nobody_is(place: Place) -> None:
    assert place.users.get(new_user_id()) is None
    assert place.users.by_email("ada@example.com") is None


def test_all_users_are_listed_in_parts(place: Place, someone: Someone) -> None:
    users = [someone(f"{name}@example.com") for name in "abcde"]

    first = place.users.page(limit=2)
    second = place.users.page(limit=10, after=first[-1].id)

    assert [*first, *second] == users


def test_fields_are_changed_and_cleared(place: Place, someone: Someone) -> None:
    user = someone(company="A", phone="1")
    place.advance(5)

    assert place.users.update(user.id, {"company": "", "phone": "2"})

    changed = replace(user, company="", phone="2", updated_ms=place.now_ms)
    assert place.users.get(user.id) == changed
    assert not place.users.update(new_user_id(), {"phone": "2"})
    assert len(place.users.page(limit=10)) == 1


def test_who_is_suspended_has_no_sessions(place: Place, someone: Someone) -> None:
    user = someone()
    begun = place.sessions.begin(user, remembered=False, device="", address="")
    assert begun is not None

    assert place.users.set_standing(user.id, status="suspended") == "changed"

    assert place.sessions.look(begun.session_id) is None
    assert place.sessions.refresh(begun.refresh_token) is None
    assert place.sessions.begin(user, remembered=False, device="", address="") is None


def test_a_role_counts_at_once(place: Place, someone: Someone) -> None:
    user = someone()
    begun = place.sessions.begin(user, remembered=False, device="", address="")
    assert begun is not None

    place.users.set_standing(user.id, role="developer")

    standing = place.sessions.look(begun.session_id)
    assert standing is not None
    assert standing.role == "developer"


def test_nobody_s_standing_can_be_changed(place: Place) -> None:
    assert place.users.set_standing(new_user_id(), role="admin") == "missing"


@pytest.mark.parametrize("act", ["demote", "suspend", "delete"])
def test_the_last_administrator_stays(place: Place, someone: Someone, act: str) -> None:
    admin = someone("root@example.com", role="admin")
    other = someone("second@example.com", role="admin")
    place.users.set_standing(other.id, status="suspended")

    acts: dict[str, Callable[[], object]] = {
        "demote": lambda: place.users.set_standing(admin.id, role="user"),
        "suspend": lambda: place.users.set_standing(admin.id, status="suspended"),
        "delete": lambda: place.users.delete(admin.id),
    }
    with pytest.raises(LastAdmin):
        acts[act]()

    assert place.users.get(admin.id) == admin
    place.users.set_standing(other.id, status="active")
    acts[act]()
    with pytest.raises(LastAdmin):
        place.users.delete(other.id)


def test_a_deleted_user_leaves_nothing(place: Place, someone: Someone) -> None:
    user = someone()
    begun = place.sessions.begin(user, remembered=False, device="", address="")
    assert begun is not None
    place.users.put_once("reset", "digest", user.id, ttl_seconds=60)
    place.users.put_once("verify", "other", user.id, ttl_seconds=60)
    place.users.begin_mfa(user.id, "sealed")
    place.users.activate_mfa(user.id, "sealed", step=1, backups=["one"])
    place.lockout.begin(user.email, "192.0.2.7")
    place.lockout.succeeded(user.email, "192.0.2.7")

    assert place.users.delete(user.id)

    assert list(place.client.scan_iter("*")) == []
    assert not place.users.delete(user.id)


def test_a_login_that_saw_the_old_password_begins_no_session(
    place: Place, someone: Someone
) -> None:
    user = someone()

    outcome = place.users.set_password(user.id, "new", before="hash", spared_session="")

    assert outcome == "changed"

    assert place.sessions.begin(user, remembered=False, device="", address="") is None
    assert place.sessions.of_user(user.id) == ()


def test_another_password_ends_the_other_sessions(place: Place, someone: Someone) -> None:
    user = someone()
    own, other = (
        place.sessions.begin(user, remembered=False, device="", address="") for _ in range(2)
    )
    assert own is not None
    assert other is not None
    place.users.put_once("reset", "digest", user.id, ttl_seconds=60)

    outcome = place.users.set_password(user.id, "new", before="hash", spared_session=own.session_id)

    assert outcome == "changed"
    assert [one.id for one in place.sessions.of_user(user.id)] == [own.session_id]
    assert place.users.reset_target("digest") is None


def test_of_two_changes_of_a_password_at_once_one_counts(place: Place, someone: Someone) -> None:
    user = someone()

    place.users.set_password(user.id, "first", before="hash", spared_session="")
    outcome = place.users.set_password(user.id, "second", before="hash", spared_session="")

    assert outcome == "stale"
    stored = place.users.get(user.id)
    assert stored is not None
    assert stored.password == "first"  # noqa: S105 - made up
    assert place.users.set_password(new_user_id(), "x", before="", spared_session="") == "missing"


def test_a_newer_hash_of_a_password_does_not_undo_a_change(place: Place, someone: Someone) -> None:
    user = someone()
    place.users.rehash(user.id, "stronger", before="hash")
    place.users.rehash(user.id, "late", before="hash")

    stored = place.users.get(user.id)

    assert stored is not None
    assert stored.password == "stronger"  # noqa: S105 - made up


def test_a_password_is_reset_once(place: Place, someone: Someone) -> None:
    user = someone()
    begun = place.sessions.begin(user, remembered=False, device="", address="")
    assert begun is not None
    for _ in range(3):
        place.lockout.begin(user.email, "192.0.2.7")
    assert place.users.put_once("reset", "digest", user.id, ttl_seconds=60)
    target = place.users.reset_target("digest")
    assert target is not None
    assert target.id == user.id

    assert place.users.reset_password("digest", user.id, "new")

    assert not place.users.reset_password("digest", user.id, "newer")
    stored = place.users.get(user.id)
    assert stored is not None
    assert (stored.password, stored.email_verified) == ("new", True)
    assert place.sessions.look(begun.session_id) is None
    # Whoever was locked out can log in.
    assert not hasattr(place.lockout.begin(user.email, "192.0.2.8"), "seconds")


def test_a_reset_that_is_repeated_for_a_lost_answer_is_done(place: Place, someone: Someone) -> None:
    user = someone()
    place.users.put_once("reset", "digest", user.id, ttl_seconds=60)

    done = [place.users.reset_password("digest", user.id, "new") for _ in range(2)]

    assert done == [True, True]


def test_a_newer_token_voids_the_one_before(place: Place, someone: Someone) -> None:
    user = someone()
    place.users.put_once("reset", "old", user.id, ttl_seconds=60)
    place.users.put_once("reset", "new", user.id, ttl_seconds=60)

    assert place.users.reset_target("old") is None
    assert not place.users.reset_password("old", user.id, "x")
    assert place.users.reset_target("new") == user


def test_a_token_of_another_user_resets_nothing(place: Place, someone: Someone) -> None:
    user, other = someone("a@example.com"), someone("b@example.com")
    place.users.put_once("reset", "digest", user.id, ttl_seconds=60)

    assert not place.users.reset_password("digest", other.id, "x")
    assert place.users.get(other.id) == other


def test_nobody_gets_a_token(place: Place) -> None:
    assert not place.users.put_once("reset", "digest", new_user_id(), ttl_seconds=60)
    assert list(place.client.scan_iter("*")) == []


def test_a_registration_becomes_a_user_when_its_token_is_used(place: Place) -> None:
    made_up = {"password": "hash", "phone": "1"}
    wanted = Registration(email="Ada@example.com", name="Ada", **made_up)
    place.users.put_registration("digest", wanted, ttl_seconds=60)
    assert place.users.by_email("ada@example.com") is None

    user_id = new_user_id()
    assert place.users.verify("digest", new_id=user_id) == ("created", user_id)

    # Repeated because the answer was lost.
    assert place.users.verify("digest", new_id=user_id) == ("created", user_id)
    assert place.users.verify("digest", new_id=new_user_id()) is None
    user = place.users.by_email("ada@example.com")
    assert user is not None
    assert (user.id, user.email, user.password) == (user_id, "Ada@example.com", "hash")
    assert (user.role, user.email_verified, user.phone) == ("user", True, "1")


def test_of_two_registrations_with_an_address_the_first_token_counts(place: Place) -> None:
    for digest in ("one", "two"):
        wanted = Registration(email="ada@example.com", password=digest, name="Ada")
        place.users.put_registration(digest, wanted, ttl_seconds=60)

    assert place.users.verify("two", new_id=new_user_id()) is not None
    assert place.users.verify("one", new_id=new_user_id()) is None

    user = place.users.by_email("ada@example.com")
    assert user is not None
    assert user.password == "two"  # noqa: S105 - made up


def test_an_address_is_verified_once(place: Place, someone: Someone) -> None:
    user = someone()
    place.users.put_once("verify", "digest", user.id, ttl_seconds=60)

    assert place.users.verify("digest", new_id=new_user_id()) == ("verified", user.id)

    assert place.users.verify("digest", new_id=new_user_id()) is None
    stored = place.users.get(user.id)
    assert stored is not None
    assert stored.email_verified


def test_mails_are_counted_by_address(place: Place) -> None:
    counts = [place.users.count_mail("ada@example.com", window_seconds=60) for _ in range(2)]

    assert counts == [1, 2]
    assert place.users.count_mail("b@example.com", window_seconds=60) == 1
