import { pause } from '@taskyard/client';
import type { Command } from 'commander';
import { commandNamed } from './connected.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { wholeNumber } from './input.ts';
import { type Io, remark, say, sayJsonLine } from './io.ts';
import { engineSentence } from './local-engine.ts';
import { findPlatform, type Platform, type PlatformSettings, startPlatform } from './platform.ts';

interface ServeOptions {
  readonly json?: true;
  readonly port?: number;
  readonly host?: string;
  readonly rootUrl?: string;
  readonly data?: string;
  readonly role?: string;
  readonly processes?: number;
  readonly config?: string;
  readonly worker: boolean;
  readonly project?: string;
  readonly demoCloud?: true;
}

/** Waits for the first request to end; the second ends the process at once. */
export const untilInterrupted = (io: Io): Promise<void> => {
  let count = 0;
  return new Promise((resolve) => {
    io.onInterrupt(() => {
      count += 1;
      if (count > 1) io.exit(exitCodes.interrupted);
      resolve();
    });
  });
};

// Nothing can be saved any more; running parts get a moment to notice.
const breakDownWithinMs = 10_000;

/** Ends the process with the reason when its platform cannot continue. */
export const endWhenBroken = (io: Io, { broken, stop }: Platform): void => {
  void broken?.then(async ({ message }) => {
    io.stderr.write(`taskyard: ${message}\n`);
    await Promise.race([stop().catch(() => {}), pause(breakDownWithinMs)]);
    io.exit(exitCodes.failed);
  });
};

const settingsOf = (
  io: Io,
  { port, host, rootUrl, data, role, processes, worker, project }: ServeOptions,
): PlatformSettings => ({
  data: data ?? io.environment.folder,
  port,
  host,
  rootUrl,
  role: role as PlatformSettings['role'],
  processes,
  worker: { ...(worker ? {} : { enabled: false }), ...(project === undefined ? {} : { project }) },
});

/** Prints the URL of the platform and the isolation of its tasks, as sentences or as a line of JSON. */
const tellOf = (io: Io, platform: Platform, { json }: ServeOptions): void => {
  const { rootUrl, otherUrls = [], signInUrl, engine, project } = platform;
  if (json) {
    sayJsonLine(io, { rootUrl, otherUrls, signInUrl, engine, project });
    return;
  }
  say(io, `Taskyard is ready at ${rootUrl}`);
  if (otherUrls.length > 0) say(io, `It also listens at ${otherUrls.join(', ')}`);
  if (engine) say(io, engineSentence(engine, project));
  if (signInUrl) say(io, `Sign in with a browser, once, within an hour: ${signInUrl}`);
};

/** `taskyard serve` */
export const serveCommand = (io: Io): Command =>
  commandNamed('serve')
    .description('Run the platform until SIGTERM or Ctrl-C. Standard output says when it is ready.')
    .option('--port <port>', 'port to listen on; 0 takes any free one (default: PORT or 8080)', wholeNumber)
    .option('--host <address>', 'address to listen on (default: HOST or 127.0.0.1)')
    .option(
      '--root-url <url>',
      'address that clients and workers use (default: ROOT_URL, or where it listens)',
    )
    .option('--data <folder>', 'where the platform keeps its data (default: TASKYARD_DATA or .taskyard)')
    .option('--role <role>', 'what this process does: all, api or background (default: ROLE or all)')
    .option(
      '--processes <count>',
      'processes that serve the API on that port (default: PROCESSES or 1)',
      wholeNumber,
    )
    .option('--config <file>', 'a YAML file of settings (default: TASKYARD_CONFIG)')
    .option('--no-worker', 'without workers on this machine')
    .option(
      '--project <folder>',
      'a folder that tasks on this machine may read (default: WORKER_PROJECT, or none)',
    )
    .option('--demo-cloud', 'simulate a cloud on this machine, with the worker pool demo/cloud')
    .action(async (options: ServeOptions) => {
      const settings = settingsOf(io, options);
      const running = await findPlatform(settings.data);
      if (running) {
        throw new CommandError(
          exitCodes.usage,
          `The platform in ${settings.data} runs already, at ${running.rootUrl}.`,
        );
      }
      const interrupted = untilInterrupted(io);
      const platform = await startPlatform(settings, {
        file: options.config,
        demoCloud: options.demoCloud,
      });
      endWhenBroken(io, platform);
      tellOf(io, platform, options);
      await interrupted;
      if (io.stderr.isTTY) remark(io, 'Finishing what has begun. Once more to kill.');
      await platform.stop();
    });
