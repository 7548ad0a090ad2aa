"""Actions of a graph as people run them: found in `public/actions.json`, triggered by a hook, run by taskgraph's own code.

The page that offers the actions and the worker of the action task are played by us.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import jsone
import taskcluster
import yaml
from taskgraph.actions.registry import render_actions_json
from taskgraph.config import load_graph_config
from taskgraph.parameters import Parameters
from taskgraph.util import taskcluster as tc

REPOSITORY = "https://github.com/journeys/python"
ACTION_ROLE = "repo:github.com/journeys/python:action:generic"
QUEUE_ID = "journeys/python-actions"

# What taskgraph knows of the push for which a graph is made.
PUSH = {
    "base_ref": "main",
    "base_repository": REPOSITORY,
    "base_rev": "012345",
    "head_ref": "main",
    "head_repository": REPOSITORY,
    "head_rev": "abcdef",
    "tasks_for": "github-push",
}

CONFIG = {
    "trust-domain": "journeys",
    "task-priority": "lowest",
    "workers": {"aliases": {}},
    "taskgraph": {"repositories": {"python": {"name": "python"}}},
}


def make_project(folder):
    """A repository as taskgraph wants it; answers its configuration."""
    root = Path(folder, "taskcluster")
    root.mkdir()
    Path(root, "config.yml").write_text(yaml.dump(CONFIG))
    Path(folder, ".taskcluster.yml").write_text("version: 1\ntasks: []\n")
    return load_graph_config(str(root))


def actions_of(parameters, graph_config, decision_task_id):
    """What a decision task publishes as `public/actions.json`."""
    return render_actions_json(Parameters(strict=False, **parameters), graph_config, decision_task_id)


def hook_of(scheduler):
    """The hook of all generic actions, as administrators of such projects make it."""
    user = "payload.user"
    return {
        "metadata": {"name": "generic actions", "description": "", "owner": "nobody@example.com"},
        "triggerSchema": {"type": "object", "required": ["decision", "user"]},
        "task": {
            "taskQueueId": QUEUE_ID,
            "schedulerId": scheduler,
            "taskGroupId": {"$eval": f"{user}.taskGroupId"},
            "created": {"$fromNow": ""},
            "deadline": {"$fromNow": "1 hour"},
            "expires": {"$fromNow": "1 day"},
            "scopes": [f"assume:{ACTION_ROLE}"],
            "payload": {
                "env": {
                    "ACTION_TASK_ID": {"$json": {"$eval": f"{user}.taskId"}},
                    "ACTION_TASK_GROUP_ID": {"$eval": f"{user}.taskGroupId"},
                    "ACTION_INPUT": {"$json": {"$eval": f"{user}.input"}},
                    "ACTION_CALLBACK": {"$eval": "payload.decision.action.cb_name"},
                }
            },
            "metadata": {
                "name": {"$eval": "'Action: ' + payload.decision.action.title"},
                "description": {"$eval": "payload.decision.action.description"},
                "owner": "nobody@example.com",
                "source": "https://example.com/",
            },
        },
    }


def administer(options, scheduler, hook_id, action_scopes):
    """Makes the hook of the actions, and the roles that say what it and its tasks may do."""
    auth = taskcluster.Auth(options)
    scopes = [
        f"queue:create-task:lowest:{QUEUE_ID}",
        "queue:create-task:project:none",
        f"queue:scheduler-id:{scheduler}",
        f"assume:{ACTION_ROLE}",
    ]
    auth.createRole("hook-id:project-journeys/in-tree-action-1-generic/*", {"description": "", "scopes": scopes})
    auth.createRole(ACTION_ROLE, {"description": "", "scopes": [*action_scopes, "auth:current-scopes"]})
    taskcluster.Hooks(options).createHook("project-journeys", hook_id, hook_of(scheduler))


def choose(decision_task_id, name, task_id):
    """What a page offers for a task: the first action of this name whose context fits the tags of the task."""
    tags = tc.get_task_definition(task_id).get("tags", {})
    for action in tc.get_artifact(decision_task_id, "public/actions.json")["actions"]:
        if action["name"] == name and any(context.items() <= tags.items() for context in action["context"]):
            return action
    raise AssertionError(f"no action {name} for a task with the tags {tags}")


def trigger(options, action, task_id, task_group_id, given):
    """What a page does when somebody chooses an action; answers the action task."""
    context = {"input": given, "taskId": task_id, "taskGroupId": task_group_id}
    payload = jsone.render(action["hookPayload"], context)
    return taskcluster.Hooks(options).triggerHook(action["hookGroupId"], action["hookId"], payload)["taskId"]


def run_callback(claimed, folder, options):
    """What the image of an action task does: taskgraph's own command, with the rights of the run."""
    credentials = claimed["credentials"]
    environment = {
        **os.environ,
        **claimed["task"]["payload"]["env"],
        "TASK_ID": claimed["status"]["taskId"],
        "RUN_ID": str(claimed["runId"]),
        "TASKCLUSTER_ROOT_URL": options["rootUrl"],
        "TASKCLUSTER_CLIENT_ID": credentials["clientId"],
        "TASKCLUSTER_ACCESS_TOKEN": credentials["accessToken"],
        "TASKCLUSTER_CERTIFICATE": credentials["certificate"],
    }
    command = [str(Path(sys.executable).with_name("taskgraph")), "action-callback"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def labels_of(folder):
    """The tasks that a callback has made, by their labels."""
    return json.loads(Path(folder, "artifacts", "label-to-taskid.json").read_text())
