import { slugid } from '@taskyard/client';
import { root } from '../support/platform.ts';
import { isOver, type Measure, measuresOf, report } from './all.ts';
import { entriesOfReportCompleted } from './entries.ts';
import { programFiles, withSources } from './sources.ts';

// `npm run check -- --measures`: how well the code keeps its shape, in numbers. Fails when one is over its limit.

const entries = await entriesOfReportCompleted(root, [slugid(), slugid()]);
const counted = Object.entries(entries).map(([name, count]) => `queue/changes: ${name}, ${count} times`);
const ofEntries: Measure = {
  name: 'entries of queue/changes for one reportCompleted with one dependent',
  value: Object.values(entries).reduce((sum, count) => sum + count, 0),
  limit: 8,
  counted,
};
const measures = [...withSources(programFiles(root), measuresOf), ofEntries];
console.log(report(measures).join('\n'));
console.log('the tenth is that every test is green: npm test');
process.exitCode = measures.some(isOver) ? 1 : 0;
