/** Puts lines behind the journal of a server, under its lock. */
import { isUnknown, type Control } from '../core/port.ts';
import { causeFirst, tellingOf } from '../core/said.ts';
import { appends, broughtPath } from '../kinds/server/journal.ts';

const appendMs = 20_000;

const takenOver = 'another run took the server over';
const encoder = new TextEncoder();

/** `id`: of the command. Why they were not written, in words; null: they were. */
export const appendLines = async (
  control: Control,
  server: string,
  id: string,
  lines: readonly string[],
): Promise<string | null> => {
  const bytes = encoder.encode(lines.join(''));
  const brought = await control.file(server, { do: 'write', path: broughtPath, bytes, mode: 0o600, onlyIf: 'any' });
  if (brought === 'fenced' || brought === 'differs') return takenOver;
  if (brought !== 'done') return brought.why;
  const started = await control.start(server, id, { do: 'exec', argv: appends, deadlineMs: appendMs });
  if (started === 'fenced') return takenOver;
  if (isUnknown(started)) return started.why;
  const result = await control.wait(server, id);
  if (result === 'lost' || result === 'never') return 'what came of writing it was lost';
  if (isUnknown(result)) return result.why;
  return result.rc === 0 ? null : causeFirst(tellingOf(result.err, result.out)) || `exit code ${result.rc}`;
};
