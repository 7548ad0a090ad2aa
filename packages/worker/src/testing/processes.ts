import { readdir, readFile } from 'node:fs/promises';

/** The processes of this machine whose command line or environment holds a word. */
export const processesWith = async (
  word: string,
  file: 'cmdline' | 'environ' = 'cmdline',
): Promise<string[]> => {
  const entries = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  const texts = await Promise.all(
    entries.map((entry) => readFile(`/proc/${entry}/${file}`, 'utf8').catch(() => '')),
  );
  return texts.filter((text) => text.includes(word));
};

/** Whether a process goes on: one that has ended may stay in the list as a zombie. */
export const isRunning = async (pid: number): Promise<boolean> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const state = stat.slice(stat.lastIndexOf(')') + 2)[0];
  return state !== undefined && state !== 'Z' && state !== 'X';
};
