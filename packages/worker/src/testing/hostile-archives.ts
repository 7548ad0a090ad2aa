import { buffer } from 'node:stream/consumers';
import { type Header, pack } from 'tar-stream';
import { crc32 } from './crc32.ts';

/** An entry of an archive: its name and what it is. Content makes it a file, `link` a symbolic link. */
export interface Member {
  readonly name: string;
  readonly content?: string;
  readonly link?: string;
  /** For tar only. */
  readonly header?: Partial<Header>;
}

/** A tar archive with exactly these entries, whatever a packer would say of them. */
export const tarOf = async (...members: readonly Member[]): Promise<Buffer> => {
  const archive = pack();
  for (const { name, content = '', link, header } of members) {
    const kind = link === undefined ? {} : ({ type: 'symlink', linkname: link } as const);
    archive.entry({ name, ...kind, ...header }, content);
  }
  archive.finalize();
  return buffer(archive);
};

const madeByUnix = 3;
const linkMode = 0o120_777;

/** A zip archive with exactly these entries, stored as they are. */
export const zipOf = (members: readonly Member[], { system = madeByUnix, method = 0 } = {}): Buffer => {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const { name, content = '', link } of members) {
    const [path, bytes] = [Buffer.from(name), Buffer.from(link ?? content)];
    const facts = Buffer.alloc(26);
    facts.writeUInt16LE(20, 0);
    facts.writeUInt16LE(method, 4);
    facts.writeUInt16LE(0x21, 8);
    facts.writeUInt32LE(crc32(bytes), 10);
    facts.writeUInt32LE(bytes.length, 14);
    facts.writeUInt32LE(bytes.length, 18);
    facts.writeUInt16LE(path.length, 22);
    const rest = Buffer.alloc(14);
    if (link !== undefined) rest.writeUInt32LE(linkMode * 65_536, 6);
    rest.writeUInt32LE(offset, 10);
    const local = Buffer.concat([Buffer.from('504b0304', 'hex'), facts, path, bytes]);
    centrals.push(
      Buffer.concat([Buffer.from('504b0102', 'hex'), Buffer.from([20, system]), facts, rest, path]),
    );
    locals.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(centrals);
  const tail = Buffer.alloc(18);
  tail.writeUInt16LE(members.length, 4);
  tail.writeUInt16LE(members.length, 6);
  tail.writeUInt32LE(central.length, 8);
  tail.writeUInt32LE(offset, 12);
  return Buffer.concat([...locals, central, Buffer.from('504b0506', 'hex'), tail]);
};
