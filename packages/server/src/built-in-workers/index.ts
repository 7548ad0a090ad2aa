import type { Loop, Signal } from '../base/index.ts';
import { builtInLoops } from './loops.ts';
import type { BuiltInQueue } from './service.ts';

/** The door of the built-in workers. */
interface BuiltInWorkers {
  readonly loops: readonly Loop[];
}

/** Puts the built-in workers to work on a queue; `pendingChanged` is the queue's own. */
export const createBuiltInWorkers = (deps: {
  readonly queue: BuiltInQueue;
  readonly pendingChanged: Signal;
}): BuiltInWorkers => ({ loops: builtInLoops(deps.queue, deps.pendingChanged) });
