export { isPrivateAddress } from './private-addresses.ts';
export { privateAddressIn, publicLookup } from './public-addresses.ts';
