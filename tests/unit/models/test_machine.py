"""Which measurements hold on a machine is told by its processor and its runtime."""

from dataclasses import replace

from models.machine import read_machine, this_machine

X86 = """processor\t: 0
model name\t: AMD EPYC
flags\t\t: fpu avx2 avx512_vnni sse2
processor\t: 1
model name\t: AMD EPYC
"""
ARM = "processor\t: 0\nFeatures\t: fp asimd asimddp i8mm\n"


def test_the_name_and_the_features_that_matter_are_read() -> None:
    machine = read_machine(X86, fallback="x86_64")

    assert machine.cpu == "AMD EPYC"
    assert machine.features == ("avx2", "avx512_vnni")


def test_a_processor_without_a_name_goes_by_its_architecture() -> None:
    machine = read_machine(ARM, fallback="aarch64")

    assert machine.cpu == "aarch64"
    assert machine.features == ("asimddp", "i8mm")
    assert read_machine("", fallback="arm64").cpu == "arm64"


def test_another_processor_feature_or_runtime_makes_another_key() -> None:
    machine = read_machine(X86, fallback="")
    others = [
        replace(machine, cpu="AMD Ryzen"),
        replace(machine, features=("avx2",)),
        replace(machine, runtime="onnxruntime 0.0.1"),
    ]

    assert len({machine.key, *(other.key for other in others)}) == 4


def test_this_machine_runs_an_installed_runtime() -> None:
    assert this_machine().runtime.startswith("onnxruntime")
    assert this_machine() == this_machine()
