import type { Ending } from './platform.ts';

/** What is to end before what it uses: the last that was added ends first. */
export const endings = () => {
  const all: (() => Promise<void>)[] = [];
  const ending: Ending = { after: (end) => void all.unshift(end) };
  return {
    ending,
    runAll: async (): Promise<void> => {
      for (const end of all.splice(0)) await end();
    },
  };
};
