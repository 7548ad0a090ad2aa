export { type CollectedFile, type Collection, collectArtifacts } from './collect.ts';
export { uploadCollection, uploadFile, withBytes } from './upload.ts';
