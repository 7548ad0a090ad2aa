"""A deployment that is configured as its operators do it: `tc-admin` applies what `tc-admin.py` says, in a task.

It runs in a task since it takes no root URL with a port, while it takes any proxy. After `apply`, `diff` must find nothing:
it compares each resource, field by field, with what the platform answers.
"""

import os
import subprocess
import sys
import time

import requests
import taskcluster

QUEUE_ID = "local/built-in"
TC_ADMIN = [sys.executable, "-m", "tcadmin.boot"]
DIFFERS = 2

SCOPES = [
    "auth:create-client:project/journeys/*",
    "auth:create-role:project:journeys:*",
    "auth:delete-role:project:journeys:*",
    "auth:get-client:*",
    "auth:get-role:*",
    "auth:list-clients",
    "auth:list-roles",
    "auth:update-client:project/journeys/*",
    "auth:update-role:project:journeys:*",
    "assume:hook-id:project-journeys-tc-admin/*",
    "assume:project:journeys:*",
    "hooks:get:*",
    "hooks:list-hooks:*",
    "hooks:modify-hook:project-journeys-tc-admin/*",
    "queue:route:index.journeys.*",
    "secrets:get:project/journeys/*",
    "secrets:list-secrets",
    "secrets:set:project/journeys/*",
    "worker-manager:get-worker-pool:*",
    "worker-manager:list-worker-pools",
    "worker-manager:manage-worker-pool:journeys-tc-admin/*",
    "worker-manager:provider:*",
]


def tc_admin(edition, *arguments):
    ended = subprocess.run(
        [*TC_ADMIN, *arguments], env={**os.environ, "EDITION": edition}, capture_output=True, text=True
    )
    print(ended.stdout, ended.stderr, flush=True)
    return ended


def configure():
    for edition, differences in [("1", ["+"] * 6), ("2", ["!"] * 5 + ["-"])]:
        before = tc_admin(edition, "diff", "--ids-only")
        assert before.returncode == DIFFERS, before
        marks = [line[0] for line in before.stdout.splitlines()]
        assert sorted(marks) == sorted(differences), marks
        assert tc_admin(edition, "apply").returncode == 0
        after = tc_admin(edition, "diff")
        assert after.returncode == 0 and after.stdout.strip() == "", after


def follow():
    options = taskcluster.optionsFromEnvironment()
    queue = taskcluster.Queue(options)
    task_id = taskcluster.slugId()
    spans = {"created": "", "deadline": "1 hour", "expires": "1 day"}
    here = os.path.dirname(os.path.abspath(__file__))
    queue.createTask(
        task_id,
        {
            "taskQueueId": QUEUE_ID,
            **{key: taskcluster.fromNowJSON(span) for key, span in spans.items()},
            "scopes": SCOPES,
            "payload": {
                "command": [[sys.executable, os.path.abspath(__file__), "configure"]],
                "env": {"TC_ADMIN_PY": f"{here}/tc-admin.py"},
                "features": {"taskclusterProxy": True},
                "maxRunTime": 120,
            },
            "metadata": {
                "name": "tc-admin",
                "description": "Configures the deployment",
                "owner": "nobody@example.com",
                "source": "https://example.com/",
            },
        },
    )
    for _ in range(2400):
        state = queue.status(task_id)["status"]["state"]
        if state not in ("unscheduled", "pending", "running"):
            break
        time.sleep(0.05)
    if state != "completed":
        log = queue.buildUrl("getLatestArtifact", task_id, "public/logs/live_backing.log")
        raise AssertionError(f"{state}: {requests.get(log).text}")


if sys.argv[1:] == ["configure"]:
    configure()
else:
    follow()
