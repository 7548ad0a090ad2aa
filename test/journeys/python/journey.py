"""Create a task, claim it, give it artifacts, resolve it, find it by its index, trigger a hook; then every service.

Driven by the package taskcluster, with either kind of its clients: `journey.py sync` or `journey.py async`.
"""

import asyncio
import inspect
import sys
import time

import requests
import taskcluster
import taskcluster.aio
import taskcluster.aio.download
import taskcluster.aio.upload
import taskcluster.download
import taskcluster.exceptions
import taskcluster.upload


class Clients:
    """Clients of one kind, whose answers can be awaited whether they are there at once or not."""

    def __init__(self, kind, session=None):
        self.package = taskcluster if kind == "sync" else taskcluster.aio
        self.upload = taskcluster.upload if kind == "sync" else taskcluster.aio.upload
        self.download = taskcluster.download if kind == "sync" else taskcluster.aio.download
        self.session = session
        self.name = f"python-{kind}"

    def of(self, service, credentials=None):
        options = taskcluster.optionsFromEnvironment()
        if credentials is not None:
            options["credentials"] = credentials
        return getattr(self.package, service)(options, session=self.session)


async def done(answer):
    return await answer if inspect.isawaitable(answer) else answer


async def refusal(call):
    """The status with which a call is refused."""
    try:
        await done(call())
    except taskcluster.exceptions.TaskclusterRestFailure as failure:
        return failure.status_code
    raise AssertionError("the call was not refused")


async def eventually(ask):
    """Asks again until the answer is there; what follows from messages is there some moments later."""
    for tries in range(300):
        try:
            return await done(ask())
        except taskcluster.exceptions.TaskclusterRestFailure:
            time.sleep(0.05)
    return await done(ask())


def a_task(task_queue_id, **more):
    return {
        "taskQueueId": task_queue_id,
        "created": taskcluster.fromNowJSON(""),
        "deadline": taskcluster.fromNowJSON("1 hour"),
        "expires": taskcluster.fromNowJSON("1 day"),
        "payload": {"command": ["true"]},
        "metadata": {
            "name": "a task",
            "description": "Driven by the Python client",
            "owner": "nobody@example.com",
            "source": "https://example.com/",
        },
        **more,
    }


async def claim_one(clients, task_queue_id):
    """Claims the next task of a queue; answers the claim and a queue client of its worker."""
    wanted = {"workerGroup": "python", "workerId": "one", "tasks": 1}
    (claim,) = (await done(clients.of("Queue").claimWork(task_queue_id, wanted)))["tasks"]
    return claim, clients.of("Queue", claim["credentials"])


async def drive_a_task(clients):
    task_queue_id = f"journeys/{clients.name}"
    queue = clients.of("Queue")
    task_id = taskcluster.slugId()
    index_path = f"journeys.{clients.name}.latest"
    await done(queue.createTask(task_id, a_task(task_queue_id, routes=[f"index.{index_path}"])))
    claim, worker = await claim_one(clients, task_queue_id)
    assert claim["status"]["taskId"] == task_id
    reclaim = await done(worker.reclaimTask(task_id, 0))
    worker = clients.of("Queue", reclaim["credentials"])

    expires = taskcluster.fromNowJSON("1 hour")
    by_url = {"storageType": "s3", "contentType": "text/plain", "expires": expires}
    answer = await done(worker.createArtifact(task_id, 0, "public/signed.txt", by_url))
    requests.put(answer["putUrl"], data=b"by URL", headers={"Content-Type": "text/plain"}).raise_for_status()
    contents = {"public/signed.txt": b"by URL", "public/small.txt": b"small", "private/large.txt": b"large " * 20_000}
    for name in ("public/small.txt", "private/large.txt"):
        artifact = {"storageType": "object", "contentType": "text/plain", "expires": expires}
        answer = await done(worker.createArtifact(task_id, 0, name, artifact))
        await done(
            clients.upload.uploadFromBuf(
                projectId=answer["projectId"],
                name=answer["name"],
                contentType="text/plain",
                contentLength=len(contents[name]),
                expires=answer["expires"],
                uploadId=answer["uploadId"],
                data=contents[name],
                objectService=clients.of("Object", answer["credentials"]),
            )
        )
        await done(worker.finishArtifact(task_id, 0, name, {"uploadId": answer["uploadId"]}))
    resolved = await done(worker.reportCompleted(task_id, 0))
    assert resolved["status"]["state"] == "completed"

    for name, content in contents.items():
        bytes_, content_type = await done(
            clients.download.downloadArtifactToBuf(taskId=task_id, name=name, queueService=queue)
        )
        assert (bytes(bytes_), content_type) == (content, "text/plain"), name
    listed = []
    paging = {"query": {"limit": 1}, "paginationHandler": lambda page: listed.extend(page["artifacts"])}
    await done(queue.listArtifacts(task_id, 0, **paging))
    assert {artifact["name"] for artifact in listed} == set(contents)

    found = await eventually(lambda: clients.of("Index").findTask(index_path))
    assert found["taskId"] == task_id
    url = clients.of("Index").buildUrl("findArtifactFromTask", index_path, "public/small.txt")
    assert requests.get(url).content == b"small"
    await signed_urls(clients, task_id, contents["private/large.txt"])


async def signed_urls(clients, task_id, content):
    """URLs that hold the right to read, of a client and of somebody who was lent this right only."""
    options = taskcluster.optionsFromEnvironment()
    lent = taskcluster.createTemporaryCredentials(
        options["credentials"]["clientId"],
        options["credentials"]["accessToken"],
        taskcluster.fromNow("-1 minute"),
        taskcluster.fromNow("1 hour"),
        ["queue:get-artifact:private/large.txt"],
        name=f"journeys/{clients.name}",
    )
    for queue in (clients.of("Queue"), clients.of("Queue", lent)):
        url = queue.buildSignedUrl("getLatestArtifact", task_id, "private/large.txt")
        assert requests.get(url).content == content
        assert requests.get(url.replace("large", "other")).status_code == 401
    assert await refusal(lambda: clients.of("Queue", lent).cancelTask(task_id)) == 403


async def trigger_a_hook(clients):
    task_queue_id = f"journeys/{clients.name}"
    hooks = clients.of("Hooks")
    scopes = [f"queue:create-task:lowest:{task_queue_id}", "queue:create-task:project:none", "queue:scheduler-id:*"]
    role = {"description": "What the hook may do", "scopes": scopes}
    await done(clients.of("Auth").createRole(f"hook-id:journeys/{clients.name}", role))
    task = {key: a_task(task_queue_id)[key] for key in ("taskQueueId", "metadata")}
    hook = {
        "metadata": {"name": "a hook", "description": "Makes a task", "owner": "nobody@example.com"},
        "triggerSchema": {"type": "object"},
        "task": {**task, "payload": {"command": ["echo", {"$eval": "payload.word"}]}},
    }
    await done(hooks.createHook("journeys", clients.name, hook))
    status = await done(hooks.triggerHook("journeys", clients.name, {"word": "hello"}))
    claim, worker = await claim_one(clients, task_queue_id)
    assert claim["status"]["taskId"] == status["taskId"]
    assert claim["task"]["payload"]["command"] == ["echo", "hello"]
    await done(worker.reportCompleted(status["taskId"], 0))
    fires = await done(hooks.listLastFires("journeys", clients.name))
    assert [fire["taskId"] for fire in fires["lastFires"]] == [status["taskId"]]
    await done(hooks.removeHook("journeys", clients.name))
    assert await refusal(lambda: hooks.hook("journeys", clients.name)) == 404


async def visit_services(clients):
    """The other services, a round trip each."""
    client = {"description": "", "expires": taskcluster.fromNowJSON("1 day"), "scopes": ["journeys:a"]}
    created = await done(clients.of("Auth").createClient(f"journeys/{clients.name}", client))
    assert (await done(clients.of("Auth").client(created["clientId"])))["scopes"] == ["journeys:a"]
    expanded = await done(clients.of("Auth").expandScopes({"scopes": [f"assume:hook-id:journeys/{clients.name}"]}))
    assert len(expanded["scopes"]) == 4
    tester = clients.of("Auth", {"clientId": "tester", "accessToken": "no-secret"})
    tried = await done(tester.testAuthenticate({"clientScopes": ["a:*"], "requiredScopes": ["a:b"]}))
    assert tried["clientId"] == "tester"

    address = {"notificationType": "email", "notificationAddress": f"{clients.name}@example.com"}
    notify = clients.of("Notify")
    await done(notify.pulse({"routingKey": "journeys", "message": {"a": clients.name}}))
    await done(notify.addDenylistAddress(address))
    assert address in (await done(notify.listDenylist()))["addresses"]
    await done(notify.deleteDenylistAddress(address))

    manager = clients.of("WorkerManager")
    pool_id = f"journeys/{clients.name}-pool"
    pool = {"providerId": "static", "description": "", "owner": "nobody@example.com", "emailOnError": False}
    await done(manager.createWorkerPool(pool_id, {**pool, "config": {}}))
    pools = []
    paging = {"query": {"limit": 1}, "paginationHandler": lambda page: pools.extend(page["workerPools"])}
    await done(manager.listWorkerPools(**paging))
    assert pool_id in [found["workerPoolId"] for found in pools]
    await done(manager.deleteWorkerPool(pool_id))

    await visit_secrets(clients)
    await done(clients.of("PurgeCache").purgeCache(pool_id, {"cacheName": "a-cache"}))
    purges = await done(clients.of("PurgeCache").purgeRequests(pool_id))
    assert [request["cacheName"] for request in purges["requests"]] == ["a-cache"]

    services = ("Auth", "Hooks", "Index", "Notify", "Object", "PurgeCache", "Queue", "Secrets", "WorkerManager")
    for service in services:
        assert (await done(clients.of(service).ping()))["alive"], service


async def visit_secrets(clients):
    name = f"journeys/{clients.name}"
    secret = {"secret": {"word": "hush"}, "expires": taskcluster.fromNowJSON("1 day")}
    await done(clients.of("Secrets").set(name, secret))
    assert (await done(clients.of("Secrets").get(name)))["secret"] == {"word": "hush"}
    await done(clients.of("Secrets").remove(name))
    assert await refusal(lambda: clients.of("Secrets").get(name)) == 404


async def journey(clients):
    await drive_a_task(clients)
    await trigger_a_hook(clients)
    await visit_services(clients)


async def with_a_session():
    async with taskcluster.aio.createSession() as session:
        await journey(Clients("async", session))


if sys.argv[1:] == ["async"]:
    asyncio.run(with_a_session())
else:
    # Nothing in it waits, so it is over in one step, without a loop; the package's own functions start one each.
    try:
        journey(Clients("sync")).send(None)
    except StopIteration:
        print("done")
