#!/bin/sh
# Install the locked requirements and this project into a virtual environment.
# usage: PYTHON=python3.12 RUNTIME=cpu scripts/setup.sh VENV
# Without PYTHON, an environment that works is kept as it is, and a new one gets python3.
# uv is used when present; pip does the same, only slower.
set -eu

venv=$1
python=${PYTHON:-python3}
runtime=${RUNTIME:-cpu}
case $runtime in
  cpu) lock=requirements/dev.txt others="onnxruntime-gpu" ;;
  gpu) lock=requirements/dev-gpu.txt others="onnxruntime nvidia-cudnn-cu13" ;;
  gpu-cu13) lock=requirements/dev-gpu-cu13.txt others="onnxruntime nvidia-cudnn-cu12" ;;
  *) echo "RUNTIME=$runtime is unknown: use cpu, gpu or gpu-cu13." >&2; exit 2 ;;
esac
stamp=$venv/.installed-$runtime

have_uv() { command -v uv >/dev/null 2>&1; }

# Which Python an interpreter is, or was made from.
base_of() { "$1" -c 'import sys; print(*sys.version_info[:2], sys.base_prefix)'; }

require_python() {
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "FaceSocial needs Python 3.11 or newer; '$python' is older or missing. Try: make setup PYTHON=python3.12" >&2
    exit 2
  }
}

# Why the environment that is there can't be used; nothing when it can.
what_is_wrong() {
  if ! "$venv/bin/python" -c '' 2>/dev/null; then
    echo "its Python does not start"
  elif ! have_uv && ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    echo "it has no working pip"
  elif [ -n "${PYTHON:-}" ] && [ "$(base_of "$venv/bin/python")" != "$(base_of "$python")" ]; then
    echo "it was made with another Python than $PYTHON"
  fi
}

is_installed() {
  "$venv/bin/python" -c "from importlib.metadata import distribution; distribution('$1')" 2>/dev/null
}

# Two runtimes ship the same module and overwrite each other's files, and so do the cuDNN of CUDA 12
# and of CUDA 13: with what is not wanted all go, and what is wanted comes back whole.
remove_other_runtimes() {
  found=
  for other in $others; do
    if is_installed "$other"; then found="$found $other"; fi
  done
  [ -n "$found" ] || return 0
  echo "Removing$found from $venv ..."
  set -- onnxruntime onnxruntime-gpu nvidia-cudnn-cu12 nvidia-cudnn-cu13
  if have_uv; then
    uv pip uninstall --quiet --python "$venv/bin/python" "$@"
  else
    "$venv/bin/python" -m pip uninstall --quiet --disable-pip-version-check --yes "$@"
  fi
}

# Half an environment would be taken for a whole one at the next run.
make_environment() {
  trap 'rm -rf "$venv"; exit 130' INT TERM HUP
  "$python" -m venv --clear "$venv" || {
    rm -rf "$venv"
    echo "The virtual environment could not be made. On Debian and Ubuntu: apt install python3-venv" >&2
    exit 2
  }
  trap - INT TERM HUP
}

[ -z "${PYTHON:-}" ] || require_python
if [ -f "$venv/pyvenv.cfg" ]; then
  wrong=$(what_is_wrong)
  if [ -n "$wrong" ]; then
    require_python
    echo "Making $venv anew: $wrong."
    make_environment
  fi
elif [ -n "$(ls -A "$venv" 2>/dev/null)" ]; then
  echo "$venv is there and is no virtual environment. Delete it or move it away." >&2
  exit 2
else
  require_python
  make_environment
fi

if [ -f "$stamp" ] && [ -z "$(find pyproject.toml "$lock" "$0" -newer "$stamp")" ]; then
  touch "$stamp"
  exit 0
fi
# The stamp of another runtime's installation is no longer true. The own one is there from now on, so
# that `make` goes on with this runtime after an installation that broke off; outdated, so that it does.
rm -f "$venv"/.installed-*
touch -t 197001020000 "$stamp"
remove_other_runtimes
echo "Installing $lock into $venv ..."
if have_uv; then
  uv pip install --quiet --python "$venv/bin/python" --require-hashes --requirement "$lock"
  uv pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation --editable .
else
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --requirement "$lock"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
fi
touch "$stamp"
