import { open, readdir, rename, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { postgresFolder } from '../base/index.ts';
import type { CleanedFiles } from './clean-caches.ts';

/** Files that are added to as long as the platform runs. */
const logsIn = async (data: string): Promise<string[]> => {
  const runs = join(data, 'local-workers', 'runs');
  const workers = await readdir(runs).catch(() => []);
  return [
    join(data, 'platform.log'),
    join(data, postgresFolder, 'log'),
    ...workers.map((worker) => join(runs, worker, 'worker.log')),
  ];
};

const lastBytesOf = async (path: string, size: number, count: number): Promise<Buffer> => {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(count), 0, count, size - count);
    const last = buffer.subarray(0, bytesRead);
    return last.subarray(last.indexOf('\n') + 1);
  } finally {
    await file.close();
  }
};

/** What is kept of a log that is cut: enough to see what came before. */
const keptBytes = 1024 * 1024;

/**
 * Cuts log files of a platform that are longer than this: the end of each is kept beside it as `<name>.1`. Who writes to one
 * goes on at its beginning, since all of them are opened for appending.
 */
export const cleanLogs = async (
  data: string,
  { bytesMax, isDryRun }: { readonly bytesMax: number; readonly isDryRun: boolean },
): Promise<CleanedFiles> => {
  const cleaned = { count: 0, bytes: 0 };
  for (const path of await logsIn(data)) {
    const size = (await stat(path).catch(() => undefined))?.size ?? 0;
    if (size <= bytesMax) continue;
    if (!isDryRun) {
      await writeFile(`${path}.new`, await lastBytesOf(path, size, Math.min(keptBytes, size)), {
        mode: 0o600,
      });
      await rename(`${path}.new`, `${path}.1`);
      await truncate(path);
    }
    cleaned.count++;
    cleaned.bytes += size;
  }
  return cleaned;
};
