// Generated from the server's contracts by `npm run generate`. Do not edit.
import { type CallOptions, type ServiceClient, serviceClass } from '../service.ts';

export type CreateUploadRequest = {
  projectId: string;
  uploadId: string;
  expires: string;
  hashes?: {
    sha256?: string;
    sha512?: string;
  };
  proposedUploadMethods: {
    dataInline?: {
      contentType: string;
      objectData: string;
    };
    putUrl?: {
      contentType: string;
      contentLength: number;
    };
  };
};
export type CreateUploadResponse = {
  projectId: string;
  uploadId: string;
  expires: string;
  uploadMethod: {
    dataInline?: true;
    putUrl?: {
      url: string;
      expires: string;
      headers: Record<string, string>;
    };
  };
};
export type DownloadObjectRequest = {
  acceptDownloadMethods: {
    getUrl?: true;
    simple?: true;
  };
};
export type DownloadObjectResponse = {
  method: 'simple';
  url: string;
} | {
  method: 'getUrl';
  url: string;
  expires: string;
  hashes: {
    sha256?: string;
    sha512?: string;
  };
};
export type FinishUploadRequest = {
  projectId: string;
  uploadId: string;
  hashes?: {
    sha256?: string;
    sha512?: string;
  };
};
export type GetObjectResponse = {
  projectId: string;
  expires: string;
  hashes: {
    sha256?: string;
    sha512?: string;
  };
};

export interface ObjectServiceApi {
  /** Ping. */
  ping(options?: CallOptions): Promise<unknown>;
  /** Load balancer heartbeat. */
  lbheartbeat(options?: CallOptions): Promise<unknown>;
  /** Version. */
  version(options?: CallOptions): Promise<unknown>;
  /** Heartbeat. */
  heartbeat(options?: CallOptions): Promise<unknown>;
  /** Start an upload. */
  createUpload(name: string, body: CreateUploadRequest, options?: CallOptions): Promise<CreateUploadResponse>;
  /** Finish an upload. */
  finishUpload(name: string, body: FinishUploadRequest, options?: CallOptions): Promise<void>;
  /** Start a download. */
  startDownload(name: string, body: DownloadObjectRequest, options?: CallOptions): Promise<DownloadObjectResponse>;
  /** Look an object up. */
  object(name: string, options?: CallOptions): Promise<GetObjectResponse>;
  /** Download an object. */
  download(name: string, options?: CallOptions): Promise<unknown>;
}

export type ObjectService = ObjectServiceApi & ServiceClient;
export const ObjectService = serviceClass<ObjectServiceApi>('object', {
  ping: { method: 'GET', route: '/ping', title: 'Ping' },
  lbheartbeat: { method: 'GET', route: '/__lbheartbeat__', title: 'Load balancer heartbeat' },
  version: { method: 'GET', route: '/__version__', title: 'Version' },
  heartbeat: { method: 'GET', route: '/__heartbeat__', title: 'Heartbeat' },
  createUpload: { method: 'PUT', route: '/upload/<name>', title: 'Start an upload', input: true },
  finishUpload: { method: 'POST', route: '/finish-upload/<name>', title: 'Finish an upload', input: true },
  startDownload: { method: 'PUT', route: '/start-download/<name>', title: 'Start a download', input: true },
  object: { method: 'GET', route: '/metadata/<name>', title: 'Look an object up' },
  download: { method: 'GET', route: '/download/<name>', title: 'Download an object' },
});
