"""A process that leaves tells everybody once, whatever one of them makes of it."""

from api.drain import Drain


def test_it_is_announced_before_waiting_ends() -> None:
    drain = Drain()
    assert (drain.announced, drain.stopping) == (False, False)

    drain.announce()
    assert (drain.announced, drain.stopping) == (True, False)

    drain.stop()
    assert (drain.announced, drain.stopping) == (True, True)


def test_everybody_is_called_once_even_when_one_fails() -> None:
    drain, called = Drain(), []

    def fail() -> None:
        raise RuntimeError

    drain.on_stop(lambda: called.append("a"))
    drain.on_stop(fail)
    drain.on_stop(lambda: called.append("b"))
    drain.announce()
    assert called == []

    drain.stop()
    drain.stop()

    assert sorted(called) == ["a", "b"]


def test_the_end_is_told_apart_from_the_end_of_waiting() -> None:
    drain, called = Drain(), []
    drain.on_end(lambda: called.append("end"))

    drain.stop()
    assert called == []

    drain.end()
    drain.end()
    assert called == ["end"]


def test_who_comes_too_late_is_called_at_once() -> None:
    drain, called = Drain(), []
    drain.stop()

    drain.on_stop(lambda: called.append("late"))

    assert called == ["late"]
