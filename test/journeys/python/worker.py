"""The package scriptworker, a worker of others: it runs tasks that succeed, fail and are cancelled, and one of a hook.

Everything between the platform and the task's script is scriptworker's own code, a process as its users start it.
`worker.py` creates the tasks and looks at what becomes of them; `worker.py task` is the script that scriptworker runs.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import requests
import taskcluster
import yaml

QUEUE_ID = "journeys/scriptworker"
SCHEDULER = "journeys-level-1"
INDEX_PATH = "journeys.scriptworker.latest"

options = taskcluster.optionsFromEnvironment()
queue = taskcluster.Queue(options)


def run_the_script():
    """What a task does: its payload says it, in the file that scriptworker leaves for it."""
    home = os.environ["JOURNEY_FOLDER"]
    payload = json.loads(Path(home, "work", "task.json").read_text())["payload"]
    print(payload["say"], flush=True)
    folder = Path(home, "artifacts", "public")
    folder.mkdir(parents=True, exist_ok=True)
    Path(folder, "said.txt").write_text(payload["say"])
    while payload.get("forever"):
        time.sleep(0.1)
    sys.exit(payload.get("status", 0))


def config_of(folder):
    provisioner_id, worker_type = QUEUE_ID.split("/")
    return {
        "taskcluster_root_url": options["rootUrl"],
        "provisioner_id": provisioner_id,
        "worker_type": worker_type,
        "worker_group": "journeys",
        "worker_id": "scriptworker",
        "credentials": dict(options["credentials"]),
        "task_script": [sys.executable, os.path.abspath(__file__), "task"],
        "task_max_timeout": 600,
        "reclaim_interval": 1,
        "poll_interval": 1,
        "work_dir": f"{folder}/work",
        "log_dir": f"{folder}/log",
        "artifact_dir": f"{folder}/artifacts",
        "task_log_dir": f"{folder}/artifacts/public/logs",
        "sign_chain_of_trust": False,
        "verify_chain_of_trust": False,
        "verify_cot_signature": False,
        "ed25519_private_key_path": f"{folder}/none",
        "cot_job_type": "scriptworker",
        "cot_product": "scriptworker",
    }


def start(folder):
    """Starts scriptworker on its configuration; what it says goes to a file."""
    config = Path(folder, "scriptworker.yaml")
    config.write_text(yaml.dump(config_of(folder)))
    command = [str(Path(sys.executable).with_name("scriptworker")), str(config)]
    said = open(Path(folder, "said.log"), "w")
    environment = {**os.environ, "JOURNEY_FOLDER": folder}
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=said)


def definition(**payload):
    return {
        "taskQueueId": QUEUE_ID,
        "schedulerId": SCHEDULER,
        "payload": payload,
        "metadata": {
            "name": "a task for scriptworker",
            "description": "",
            "owner": "nobody@example.com",
            "source": "https://example.com/",
        },
    }


def create(routes=(), retries=0, **payload):
    task_id = taskcluster.slugId()
    moments = {"created": "", "deadline": "1 hour", "expires": "1 day"}
    times = {key: taskcluster.fromNowJSON(offset) for key, offset in moments.items()}
    queue.createTask(task_id, {**definition(**payload), **times, "routes": list(routes), "retries": retries})
    return task_id


def until(what, is_so):
    for _ in range(2400):
        if is_so():
            return
        time.sleep(0.05)
    raise AssertionError(f"it takes more than two minutes until {what}")


def last_run(task_id):
    status = queue.status(task_id)["status"]
    return status["runs"][-1] if status["runs"] else {}


def run_in(task_id, state):
    """Waits until the run of a task is in a state; answers why it was resolved, if it was."""

    def is_there():
        run = last_run(task_id)
        assert run.get("state") == state or "resolved" not in run, run
        return run.get("state") == state

    until(f"{task_id} is {state}", is_there)
    return last_run(task_id).get("reasonResolved")


def artifact(task_id, name):
    reply = requests.get(queue.buildSignedUrl("getLatestArtifact", task_id, name))
    reply.raise_for_status()
    return reply.text


def green():
    task_id = create(routes=[f"index.{INDEX_PATH}"], say="green")
    assert run_in(task_id, "completed") == "completed"
    assert artifact(task_id, "public/said.txt") == "green"
    assert "green" in artifact(task_id, "public/logs/live_backing.log")
    index = taskcluster.Index(options)
    until("it is in the index", lambda: task_id in [task["taskId"] for task in found(index)])


def found(index):
    return index.findTasksAtIndex({"indexes": [INDEX_PATH]})["tasks"]


def failing():
    task_id = create(say="red", status=1)
    assert run_in(task_id, "failed") == "failed"
    assert "red" in artifact(task_id, "public/logs/live_backing.log")
    # Other statuses of the script are reasons of exceptions.
    assert run_in(create(say="bad payload", status=3), "exception") == "malformed-payload"


def again():
    """A script that wants to be run again is, by another run, while there are retries."""
    task_id = create(say="again", status=7, retries=1)
    until("it is over", lambda: queue.status(task_id)["status"]["state"] == "exception")
    reasons = [run["reasonResolved"] for run in queue.status(task_id)["status"]["runs"]]
    assert reasons == ["intermittent-task", "intermittent-task"], reasons


def cancelled():
    task_id = create(say="forever", forever=True)
    run_in(task_id, "running")
    queue.cancelTask(task_id)
    assert run_in(task_id, "exception") == "canceled"
    # The worker notices when it reclaims, ends the script, and goes on with other tasks.
    assert run_in(create(say="afterwards"), "completed") == "completed"


def by_a_hook():
    hooks = taskcluster.Hooks(options)
    scopes = [f"queue:create-task:lowest:{QUEUE_ID}", "queue:create-task:project:none", f"queue:scheduler-id:{SCHEDULER}"]
    taskcluster.Auth(options).createRole("hook-id:journeys/scriptworker", {"description": "", "scopes": scopes})
    hook = {
        "metadata": {"name": "a hook", "description": "", "owner": "nobody@example.com"},
        "triggerSchema": {"type": "object"},
        "task": definition(say={"$eval": "payload.word"}),
    }
    hooks.createHook("journeys", "scriptworker", hook)
    task_id = hooks.triggerHook("journeys", "scriptworker", {"word": "by a hook"})["taskId"]
    run_in(task_id, "completed")
    assert artifact(task_id, "public/said.txt") == "by a hook"
    (fire,) = hooks.listLastFires("journeys", "scriptworker")["lastFires"]
    assert (fire["taskId"], fire["taskState"]) == (task_id, "completed")


def journey():
    with tempfile.TemporaryDirectory() as folder:
        worker = start(folder)
        try:
            for visit in (green, failing, again, cancelled, by_a_hook):
                visit()
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(timeout=60) == 0
        except BaseException:
            worker.kill()
            print(Path(folder, "said.log").read_text()[-20_000:], file=sys.stderr)
            raise
    print("done")


if sys.argv[1:] == ["task"]:
    run_the_script()
else:
    journey()
