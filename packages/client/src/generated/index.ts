// Generated from the server's contracts by `npm run generate`. Do not edit.
import { Auth } from './auth.ts';
import { Events } from './events.ts';
import { ObjectService } from './object.ts';
import { Queue } from './queue.ts';
import { Scheduler } from './scheduler.ts';

export * from './auth.ts';
export * from './events.ts';
export * from './object.ts';
export * from './queue.ts';
export * from './scheduler.ts';

/** The client classes, by service. */
export const services = {
  'auth': Auth,
  'events': Events,
  'object': ObjectService,
  'queue': Queue,
  'scheduler': Scheduler,
};
