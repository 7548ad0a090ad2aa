"""A graph that decides itself: the platform's own worker runs a decision task, and then what that submits.

`decision.py` creates the decision task and looks at what became of its graph; `decision.py decide` is what runs in it:
taskgraph, which calls the platform by the proxy of its task.
"""

import json
import os
import sys
import time

import taskcluster
from taskgraph.create import create_tasks
from taskgraph.graph import Graph
from taskgraph.optimize.base import optimize_task_graph
from taskgraph.task import Task
from taskgraph.taskgraph import TaskGraph
from taskgraph.util import taskcluster as tc

QUEUE_ID = "local/built-in"
SCHEDULER = "journeys-level-1"
PARAMETERS = {"level": "1"}
FETCH = "import requests, sys; print(requests.get(sys.argv[1]).text)"


def definition(label, command, **payload):
    return {
        "taskQueueId": QUEUE_ID,
        "created": {"relative-datestamp": "0 seconds"},
        "deadline": {"relative-datestamp": "1 hour"},
        "expires": {"relative-datestamp": "1 day"},
        "payload": {"command": [command], "maxRunTime": 60, **payload},
        "metadata": {
            "name": label,
            "description": "Submitted by taskgraph",
            "owner": "nobody@example.com",
            "source": "https://example.com/",
        },
    }


def decide():
    artifact = {"type": "file", "name": "public/build.txt", "path": "build.txt"}
    build = definition("build", ["bash", "-c", "echo the build > build.txt"], artifacts=[artifact])
    test = definition("test", [sys.executable, "-c", FETCH, {"artifact-reference": "<build/public/build.txt>"}])
    tasks = {
        "build": Task(kind="build", label="build", attributes={}, task=build),
        "test": Task(kind="test", label="test", attributes={}, task=test, dependencies={"build": "build"}),
    }
    full = TaskGraph(tasks, Graph(set(tasks), {("test", "build", "build")}))
    decision = os.environ["TASK_ID"]
    graph, label_to_taskid = optimize_task_graph(full, set(tasks), PARAMETERS, set(), decision)
    create_tasks({"trust-domain": "journeys"}, graph, label_to_taskid, PARAMETERS, decision_task_id=decision)
    with open("label-to-taskid.json", "w") as file:
        json.dump(label_to_taskid, file)


def until(is_so):
    for _ in range(2400):
        if is_so():
            return
        time.sleep(0.05)
    raise AssertionError("it takes more than two minutes")


def log_of(task_id):
    return tc.get_artifact(task_id, "public/logs/live_backing.log").read().decode()


def follow():
    decision = taskcluster.slugId()
    artifact = {"type": "file", "name": "public/label-to-taskid.json", "path": "label-to-taskid.json"}
    command = [sys.executable, os.path.abspath(__file__), "decide"]
    task = definition("decision", command, features={"taskclusterProxy": True}, artifacts=[artifact])
    for key, span in {"created": "", "deadline": "1 hour", "expires": "1 day"}.items():
        task[key] = taskcluster.fromNowJSON(span)
    task["taskGroupId"] = decision
    task["schedulerId"] = SCHEDULER
    task["scopes"] = [
        f"queue:create-task:lowest:{QUEUE_ID}",
        "queue:create-task:project:none",
        f"queue:scheduler-id:{SCHEDULER}",
    ]
    tc.get_taskcluster_client("queue").createTask(decision, task)
    until(lambda: tc.list_task_group_incomplete_tasks(decision) == [])
    assert tc.state_task(decision) == "completed", log_of(decision)
    ids = tc.get_artifact(decision, "public/label-to-taskid.json")
    states = {label: tc.state_task(task_id) for label, task_id in ids.items()}
    assert states == {"build": "completed", "test": "completed"}, log_of(ids["test"])
    assert "the build" in log_of(ids["test"])


if sys.argv[1:] == ["decide"]:
    decide()
else:
    follow()
