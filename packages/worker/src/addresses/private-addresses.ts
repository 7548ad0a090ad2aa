import { BlockList, isIP } from 'node:net';

const v4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];
const v6: readonly (readonly [string, number])[] = [
  ['::', 127],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
];
// Addresses of the old kind in those of the new: mapped, compatible, translated, by tunnel. From which bit they stand.
const carrying: readonly (readonly [string, number, number])[] = [
  ['::ffff:0:0', 96, 96],
  ['::', 96, 96],
  ['64:ff9b::', 96, 96],
  ['2002::', 16, 16],
];

const listOf = (nets: readonly (readonly [string, number])[], family: 'ipv4' | 'ipv6'): BlockList => {
  const list = new BlockList();
  for (const [net, bits] of nets) list.addSubnet(net, bits, family);
  return list;
};
const privateV4 = listOf(v4, 'ipv4');
const privateV6 = listOf(v6, 'ipv6');

/** The eight groups of an address, as numbers. */
const groupsOf = (address: string): number[] => {
  const plain = new URL(`http://[${address.split('%')[0]}]`).hostname.slice(1, -1);
  const [head = '', tail] = plain.split('::');
  const read = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const [before, after] = [read(head), read(tail ?? '')];
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
};

const carriedIn = (address: string): string | undefined => {
  const found = carrying.find(([net, bits]) => listOf([[net, bits]], 'ipv6').check(address, 'ipv6'));
  if (!found) return undefined;
  const at = found[2] / 16;
  const [high = 0, low = 0] = groupsOf(address).slice(at, at + 2);
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
};

/** Whether an IP address is none of the public internet: private, loopback, link-local, multicast and the like. */
export const isPrivateAddress = (address: string): boolean => {
  if (isIP(address) === 4) return privateV4.check(address, 'ipv4');
  const plain = address.split('%')[0] ?? '';
  if (privateV6.check(plain, 'ipv6')) return true;
  const carried = carriedIn(plain);
  return carried !== undefined && privateV4.check(carried, 'ipv4');
};
