"""The outbound requests of this process, as the settings want them."""

from api.outbound.guard import Outbound
from api.outbound.targets import policy_of
from workers.settings.process import Settings


def open_outbound(settings: Settings) -> Outbound:
    """What fetches files that users name by URL."""
    policy = policy_of(
        settings.url_inputs, settings.url_allowed_hosts, settings.url_allowed_networks
    )
    return Outbound(policy)
