import { extname } from 'node:path';

const text = (subtype: string): string => `text/${subtype}; charset=utf-8`;

/** Content types by extension, only those for which a browser or a tool acts differently. */
const byExtension: ReadonlyMap<string, string> = new Map(
  Object.entries({
    css: text('css'),
    csv: text('csv'),
    htm: text('html'),
    html: text('html'),
    js: text('javascript'),
    mjs: text('javascript'),
    cjs: text('javascript'),
    log: text('plain'),
    md: text('markdown'),
    txt: text('plain'),
    yaml: 'application/yaml',
    yml: 'application/yaml',
    json: 'application/json',
    map: 'application/json',
    xml: 'application/xml',
    wasm: 'application/wasm',
    pdf: 'application/pdf',
    svg: 'image/svg+xml',
    png: 'image/png',
    jpg: 'image/jpeg',
    jpeg: 'image/jpeg',
    gif: 'image/gif',
    webp: 'image/webp',
    ico: 'image/x-icon',
    woff: 'font/woff',
    woff2: 'font/woff2',
    mp4: 'video/mp4',
    webm: 'video/webm',
    zip: 'application/zip',
    jar: 'application/java-archive',
    gz: 'application/gzip',
    tgz: 'application/gzip',
    bz2: 'application/x-bzip2',
    xz: 'application/x-xz',
    zst: 'application/zstd',
    '7z': 'application/x-7z-compressed',
    tar: 'application/x-tar',
  }),
);

/** Formats that are already compressed, so compressing them again saves nothing. */
const compressed = new Set(
  [
    '7z ace alz arc arj br bz bz2 cab gz lha lz lz4 lzh lzma lzo rar sz tbz tbz2 tgz tlz txz tzst xz z zip zipx zst',
    'aab apk appimage appx apkg conda crx deb dmg egg epub exe flatpak gem ipa jar jmod msi msix nupkg pkg pyz rpm',
    'snap vsix war whl xpi squashfs sfs qcow2 crate',
    'docx odp ods odt ott pptx vsdx xlsx xlsb kmz usdz 3mf',
    'npz parquet orc mat rds keras',
    'avif gif heic heif j2k jp2 jpeg jpg jxl png webp svgz',
    '3gp aac avi flac flv m4a m4v mkv mov mp3 mp4 mpeg mpg oga ogg ogv opus webm wma wmv',
    'woff woff2 swf gpg pgp age',
  ].flatMap((line) => line.split(' ')),
);

const extensionOf = (path: string): string => extname(path).slice(1).toLowerCase();

/** The content type of a file, judged by its name alone. */
export const contentTypeOf = (path: string): string =>
  byExtension.get(extensionOf(path)) ?? 'application/octet-stream';

/** The default encoding of a file: gzip, unless it is already compressed. */
export const contentEncodingOf = (path: string): 'gzip' | 'identity' =>
  compressed.has(extensionOf(path)) ? 'identity' : 'gzip';
