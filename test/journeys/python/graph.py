"""A decision task as taskgraph makes it: it optimizes a graph, submits it, publishes it; others read it back.

Everything between the platform and the assertions is taskgraph's own code; only the worker is played by us.
"""

import copy
import json
import os
import tempfile
import time

import requests
import taskcluster
import yaml

DECISION = taskcluster.slugId()
# What a decision task finds in its environment. taskgraph looks at it when it is imported, and later.
os.environ["TASK_ID"] = DECISION
os.environ["RUN_ID"] = "0"

import actions  # noqa: E402
import loading  # noqa: E402
from taskgraph.actions.util import create_task_from_def, fetch_graph_and_labels, get_parameters  # noqa: E402
from taskgraph.create import CreateTasksException, create_tasks  # noqa: E402
from taskgraph.graph import Graph  # noqa: E402
from taskgraph.optimize.base import optimize_task_graph  # noqa: E402
from taskgraph.task import Task  # noqa: E402
from taskgraph.taskgraph import TaskGraph  # noqa: E402
from taskgraph.util import taskcluster as tc  # noqa: E402

QUEUE_ID = "journeys/python-graph"
PREFIX = "journeys.python-graph"
GRAPH_CONFIG = {"trust-domain": "journeys"}
SCHEDULER = "journeys-level-1"
PARAMETERS = {"level": "1", "project": "python", "pushlog_id": "1", **actions.PUSH}
ROOT = taskcluster.optionsFromEnvironment()

options = taskcluster.optionsFromEnvironment()
queue = taskcluster.Queue(options)


def definition(label, command, **more):
    """A task as the transforms of taskgraph leave it: times are relative, other tasks are called by their kinds."""
    return {
        "taskQueueId": QUEUE_ID,
        "created": {"relative-datestamp": "0 seconds"},
        "deadline": {"relative-datestamp": "1 hour"},
        "expires": {"relative-datestamp": "1 day"},
        "routes": [f"index.{PREFIX}.{label}"],
        "scopes": [],
        "payload": {"command": command},
        "metadata": {
            "name": label,
            "description": "Submitted by taskgraph",
            "owner": "nobody@example.com",
            "source": "https://example.com/",
        },
        "extra": {"parent": DECISION},
        **more,
    }


def full_graph():
    """An image that is there already, a build on it, and two tests of the build."""
    tests = {
        f"test-{number}": Task(
            kind="test",
            label=f"test-{number}",
            attributes={"retrigger": True},
            dependencies={"build": "build"},
            task=definition(
                f"test-{number}",
                ["test", {"artifact-reference": "<build/public/build.txt>"}, {"task-reference": "<decision>"}],
                tags={"retrigger": "true"},
            ),
        )
        for number in (1, 2)
    }
    tasks = {
        "image": Task(
            kind="image",
            label="image",
            attributes={},
            task=definition("image", ["true"]),
            optimization={"index-search": [f"{PREFIX}.none", f"{PREFIX}.image"]},
        ),
        "build": Task(
            kind="build",
            label="build",
            attributes={},
            dependencies={"image": "image"},
            task=definition("build", ["build", {"task-reference": "<image>"}]),
        ),
        **tests,
    }
    edges = {(label, on, name) for label, task in tasks.items() for name, on in task.dependencies.items()}
    return TaskGraph(tasks, Graph(set(tasks), edges))


def claim(task_id=None):
    """Plays the worker: claims a task, the next one if it is not named; answers it and a client of its worker."""
    who = {"workerGroup": "python", "workerId": "graph"}
    if task_id:
        claimed = queue.claimTask(task_id, 0, who)
    else:
        (claimed,) = queue.claimWork(QUEUE_ID, {**who, "tasks": 1})["tasks"]
    # A client turns what it is given into bytes.
    return claimed, taskcluster.Queue({**options, "credentials": dict(claimed["credentials"])})


def publish(worker, task_id, name, content):
    wanted = {"storageType": "s3", "contentType": "text/plain", "expires": taskcluster.fromNowJSON("1 hour")}
    answer = worker.createArtifact(task_id, 0, name, wanted)
    requests.put(answer["putUrl"], content, headers={"Content-Type": "text/plain"}).raise_for_status()


def create(task_id, label, **more):
    """A task that is not taskgraph's."""
    moments = {"created": "", "deadline": "1 hour", "expires": "1 day"}
    times = {key: taskcluster.fromNowJSON(offset) for key, offset in moments.items()}
    queue.createTask(task_id, {**definition(label, ["true"]), **times, **more})


def eventually(ask):
    """Asks again until the answer is there; the index hears of tasks some moments after they are resolved."""
    for _ in range(300):
        try:
            return ask()
        except taskcluster.exceptions.TaskclusterRestFailure:
            time.sleep(0.05)
    return ask()


def build_the_image():
    """What an earlier graph has left in the index."""
    image = taskcluster.slugId()
    create(image, "image")
    _, worker = claim(image)
    publish(worker, image, "public/image.json", '{"layers": 2}')
    worker.reportCompleted(image, 0)
    assert eventually(lambda: tc.find_task_id(f"{PREFIX}.image")) == image
    return image


def act_as(credentials):
    """From now on taskgraph calls with these credentials."""
    os.environ["TASKCLUSTER_CLIENT_ID"] = credentials["clientId"]
    os.environ["TASKCLUSTER_ACCESS_TOKEN"] = credentials["accessToken"]
    os.environ.pop("TASKCLUSTER_CERTIFICATE", None)
    if "certificate" in credentials:
        os.environ["TASKCLUSTER_CERTIFICATE"] = credentials["certificate"]
    tc.get_taskcluster_client.cache_clear()


def decide(image, graph_config):
    """The decision task: what taskgraph does in it, it does with the credentials of its run."""
    scopes = [
        f"queue:create-task:lowest:{QUEUE_ID}",
        "queue:create-task:project:none",
        f"queue:scheduler-id:{SCHEDULER}",
        f"queue:route:index.{PREFIX}.*",
        f"queue:cancel-task:{SCHEDULER}/*",
        f"queue:rerun-task:{SCHEDULER}/*",
        f"purge-cache:{QUEUE_ID}:a-cache",
        "auth:current-scopes",
    ]
    create(DECISION, "decision", taskGroupId=DECISION, schedulerId=SCHEDULER, scopes=scopes)
    claimed, worker = claim(DECISION)
    act_as(claimed["credentials"])
    assert set(scopes) <= set(tc.get_current_scopes())

    full = full_graph()
    graph, label_to_taskid = optimize_task_graph(full, set(full.tasks), PARAMETERS, set(), DECISION)
    assert label_to_taskid["image"] == image
    assert sorted(graph.tasks) == sorted(label_to_taskid[label] for label in ("build", "test-1", "test-2"))
    # Submitting adds to the definitions.
    same_graph = copy.deepcopy(graph)
    create_tasks(GRAPH_CONFIG, graph, label_to_taskid, PARAMETERS, decision_task_id=DECISION)
    # Submitted again, the tasks would be created at another time, and so be others.
    try:
        create_tasks(GRAPH_CONFIG, same_graph, label_to_taskid, PARAMETERS, decision_task_id=DECISION)
        raise AssertionError("tasks were created twice")
    except CreateTasksException as refused:
        assert "RequestConflict" in str(refused), refused

    publish(worker, DECISION, "public/parameters.yml", yaml.dump(PARAMETERS))
    publish(worker, DECISION, "public/full-task-graph.json", json.dumps(full.to_json()))
    publish(worker, DECISION, "public/label-to-taskid.json", json.dumps(label_to_taskid))
    offered = actions.actions_of(PARAMETERS, graph_config, DECISION)
    publish(worker, DECISION, "public/actions.json", json.dumps(offered))
    assert tc.state_task(label_to_taskid["build"]) == "unscheduled"
    worker.reportCompleted(DECISION, 0)
    return label_to_taskid


def run_the_graph(ids):
    """Its tasks run in order; one test fails, is run again, and passes."""
    build, worker = claim()
    assert build["status"]["taskId"] == ids["build"]
    assert build["task"]["payload"]["command"] == ["build", ids["image"]]
    assert set(tc.list_task_group_incomplete_tasks(DECISION)) == {ids["build"], ids["test-1"], ids["test-2"]}
    publish(worker, ids["build"], "public/build.txt", "the build")
    worker.reportCompleted(ids["build"], 0)
    tests = dict((claimed["status"]["taskId"], (claimed, worker)) for claimed, worker in (claim(), claim()))
    claimed, worker = tests[ids["test-1"]]
    url = claimed["task"]["payload"]["command"][1]
    assert requests.get(url).text == "the build"
    worker.reportCompleted(ids["test-1"], 0)
    tests[ids["test-2"]][1].reportFailed(ids["test-2"], 0)
    assert tc.state_task(ids["test-2"]) == "failed"
    tc.rerun_task(ids["test-2"])
    again, worker = claim()
    worker.reportCompleted(ids["test-2"], again["runId"])
    assert tc.list_task_group_incomplete_tasks(DECISION) == []


def read_back(ids):
    """What actions, later graphs and people's scripts look up."""
    paths = [f"{PREFIX}.{label}" for label in ("build", "test-1", "test-2")]
    for path in paths:
        eventually(lambda: tc.find_task_id(path))
    found = tc.find_task_id_batched([*paths, f"{PREFIX}.none"])
    assert found == {f"{PREFIX}.{label}": ids[label] for label in ("build", "test-1", "test-2")}
    assert set(tc.list_tasks(PREFIX)) == {DECISION, *ids.values()}
    assert tc.get_artifact_from_index(f"{PREFIX}.image", "public/image.json") == {"layers": 2}
    assert tc.get_artifact(ids["build"], "public/build.txt").read() == b"the build"
    assert [artifact["name"] for artifact in tc.list_artifacts(ids["build"])] == ["public/build.txt"]
    assert requests.get(tc.get_artifact_url(ids["build"], "public/build.txt")).text == "the build"

    assert {status["state"] for status in tc.status_task_batched(list(ids.values())).values()} == {"completed"}
    assert len(tc.status_task(ids["test-2"])["runs"]) == 2
    assert tc.get_task_definition(ids["test-1"])["dependencies"] == [ids["build"]]
    assert set(tc.get_task_definitions(list(ids.values()))) == set(ids.values())
    ancestors = {DECISION: "decision", ids["build"]: "build", ids["image"]: "image"}
    assert tc.get_ancestors(ids["test-1"]) == ancestors


def act(ids):
    """An action on the graph: it reads what the decision task left, and adds a task, which is then cancelled."""
    parameters = get_parameters(DECISION)
    assert parameters == PARAMETERS
    decision, full, labels = fetch_graph_and_labels(parameters, GRAPH_CONFIG, task_group_id=DECISION)
    assert (decision, labels) == (DECISION, ids)
    assert set(full.tasks) == {"image", "build", "test-1", "test-2"}
    added = taskcluster.slugId()
    task = {**definition("added", ["true"]), "taskGroupId": DECISION, "dependencies": [ids["test-1"]]}
    create_task_from_def(added, task, PARAMETERS["level"], GRAPH_CONFIG["trust-domain"])
    assert tc.list_task_group_incomplete_tasks(DECISION) == [added]
    tc.cancel_task(added)
    assert tc.state_task(added) == "exception"
    tc.purge_cache(*QUEUE_ID.split("/"), "a-cache")


def act_by_a_hook(ids, folder):
    """People retrigger a task and rerun another one from a page: each is a hook, whose task runs taskgraph's callback."""
    act_as(ROOT["credentials"])
    action_scopes = [
        f"queue:create-task:lowest:{QUEUE_ID}",
        "queue:create-task:project:none",
        f"queue:scheduler-id:{SCHEDULER}",
        f"queue:route:index.{PREFIX}.*",
        f"queue:rerun-task:{SCHEDULER}/*",
    ]
    retrigger = actions.choose(DECISION, "retrigger", ids["test-1"])
    actions.administer(ROOT, SCHEDULER, retrigger["hookId"], action_scopes)
    action_task = actions.trigger(ROOT, retrigger, ids["test-1"], DECISION, {"times": 1})
    run_action(action_task, folder)
    again = actions.labels_of(folder)["test-1"]
    assert again != ids["test-1"]
    assert set(tc.list_task_group_incomplete_tasks(DECISION)) == {again}
    assert ids["build"] in tc.get_task_definition(again)["dependencies"]

    _, worker = claim()
    worker.reportFailed(again, 0)
    rerun = actions.choose(DECISION, "rerun", again)
    run_action(actions.trigger(ROOT, rerun, again, DECISION, {}), folder)
    claimed, worker = claim()
    assert (claimed["status"]["taskId"], claimed["runId"]) == (again, 1)
    worker.reportCompleted(again, 1)
    fires = taskcluster.Hooks(ROOT).listLastFires("project-journeys", rerun["hookId"])["lastFires"]
    assert [fire["taskState"] for fire in fires] == ["completed", "completed"]


def load_by_hand(project):
    """A developer looks at a task on their own machine: taskgraph gets its image from the artifacts of another task."""
    image, by_id, by_index = taskcluster.slugId(), taskcluster.slugId(), taskcluster.slugId()
    create(image, "image-archive")
    _, worker = claim(image)
    publish(worker, image, "public/image.tar.zst", loading.an_image())
    worker.reportCompleted(image, 0)
    eventually(lambda: tc.find_task_id(f"{PREFIX}.image-archive"))
    images = {
        by_id: {"type": "task-image", "taskId": image, "path": "public/image.tar.zst"},
        by_index: {"type": "indexed-image", "namespace": f"{PREFIX}.image-archive", "path": "public/image.tar.zst"},
    }
    for task_id, from_where in images.items():
        payload = {"image": from_where, "command": ["make", "all"], "env": {"LEVEL": "1"}}
        create(task_id, "loaded", payload=payload, routes=[], dependencies=[task_id])
        with tempfile.TemporaryDirectory() as folder:
            repositories, run, env = loading.load(task_id, project, folder)
        assert repositories == {"builder": {"1": "a-layer"}}, repositories
        assert run[-3:] == ["builder:1", "make", "all"], run
        assert (env["LEVEL"], env["TASK_ID"], env["TASK_GROUP_ID"]) == ("1", task_id, task_id), env
        assert env["TASKCLUSTER_ROOT_URL"] == ROOT["rootUrl"], env


def run_action(task_id, folder):
    (claimed,) = queue.claimWork(actions.QUEUE_ID, {"workerGroup": "python", "workerId": "action", "tasks": 1})["tasks"]
    assert claimed["status"]["taskId"] == task_id
    actions.run_callback(claimed, folder, ROOT)
    worker = taskcluster.Queue({**options, "credentials": dict(claimed["credentials"])})
    worker.reportCompleted(task_id, claimed["runId"])


with tempfile.TemporaryDirectory() as project:
    ids = decide(build_the_image(), actions.make_project(project))
    run_the_graph(ids)
    read_back(ids)
    act(ids)
    act_by_a_hook(ids, project)
    load_by_hand(project)
print("done")
