import { transact } from '../../base/index.ts';
import type { Context } from '../context.ts';
import * as lifecycle from '../lifecycle.ts';
import { runOfBytes } from './keys.ts';

/**
 * Replaces bytes on disk by `replace`. Those of an artifact are replaced only during its run, which cannot end meanwhile, so
 * the artifacts of a resolved run never change. Throws a RequestConflict otherwise.
 */
export const replaceBytes = async (
  context: Context,
  key: string,
  replace: () => Promise<void>,
): Promise<void> => {
  const run = runOfBytes(key);
  if (!run) return replace();
  await transact(context, async (tx) => {
    const [status] = await context.shareStatuses(tx, [run.taskId]);
    const refusal = lifecycle.replaceRefusal(status?.runs[run.runId]);
    if (refusal) throw refusal;
    await replace();
  });
};
