import { fork } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pause } from '@taskyard/client';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { findPlatform, type Platform, type PlatformSettings } from '../platform.ts';
import { joinPlatform } from './guest.ts';
import type { Started } from './protocol.ts';
import { whileNobodyStarts } from './start-lock.ts';

const program = fileURLToPath(new URL('./process.js', import.meta.url));
// It lets running tasks end.
const endsWithinMs = 120_000;
const logOf = (data: string): string => join(data, 'platform.log');

/** Starts the platform in a process of its own, and waits until it is ready. */
const startProcess = async (settings: PlatformSettings, project: string): Promise<void> => {
  // Appended to, so that it can be cut while it is written.
  await rm(logOf(settings.data), { force: true });
  const log = openSync(logOf(settings.data), 'a', 0o600);
  // In its own session, so that Ctrl-C at the terminal of one run does not end it for the others.
  const child = fork(program, [JSON.stringify({ settings, project })], {
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
    execArgv: [],
  });
  closeSync(log);
  const started = await new Promise<Started>((resolve) => {
    child.once('message', (told) => resolve(told as Started));
    child.once('error', ({ message }) => resolve({ type: 'failed', message }));
    child.once('exit', () => {
      const message = `The platform ended while it started. Its log is ${logOf(settings.data)}.`;
      resolve({ type: 'failed', message });
    });
  });
  child.unref();
  if (child.connected) child.disconnect();
  if (started.type === 'failed') throw new CommandError(exitCodes.failed, started.message);
};

/** The running platform of this folder, with a membership if it is shared; undefined when there is none. */
const findAndJoin = async (data: string): Promise<Platform | undefined> => {
  for (const giveUpAt = Date.now() + endsWithinMs; ; await pause(100)) {
    const guest = await joinPlatform(data);
    if (guest === undefined) return findPlatform(data);
    if (guest === 'turned-away') {
      if (Date.now() < giveUpAt) continue;
      const message = `The platform in ${data} is ending and does not come to its end. Its log is ${logOf(data)}.`;
      throw new CommandError(exitCodes.failed, message);
    }
    const platform = await findPlatform(data);
    if (platform) return { ...platform, guest, stop: guest.leave, logFile: logOf(data) };
    await guest.leave();
  }
};

/**
 * The platform of a data folder: the running one, or else one that is started and ends when the last run has left.
 *
 * @param onStart called before one is started
 */
export const sharePlatform = async (
  settings: PlatformSettings,
  { project, onStart }: { readonly project: string; readonly onStart: () => void },
): Promise<Platform> => {
  const { data } = settings;
  const there = await findAndJoin(data);
  if (there) return there;
  return whileNobodyStarts(data, { pause }, async () => {
    const meanwhile = await findAndJoin(data);
    if (meanwhile) return meanwhile;
    onStart();
    await startProcess(settings, project);
    const started = await findAndJoin(data);
    if (!started) {
      const message = `The platform ended before the run could use it. Its log is ${logOf(data)}.`;
      throw new CommandError(exitCodes.failed, message);
    }
    return started;
  });
};
