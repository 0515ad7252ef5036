"""What has to be true of the settings before a gateway listens."""

from ipaddress import ip_address

from workers.errors import SettingsError
from workers.settings.process import Settings


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost"
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def require_safe(settings: Settings) -> None:
    """Refuse settings that would open the gateway to whoever reaches it.

    Raises:
        SettingsError: says what to set.
    """
    require_safe_address(settings)
    if settings.auth == "required" and settings.gateway_secret is None:
        raise SettingsError(
            "FACESOCIAL_GATEWAY_SECRET is not set: it seals what signs access tokens. Give every "
            "gateway the same 32 random characters or more (`facesocial up` and "
            "deploy/make-secrets.sh make them)."
        )


def require_safe_address(settings: Settings) -> None:
    """Refuse an address at which the settings would let others do everything.

    Raises:
        SettingsError: says what to set.
    """
    if settings.auth == "off":
        if not is_loopback(settings.host) and not settings.auth_off_anywhere:
            raise SettingsError(
                f"FACESOCIAL_AUTH=off lets everybody who reaches {settings.host} do everything. "
                "Listen on 127.0.0.1, or set FACESOCIAL_AUTH_OFF_ANYWHERE=true if that is meant."
            )
    elif settings.development_key is not None and not is_loopback(settings.host):
        raise SettingsError(
            f"FACESOCIAL_DEVELOPMENT_KEY has every right and is no key for {settings.host}, which "
            "others reach. Unset it, or listen on 127.0.0.1."
        )
