// The program of a worker that the platform starts on its own machine: `taskyard worker`, which ends with the platform.
import { main } from './main.ts';

const [node = '', program = '', ...words] = process.argv;

// Its standard input is a pipe from the platform. Nothing ever comes, and it ends with the platform, however that ends.
process.stdin.once('end', () => process.kill(process.pid, 'SIGTERM')).resume();
await main([node, program, 'worker', ...words]);
process.stdin.destroy();
