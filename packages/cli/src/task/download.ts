import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { downloadArtifact, locateArtifact, openBytes, transferError } from '@taskyard/client';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf } from '../connected.ts';
import { wholeNumber } from '../input.ts';
import { type Io, remark, sayJson } from '../io.ts';

interface DownloadOptions extends ConnectedOptions {
  readonly run?: number;
  readonly output?: string;
}

/** `taskyard task download <taskId> <name>` */
export const downloadCommand = (io: Io): Command =>
  connectedCommand('download')
    .description('Download an artifact of a task.')
    .argument('<taskId>')
    .argument('<name>', 'the name of the artifact, such as public/report.html')
    .option('--run <runId>', 'of this run; by default of the latest', wholeNumber)
    .option(
      '-o, --output <path>',
      'where to write it; "-" is standard output. Default: the last part of the name',
    )
    .action(async (taskId: string, name: string, options: DownloadOptions) => {
      const queue = queueOf(io, options);
      const ref = { taskId, name, runId: options.run };
      if (options.output === '-') {
        const { url } = await locateArtifact(queue, ref);
        const { bytes } = await openBytes(url);
        await pipeline(bytes, io.stdout, { end: false }).catch((error: unknown) => {
          throw transferError(url, error);
        });
        return;
      }
      const file = await downloadArtifact(queue, { ...ref, path: options.output ?? basename(name) });
      if (options.json) sayJson(io, file);
      else remark(io, `${file.path}: ${file.bytes} bytes`);
    });
