export { type Identity, identityOfInstance } from './identity.ts';
export { defaultMetadataEndpoint, type InstanceMetadata, instanceMetadata } from './instance-metadata.ts';
export { followNotices, type Notice } from './interruption-notices.ts';
export { type Joining, joinPool, type Membership } from './membership.ts';
