import { absolutePathCases } from './testing/absolute-path-cases.ts';
import { leftCases } from './testing/left-cases.ts';
import { payloadCases } from './testing/payload-cases.ts';
import { testPayloads } from './testing/payloads-on.ts';

await testPayloads('docker', 'docker: payloads', () => [...payloadCases, ...leftCases, ...absolutePathCases]);
