import { containerCases } from './testing/container-cases.ts';
import { mountCases } from './testing/mount-cases.ts';
import { testPayloads } from './testing/payloads-on.ts';

await testPayloads('docker', 'docker: mounts and images', async (scene) => [
  ...mountCases(scene.queue),
  ...(await containerCases(scene)),
]);
