"""`taskgraph load-task`: it fetches the image of a task, hands it to Docker, and starts it as the task would have run.

The command `docker` is played by us: it keeps what it is given. So no daemon is needed, and we see what would have run.
"""

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import zstandard

DOCKER = """#!/bin/sh
case "$1 $2" in
  "image load") cat > "{folder}/image.tar" ;;
  run*) shift
    for word in "$@"; do
      case "$word" in --env-file=*) cat "${{word#--env-file=}}" > "{folder}/env" ;; esac
      printf '%s\\n' "$word"
    done > "{folder}/run" ;;
esac
"""


def an_image():
    """An image as `docker save` writes it, of no layers."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        for name, content in {
            "manifest.json": [{"Config": "config.json", "RepoTags": ["builder:1"], "Layers": []}],
            "repositories": {"builder": {"1": "a-layer"}},
        }.items():
            data = json.dumps(content).encode()
            about = tarfile.TarInfo(name)
            about.size = len(data)
            archive.addfile(about, io.BytesIO(data))
    return zstandard.ZstdCompressor().compress(tar.getvalue())


def load(task_id, project, folder):
    """Runs the command in a project; answers the image that Docker got, what it was to run, and with which environment."""
    command = Path(folder, "docker")
    command.write_text(DOCKER.format(folder=folder))
    command.chmod(0o755)
    taskgraph = Path(sys.executable).with_name("taskgraph")
    env = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    said = subprocess.run(
        [taskgraph, "load-task", task_id], cwd=project, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert said.returncode == 0, said.stdout + said.stderr
    with tarfile.open(Path(folder, "image.tar")) as archive:
        repositories = json.load(archive.extractfile("repositories"))
    lines = Path(folder, "env").read_text().splitlines()
    return repositories, Path(folder, "run").read_text().splitlines(), dict(line.split("=", 1) for line in lines)
