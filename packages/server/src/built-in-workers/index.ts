import type { Signal } from '../base/index.ts';
import type { Domain } from '../http/index.ts';
import { builtInLoops } from './loops.ts';
import type { BuiltInQueue } from './service.ts';

/** The door of the built-in workers. */
type BuiltInWorkers = Domain;

/** Puts the built-in workers to work on a queue; `pendingChanged` is the queue's own. */
export const createBuiltInWorkers = (deps: {
  readonly queue: BuiltInQueue;
  readonly pendingChanged: Signal;
}): BuiltInWorkers => ({
  verbs: {},
  routes: [],
  loops: builtInLoops(deps.queue, deps.pendingChanged),
});
