import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file of the pages, as it is sent. Its bytes are read when they are first asked for, and kept. */
export interface SiteFile {
  readonly contentType: string;
  readonly cacheControl: string;
  readonly bytes: () => Buffer;
  /** The same bytes, compressed, by the name of the encoding. */
  readonly encoded: Readonly<Record<'br' | 'gzip', () => Buffer | undefined>>;
}

/** What the build has made: the page that all addresses share, and the files that it loads. */
export interface Site {
  readonly page: SiteFile;
  /** By path, which begins with a slash. */
  readonly files: ReadonlyMap<string, SiteFile>;
}

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.yml': 'text/yaml; charset=utf-8',
  '.woff2': 'font/woff2',
};

const read = (path: string): Buffer | undefined => {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
};

/** Calls a function at most once, and keeps what it returned. */
const once = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
};

const fileAt = (path: string, name: string): SiteFile => ({
  contentType: contentTypes[extname(name)] ?? 'application/octet-stream',
  // The names of assets change with their content.
  cacheControl: name.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
  bytes: once(() => readFileSync(path)),
  encoded: { br: once(() => read(`${path}.br`)), gzip: once(() => read(`${path}.gz`)) },
});

const siteFolder = fileURLToPath(new URL('./site', import.meta.url));
const docsFolder = fileURLToPath(new URL('./docs', import.meta.url));

const namesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && extname(entry.name) in contentTypes)
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/'),
    );

/** The documents by path: `/docs/operating/start`, and `/docs/operating/` for the README of a folder. */
export const readDocs = (folder: string = docsFolder): ReadonlyMap<string, SiteFile> =>
  existsSync(folder)
    ? new Map(
        namesIn(folder).map((name) => [
          `/docs/${name.replace(/(^|(?<=\/))README\.html$|\.html$/, '')}`,
          fileAt(join(folder, name), name),
        ]),
      )
    : new Map();

/** Reads what the build has made; undefined where the pages were not built. */
export const readSite = (folder: string = siteFolder): Site | undefined => {
  if (!existsSync(folder)) return undefined;
  const files = new Map(namesIn(folder).map((name) => [`/${name}`, fileAt(join(folder, name), name)]));
  const page = files.get('/index.html');
  return page && { page, files };
};

/** The headers of pages: they run scripts of this server only, and connect only to it and these. */
export const pageHeaders = (origins: readonly string[] = []): Readonly<Record<string, string>> => ({
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    // Libraries of components set styles; no style can read or send what is on a page that loads from here only.
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    ["connect-src 'self'", ...origins].join(' '),
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
});
