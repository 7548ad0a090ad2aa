import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { downloadArtifact, locateArtifact, openBytes, type Queue, transferError } from '@taskyard/client';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf } from '../connected.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { filesForArtifacts } from '../follow/results.ts';
import { wholeNumber } from '../input.ts';
import { type Io, remark, sayJson } from '../io.ts';
import { unknownName } from '../known-names.ts';
import { listArtifacts } from '../listings.ts';

interface DownloadOptions extends ConnectedOptions {
  readonly run?: number;
  readonly output?: string;
  readonly all?: true;
}

interface Source {
  readonly queue: Queue;
  readonly taskId: string;
  readonly runId: number | undefined;
}

/** The artifacts of the task that are named; those below a prefix for a name that ends with a slash. */
const artifactsNamed = async (source: Source, names: readonly string[], all: boolean): Promise<string[]> => {
  const listed = await listArtifacts(source.queue, source);
  const known = listed.filter(({ storageType }) => storageType !== 'error').map(({ name }) => name);
  if (all) return known;
  const found = names.flatMap((wanted) => {
    const fitting = known.filter(
      (name) => name === wanted || (wanted.endsWith('/') && name.startsWith(wanted)),
    );
    if (fitting.length === 0) throw unknownName(`artifact of ${source.taskId}`, wanted, known);
    return fitting;
  });
  return [...new Set(found)];
};

const sayFile = (io: Io, file: { readonly path: string; readonly bytes: number }): void =>
  remark(io, `${file.path}: ${file.bytes} bytes`);

const sendToOutput = async (io: Io, { queue, taskId, runId }: Source, name: string): Promise<void> => {
  const { url } = await locateArtifact(queue, { taskId, runId, name });
  const { bytes } = await openBytes(url);
  await pipeline(bytes, io.stdout, { end: false }).catch((error: unknown) => {
    throw transferError(url, error);
  });
};

const saveAll = async (io: Io, source: Source, names: readonly string[], options: DownloadOptions) => {
  if (options.output === '-') {
    throw new CommandError(
      exitCodes.usage,
      'Standard output takes one artifact; name a folder with --output.',
    );
  }
  const { queue, taskId, runId } = source;
  const pathOf = filesForArtifacts(options.output ?? taskId);
  const files = [];
  for (const name of await artifactsNamed(source, names, options.all === true)) {
    const file = await downloadArtifact(queue, { taskId, runId, name, path: pathOf(name) });
    if (!options.json) sayFile(io, file);
    files.push({ name, ...file });
  }
  if (options.json) sayJson(io, files);
};

/** `taskyard task download <taskId> [names...]` */
export const downloadCommand = (io: Io): Command =>
  connectedCommand('download')
    .description('Download artifacts of a task: one as a file, several or all of them into a folder.')
    .argument('<taskId>')
    .argument(
      '[names...]',
      'names such as public/report.html; one that ends with / means all that are below it',
    )
    .option('--all', 'every artifact, including logs')
    .option('--run <runId>', 'of this run; by default of the latest', wholeNumber)
    .option(
      '-o, --output <path>',
      'where to write it; "-" is standard output. Default: the last part of the name; for several, a folder named as the task',
    )
    .action(async (taskId: string, names: string[], options: DownloadOptions) => {
      const source: Source = { queue: queueOf(io, options), taskId, runId: options.run };
      const [name, ...more] = names;
      if (name === undefined && !options.all) {
        throw new CommandError(exitCodes.usage, 'Name an artifact, or take them all with --all.');
      }
      if (name === undefined || more.length > 0 || options.all || name.endsWith('/')) {
        return saveAll(io, source, names, options);
      }
      if (options.output === '-') return sendToOutput(io, source, name);
      const path = options.output ?? basename(name);
      const file = await downloadArtifact(source.queue, { taskId, runId: options.run, name, path });
      if (options.json) sayJson(io, file);
      else sayFile(io, file);
    });
