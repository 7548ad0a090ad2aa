export { taskRefOf } from './identity.ts';
export { openTracing } from './open.ts';
export { type Attributes, type Span, type Tracing, traced } from './tracing.ts';
