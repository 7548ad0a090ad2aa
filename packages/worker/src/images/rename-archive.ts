import { Readable } from 'node:stream';
import { type ExtractEvents, extract, pack } from 'tar-stream';

type Entry = ExtractEvents['entry'][1];

interface ArchivedImage {
  readonly RepoTags?: readonly string[] | null;
}
interface OciImage {
  readonly digest?: string;
  readonly annotations?: Record<string, string>;
}
interface OciIndex {
  readonly manifests?: readonly OciImage[];
}

/** An image with several names is listed once for each. */
const distinct = (images: readonly OciImage[] = []): OciImage[] => [
  ...new Map(images.map((image) => [image.digest ?? image, image])).values(),
];

const only = <T>(images: readonly T[] | undefined): T => {
  const [image, ...others] = images ?? [];
  if (image === undefined || others.length > 0) {
    throw new Error(`the archive holds ${others.length + (image === undefined ? 0 : 1)} images, not one`);
  }
  return image;
};

/** The tables of contents of an archive, with its one image named as we name it. */
const renamed = new Map<string, (text: string, name: string) => unknown>([
  [
    'manifest.json',
    (text, name) => [{ ...only(JSON.parse(text) as readonly ArchivedImage[]), RepoTags: [name] }],
  ],
  [
    'index.json',
    (text, name) => {
      const index = JSON.parse(text) as OciIndex;
      const image = only(distinct(index.manifests));
      const annotations = {
        ...image.annotations,
        'io.containerd.image.name': `docker.io/library/${name}`,
        'org.opencontainers.image.ref.name': name.slice(name.indexOf(':') + 1),
      };
      return { ...index, manifests: [{ ...image, annotations }] };
    },
  ],
]);

// Tables of contents are small: none may fill the worker's memory.
const tableBytesMax = 16 * 1024 * 1024;

const textOf = async (entry: Entry): Promise<string> => {
  const { name, size } = entry.header;
  if (size > tableBytesMax) throw new Error(`${name} of the archive is too large`);
  const chunks: Buffer[] = [];
  for await (const chunk of entry as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
};

/** tar-stream 3.2.2 hands out the content of such an entry without its holes, and one kind of them by a false name. */
const isSparse = ({ type, pax }: Entry['header']): boolean =>
  (type as string | null) === null || Object.keys(pax ?? {}).some((key) => key.startsWith('GNU.sparse.'));

/**
 * An archive of one image (`docker save`), in which the image has this name and no other. The creator of the
 * archive would else decide what `debian:12` means to the tasks that come after.
 */
export const renameArchive = (archive: Readable, name: string): Readable => {
  const source = extract();
  const target = pack();
  archive.once('error', (error) => source.destroy(error));
  // The readers have the error already: the loop over the entries, and the reader of its results.
  source.on('error', () => undefined);
  target.on('error', () => undefined);
  archive.pipe(source as unknown as NodeJS.WritableStream);
  const rewrite = async (): Promise<void> => {
    let hasManifest = false;
    for await (const entry of source as AsyncIterable<Entry>) {
      const { header } = entry;
      if (isSparse(header))
        throw new Error('the archive has files with holes: make it without `tar --sparse`');
      const path = header.name.replace(/^\.\//, '');
      const rename = renamed.get(path);
      hasManifest ||= path === 'manifest.json';
      if (rename) {
        const text = await textOf(entry);
        target.entry({ name: path }, JSON.stringify(rename(text, name)));
      } else if (path === 'repositories') {
        // Names again, in the oldest way to write them.
        entry.resume();
      } else {
        await copy(entry, target);
      }
    }
    if (!hasManifest) throw new Error('the archive is not one of `docker save`: it has no manifest.json');
    target.finalize();
  };
  rewrite().catch((error) => {
    archive.destroy();
    target.destroy(error);
  });
  // What tar-stream makes is a stream of its own kind; HTTP wants one of Node's.
  return Readable.from(target as unknown as AsyncIterable<Buffer>, { objectMode: false });
};

const copy = (entry: Entry, target: ReturnType<typeof pack>): Promise<void> =>
  new Promise((resolve, reject) => {
    const sink = target.entry(entry.header, (error) => (error ? reject(error) : resolve()));
    // An archive that breaks off breaks both.
    entry.on('error', reject);
    sink.on('error', reject);
    entry.pipe(sink);
  });
