#!/usr/bin/env bash
# scriptworker 63.6.1 with taskcluster 113.2.0 from PyPI (seen on Python 3.11)
#
# While a task runs, `reclaim_task` renews its claim in a loop of its own. A 409 ends the task, as it should. Any other refusal, after
# the few seconds for which the client repeats a 5xx, ends the loop and nothing else: `worker.py` never awaits it, it only cancels it
# when the task is over. The task goes on, its claim runs out, the queue gives the run to somebody else, and the first one's
# report comes too late. So a server that restarts for longer than that makes every such task run twice.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check scriptworker==63.6.1 taskcluster==113.2.0
cat >seen.py <<'PY'
import asyncio
from types import SimpleNamespace

from scriptworker.task import reclaim_task
from taskcluster.exceptions import TaskclusterRestFailure


class Queue:
    """Away when a claim is renewed for the second time, and back afterwards."""

    def __init__(self):
        self.asked = 0

    async def reclaimTask(self, task_id, run_id):
        self.asked += 1
        if self.asked == 2:
            raise TaskclusterRestFailure("away", superExc=None, status_code=503)
        return {"credentials": {}}


async def main():
    queue, task = Queue(), {"payload": {}}
    claim = {"status": {"taskId": "AAAAAAAAAAAAAAAAAAAAAA"}, "runId": 0}
    context = SimpleNamespace(
        config={"reclaim_interval": 0}, task=task, claim_task=claim, temp_queue=queue, proc=object()
    )
    # As worker.py does it.
    renewing = asyncio.get_running_loop().create_task(reclaim_task(context, task))
    ended, _ = await asyncio.wait([renewing], timeout=60)
    print(f"asked {queue.asked} times, renewing: {not ended}, the task runs: {context.proc is not None}")
    print("what nobody looks at:", repr(renewing.exception()))


asyncio.run(main())
PY
venv/bin/python seen.py | tee seen
diff seen - <<'WANTED'
asked 2 times, renewing: False, the task runs: True
what nobody looks at: TaskclusterRestFailure('away')
WANTED
