"""What the runtime's texts are taken for."""

import pytest

from models.errors import DeviceFault, ModelsError, OutOfMemory, ProviderUnavailable
from models.faults import fault_of

#: Written by ONNX Runtime 1.32 on a capped CPU arena and under a limit on the address space.
SEEN = [
    (
        "[ONNXRuntimeError] : 1 : FAIL : Non-zero status code returned while running Conv node."
        " Name:'c0_nchwc' Status Message:"
        " /onnxruntime_src/onnxruntime/core/framework/bfc_arena.cc:360 void*"
        " onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, onnxruntime::Stream*)"
        " Available memory of 63897600 is smaller than requested bytes of 102760448"
    ),
    "[ONNXRuntimeError] : 1 : FAIL : Load model from big.onnx failed:std::bad_alloc",
    "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Exception during initialization: std::bad_alloc",
]
#: As reported by users of CUDA; none was seen by us.
REPORTED = [
    (
        "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Non-zero status code returned while running"
        " FusedConv node. Status Message: bfc_arena.cc:376 Failed to allocate memory for requested"
        " buffer of size 1073741824"
    ),
    "CUDA failure 2: out of memory ; GPU=0 ; hostname=box ; expr=cudaMalloc((void**)&p, size);",
    "CUDA error 2",
    "cudaErrorMemoryAllocation",
    "CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0 ; expr=cublasCreate(&cublas_handle_);",
    "CUDNN failure 4: CUDNN_STATUS_ALLOC_FAILED",
    "CUDNN failure 5003: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
    "[executionContext.cpp] Error Code 2: OutOfMemory (Requested size was 268435456 bytes.)",
    "bad allocation",
]


@pytest.mark.parametrize("text", [*SEEN, *REPORTED, REPORTED[0].upper()])
def test_lack_of_memory_is_known_by_its_text(text: str) -> None:
    assert fault_of(RuntimeError(text)) is OutOfMemory


@pytest.mark.parametrize(
    "text",
    [
        "CUDA failure 700: an illegal memory access was encountered ; GPU=0 ; expr=cudaMemcpy",
        "CUDA failure 719: unspecified launch failure",
        "CUDA error 901: operation failed due to a previous error during capture",
        "CUDA failure 214: uncorrectable ECC error encountered",
        "CUDA failure 710: device-side assert triggered",
        "cudaErrorIllegalAddress",
        # A broken context fails to allocate as well.
        "Failed to allocate memory for requested buffer of size 4: CUDA failure 700",
    ],
)
def test_a_broken_device_is_known_by_its_text(text: str) -> None:
    assert fault_of(text) is DeviceFault


@pytest.mark.parametrize(
    "text",
    [
        "CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version",
        "CUDA failure 100: no CUDA-capable device is detected ; GPU=-1",
        "CUDA failure 101: invalid device ordinal",
        "CUDA failure 209: no kernel image is available for execution on the device",
    ],
)
def test_a_device_that_is_not_there_is_known_by_its_text(text: str) -> None:
    assert fault_of(text) is ProviderUnavailable


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Got invalid dimensions for input: x for the following indices",
        "CUDA failure 200: device kernel image is invalid",
        "CUDA failure 1: invalid argument",
        "requested bytes of 12",
        "node 7000 failed",
    ],
)
def test_other_texts_say_nothing_of_the_device(text: str) -> None:
    assert fault_of(text) is None


def test_the_binding_s_own_error_counts_as_lack_of_memory() -> None:
    found: type[ModelsError] | None = fault_of(MemoryError())
    assert found is OutOfMemory
