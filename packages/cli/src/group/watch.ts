import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf } from '../connected.ts';
import { exitCodes } from '../exit-codes.ts';
import { applyListed } from '../follow/follow-group.ts';
import { GroupState } from '../follow/group-state.ts';
import { presenterFor, type Subject } from '../follow/presenter.ts';
import { gatherReport, printJsonReport, printReport } from '../follow/report.ts';
import { watchGroup } from '../follow/watch.ts';
import type { Io } from '../io.ts';
import { listGroup } from '../listings.ts';
import { groupPage } from '../pages.ts';

/** `taskyard group watch <taskGroupId>` */
export const watchCommand = (io: Io): Command =>
  connectedCommand('watch')
    .description('Follow a group until nothing in it can run any more. Ctrl-C ends the watching only.')
    .argument('<taskGroupId>')
    .action(async (taskGroupId: string, options: ConnectedOptions) => {
      const queue = queueOf(io, options);
      const group = new GroupState();
      const subject: Subject = {
        title: taskGroupId,
        taskGroupId,
        url: groupPage(queue.options.rootUrl, taskGroupId),
        group,
        startedAt: new Date(),
        expectedMs: () => undefined,
      };
      const presenter = presenterFor(io, subject, options.json);
      const interrupt = new AbortController();
      const stopListening = io.onInterrupt(() => interrupt.abort());
      const begin = async (): Promise<void> => {
        for (const listed of await listGroup(queue, taskGroupId)) applyListed(group, listed);
      };
      try {
        await watchGroup({ queue, subject, presenter, begin, signal: interrupt.signal });
      } finally {
        stopListening();
      }
      if (interrupt.signal.aborted) return io.setExitCode(exitCodes.interrupted);
      const report = await gatherReport(queue, subject);
      if (options.json) printJsonReport(io, report);
      else printReport(io, report);
      io.setExitCode(report.isComplete ? exitCodes.ok : exitCodes.failed);
    });
