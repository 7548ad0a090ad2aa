import { shellNameOf, type TaskDescription } from '../payload/index.ts';
import { announce } from './announce.ts';
import { shellPlaceOf } from './command-place.ts';
import type { Run } from './run.ts';
import type { Surroundings } from './surroundings.ts';

/** Shells in a task, for those who may read the artifact that leads to them. */
export interface OfferedShells {
  /** Ends those that are open. */
  withdraw(): Promise<void>;
}

/** Offers shells while the commands run, if the payload asks for that. The commands do not wait for it. */
export const offerShells = (
  run: Run,
  description: TaskDescription,
  surroundings: Pick<Surroundings, 'container' | 'environment'>,
): OfferedShells | undefined => {
  const { tools, log, claim } = run;
  const { openTerminal } = tools.engine;
  if (!description.features.interactive || !openTerminal) return undefined;
  const place = shellPlaceOf(run, description, surroundings);
  const offered = tools.shells.offer((size) => openTerminal(place, size));
  const over = new AbortController();
  const announced = announce(run, {
    what: 'A shell',
    name: shellNameOf(description),
    contentType: 'text/html',
    url: offered.url,
    maxRunTimeSeconds: description.maxRunTimeSeconds,
    over: over.signal,
  });
  void announced.then((isShown) => {
    if (isShown) log.info(`[interactive] A shell in this task: \`taskyard task shell ${claim.taskId}\``);
  });
  return {
    withdraw: async () => {
      over.abort();
      await offered.withdraw();
      await announced;
    },
  };
};
