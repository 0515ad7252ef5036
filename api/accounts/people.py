"""People's accounts, put together from their parts."""

from dataclasses import dataclass

from api.accounts.errors import SessionNotFound, UserNotFound
from api.accounts.logins import Logins
from api.accounts.mail_proofs import MailProofs
from api.accounts.sessions import SessionStore
from api.accounts.users import User, UserStore


@dataclass(frozen=True, kw_only=True, slots=True)
class People:
    """What the routes of accounts work with."""

    users: UserStore
    sessions: SessionStore
    logins: Logins
    proofs: MailProofs

    def existing(self, user_id: str) -> User:
        """The user of that id.

        Raises:
            UserNotFound: there is none.
        """
        user = self.users.get(user_id)
        if user is None:
            raise UserNotFound
        return user

    def end_session(self, user_id: str, session_id: str) -> None:
        """End one of a user's sessions.

        Raises:
            SessionNotFound: that user has no such session.
        """
        if not self.sessions.end(user_id, session_id):
            raise SessionNotFound
