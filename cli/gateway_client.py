"""The few calls the command makes to a gateway over HTTP."""

import time
from pathlib import Path
from typing import Any

import httpx

from cli.errors import CliError

#: One long poll; the gateway may answer sooner.
POLL_SECONDS = 10
#: Pause before a gateway that is away is asked again.
AWAY_SECONDS = 0.5


class GatewayFailed(CliError):
    """The gateway did not answer as it should."""


class GatewayAway(GatewayFailed):
    """The gateway, or the store behind it, does not answer now. Try again later."""


class GatewayClient:
    """Submits photos and waits for their results.

    Args:
        http: A client whose base URL is the gateway's.
    """

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def submit(self, photo: Path, **options: str) -> str:
        """Send a photo; the address of its job.

        Raises:
            GatewayFailed: it was not accepted; the message has the gateway's own words.
        """
        with photo.open("rb") as content:
            files = {"image": (photo.name, content)}
            response = self._call("POST", "/api/v1/face/analyze", files=files, data=options)
        return str(response.headers["Location"])

    def wait(self, job_url: str, *, timeout_seconds: float) -> dict[str, Any]:
        """The ended job, its result included.

        A gateway or store that is away for a moment is asked again.

        Raises:
            GatewayFailed: it has not ended in time, or failed; the message says why.
        """
        deadline = time.monotonic() + timeout_seconds
        trouble = "it is still running"
        while (asked_at := time.monotonic()) < deadline:
            try:
                job: dict[str, Any] = self._call(
                    "GET", job_url, params={"wait": POLL_SECONDS}
                ).json()
            except GatewayAway as error:
                trouble = str(error)
                time.sleep(AWAY_SECONDS)
                continue
            if job["state"] == "succeeded":
                return job
            if job["state"] == "failed":
                raise GatewayFailed(f"The job {job['id']} failed: {job['error']['message']}")
            if time.monotonic() - asked_at < AWAY_SECONDS:
                time.sleep(AWAY_SECONDS)  # a gateway without waiting places answers at once
        raise GatewayFailed(
            f"The job at {job_url} has not ended after {timeout_seconds:.0f} s: {trouble}"
        )

    def read(self, url: str, **parameters: str | int) -> dict[str, Any]:
        """What the gateway answers at an address.

        Raises:
            GatewayFailed: it refused, or is away; the message has its own words.
        """
        answer: dict[str, Any] = self._call("GET", url, params=parameters).json()
        return answer

    def _call(self, method: str, url: str, **arguments: Any) -> httpx.Response:  # noqa: ANN401 - httpx's
        try:
            response = self._http.request(method, url, **arguments)
        except httpx.HTTPError as error:
            raise GatewayAway(f"The gateway did not answer: {error}.") from error
        if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            raise GatewayAway(_detail(response))
        if response.is_error:
            raise GatewayFailed(f"The gateway refused {method} {url}: {_detail(response)}")
        return response


def _detail(response: httpx.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"status {response.status_code}"
