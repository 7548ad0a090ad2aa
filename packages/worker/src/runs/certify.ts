import { type CollectedFile, uploadFile } from '../artifacts/index.ts';
import {
  certificateName,
  certificateOf,
  certifiedLogName,
  freezeLog,
  readAdditions,
  type SigningKey,
  writeCertificate,
} from '../trust/index.ts';
import type { Run } from './run.ts';

const contentTypes: Readonly<Record<string, string>> = {
  [certifiedLogName]: 'text/plain; charset=utf-8',
  [certificateName]: 'application/json',
};

/**
 * Uploads the log so far, and a signed list of it and of everything that the task left. Returns whether that
 * could be done: what the task adds to the list may be wrong.
 */
export const certify = async (
  run: Run,
  uploaded: readonly CollectedFile[],
  key: SigningKey | undefined,
): Promise<boolean> => {
  const { claim, tools, log, interrupted, privateDirectory } = run;
  const { taskId, runId, task } = claim;
  const { workerGroup, workerId } = tools.identity;
  const instanceType = tools.whereabouts.TASKCLUSTER_INSTANCE_TYPE;
  if (!key) throw new Error('There is no key to certify with.');
  const additions = await readAdditions(run.taskDirectory).catch((error: Error) => error);
  if (additions instanceof Error) {
    log.error(`[chain-of-trust] ${additions.message}`);
    return false;
  }
  log.info('[chain-of-trust] Certifying what the task made');
  await log.flushed();
  const certifiedLog = await freezeLog(log.path, privateDirectory);
  const files = [...uploaded, certifiedLog];
  const certified = { taskId, runId, task, workerGroup, workerId, instanceType, files };
  const certificate = await certificateOf(certified, additions);
  const signature = key.sign(Buffer.from(certificate));
  const written = await writeCertificate(certificate, signature, privateDirectory);
  for (const { name, path } of [certifiedLog, ...written]) {
    const contentType = contentTypes[name] ?? 'application/octet-stream';
    const contentEncoding = contentTypes[name] === undefined ? 'identity' : 'gzip';
    const expires = new Date(task.expires ?? task.deadline);
    await uploadFile(claim, { name, path, expires, contentType, contentEncoding }, interrupted);
  }
  return true;
};
