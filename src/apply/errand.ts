/** One step on one server that no plan holds, such as the reboot of a roll: under the server's lock, which is let go of again. */
import { isUnknown, type Control, type Holder } from '../core/port.ts';
import type { ReasonCode } from '../core/reason.ts';
import type { ExecStep, FileStep } from '../core/step.ts';

/** Why it was not done, and what would help. */
export interface Undone {
  readonly code: ReasonCode;
  readonly why: string;
  readonly help?: string | undefined;
}

/** `null`: it is done, or begun where it is a program. */
export const errand = async (
  control: Control,
  server: string,
  by: Holder,
  id: string,
  step: ExecStep | FileStep,
): Promise<Undone | null> => {
  const held = await control.hold(server, by);
  if (isUnknown(held)) return { ...held, code: held.reason };
  if (held.is === 'busy') return { code: 'server-held', why: `it is held by ${held.by?.who ?? 'another run'}` };
  try {
    const answer = await (step.do === 'exec' ? control.start(server, id, step) : control.file(server, step));
    if (isUnknown(answer)) return { ...answer, code: answer.reason };
    if (typeof answer === 'object') return { code: 'file-failed', why: answer.why };
    if (answer === 'differs') return { code: 'file-changed', why: 'somebody changed it since it was read' };
    return answer === 'fenced' ? { code: 'taken-over', why: 'another run has taken it over' } : null;
  } finally {
    await control.release();
  }
};
