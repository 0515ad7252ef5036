"""A gateway that answers from a script: for tests of programs that use the client.

Client("http://gateway.test", transport=httpx.MockTransport(ScriptedGateway(answers=[...])))
"""

from dataclasses import dataclass, field

import httpx

Answer = httpx.Response | Exception


@dataclass
class ScriptedGateway:
    """Answers requests one by one; asked for more than it was given, it fails."""

    #: Answers to come, or what goes wrong instead.
    answers: list[Answer] = field(default_factory=list)
    #: What it was asked.
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """The next answer."""
        request.read()
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer
