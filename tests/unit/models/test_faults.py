"""What the runtime's texts are taken for."""

import pytest

from models.errors import DeviceFault, ModelsError, OutOfMemory, ProviderUnavailable
from models.faults import ABSENT, fault_of, remedy_of

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
#: Put together from ONNX Runtime's form of them and the tables of texts of cuBLAS 12.9 and cuDNN
#: 9.28, or as reported by users of CUDA; none was seen by us.
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
    "CUBLAS failure 3: the resource allocation failed ; GPU=0 ; expr=cublasGemmHelper( ... );",
    "CUBLAS failure 1: the library was not initialized ; expr=cublasCreate(&cublas_handle_);",
    "CUBLAS failure 14: an internal operation failed ; GPU=0 ; expr=cublasLtCreate(&handle_);",
    "CUDNN failure 4: CUDNN_STATUS_ALLOC_FAILED",
    "CUDNN failure 4004: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
    "CUDNN failure 1001: CUDNN_STATUS_NOT_INITIALIZED ; GPU=0 ; expr=cudnnCreate(&cudnn_handle_);",
    "CUDNN failure 4000: CUDNN_STATUS_INTERNAL_ERROR ; GPU=0 ; expr=cudnnCreate(&cudnn_handle_);",
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
        "CUDA failure 999: unknown error ; GPU=0 ; expr=cudaStreamSynchronize(stream);",
        "CUDA failure 702: the launch timed out and was terminated",
        "CUBLAS failure 13: the function failed to launch on the GPU ; expr=cublasGemmHelper(",
        "CUBLAS failure 13: CUBLAS_STATUS_EXECUTION_FAILED",
        "CUBLAS failure 11: an access to GPU memory space failed",
        "CUDNN failure 5000: CUDNN_STATUS_EXECUTION_FAILED ; expr=cudnnConvolutionForward(",
        "CUDNN_FE failure 11: CUDNN_BACKEND_API_FAILED cudnn_status: CUDNN_STATUS_EXECUTION_FAILED",
        "cudaErrorIllegalAddress",
        # A broken context fails to allocate as well.
        "Failed to allocate memory for requested buffer of size 4: CUDA failure 700",
    ],
)
def test_a_broken_device_is_known_by_its_text(text: str) -> None:
    assert fault_of(text) is DeviceFault


#: Text → a word of what is to be done. The first was seen with onnxruntime-gpu 1.26 on a machine
#: without a driver; the others' texts are those of CUDA 12.9.
ABSENCES = {
    (
        "[ONNXRuntimeError] : 1 : FAIL : provider_options_utils.h:187 Parse Failed to parse"
        ' provider option "device_id": CUDA failure 35: CUDA driver version is insufficient for'
        " CUDA runtime version ; GPU=-1 ; hostname=vm ; expr=cudaGetDeviceCount(&num_devices);"
    ): "nvidia-smi",
    "CUDA failure 34: CUDA driver is a stub library": "nvidia-smi",
    "CUDA failure 100: no CUDA-capable device is detected ; GPU=-1": "--gpus all",
    "CUDA failure 101: invalid device ordinal": "nvidia-smi -L",
    "CUDA failure 209: no kernel image is available for execution on the device": "RUNTIME=gpu",
    "CUDA failure 222: the provided PTX was compiled with an unsupported toolchain.": "RUNTIME=gpu",
    "CUDA failure 46: CUDA-capable device(s) is/are busy or unavailable": "sleep",
    "CUDA failure 3: initialization error": "nvidia-smi",
    "CUDA failure 803: system has unsupported display driver / cuda driver combination": "Restart",
    "CUDNN failure 1002: CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH": "LD_LIBRARY_PATH",
}


@pytest.mark.parametrize(("text", "told"), ABSENCES.items())
def test_a_device_that_is_not_there_is_known_by_its_text_and_it_is_said_what_to_do(
    text: str, told: str
) -> None:
    assert fault_of(text) is ProviderUnavailable
    assert told in remedy_of(text)


def test_of_each_kind_of_absence_there_is_an_example() -> None:
    assert {remedy_of(text) for text in ABSENCES} == set(ABSENT.values())


@pytest.mark.parametrize("text", [*SEEN, *REPORTED, "CUDA failure 1: invalid argument"])
def test_other_troubles_have_no_remedy_of_a_missing_device(text: str) -> None:
    assert remedy_of(text) == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Got invalid dimensions for input: x for the following indices",
        "CUDA failure 200: device kernel image is invalid",
        "CUDA failure 1: invalid argument",
        # The parts of numbers that mean something.
        "CUDA failure 350: file not found",
        "CUDNN failure 2000: CUDNN_STATUS_BAD_PARAM",
        "CUBLAS failure 7: an unsupported value or parameter was passed to the function",
        "requested bytes of 12",
        "node 7000 failed",
    ],
)
def test_other_texts_say_nothing_of_the_device(text: str) -> None:
    assert fault_of(text) is None


def test_the_binding_s_own_error_counts_as_lack_of_memory() -> None:
    found: type[ModelsError] | None = fault_of(MemoryError())
    assert found is OutOfMemory
