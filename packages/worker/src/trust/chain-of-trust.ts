import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { withBytes } from '../artifacts/index.ts';
import { openInside, type Root } from '../trees/index.ts';

/** An uploaded file: its name as an artifact, and where it is. */
export interface CertifiedFile {
  readonly name: string;
  readonly path: string;
  /** The path is one below this directory, which a task has filled. */
  readonly inside?: Root | undefined;
}

export interface Certified {
  readonly taskId: string;
  readonly runId: number;
  /** Its definition. */
  readonly task: unknown;
  readonly workerGroup: string;
  readonly workerId: string;
  /** Where the worker's cloud has told it. */
  readonly instanceType: string | undefined;
  readonly files: readonly CertifiedFile[];
}

export const certifiedLogName = 'public/logs/certified.log';
export const certificateName = 'public/chain-of-trust.json';
export const signatureName = `${certificateName}.sig`;

const additionsName = 'chain-of-trust-additional-data.json';
const additionsBytesMax = 10 * 1024 * 1024;

const sha256Of = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
};

const ownAddress = (): string | undefined =>
  Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')?.address;

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What a task adds to its certificate; nothing that the worker says itself can be changed by it. */
export const readAdditions = async (taskDirectory: string): Promise<Json> => {
  const file = await openInside({ directory: taskDirectory, shownAs: taskDirectory }, additionsName).catch(
    () => undefined,
  );
  if (file === undefined) return {};
  let text: string;
  try {
    if ((await file.stat()).size > additionsBytesMax) throw new Error(`${additionsName} is too large.`);
    text = await file.readFile('utf8');
  } finally {
    await file.close();
  }
  const additions: unknown = JSON.parse(text);
  if (!isObject(additions)) throw new Error(`${additionsName} is not an object.`);
  return additions;
};

const merged = (under: Json, over: Json): Json => {
  const both = Object.entries(over).map(([name, value]) => {
    const below = under[name];
    return [name, isObject(below) && isObject(value) ? merged(below, value) : value];
  });
  return { ...under, ...Object.fromEntries(both) };
};

/** The text that says which bytes a task made, and where. */
export const certificateOf = async (certified: Certified, additions: Json): Promise<string> => {
  const { taskId, runId, task, workerGroup, workerId, instanceType } = certified;
  const hashes: [string, Json][] = [];
  for (const file of certified.files) hashes.push([file.name, { sha256: await withBytes(file, sha256Of) }]);
  const artifacts = Object.fromEntries(hashes);
  const machine = { instanceId: workerId, instanceType, region: workerGroup };
  const environment = { privateIpAddress: ownAddress(), ...machine };
  const own = { chainOfTrustVersion: 1, artifacts, task, taskId, runId, workerGroup, workerId, environment };
  return `${JSON.stringify(merged(additions, own), undefined, 2)}\n`;
};

/** Copies the log as it is now, as a file that grows no more. */
export const freezeLog = async (path: string, directory: string): Promise<CertifiedFile> => {
  const copy = join(directory, 'certified.log');
  await copyFile(path, copy);
  return { name: certifiedLogName, path: copy };
};

/** Writes certificate and signature down, to be uploaded. */
export const writeCertificate = async (
  certificate: string,
  signature: Uint8Array,
  directory: string,
): Promise<CertifiedFile[]> => {
  const files = [
    { name: certificateName, path: join(directory, 'chain-of-trust.json'), bytes: certificate },
    { name: signatureName, path: join(directory, 'chain-of-trust.json.sig'), bytes: signature },
  ];
  for (const { path, bytes } of files) await writeFile(path, bytes);
  return files.map(({ name, path }) => ({ name, path }));
};
