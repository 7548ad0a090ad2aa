// Loaded before a program (`node --import`): lets a signal change what time it takes it to be. The file that
// CHAOS_CLOCK names says by how many milliseconds it is wrong; SIGUSR2 has it read again.
import { readFileSync } from 'node:fs';

const TrueDate = Date;
let offsetMs = 0;

class ShiftedDate extends TrueDate {
  constructor(...parts: [] | ConstructorParameters<typeof Date>) {
    if (parts.length === 0) super(TrueDate.now() + offsetMs);
    else super(...parts);
  }

  static override now(): number {
    return TrueDate.now() + offsetMs;
  }
}

globalThis.Date = ShiftedDate as DateConstructor;
process.on('SIGUSR2', () => {
  offsetMs = Number(readFileSync(process.env.CHAOS_CLOCK ?? '', 'utf8'));
});
