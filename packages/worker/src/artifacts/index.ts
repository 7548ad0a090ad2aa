export { type CollectedFile, type Collection, collectArtifacts } from './collect.ts';
export { uploadCollection, uploadFile } from './upload.ts';
