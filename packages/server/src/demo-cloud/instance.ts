import { randomBytes } from 'node:crypto';
import type { Place } from './conditions.ts';

export type InstanceState = 'pending' | 'running' | 'shutting-down' | 'terminated';

/** An instance, as the cloud keeps it. */
export interface Instance {
  readonly id: string;
  readonly place: Place;
  readonly imageId: string;
  readonly privateIp: string;
  readonly launchTime: Date;
  readonly clientToken: string;
  readonly reservationId: string;
  /** In base64. */
  readonly userData: string | undefined;
  readonly tags: Map<string, string>;
  state: InstanceState;
  stateReason: { readonly code: string; readonly message: string } | undefined;
  endedAt: Date | undefined;
  /** When it will be taken back, as it is told. */
  interruptedAt: Date | undefined;
  isRebalanceRecommended: boolean;
}

/** An id as EC2 gives it: `i-` and 17 hexadecimal digits. */
export const newId = (prefix: string): string => `${prefix}-${randomBytes(9).toString('hex').slice(0, 17)}`;

/** Codes that EC2 gives with the names. */
export const stateCodes: Readonly<Record<InstanceState, number>> = {
  pending: 0,
  running: 16,
  'shutting-down': 32,
  terminated: 48,
};

export const accountId = '123456789012';
export const architecture = 'x86_64';

/** The document that says which instance it is. */
export const identityDocument = ({ id, place, imageId, privateIp, launchTime }: Instance): string =>
  JSON.stringify(
    {
      accountId,
      architecture,
      availabilityZone: place.zone,
      billingProducts: null,
      devpayProductCodes: null,
      marketplaceProductCodes: null,
      imageId,
      instanceId: id,
      instanceType: place.instanceType,
      kernelId: null,
      pendingTime: launchTime.toJSON().replace(/\.\d+Z$/, 'Z'),
      privateIp,
      ramdiskId: null,
      region: place.region,
      version: '2017-09-30',
    },
    null,
    2,
  );
