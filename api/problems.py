"""The table of problems: what each code means, and which error is which problem.

One line a code, by status and then by name. docs/reference/errors.md says what to do.
"""

from api.accounts.errors import (
    AttemptsDelayed,
    CredentialExpired,
    CredentialInvalid,
    CredentialMissing,
    HashingBusy,
    KeyEnded,
    KeyNotFound,
    LastAdmin,
    LoginFailed,
    MailDisabled,
    OneTimeTokenInvalid,
    PasswordWrong,
    RegistrationClosed,
    ScopeMissing,
    SecondFactorActive,
    SecondFactorNeeded,
    SecondFactorWrong,
    SessionNotFound,
    TooManyKeys,
    UserNotFound,
    UserSuspended,
)
from api.accounts.password_rules import WeakPassword
from api.people_problems import PEOPLE_PROBLEMS
from api.problem import Problem
from models.errors import ModelsError
from vram.errors import LedgerUnavailable, UnknownDevice, VramError
from workers.errors import (
    BatchClosed,
    BatchExpired,
    BatchFull,
    BatchIsCancelled,
    BatchNotEnded,
    BatchNotFound,
    BatchRetryOver,
    BlobStoreFailed,
    IdempotencyConflict,
    JobExpired,
    JobNotFound,
    QueueFull,
    StoreUnavailable,
    WorkersError,
)


def _entry(
    status: int,
    code: str,
    title: str,
    *,
    retryable: bool = False,
    again_seconds: int | None = None,
) -> tuple[str, Problem]:
    """A line of the table; one with a time to try again may be tried again."""
    return code, Problem(
        status=status,
        code=code,
        title=title,
        retryable=retryable or again_seconds is not None,
        retry_after_seconds=again_seconds,
    )


#: Codes that routes and checks raise as `ApiError`.
CLIENT_PROBLEMS: dict[str, Problem] = dict(
    [
        _entry(400, "image_empty", "The image is empty"),
        _entry(400, "invalid_request", "The request can't be read"),
        _entry(400, "missing_field", "A required field is missing"),
        _entry(400, "video_empty", "The video is empty"),
        _entry(401, "auth_expired", "The credential has expired"),
        _entry(401, "auth_invalid", "The credential is not valid"),
        _entry(401, "auth_required", "A credential is needed"),
        _entry(401, "mfa_invalid", "The code is not valid"),
        _entry(401, "mfa_required", "A code is needed too"),
        _entry(403, "analysis_disabled", "The analysis is switched off"),
        _entry(403, "auth_forbidden", "The credential does not give that right"),
        _entry(403, "origin_forbidden", "Pages of that origin may not call this server"),
        _entry(403, "password_invalid", "That is not your password"),
        _entry(404, "delivery_not_found", "There is no such delivery"),
        _entry(404, "model_not_found", "There is no such model"),
        _entry(404, "not_found", "There is nothing at this address"),
        _entry(404, "upload_not_found", "There is no such upload"),
        _entry(404, "webhook_not_found", "There is no such webhook"),
        _entry(405, "method_not_allowed", "This address does not take that method"),
        _entry(408, "upload_incomplete", "The request body did not arrive"),
        _entry(409, "batch_closed", "The batch takes no more items"),
        _entry(409, "idempotency_conflict", "The key was used for another request"),
        _entry(
            409,
            "idempotency_in_progress",
            "The request with that key is still being answered",
            again_seconds=1,
        ),
        _entry(409, "model_not_loaded", "The model is on no device"),
        _entry(409, "too_many_webhooks", "The account has as many webhooks as it may"),
        _entry(409, "upload_offset_conflict", "The upload is elsewhere"),
        _entry(412, "upload_version_unsupported", "Another version of the upload protocol"),
        _entry(413, "archive_bomb", "The archive unpacks to far more than its size"),
        _entry(413, "archive_too_large", "The archive unpacks to too much"),
        _entry(413, "batch_too_large", "The batch has too many items"),
        _entry(413, "file_too_large", "The image file is too large"),
        _entry(413, "image_too_large", "The image has too many pixels"),
        _entry(413, "upload_too_large", "The upload is too large"),
        _entry(415, "animated_image", "The image is an animation"),
        _entry(415, "invalid_image_format", "The file is no JPEG, PNG or WebP image"),
        _entry(415, "invalid_video_format", "The file is no MP4, MOV, WebM or AVI video"),
        _entry(415, "unsupported_media_type", "The request's content type is not supported"),
        _entry(422, "archive_damaged", "The archive can't be read"),
        _entry(422, "archive_truncated", "The archive ends in the middle"),
        _entry(422, "batch_empty", "The batch has no items"),
        _entry(422, "export_too_large", "The results are too many for such a file"),
        _entry(422, "image_unreadable", "The image's header is damaged"),
        _entry(422, "invalid_manifest", "The list of people can't be taken"),
        _entry(422, "manifest_missing", "There is no list of people at the beginning"),
        _entry(422, "mfa_code_wrong", "The code is not valid"),
        _entry(422, "option_unsupported", "The option can't be honoured"),
        _entry(422, "unknown_analysis", "There is no such analysis"),
        _entry(422, "unknown_model", "There is no such model"),
        _entry(422, "unknown_option", "There is no such option"),
        _entry(422, "unknown_upload", "There is no such upload"),
        _entry(422, "upload_fragmented", "The upload came in too many parts"),
        _entry(422, "upload_unfinished", "The upload is not complete"),
        _entry(422, "url_refused", "The URL is not one this server fetches or calls"),
        _entry(422, "url_unreachable", "The URL could not be fetched", retryable=True),
        _entry(422, "validation_error", "An option is wrong"),
        _entry(426, "upgrade_required", "This address is for WebSocket connections"),
        _entry(429, "login_delayed", "Too many attempts failed", retryable=True),
        _entry(429, "rate_limit_exceeded", "Too much was asked for", retryable=True),
        _entry(
            429, "too_many_connections", "You have as many connections as you may", again_seconds=5
        ),
        _entry(429, "upload_quota_exceeded", "Too many or too large uploads", again_seconds=60),
        _entry(460, "upload_checksum_mismatch", "The part arrived changed"),
        _entry(
            503, "connections_exhausted", "This server holds no more connections", again_seconds=5
        ),
        _entry(503, "draining", "This gateway process is about to end", again_seconds=5),
        _entry(503, "gateway_busy", "The gateway has too much to read", again_seconds=2),
        _entry(503, "no_gpu_device", "No GPU worker is alive", again_seconds=10),
    ]
)

#: The most specific class of an error decides.
DOMAIN_PROBLEMS: dict[type[Exception], Problem] = {
    JobExpired: Problem(status=410, code="job_expired", title="The job's result has expired"),
    IdempotencyConflict: CLIENT_PROBLEMS["idempotency_conflict"],
    BatchExpired: Problem(status=410, code="batch_expired", title="The results have expired"),
    BatchNotFound: Problem(status=404, code="batch_not_found", title="There is no such batch"),
    BatchIsCancelled: Problem(status=409, code="batch_cancelled", title="The batch was cancelled"),
    BatchRetryOver: Problem(status=409, code="batch_retry_over", title="It is too late to retry"),
    BatchNotEnded: Problem(status=409, code="batch_not_ended", title="The batch has not ended"),
    JobNotFound: Problem(status=404, code="job_not_found", title="There is no such job"),
    QueueFull: Problem(
        status=503,
        code="queue_full",
        title="Too many jobs are waiting",
        retryable=True,
        retry_after_seconds=10,
    ),
    StoreUnavailable: Problem(
        status=503,
        code="store_unavailable",
        title="The job store can't be used",
        detail="The job store did not answer in time, or takes no writes now. Try again; what you "
        "sent may be stored.",
        retryable=True,
        retry_after_seconds=5,
    ),
    LedgerUnavailable: Problem(
        status=503,
        code="ledger_unavailable",
        title="The VRAM ledger does not answer",
        detail="The VRAM ledger did not answer in time. Try again.",
        retryable=True,
        retry_after_seconds=5,
    ),
    UnknownDevice: Problem(
        status=404,
        code="device_not_found",
        title="There is no such device",
        detail="No device of that id is registered. GET /api/v1/system/devices lists them.",
    ),
    BlobStoreFailed: Problem(
        status=503,
        code="blob_store_unavailable",
        title="The image could not be stored",
        detail="The image could not be stored, and no job was made. Try again.",
        retryable=True,
        retry_after_seconds=5,
    ),
    CredentialMissing: CLIENT_PROBLEMS["auth_required"],
    CredentialInvalid: CLIENT_PROBLEMS["auth_invalid"],
    CredentialExpired: CLIENT_PROBLEMS["auth_expired"],
    ScopeMissing: CLIENT_PROBLEMS["auth_forbidden"],
    LoginFailed: CLIENT_PROBLEMS["auth_invalid"],
    AttemptsDelayed: CLIENT_PROBLEMS["login_delayed"],
    PasswordWrong: CLIENT_PROBLEMS["password_invalid"],
    SecondFactorWrong: CLIENT_PROBLEMS["mfa_invalid"],
    SecondFactorNeeded: CLIENT_PROBLEMS["mfa_required"],
    SecondFactorActive: Problem(
        status=409, code="mfa_active", title="There is a second factor already"
    ),
    WeakPassword: Problem(status=422, code="weak_password", title="The password is too weak"),
    HashingBusy: Problem(
        status=503,
        code="login_busy",
        title="Too many passwords are being checked",
        retryable=True,
        retry_after_seconds=2,
    ),
    RegistrationClosed: Problem(
        status=403, code="registration_closed", title="Nobody can register here"
    ),
    MailDisabled: Problem(status=403, code="mail_disabled", title="This server sends no mail"),
    OneTimeTokenInvalid: Problem(
        status=403, code="one_time_token_invalid", title="The token can't be used"
    ),
    UserNotFound: Problem(status=404, code="user_not_found", title="There is no such user"),
    SessionNotFound: Problem(status=404, code="session_not_found", title="There is no such login"),
    LastAdmin: Problem(
        status=409, code="last_admin", title="Somebody has to administer the accounts"
    ),
    UserSuspended: Problem(status=403, code="user_suspended", title="The account is suspended"),
    KeyNotFound: Problem(status=404, code="key_not_found", title="There is no such API key"),
    KeyEnded: Problem(status=409, code="key_ended", title="The API key can't be used any more"),
    TooManyKeys: Problem(status=409, code="too_many_keys", title="There are too many API keys"),
    BatchClosed: CLIENT_PROBLEMS["batch_closed"],
    BatchFull: CLIENT_PROBLEMS["batch_too_large"],
    **PEOPLE_PROBLEMS,
    WorkersError: Problem(status=500, code="internal_error", title="A fault of ours"),
    VramError: Problem(status=500, code="internal_error", title="A fault of ours"),
    ModelsError: Problem(status=500, code="internal_error", title="A fault of ours"),
}

#: Whatever has no entry: a fault of ours.
INTERNAL = Problem(status=500, code="internal_error", title="A fault of ours")
#: Every problem there is, by its code.
PROBLEM_OF_CODE: dict[str, Problem] = {
    problem.code: problem
    for problem in (*DOMAIN_PROBLEMS.values(), *CLIENT_PROBLEMS.values(), INTERNAL)
}
INTERNAL_DETAIL = "The request failed through a fault of ours; it has been logged."
