import os
import signal

from cli.launcher.stop_requests import StopRequests, stop_requests


def test_signals_within_half_a_second_are_one_wish() -> None:
    times = iter([10.0, 10.1, 10.4, 11.0, 20.0])
    requests = StopRequests(0, clock=lambda: next(times))

    counts = []
    for _ in range(5):
        requests.receive()
        counts.append(requests.count)

    assert counts == [1, 1, 1, 2, 3]


def test_a_signal_is_counted_and_wakes_the_reader() -> None:
    before = signal.getsignal(signal.SIGTERM)

    with stop_requests() as requests:
        os.kill(os.getpid(), signal.SIGTERM)
        woken = os.read(requests.wake, 10)

    assert requests.count == 1
    assert woken == bytes([signal.SIGTERM])
    assert signal.getsignal(signal.SIGTERM) is before


def test_an_ignored_hangup_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_requests() as requests:
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)

    assert requests.count == 0
