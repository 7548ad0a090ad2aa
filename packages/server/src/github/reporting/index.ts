export { reportDue } from './report.ts';
