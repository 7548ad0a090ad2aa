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
