export { openShells } from './shells.ts';
export { openShellsByTunnel, type TaskShells } from './shells-by-tunnel.ts';
