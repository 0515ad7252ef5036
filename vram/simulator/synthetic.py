"""Loads by name, each a habit that caches are known to suffer from. Seeded: the same every time.

The models are invented, and wide in every respect on purpose: 60 to 1900 MiB, evenly on a
logarithmic scale; 4 to 30 ms an item on the card and 6 to 25 times that on a CPU process; a load
takes 100 ms and 1.2 ms for each MiB, times 0.6 to 1.6.
"""

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from vram.simulator.trace import Request, SimulatedModel, Trace

_SMALLEST_MIB, _LARGEST_MIB = 60, 1900
_LOAD_MS, _LOAD_MS_PER_MIB = 100.0, 1.2
#: What a trace has when nothing else is said.
MODELS: Final = 16
REQUESTS: Final = 4000
_PER_SECOND: Final = 10.0

_Models = Mapping[str, SimulatedModel]
_Habit = Callable[[random.Random, _Models, int], Iterator[Request]]


def synthetic(name: str, *, seed: int = 0, requests: int = REQUESTS) -> Trace:
    """A load by its name, see HABITS.

    Raises:
        KeyError: no load has that name.
    """
    habit = HABITS[name]
    rng = random.Random(f"{name} {seed}")  # noqa: S311 - a simulation, no secret
    models = population(rng)
    return Trace(name=name, models=models, requests=tuple(habit(rng, models, requests)))


def population(rng: random.Random, count: int = MODELS) -> dict[str, SimulatedModel]:
    """Models of all sizes, in the order of nothing."""
    found = {}
    for number in range(count):
        vram_mib = round(_SMALLEST_MIB * (_LARGEST_MIB / _SMALLEST_MIB) ** rng.random())
        gpu_ms = rng.uniform(4.0, 30.0)
        found[f"model-{number}"] = SimulatedModel(
            id=f"model-{number}",
            vram_mib=vram_mib,
            load_ms=(_LOAD_MS + _LOAD_MS_PER_MIB * vram_mib) * rng.uniform(0.6, 1.6),
            gpu_ms=gpu_ms,
            cpu_ms=gpu_ms * rng.uniform(6.0, 25.0),
        )
    return found


def _zipf(rng: random.Random, models: _Models, count: int) -> Iterator[Request]:
    """Few models are popular, many are rare: the k-th is asked for 1/k as often as the first."""
    names = list(models)
    weights = _falling(len(names), 1.0)
    for at_ms in _poisson(rng, count):
        yield Request(at_ms=at_ms, model=rng.choices(names, weights)[0])


def _phases(rng: random.Random, models: _Models, count: int) -> Iterator[Request]:
    """Six times over, other models are popular."""
    names = list(models)
    weights = _falling(len(names), 1.2)
    phase = -1
    for number, at_ms in enumerate(_poisson(rng, count)):
        if number * 6 // count != phase:
            phase = number * 6 // count
            rng.shuffle(names)
        yield Request(at_ms=at_ms, model=rng.choices(names, weights)[0])


def _ping_pong(rng: random.Random, models: _Models, count: int) -> Iterator[Request]:
    """The two largest take turns, two requests each, amid the others' even use."""
    names = sorted(models, key=lambda name: models[name].vram_mib)
    others, largest = names[:-2], names[-2:]
    weights = _falling(len(others), 1.0)
    for number, at_ms in enumerate(_poisson(rng, count)):
        large = largest[number // 2 % 2]
        name = large if rng.random() < 1 / 2 else rng.choices(others, weights)[0]
        yield Request(at_ms=at_ms, model=name)


def _diurnal(rng: random.Random, models: _Models, count: int) -> Iterator[Request]:
    """Half of the models are asked for by day, the others by night; three days pass."""
    names = list(models)
    half = len(names) // 2
    falling = _falling(half, 0.8) + _falling(len(names) - half, 0.8)
    for number, at_ms in enumerate(_poisson(rng, count)):
        sun = 0.95 * math.sin(2 * math.pi * 3 * number / count)
        weights = [
            weight * (1 + sun if place < half else 1 - sun) for place, weight in enumerate(falling)
        ]
        yield Request(at_ms=at_ms, model=rng.choices(names, weights)[0])


def _batch_and_live(rng: random.Random, models: _Models, count: int) -> Iterator[Request]:
    """Four models serve a camera; now and then photos go through eight others, one by one."""
    names = list(models)
    live, stages = names[:4], names[4:12]
    weights = _falling(len(live), 1.0)
    at_ms, sent, to_go = 0.0, 0, 0
    while sent < count:
        if to_go == 0 and rng.random() < 1 / 40:
            to_go = rng.randint(10, 40)
        if to_go and rng.random() < 1 / 3:
            to_go -= 1
            for stage in stages[: count - sent]:
                yield Request(at_ms=int(at_ms), model=stage)
                sent += 1
        else:
            yield Request(at_ms=int(at_ms), model=rng.choices(live, weights)[0])
            sent += 1
        at_ms += rng.expovariate(_PER_SECOND / 2) * 1000


def _grouped_batch(rng: random.Random, models: _Models, count: int) -> Iterator[Request]:
    """As batch_and_live, but eight photos at a time go through a model together."""
    for request in _batch_and_live(rng, models, count):
        is_live = request.model in list(models)[:4]
        yield request if is_live else replace(request, items=8)


def _cycle(rng: random.Random, models: _Models, count: int) -> Iterator[Request]:
    """One after another, round and round: whatever LRU throws out is what is asked for next."""
    names = list(models)
    for number, at_ms in enumerate(_poisson(rng, count)):
        yield Request(at_ms=at_ms, model=names[number % len(names)])


def _scan(rng: random.Random, models: _Models, count: int) -> Iterator[Request]:
    """Half of the models are in steady use; the others are each visited for a while in turn."""
    names = list(models)
    half = len(names) // 2
    weights = _falling(half, 1.0)
    for number, at_ms in enumerate(_poisson(rng, count)):
        visited = names[half + number // 20 % (len(names) - half)]
        name = visited if number % 4 == 0 else rng.choices(names[:half], weights)[0]
        yield Request(at_ms=at_ms, model=name)


#: What each is, is its function's first line.
HABITS: Final[Mapping[str, _Habit]] = {
    "zipf": _zipf,
    "phases": _phases,
    "ping_pong": _ping_pong,
    "diurnal": _diurnal,
    "batch_and_live": _batch_and_live,
    "grouped_batch": _grouped_batch,
    "cycle": _cycle,
    "scan": _scan,
}


def _falling(count: int, steepness: float) -> list[float]:
    return [1 / (place + 1) ** steepness for place in range(count)]


def _poisson(rng: random.Random, count: int) -> Sequence[int]:
    """Times of independent requests, ten a second on average."""
    times, at_ms = [], 0.0
    for _ in range(count):
        at_ms += rng.expovariate(_PER_SECOND) * 1000
        times.append(int(at_ms))
    return times
