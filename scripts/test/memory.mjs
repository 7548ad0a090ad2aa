// Where the databases of tests are. On a disk the thousand files of one take up to a second of a processor to make and to
// copy, in memory a tenth of that.
import { accessSync, constants, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';

const place = '/dev/shm';
/** What Linux calls a file system in memory, see statfs(2). */
const tmpfs = 0x01021994;
/** All that is there at a time during a run, and as much for the tests themselves. */
const roomMin = 4 * 2 ** 30;

/** A folder in memory where there is plenty of it and we may write, otherwise the one for temporary files. */
export const quickFolder = () => {
  try {
    accessSync(place, constants.W_OK);
    const { type, bsize, bavail } = statfsSync(place);
    const room = Math.min(bsize * bavail, process.availableMemory());
    return type === tmpfs && room > roomMin ? place : tmpdir();
  } catch {
    return tmpdir();
  }
};
