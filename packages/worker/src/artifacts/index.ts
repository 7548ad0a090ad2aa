export { type CollectedFile, type Collection, collectArtifacts, type FoundArtifact } from './collect.ts';
export { openUploads, type Uploads, uploadFile, withBytes } from './upload.ts';
