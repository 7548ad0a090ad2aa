import { X509Certificate } from 'node:crypto';
import { minutes } from '../../../base/index.ts';
import type { IdentityProof } from '../../schema/index.ts';
import type { WorkerRow } from '../../store/index.ts';
import type { WorkerFacts } from '../provider.ts';
import { factsOf, findInstancesById } from './instances.ts';
import type { AwsContext } from './launch.ts';
import { documentIn } from './signed-document.ts';

/** What Amazon signs about an instance, as far as we look at it. */
interface IdentityDocument {
  readonly accountId?: unknown;
  readonly architecture?: unknown;
  readonly availabilityZone?: unknown;
  readonly imageId?: unknown;
  readonly instanceId?: unknown;
  readonly instanceType?: unknown;
  readonly pendingTime?: unknown;
  readonly privateIp?: unknown;
  readonly region?: unknown;
}

/** What a document says, by the names under which we keep the same. */
const claimsOf = (document: IdentityDocument): Readonly<Record<string, unknown>> => ({
  accountId: document.accountId,
  architecture: document.architecture,
  zone: document.availabilityZone,
  imageId: document.imageId,
  instanceType: document.instanceType,
  privateIp: document.privateIp,
  region: document.region,
});

/** Between the start of an instance as EC2 tells us and as it tells the instance. */
const launchToleranceMs = minutes(5);

/** Judges whether a proof is one of the instance that a worker was started on. It counts once. */
export const createIdentify = (context: AwsContext, pems: readonly string[]) => {
  const certificates = pems.map((pem) => new X509Certificate(pem));
  return async (worker: WorkerRow, proof: IdentityProof): Promise<WorkerFacts | 'refused'> => {
    // Tasks on an instance can read its document as well. What it opens has to be open once only.
    if (worker.state !== 'requested') return 'refused';
    const text = await documentIn(proof, certificates);
    const document = text === undefined ? undefined : parsed(text);
    if (document === undefined || document.instanceId !== worker.workerId) return 'refused';
    const known = isComplete(worker.facts)
      ? worker.facts
      : { ...worker.facts, ...(await lookUp(context, worker)) };
    return agrees(document, known) ? known : 'refused';
  };
};

const parsed = (text: string): IdentityDocument | undefined => {
  try {
    const document: unknown = JSON.parse(text);
    return typeof document === 'object' && document !== null ? document : undefined;
  } catch {
    return undefined;
  }
};

const isComplete = (facts: WorkerFacts): boolean =>
  Object.keys(claimsOf({})).every((name) => facts[name] !== undefined) && facts.launchTime !== undefined;

/** What EC2 itself says of an instance, where we do not know enough: it may not show a new one, or not its address yet. */
const lookUp = async (context: AwsContext, worker: WorkerRow): Promise<WorkerFacts | undefined> => {
  const { reader: ec2 } = await context.regions.in(worker.workerGroup);
  const [instance] = await findInstancesById(ec2, [worker.workerId]);
  return instance && factsOf(worker.workerGroup, instance);
};

/**
 * Whether a document says nothing else than EC2 has told us. Amazon has signed it for this very instance, which is ours:
 * what EC2 has not told yet need not be waited for.
 */
const agrees = (document: IdentityDocument, facts: WorkerFacts): boolean => {
  const claims = Object.entries(claimsOf(document));
  const startedAt = Date.parse(String(document.pendingTime));
  const launchedAt = Date.parse(String(facts.launchTime));
  return (
    claims.every(([name, claim]) => typeof claim === 'string' && (facts[name] ?? claim) === claim) &&
    (facts.launchTime === undefined || Math.abs(startedAt - launchedAt) <= launchToleranceMs)
  );
};
