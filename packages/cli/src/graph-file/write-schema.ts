import { mkdir, writeFile } from 'node:fs/promises';
import { editorSchema } from './editor-schema.ts';

// Run after a change of schema.ts: `node packages/cli/dist/graph-file/write-schema.js`.
const target = new URL('../../schemas/graph-file.json', import.meta.url);
await mkdir(new URL('.', target), { recursive: true });
await writeFile(target, `${JSON.stringify(editorSchema(), null, 2)}\n`);
