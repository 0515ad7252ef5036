"""The audit log: appended to, read backwards, bounded."""

from api.accounts.records import AuditEntry
from api.accounts.redis_audit import RedisAudit
from api.accounts.scripts import AUDIT
from tests.contract.credentials.conftest import Place


def _read(place: Place, **asked: object) -> list[AuditEntry]:
    arguments = {"limit": 100, "before": None, "user_id": None, "action": None, **asked}
    return [stored.entry for stored in place.audit.read(**arguments)]  # type: ignore[arg-type]


def test_an_entry_is_read_as_it_was_noted(place: Place) -> None:
    entry = AuditEntry(
        action="key.created",
        user_id="user_1",
        credential_id="session_1",
        address="10.1.2.0/24",
        request_id="req_1",
        detail={"key": "key_1", "scopes": "face:analyze face:batch"},
    )
    bare = AuditEntry(action="login.failed", user_id="")

    place.audit.note(entry)
    place.audit.note(bare)

    assert _read(place) == [bare, entry]


def test_it_is_read_page_by_page_and_by_what_is_sought(place: Place) -> None:
    for number in range(9):
        place.audit.note(AuditEntry(action=f"act{number % 2}", user_id=f"user_{number % 3}"))

    first = place.audit.read(limit=4, before=None, user_id=None, action=None)
    second = place.audit.read(limit=4, before=first[-1].id, user_id=None, action=None)
    third = place.audit.read(limit=4, before=second[-1].id, user_id=None, action=None)

    found = [*first, *second, *third]
    assert [len(first), len(second), len(third)] == [4, 4, 1]
    assert len({stored.id for stored in found}) == 9
    assert [entry.user_id for entry in _read(place, user_id="user_1")] == ["user_1"] * 3
    assert [entry.action for entry in _read(place, action="act1")] == ["act1"] * 4
    assert len(_read(place, action="act0", user_id="user_0")) == 2


def test_what_is_rare_is_found_behind_many_others(place: Place) -> None:
    place.audit.note(AuditEntry(action="rare", user_id="user_1"))
    with place.client.pipeline() as asked:
        for _ in range(1500):
            asked.xadd(AUDIT, {"action": "common", "user": "user_2"})
        asked.execute()

    assert len(_read(place, action="rare")) == 1


def test_it_keeps_about_as_many_entries_as_it_was_told(place: Place) -> None:
    audit = RedisAudit(place.client, entries_kept=100)
    for _ in range(500):
        audit.note(AuditEntry(action="act", user_id="user_1"))

    # The server cuts whole nodes of its own size.
    assert 100 <= place.client.xlen(AUDIT) <= 300
