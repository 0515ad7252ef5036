#!/bin/sh
# Writes the lock files from pyproject.toml, keeping versions that still fit.
#
#   requirements/lock.sh            add, drop and fix what pyproject.toml asks for
#   requirements/lock.sh --upgrade  take the newest versions allowed
#
# `cpu`, `gpu` and `gpu-cu13` exclude each other: their wheels ship the same `onnxruntime` module.
# Each gets a file of its own.
set -eu
cd "$(dirname "$0")/.."

lock() {
    out=$1
    shift
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-header --no-annotate --no-emit-index-url --output-file "requirements/$out" "$@"
}

# Development and CI: everything that runs on a machine without a card.
lock dev.txt "$@" pyproject.toml --extra local --extra cpu --extra evaluation --extra pgvector --group dev
# The same on a CUDA machine, CUDA and cuDNN wheels included.
lock dev-gpu.txt "$@" pyproject.toml --extra local --extra gpu --extra evaluation --extra pgvector --group dev
lock dev-gpu-cu13.txt "$@" pyproject.toml --extra local --extra gpu-cu13 --extra evaluation --extra pgvector --group dev
# Dockerfile.api: gateway, beat and monitor, and the command that makes accounts.
lock api.txt "$@" pyproject.toml --extra api --extra cli --extra monitor
# Dockerfile.worker, VARIANT=cpu.
lock worker-cpu.txt "$@" pyproject.toml --extra cpu --extra pgvector
# Dockerfile.worker, VARIANT=gpu: without the CUDA and cuDNN wheels: its base image has both.
lock worker-gpu.txt "$@" pyproject.toml --extra gpu --extra pgvector \
    --no-emit-package nvidia-cublas-cu12 \
    --no-emit-package nvidia-cuda-nvrtc-cu12 \
    --no-emit-package nvidia-cuda-runtime-cu12 \
    --no-emit-package nvidia-cudnn-cu12 \
    --no-emit-package nvidia-cufft-cu12 \
    --no-emit-package nvidia-curand-cu12 \
    --no-emit-package nvidia-nvjitlink-cu12
# Workers on CUDA 13, outside containers.
lock worker-gpu-cu13.txt "$@" pyproject.toml --extra gpu-cu13 --extra pgvector
# What builds our wheel inside the images.
echo hatchling | lock build.txt "$@" --constraint requirements/dev.txt -
