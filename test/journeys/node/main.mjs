// Visits a platform with the npm package taskcluster-client, and calls every method that it has.
import assert from 'node:assert/strict';
import { visitAuth } from './auth.mjs';
import { journey } from './journey.mjs';
import { visitQueue } from './queue.mjs';
import * as services from './services.mjs';
import { methodsNotCalled } from './site.mjs';

const visits = [
  journey,
  visitAuth,
  visitQueue,
  services.visitIndex,
  services.visitHooks,
  services.visitNotify,
  services.visitObject,
  services.visitWorkerManager,
  services.visitSecrets,
  services.visitPurgeCache,
  services.visitGithub,
  services.visitEveryService,
];
for (const visit of visits) {
  try {
    await visit();
    console.log(`${visit.name}: done`);
  } catch (error) {
    console.error(`${visit.name}:`, error);
    process.exitCode = 1;
  }
}
if (!process.exitCode) assert.deepEqual(methodsNotCalled(), []);
