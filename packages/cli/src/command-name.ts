import { basename } from 'node:path';

/**
 * The name by which this program was called: `taskyard` in a checkout, `tyard` when it is installed from a package,
 * because the npm registry knows another program named `taskyard`.
 */
export const commandName = basename(process.argv[1] ?? '', '.js') === 'tyard' ? 'tyard' : 'taskyard';
