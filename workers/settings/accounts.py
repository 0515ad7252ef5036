"""The settings of people's accounts: passwords, logins, sessions, mail; see `workers.settings`."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr

Seconds = Annotated[int, Field(ge=1, le=365 * 86_400)]


class PeopleSettings(BaseModel):
    """How people get and keep access."""

    registration: Literal["open", "closed"] = Field(
        default="closed",
        description="`open`: everybody may make an account by `POST /api/v1/auth/register`; "
        "`closed`: only `facesocial users create` makes one.",
    )

    password_memory_mib: Annotated[int, Field(ge=8, le=4096)] = Field(
        default=64, description="Memory that hashing one password takes (Argon2id)."
    )
    password_passes: Annotated[int, Field(ge=1, le=100)] = Field(
        default=3, description="Passes over that memory."
    )
    password_lanes: Annotated[int, Field(ge=1, le=64)] = Field(
        default=4, description="Threads that hashing one password takes."
    )
    passwords_at_once: Annotated[int, Field(ge=1, le=64)] = Field(
        default=2,
        description="Passwords one gateway process hashes at a time; bounds its memory.",
    )
    password_wait_seconds: Annotated[float, Field(gt=0, le=30)] = Field(
        default=3.0,
        description="How long a login waits for its turn before it gets `login_busy`.",
    )

    login_failures: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=5, description="Failed logins of an account before the next one has to wait."
    )
    login_failures_per_address: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=20, description="The same of a network address (of IPv6 its /64)."
    )
    login_wait_seconds: Annotated[float, Field(ge=0.1, le=3600)] = Field(
        default=2.0, description="The first such wait; each further failure doubles it."
    )
    login_longest_wait_seconds: Seconds = Field(default=900, description="The longest such wait.")
    login_failures_forgotten_seconds: Seconds = Field(
        default=3600,
        description="Failed logins are forgotten one by one: in this time, as many as are free.",
    )

    session_seconds: Seconds = Field(
        default=86_400, description="A login ends this long after its latest refresh."
    )
    remembered_session_seconds: Seconds = Field(
        default=7 * 86_400, description="The same of a login with `remember_me`."
    )
    longest_session_seconds: Seconds = Field(
        default=90 * 86_400, description="A login ends after this time however often refreshed."
    )
    refresh_grace_seconds: Annotated[int, Field(ge=0, le=300)] = Field(
        default=10,
        description="So long after a refresh its old token is still taken, for clients that ask "
        "twice at once; later its use ends the session.",
    )
    sessions_per_user: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=50, description="Logins a user can have at a time; the next ends an old one."
    )

    reset_token_seconds: Seconds = Field(
        default=3600, description="How long a token that resets a password can be used."
    )
    verification_token_seconds: Seconds = Field(
        default=86_400, description="How long a token that verifies an e-mail address can be used."
    )
    mails_per_hour: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=5, description="Mails an address gets in an hour, whoever asks for them."
    )
    mail_sender: Literal["console", "smtp", "off"] = Field(
        default="off",
        description="How mail is sent. `console`: to the gateway's standard output, tokens "
        "included, for development; `off`: not at all, and what needs mail is refused.",
    )
    mail_from: str = Field(
        default="FaceSocial <facesocial@localhost>", description="Sender of mails."
    )
    mail_link_base: str = Field(
        default="",
        description="Address of your pages that take tokens, such as `https://app.example.com`; "
        "mails link to `/reset-password` and `/verify-email` there. Empty: mails hold the token.",
    )
    smtp_host: str = Field(default="127.0.0.1", description="Mail server.")
    smtp_port: Annotated[int, Field(ge=1, le=65535)] = Field(
        default=587, description="Port of the mail server."
    )
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection to the mail server is encrypted."
    )
    smtp_user: str | None = Field(default=None, description="User at the mail server.")
    smtp_password: SecretStr | None = Field(default=None, description="Password of that user.")
