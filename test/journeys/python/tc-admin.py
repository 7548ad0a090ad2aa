"""The configuration of a deployment as its operators write it for `tc-admin`: one resource or more of each kind.

`EDITION=2` in the environment is what somebody wrote later: each resource changes, and one role is no longer there.
"""

import os

from tcadmin.appconfig import AppConfig
from tcadmin.resources import Binding, Client, Hook, Role, Secret, WorkerPool

appconfig = AppConfig()

IS_LATER = os.environ.get("EDITION") == "2"
STAR_ROLE = "project:journeys:*"
OWNER = "nobody@example.com"

# What JSON has besides texts: it must come back as it was.
ODD_VALUES = {"none": None, "yes": True, "half": 0.5, "large": 2**53 - 1, "empty": [{}, []], "text": "é \\ \u2028"}

LAUNCH_CONFIG = {
    "capacityPerInstance": 1,
    "region": "us-west-2",
    "launchConfig": {"ImageId": "ami-0123456789abcdef0", "Placement": {"AvailabilityZone": "us-west-2a"}},
    "workerConfig": {"genericWorker": {"config": {"idleTimeoutSecs": 600 if IS_LATER else 300}}},
}


def hook_task():
    return {
        "taskQueueId": "journeys/tc-admin",
        "created": {"$fromNow": "0 seconds"},
        "deadline": {"$fromNow": "1 hour"},
        "payload": {"$merge": [ODD_VALUES, {"edition": "${payload.edition}"}]},
        "metadata": {"name": "hook", "description": "", "owner": OWNER, "source": "https://example.com/"},
    }


@appconfig.generators.register
async def roles_and_clients(resources):
    for kind, name in [("Role", "project:journeys:"), ("Client", "project/journeys/")]:
        resources.manage(f"{kind}={name}")
    scopes = ["queue:route:index.journeys.<..>.*", "secrets:get:project/journeys/<..>"]
    resources.add(Role(roleId=STAR_ROLE, description="Each of the project", scopes=scopes[: 1 if IS_LATER else 2]))
    if not IS_LATER:
        resources.add(Role(roleId="project:journeys:passing", description="", scopes=[]))
    client = Client(clientId="project/journeys/tc-admin", description="A client", scopes=[f"assume:{STAR_ROLE}"])
    resources.add(client.evolve(scopes=()) if IS_LATER else client)


@appconfig.generators.register
async def hooks(resources):
    resources.manage("Hook=project-journeys-tc-admin/")
    bindings = [("exchange/taskcluster-queue/v1/task-failed", "route.z.#"), ("exchange/elsewhere", "#")]
    resources.add(
        Hook(
            hookGroupId="project-journeys-tc-admin",
            hookId="nightly",
            name="nightly",
            description="Runs at night",
            owner=OWNER,
            emailOnError=False,
            schedule=["0 30 1 * * *"] if IS_LATER else ["0 0 1 * * 1-5", "0 0 2 * * 6"],
            bindings=[Binding(exchange, pattern) for exchange, pattern in bindings],
            task=hook_task(),
            triggerSchema={"type": "object", "properties": {"edition": {"type": "integer", "default": 1 + IS_LATER}}},
        )
    )


@appconfig.generators.register
async def secrets(resources):
    resources.manage("Secret=project/journeys/tc-admin")
    resources.add(Secret(name="project/journeys/tc-admin", secret={**ODD_VALUES, "later": IS_LATER}))


@appconfig.generators.register
async def worker_pools(resources):
    resources.manage("WorkerPool=journeys-tc-admin/")
    resources.add(
        WorkerPool(
            workerPoolId="journeys-tc-admin/static",
            description="Machines of ours",
            owner=OWNER,
            emailOnError=IS_LATER,
            providerId="static",
            config={"lifecycle": {"reregistrationTimeout": 86400}, "workerConfig": ODD_VALUES},
        )
    )
