"""The store's accounts, for commands that make the first one: no gateway is asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import SecretStr

from api.account_end import end_account
from api.accounts.audit import AuditLog
from api.accounts.records import AuditEntry
from api.accounts.redis_audit import RedisAudit
from api.accounts.redis_users import RedisUsers
from api.accounts.users import InvalidEmail, User, UserStore
from api.webhooks.redis_webhooks import RedisWebhooks
from cli.errors import CliError
from cli.launcher.data_dir import DataDir
from cli.launcher.ports import LOOPBACK
from cli.launcher.run_files import read_run_file
from workers.connections.client import connect
from workers.identities.trace_records import AuditEvent
from workers.settings.process import Settings


class UnknownUser(CliError):
    """There is no such user."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountStore:
    """The accounts, and where it is written down who changed them."""

    users: UserStore
    audit: AuditLog
    #: Where the store is.
    settings: Settings

    def named(self, name: str) -> User:
        """The user of that id or e-mail address.

        Raises:
            UnknownUser: there is none.
        """
        try:
            user = self.users.by_email(name) if "@" in name else self.users.get(name)
        except InvalidEmail:
            user = None
        if user is None:
            raise UnknownUser(f"There is no user '{name}'. `facesocial users list` shows them.")
        return user

    def delete(self, user_id: str) -> int:
        """Delete an account with its webhooks, and forget its collections.

        Returns:
            How many collections there were.

        Raises:
            LastAdmin: nobody could manage accounts any more.
        """
        # These come with the gateway and the workers; the other commands work without them.
        from workers.identities.keys import VaultSeals  # noqa: PLC0415 - see above
        from workers.identities.opening import open_identities  # noqa: PLC0415 - see above
        from workers.identities.vaults import open_vault  # noqa: PLC0415 - see above

        settings = self.settings
        event = AuditEvent(action="collection.deleted", by="facesocial users")
        with connect(settings, role="users-identities", is_binary=True) as client:
            seals = VaultSeals(open_vault(settings.identity_keys_location))
            collections = open_identities(client, settings, seals).collections
            webhooks = RedisWebhooks(client)
            gone = end_account(self.users, collections, webhooks, user_id, audit=event)
        for certificate in gone:
            self.note("collection.deleted", user_id, deletion=certificate)
        self.note("user.deleted", user_id)
        return len(gone)

    def note(self, action: str, user_id: str, **detail: str) -> None:
        """Write down what a command did."""
        told = {"by": "facesocial users", **detail}
        self.audit.note(AuditEntry(action=action, user_id=user_id, detail=told))


@contextmanager
def account_store(settings: Settings) -> Iterator[AccountStore]:
    """The accounts of the store in the settings, else of the one `facesocial up` runs here."""
    if "redis_url" not in settings.model_fields_set and (url := embedded_url(settings)):
        settings = settings.model_copy(update={"redis_url": SecretStr(url)})
    with connect(settings, role="users") as client:
        yield AccountStore(
            users=RedisUsers(client),
            audit=RedisAudit(client, entries_kept=settings.audit_entries_kept),
            settings=settings,
        )


def embedded_url(settings: Settings) -> str | None:
    """Where the store of the data folder is, with its password, if one was ever started there."""
    data = DataDir(root=settings.data_dir.absolute())
    port = read_run_file(data.run / "store.json").get("port")
    secret = data.run / "store.secret"
    if not isinstance(port, int) or not secret.is_file():
        return None
    return f"redis://:{secret.read_text(encoding='utf-8').strip()}@{LOOPBACK}:{port}/0"
