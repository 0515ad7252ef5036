"""Stores of known people that fail, or end their process, at a step of the test's choice."""

from typing import Any


class Stand:
    """Hands every call on, so that a test may change one."""

    def __init__(self, of: Any) -> None:  # noqa: ANN401 - any store
        self._of = of

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any call of it
        return getattr(self._of, name)


class BrokenOnce(Stand):
    """Fails at the first of these calls."""

    def __init__(self, of: Any, error: Exception, *names: str) -> None:  # noqa: ANN401 - any store
        super().__init__(of)
        self._names = names
        self._errors = [error]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any store
        if name in self._names and self._errors:
            raise self._errors.pop()
        return super().__getattr__(name)


class Killed(BaseException):
    """The process ends here."""


class Mortal(Stand):
    """Ends its process right before a call, or right after it."""

    def __init__(self, of: Any, step: str, when: str) -> None:  # noqa: ANN401 - any store
        super().__init__(of)
        self._step = step
        self._when = when

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any store
        call = super().__getattr__(name)
        if name != self._step:
            return call

        def last(*arguments: object, **more: object) -> None:
            if self._when == "after":
                call(*arguments, **more)
            raise Killed

        return last
