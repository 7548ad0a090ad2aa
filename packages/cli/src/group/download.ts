import { basename } from 'node:path';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf } from '../connected.ts';
import { exitCodes } from '../exit-codes.ts';
import { applyListed } from '../follow/follow-group.ts';
import { GroupState } from '../follow/group-state.ts';
import { gatherReport } from '../follow/report.ts';
import { saveResultsIn, shownPath } from '../follow/results.ts';
import { harmless, type Io, remark, say, sayJson } from '../io.ts';
import { listGroup } from '../listings.ts';

interface DownloadOptions extends ConnectedOptions {
  readonly output?: string;
}

/** `taskyard group download <taskGroupId>` */
export const downloadCommand = (io: Io): Command =>
  connectedCommand('download')
    .description('Save all artifacts of a group, except logs, as <folder>/<task>/<artifact>.')
    .argument('<taskGroupId>')
    .option('-o, --output <folder>', 'the folder (default: the taskGroupId)')
    .action(async (taskGroupId: string, options: DownloadOptions) => {
      const queue = queueOf(io, options);
      const group = new GroupState();
      for (const listed of await listGroup(queue, taskGroupId)) applyListed(group, listed);
      let hasFailed = false;
      const save = saveResultsIn(queue, options.output ?? basename(taskGroupId), (text) => {
        hasFailed = true;
        remark(io, text);
      });
      const { artifacts } = await gatherReport(queue, { group, startedAt: new Date() }, save);
      if (options.json) sayJson(io, artifacts);
      else for (const { path } of artifacts) if (path) say(io, harmless(shownPath(path)));
      if (hasFailed) io.setExitCode(exitCodes.failed);
    });
