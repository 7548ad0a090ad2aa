import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, leftOutFor } from '@taskyard/patience';
import { freePort } from './free-port.ts';
import { type Ending, root } from './platform.ts';

const program = join(root, 'test/moto/.venv/bin/moto_server');

/** The reason to leave out tests that need it, or false. */
export const skipWithoutMoto = leftOutFor(
  !existsSync(program) && 'moto is not installed: scripts/ci/install does it',
);

/** EC2 as others have built it from Amazon's documents. Returns where it listens. */
export const startMoto = async (test: Ending): Promise<string> => {
  const port = await freePort();
  const child = spawn(program, ['-H', '127.0.0.1', '-p', String(port)], {
    env: {
      ...process.env,
      MOTO_ENABLE_AMI_VALIDATION: 'true',
      MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION: 'true',
    },
    stdio: 'ignore',
  });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  test.after(async () => {
    child.kill('SIGTERM');
    await gone;
  });
  const url = `http://127.0.0.1:${port}`;
  await eventually('moto to listen', () =>
    fetch(`${url}/moto-api/data.json`).then(
      ({ ok }) => ok || undefined,
      () => undefined,
    ),
  );
  return url;
};
