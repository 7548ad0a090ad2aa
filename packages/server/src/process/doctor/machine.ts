import { statfs } from 'node:fs/promises';
import type { Config } from '../../config/index.ts';
import { prepareDataFolder } from '../data-folder.ts';
import { type Finding, fault, ok, warning } from './finding.ts';

/** Each process keeps a file open for each connection of a client, a worker and the database. */
const openFilesMin = 4096;
const freeBytesLow = 2 ** 30;
/** The first version of Node that the packages support. */
const nodeMin = [20, 19] as const;

export const nodeFinding = (version: string): Finding => {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const isOld = major < nodeMin[0] || (major === nodeMin[0] && minor < nodeMin[1]);
  return isOld
    ? fault(`Node.js is ${version}.`, `Install ${nodeMin.join('.')} or later.`)
    : ok(`Node.js ${version}`);
};

/** The most files that this process may open, where the system says so. */
const openFilesMax = (): number | undefined => {
  const { userLimits } = process.report.getReport() as unknown as {
    userLimits?: Readonly<Record<string, { readonly soft: number | string }>>;
  };
  const soft = userLimits?.open_files?.soft;
  return typeof soft === 'number' ? soft : undefined;
};

export const openFilesFinding = (most: number | undefined): Finding =>
  most === undefined || most >= openFilesMin
    ? ok(`Open files: ${most ?? 'no limit'}`)
    : warning(
        `This user's programs may open ${most} files.`,
        `Allow ${openFilesMin} or more: each caller and worker takes one (ulimit -n, LimitNOFILE).`,
      );

/** Node.js, and the limits that this user has. */
export const examineMachine = async (): Promise<Finding[]> => [
  nodeFinding(process.version),
  openFilesFinding(openFilesMax()),
];

/** Whether the data folder can be used, and how much room it has. */
export const examineFolder = async ({ data }: Config): Promise<Finding[]> => {
  try {
    await prepareDataFolder(data);
  } catch (error) {
    const { message } = error as Error;
    return [fault(message, 'Choose another one (TASKYARD_DATA), or give it to the user that runs tyard.')];
  }
  const { bavail, bsize } = await statfs(data);
  const free = bavail * bsize;
  const megabytes = `${Math.floor(free / 1_000_000)} MB`;
  return free < freeBytesLow
    ? [warning(`The disk of ${data} has ${megabytes} left.`, 'Make room, or let `tyard clean` do it.')]
    : [ok(`${data}: ${megabytes} free`)];
};
