import type { RegisterWorkerRequest } from '@taskyard/client';
import type { InstanceMetadata } from './instance-metadata.ts';

/** The identity of a worker for worker-manager, and its proof. */
export interface Identity {
  readonly rootUrl: string;
  readonly workerPoolId: string;
  readonly providerId: string;
  readonly workerGroup: string;
  readonly workerId: string;
  readonly proof: RegisterWorkerRequest['workerIdentityProof'];
  /** The proof is accepted once only: a worker that is started again has to remember its secret. */
  readonly isProofUsedUp: boolean;
  /** The place and kind of the machine, if they are known. */
  readonly whereabouts: { readonly location?: string; readonly instanceType?: string };
}

interface UserData {
  readonly rootUrl?: string;
  readonly workerPoolId?: string;
  readonly providerId?: string;
  readonly workerGroup?: string;
}

interface IdentityDocument {
  readonly instanceId?: string;
  readonly instanceType?: string;
  readonly region?: string;
  readonly availabilityZone?: string;
}

const required = async (metadata: InstanceMetadata, path: string): Promise<string> => {
  const text = await metadata.read(path);
  if (text === undefined) throw new Error(`The instance's metadata lacks ${path}.`);
  return text;
};

/** An instance of EC2 that a provider started: it knows its pool from the provider, and itself from its cloud. */
export const identityOfInstance = async (metadata: InstanceMetadata): Promise<Identity> => {
  const given = JSON.parse(await required(metadata, 'user-data')) as UserData;
  const document = await required(metadata, 'dynamic/instance-identity/document');
  const signature = await required(metadata, 'dynamic/instance-identity/signature');
  const { instanceId, instanceType, region, availabilityZone } = JSON.parse(document) as IdentityDocument;
  const { rootUrl, workerPoolId, providerId, workerGroup } = given;
  if (!rootUrl || !workerPoolId || !providerId || !workerGroup || !instanceId) {
    throw new Error("The instance's user data do not say whose worker it is to be.");
  }
  return {
    rootUrl,
    workerPoolId,
    providerId,
    workerGroup,
    workerId: instanceId,
    proof: { document, signature },
    isProofUsedUp: true,
    whereabouts: {
      location: JSON.stringify({ cloud: 'aws', region, availabilityZone }),
      ...(instanceType === undefined ? {} : { instanceType }),
    },
  };
};
