export { TunnelRefused } from './connection.ts';
export { openTunnel, type Tunnel, type TunnelOptions } from './tunnel.ts';
