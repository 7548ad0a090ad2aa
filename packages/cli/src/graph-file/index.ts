export { describeMistake, type Mistake, MistakesError } from '@taskyard/taskcluster-yml/template';
export type { TaskBody } from './complete.ts';
export { editorSchema } from './editor-schema.ts';
export { type Graph, type GraphTask, type LoadOptions, loadGraph } from './load.ts';
export type { FolderSource, GitSource } from './origin.ts';
