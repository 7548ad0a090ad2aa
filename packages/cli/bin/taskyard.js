#!/usr/bin/env node
import { startInLittleMemory } from '../dist/little-memory.js';

const { main } = await startInLittleMemory(() => import('../dist/main.js'));
await main(process.argv);
