#!/bin/sh
# Install the locked requirements and this project into a virtual environment.
# usage: PYTHON=python3 RUNTIME=cpu scripts/setup.sh VENV
# uv is used when present; pip does the same, only slower.
set -eu

venv=$1
python=${PYTHON:-python3}
runtime=${RUNTIME:-cpu}
case $runtime in
  cpu) lock=requirements/dev.txt ;;
  gpu | gpu-cu13) lock=requirements/dev-$runtime.txt ;;
  *) echo "RUNTIME=$runtime is unknown: use cpu, gpu or gpu-cu13." >&2; exit 2 ;;
esac

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "FaceSocial needs Python 3.11 or newer; '$python' is older or missing. Try: make setup PYTHON=python3.12" >&2
  exit 2
}
if [ ! -x "$venv/bin/python" ]; then
  "$python" -m venv "$venv" || {
    echo "The virtual environment could not be made. On Debian and Ubuntu: apt install python3-venv" >&2
    exit 2
  }
fi

# The stamp of another runtime's installation is no longer true.
rm -f "$venv"/.installed-*
echo "Installing $lock into $venv ..."
if command -v uv >/dev/null 2>&1; then
  uv pip install --quiet --python "$venv/bin/python" --require-hashes --requirement "$lock"
  uv pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation --editable .
else
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --requirement "$lock"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
fi
touch "$venv/.installed-$runtime"
