import { basename } from 'node:path';

/**
 * The name that this program was called by: `taskyard` in a checkout, `tyard` where it is installed from a package,
 * because the npm registry knows another program named `taskyard`.
 */
export const commandName = basename(process.argv[1] ?? '', '.js') === 'tyard' ? 'tyard' : 'taskyard';
