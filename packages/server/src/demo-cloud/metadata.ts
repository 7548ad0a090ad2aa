import { randomBytes } from 'node:crypto';
import { type Instance, identityDocument } from './instance.ts';
import type { Seal } from './seal.ts';

export interface MetadataRequest {
  readonly method: string;
  /** Below `/latest/`. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface MetadataReply {
  readonly status: number;
  readonly body: string;
}

const ttlHeader = 'x-aws-ec2-metadata-token-ttl-seconds';
const tokenHeader = 'x-aws-ec2-metadata-token';

/** The metadata of instances by the second version of the service, which answers only callers with a token. */
export const createMetadata = (seal: Seal) => {
  const tokens = new Map<string, string>();
  return async (instance: Instance, { method, path, headers }: MetadataRequest): Promise<MetadataReply> => {
    if (path === 'api/token') {
      const seconds = Number(headers[ttlHeader]);
      if (method !== 'PUT' || !(seconds >= 1 && seconds <= 21_600)) return { status: 400, body: '' };
      const token = randomBytes(24).toString('base64url');
      tokens.set(token, instance.id);
      return { status: 200, body: token };
    }
    if (tokens.get(String(headers[tokenHeader])) !== instance.id) return { status: 401, body: '' };
    const body = await textAt(instance, path, seal);
    return body === undefined ? { status: 404, body: '' } : { status: 200, body };
  };
};

const withoutMilliseconds = (date: Date): string => date.toJSON().replace(/\.\d+Z$/, 'Z');

const textAt = async (instance: Instance, path: string, seal: Seal): Promise<string | undefined> => {
  const { interruptedAt } = instance;
  const document = identityDocument(instance);
  switch (path) {
    case 'user-data':
      return instance.userData && Buffer.from(instance.userData, 'base64').toString();
    case 'dynamic/instance-identity/document':
      return document;
    case 'dynamic/instance-identity/signature':
      return seal.sign(document);
    case 'dynamic/instance-identity/rsa2048':
      return seal.wrap(document);
    case 'meta-data/instance-id':
      return instance.id;
    case 'meta-data/instance-type':
      return instance.place.instanceType;
    case 'meta-data/placement/availability-zone':
      return instance.place.zone;
    case 'meta-data/spot/instance-action':
      return (
        interruptedAt && JSON.stringify({ action: 'terminate', time: withoutMilliseconds(interruptedAt) })
      );
    case 'meta-data/events/recommendations/rebalance':
      return instance.isRebalanceRecommended
        ? JSON.stringify({ noticeTime: withoutMilliseconds(instance.launchTime) })
        : undefined;
    default:
      return undefined;
  }
};
