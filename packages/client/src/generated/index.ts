// Generated from the server's contracts by `npm run generate`. Do not edit.
import { Auth } from './auth.ts';
import { Events } from './events.ts';
import { Github } from './github.ts';
import { Hooks } from './hooks.ts';
import { Index } from './index-service.ts';
import { Notify } from './notify.ts';
import { ObjectService } from './object.ts';
import { PurgeCache } from './purge-cache.ts';
import { Queue } from './queue.ts';
import { Scheduler } from './scheduler.ts';
import { Secrets } from './secrets.ts';
import { Sessions } from './sessions.ts';
import { Views } from './views.ts';
import { WebServer } from './web-server.ts';
import { WorkerManager } from './worker-manager.ts';

export * from './auth.ts';
export * from './events.ts';
export * from './github.ts';
export * from './hooks.ts';
export * from './index-service.ts';
export * from './notify.ts';
export * from './object.ts';
export * from './purge-cache.ts';
export * from './queue.ts';
export * from './scheduler.ts';
export * from './secrets.ts';
export * from './sessions.ts';
export * from './views.ts';
export * from './web-server.ts';
export * from './worker-manager.ts';

/** The client classes, by service. */
export const services = {
  'auth': Auth,
  'events': Events,
  'github': Github,
  'hooks': Hooks,
  'index': Index,
  'notify': Notify,
  'object': ObjectService,
  'purge-cache': PurgeCache,
  'queue': Queue,
  'scheduler': Scheduler,
  'secrets': Secrets,
  'sessions': Sessions,
  'views': Views,
  'web-server': WebServer,
  'worker-manager': WorkerManager,
};
