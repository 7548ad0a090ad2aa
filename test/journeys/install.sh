#!/usr/bin/env bash
# Installs what the journeys in Python need, in a virtual environment here.
set -euo pipefail
cd "$(dirname "$0")/python"

python3 -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
