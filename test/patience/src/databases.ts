import { tmpdir } from 'node:os';

/**
 * The folder in which a test makes the folder of a PostgreSQL of its own: in memory where `npm test` has found room for that,
 * otherwise the one for temporary files.
 */
export const databasesFolder = (): string => process.env.TASKYARD_TEST_DATABASES ?? tmpdir();
